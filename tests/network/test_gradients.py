"""Gradients of all kinds of layers, activations and losses against finite differences."""

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.csr import CSR, Pattern
from sklearn_lsh.network.layers import Cache
from sklearn_lsh.network.losses import LOSSES, loss_and_deltas
from sklearn_lsh.selection.base import Active

from ..support.reference import ACTIVATE, LOSS, Reference
from ..support.small_networks import active_masks, make_data, make_network

N_UNITS = (9, 8, 10, 6)
N_SAMPLES = 7
# So large that what is left of the old weight in the new one costs no digits of the gradient.
RATE = 2.0**12

# All eight ways in which the three layers can be full or selected; with dense and sparse data
# each kind of layer meets each kind of input.
N_ACTIVE = [
    [n if selected else None for selected, n in zip(kinds, (5, 6, 4), strict=True)]
    for kinds in np.ndindex(2, 2, 2)
]


def make_batch(loss, sparse):
    """Rows and targets as the network takes them, and as dense arrays of float64."""
    X, target = make_data(loss, 0.6, N_UNITS[-1], N_SAMPLES, N_UNITS[0])
    X[2] = 0
    given = sp.csr_array(X) if sparse else X
    return given, X.astype(float), target, target.toarray().astype(float)


def make_gradient_network(n_active, sparse, **settings):
    return make_network(
        "sgd", N_UNITS, n_active, RATE, sparse_input=sparse, n_bits=1, n_tables=6, **settings
    )


def assert_close(ours, reference):
    __tracebackhide__ = True
    size = np.abs(reference).max()
    assert size > 1e-3, "nothing to compare"
    assert np.abs(ours - reference).max() < 1e-4 * size


def check_gradients(network, X, dense, target, y, weight):
    order = np.arange(N_SAMPLES)
    network.prepare(X, order)
    reference = Reference(network.coefs, network.intercepts, network.activation, network.loss)
    active = active_masks(network, X, target)
    network.train_epoch(X, target, weight.astype(np.float32), order, N_SAMPLES)
    of_weights, of_biases = reference.differences(dense, y, weight / weight.sum(), active)
    for depth in range(len(active)):
        assert_close((reference.weights[depth] - network.coefs[depth]) / RATE, of_weights[depth])
        moved = reference.biases[depth] - network.intercepts[depth]
        assert_close(moved / RATE, of_biases[depth])


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("activation", ACTIVATE)
@pytest.mark.parametrize("loss", LOSS)
def test_gradients_match_finite_differences(loss, activation, sparse):
    batch = make_batch(loss, sparse)
    weight = np.random.default_rng(11).uniform(0.5, 2, size=N_SAMPLES)
    for n_active in N_ACTIVE:
        network = make_gradient_network(
            n_active, sparse, activation=activation, loss=loss, selection="topk"
        )
        check_gradients(network, *batch, weight)


@pytest.mark.parametrize("selection", ["lsh", "random"])
@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_gradients_with_other_selections(selection, sparse):
    network = make_gradient_network(N_ACTIVE[-1], sparse, selection=selection)
    check_gradients(network, *make_batch("softmax", sparse), np.ones(N_SAMPLES))


@pytest.mark.parametrize("n_active", N_ACTIVE)
def test_gradients_of_dense_rows_in_a_network_for_sparse_ones(n_active):
    network = make_gradient_network(n_active, True, selection="topk")
    check_gradients(network, *make_batch("softmax", False), np.ones(N_SAMPLES))


@pytest.mark.parametrize("loss", LOSS)
def test_deltas_of_drawn_outputs_match_finite_differences(loss):
    # Each output counts as often as it stands for others: in the softmax's sum, in a label's odds,
    # or in the sum of losses.
    rng = np.random.default_rng(12)
    z, importance = rng.normal(size=6), np.array([1, 1, 2.5, 2.5, 7, 7])
    y = np.array([1, 0, 0, 0, 0, 0])
    weight = 0.8

    def weighted_loss(z):
        if loss == "softmax":
            return weight * (np.log(np.sum(importance * np.exp(z))) - z[0])
        if loss == "logistic":
            odds = importance * np.exp(z)
            return weight * (np.log1p(odds) - y * np.log(odds)).sum()
        return weight * LOSS[loss](z[:, np.newaxis], y[:, np.newaxis], True) @ importance

    indptr, indices = np.array([0, 6], np.uint32), np.arange(6, dtype=np.uint32)
    outputs = CSR(indptr, indices, z.astype(np.float32), 6)
    pattern = Pattern(indptr, indices)
    active = Active(pattern, log_importance=np.log(importance).astype(np.float32))
    cache = Cache(None, outputs, None, active, targets_first=True)
    targets = CSR(np.array([0, 1], np.uint32), indices[:1], np.ones(1, np.float32), 6)
    total, deltas = loss_and_deltas(LOSSES[loss], cache, targets, np.full(1, weight, np.float32))
    expected = [weighted_loss(z + step) - weighted_loss(z - step) for step in 1e-6 * np.eye(6)]
    np.testing.assert_allclose(deltas, np.array(expected) / 2e-6, rtol=1e-4)
    total *= 6 if LOSSES[loss].averaged else 1
    np.testing.assert_allclose(total, weighted_loss(z), rtol=1e-5)


@pytest.mark.parametrize("loss", LOSS)
def test_reference_agrees_with_itself(loss):
    # Its backpropagation, which the tests of whole training runs use, against its differences.
    X, dense, target, y = make_batch(loss, False)
    network = make_gradient_network(N_ACTIVE[-1], False, loss=loss)
    network.prepare(X, np.arange(N_SAMPLES))
    active = active_masks(network, X, target)
    reference = Reference(network.coefs, network.intercepts, "tanh", loss)
    weight = np.random.default_rng(13).uniform(size=N_SAMPLES)
    of_weights, of_biases = reference.differences(dense, y, weight, active)
    for depth, (w, b, _) in enumerate(reference.gradients(dense, y, weight, active)):
        np.testing.assert_allclose(w, of_weights[depth], rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(b, of_biases[depth], rtol=1e-6, atol=1e-9)
