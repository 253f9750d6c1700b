"""Lazy updates: what is not active keeps its value, its optimizer's memory, and decays all the
same."""

import numpy as np
import pytest
import scipy.sparse as sp

from ..support import small_networks as small
from ..support.reference import train

IN_ORDER = np.arange(small.N_SAMPLES)
N_UNITS = (small.N_FEATURES, 30, 8, small.N_OUTPUTS)


def touched_cells(X, active, sparse, selected):
    """What lazy optimizers touch in a batch: for each layer, its cells and its neurons.

    Of a selected layer the cells of an active neuron and an active input of one and the same
    sample, of a full one all cells of an active input. Dense inputs are all active.
    """
    masks = []
    inputs = X != 0 if sparse else np.ones(X.shape, dtype=bool)
    for outputs, chosen in zip(active, selected, strict=True):
        given = inputs if chosen else np.repeat(inputs.any(axis=0)[np.newaxis], len(X), axis=0)
        masks.append((given.T.astype(int) @ outputs > 0, outputs.any(axis=0)))
        inputs = outputs
    return masks


@pytest.mark.parametrize("decay", [0.0, 0.05, 1.2])
@pytest.mark.parametrize(
    ("n_active", "sparse"),
    [((4, None, None), False), ((4, None, None), True), ((None, None, None), True)],
    ids=["selected, dense data", "selected, sparse data", "full, sparse data"],
)
@pytest.mark.parametrize("solver", small.SOLVERS)
def test_run_follows_reference(solver, n_active, sparse, decay):
    # Only the first layer is selected, at random: by the data, so that what is active is known
    # beforehand, for a hundred steps without the end of an epoch. The strong decay makes the
    # network multiply the decay into the weights before the epoch ends.
    X, target = small.make_data(density=0.15)
    alpha = decay / small.SOLVERS[solver][1]
    network = small.make_network(solver, N_UNITS, n_active, alpha=alpha, sparse_input=sparse)
    given = sp.csr_array(X) if sparse else X
    network.prepare(given, IN_ORDER)
    active = small.active_masks(network, given, target)
    reference, steps = small.make_reference(network, solver)
    dense, y = X.astype(float), target.toarray().astype(float)
    order = np.tile(np.random.default_rng(2).permutation(small.N_SAMPLES), 6)
    selected = [n is not None for n in n_active]
    untouched = []
    for rows in small.batches(order, 3):
        masks = [mask[rows] for mask in active]
        touched = touched_cells(X[rows], masks, sparse, selected)
        untouched.append(1 - touched[0][0].mean())
        train(reference, steps, dense[rows], y[rows], np.ones(3), alpha, masks, touched)
    assert np.mean(untouched) > 0.5
    network.train_epoch(given, target, None, order, 3)
    small.assert_same_weights(network, reference, atol=1e-4)


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("solver", small.SOLVERS)
def test_inactive_weights_stay_bit_for_bit(solver, sparse):
    X, target = small.make_data(density=0.25)
    X[3, :4] = 1, -1, 2, 0
    given = sp.csr_array(X) if sparse else X
    network = small.make_network(solver, n_active=(3, 3, 2), sparse_input=sparse)
    for _ in range(2):  # every weight gets some momentum
        network.train_epoch(given, target, None, IN_ORDER, small.BATCH)
    rows = np.array([3])
    active = small.active_masks(network, given[rows], target[rows])
    touched = touched_cells(X[rows], active, sparse, (True, True, True))
    before = [
        [
            array.copy()
            for array in (weights.rows.T, weights.state, weights.bias, weights.bias_state)
        ]
        for weights in (layer.weights for layer in network.layers)
    ]
    network.train_epoch(given, target, None, rows, 1)
    for layer, (cells, neurons), (w, w_state, b, b_state) in zip(
        network.layers, touched, before, strict=True
    ):
        assert not neurons.all()
        weights = layer.weights
        np.testing.assert_array_equal(weights.rows.T[~cells], w[~cells])
        # Of cells or of rows.
        same = weights.state == w_state
        kept = cells.T if same.shape[2] > 1 else cells.T.any(axis=1, keepdims=True)
        assert same[:, ~kept].all()
        np.testing.assert_array_equal(weights.bias[:, ~neurons], b[:, ~neurons])
        np.testing.assert_array_equal(weights.bias_state[:, 0, ~neurons], b_state[:, 0, ~neurons])
        assert (weights.rows.T[cells] != w[cells]).any()
        assert (weights.bias[0, neurons] != b[0, neurons]).all()


def test_neurons_without_response_do_not_learn():
    # relu: active neurons that answer nothing have no gradient, hence no step of momentum.
    X, target = small.make_data(density=1.0)
    network = small.make_network("momentum", n_active=(4, None, None), activation="relu")
    network.train_epoch(X, target, None, IN_ORDER, small.BATCH)
    row = IN_ORDER[:1]
    selected = small.active_masks(network, X[row], target[row])[0][0]
    answers = X[row] @ network.coefs[0] + network.intercepts[0]
    answering = selected & (answers[0] > 0)
    assert 0 < answering.sum() < selected.sum()
    before = network.coefs[0].copy()
    network.train_epoch(X, target, None, row, 1)
    moved = (network.coefs[0] != before).any(axis=0)
    np.testing.assert_array_equal(moved, answering)


def test_decay_is_exact_where_nothing_was_ever_active():
    # One class only: most of the other rows of the output layer see nothing but decay.
    X, _ = small.make_data(density=1.0)
    target = sp.csr_array((np.eye(1, 400) + np.zeros((small.N_SAMPLES, 1))).astype(np.float32))
    network = small.make_network(n_units=(small.N_FEATURES, 400), n_active=(2,), alpha=300.0)
    first = network.coefs[0].copy()
    active = small.active_masks(network, X, target)[0].any(axis=0)
    for _ in range(40):
        network.train_epoch(X, target, None, IN_ORDER, small.N_SAMPLES)
    assert (~active).sum() > 200
    factor = (1 - 0.01 * 300.0 / small.N_SAMPLES) ** 40
    np.testing.assert_allclose(network.coefs[0][:, ~active], first[:, ~active] * factor, rtol=1e-5)
    assert (network.coefs[0][:, active] != first[:, active] * factor).mean() > 0.9
