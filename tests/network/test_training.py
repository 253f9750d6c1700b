"""Training runs of full layers against a float64 reference that takes the same steps."""

import numpy as np
import pytest
import scipy.sparse as sp

from ..support import small_networks as small
from ..support.reference import ACTIVATE, LOSS, train

ONES = np.ones(small.N_SAMPLES)
IN_ORDER = np.arange(small.N_SAMPLES)


def run_both(network, solver, X, target, weight=ONES, alpha=0.0, n_epochs=4):
    """Train both in the same order, comparing weights and losses after every epoch."""
    reference, steps = small.make_reference(network, solver)
    dense, y = X.astype(float), target.toarray().astype(float)
    rng = np.random.default_rng(5)
    begun = [w.copy() for w in reference.weights]
    for _ in range(n_epochs):
        order = rng.permutation(small.N_SAMPLES)
        losses = [
            train(reference, steps, dense[rows], y[rows], weight[rows], alpha) * rows.size
            for rows in small.batches(order)
        ]
        squares = sum((w**2).sum() for w in reference.weights)
        batch_weight = small.N_SAMPLES / len(losses)
        expected = sum(losses) / small.N_SAMPLES + alpha / 2 * squares / batch_weight
        given = None if weight is ONES else weight.astype(np.float32)
        loss = network.train_epoch(X, target, given, order, small.BATCH)
        assert loss == pytest.approx(expected, rel=1e-4)
        small.assert_same_weights(network, reference)
    for w, first in zip(reference.weights, begun, strict=True):
        assert np.abs(w - first).max() > 0.05, "hardly trained"


@pytest.mark.parametrize("weighted", [False, True], ids=["even", "weighted"])
@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("solver", small.SOLVERS)
def test_run_follows_reference(solver, alpha, weighted):
    X, target = small.make_data()
    weight = np.random.default_rng(8).integers(1, 4, size=small.N_SAMPLES) / 2 if weighted else ONES
    # Which neurons are to be active does not matter where all are selected.
    network = small.make_network(solver, alpha=alpha, selection="all", n_active=(3, 3, 3))
    run_both(network, solver, X, target, weight, alpha)


@pytest.mark.parametrize("activation", ACTIVATE)
@pytest.mark.parametrize("loss", LOSS)
def test_run_follows_reference_for_every_loss(loss, activation):
    X, target = small.make_data(loss, density=1.0)
    network = small.make_network(loss=loss, activation=activation, alpha=1e-3)
    run_both(network, "adam", X, target, alpha=1e-3, n_epochs=2)


@pytest.mark.parametrize("batch_size", [1, 7, small.N_SAMPLES, 1000])
def test_epoch_is_its_batches(batch_size):
    X, target = small.make_data()
    network, other = (small.make_network("sgd", alpha=0.1) for _ in range(2))
    network.train_epoch(X, target, None, IN_ORDER, batch_size)
    for rows in small.batches(IN_ORDER, batch_size):
        other.train_epoch(X, target, None, rows, batch_size)
    small.assert_same_weights(network, small.make_reference(other)[0], atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_sparse_data_trains_as_dense_data_does(dtype, index):
    # Plain gradient descent knows no difference between lazy and dense updates.
    X, target = small.make_data(density=0.3)
    X[7] = 0
    sparse = sp.csr_array(X.astype(dtype))
    sparse.indptr, sparse.indices = sparse.indptr.astype(index), sparse.indices.astype(index)
    network = small.make_network("sgd", alpha=0.01, sparse_input=True)
    before = small.make_reference(network)[0]
    dense = small.make_network("sgd", alpha=0.01)
    for _ in range(3):
        network.train_epoch(sparse, target, None, IN_ORDER[::-1], small.BATCH)
        dense.train_epoch(X.astype(dtype), target, None, IN_ORDER[::-1], small.BATCH)
    small.assert_same_weights(network, small.make_reference(dense)[0], atol=1e-6)
    assert np.abs(network.coefs[0] - before.weights[0]).max() > 0.05


def test_explicit_zeros_are_zeros():
    X, target = small.make_data(density=0.3)
    sparse = sp.csr_array(X)
    full = sp.csr_array(np.ones_like(X))
    full.data = X.reshape(-1).copy()
    one, other = (small.make_network(sparse_input=True) for _ in range(2))
    one.train_epoch(sparse, target, None, IN_ORDER, small.BATCH)
    other.train_epoch(full, target, None, IN_ORDER, small.BATCH)
    small.assert_same_weights(one, small.make_reference(other)[0], atol=1e-6)


@pytest.mark.parametrize("solver", small.SOLVERS)
def test_learning_rate_can_change_between_epochs(solver):
    X, target = small.make_data()
    network = small.make_network(solver)
    reference, steps = small.make_reference(network, solver)
    for rate in (0.05, 0.02, 0.0):
        network.optimizer.learning_rate = steps.rate = rate
        train(reference, steps, X.astype(float), target.toarray().astype(float), ONES)
        network.train_epoch(X, target, None, IN_ORDER, small.N_SAMPLES)
        small.assert_same_weights(network, reference)


@pytest.mark.parametrize("solver", small.SOLVERS)
def test_new_optimizer_has_no_memory(solver):
    X, target = small.make_data()
    network, other = small.make_network(), small.make_network(solver)
    network.train_epoch(X, target, None, IN_ORDER, small.BATCH)
    other.set_weights(network.get_weights())
    network.set_optimizer(small.make_network(solver).optimizer)
    for _ in range(2):
        for each in (network, other):
            each.train_epoch(X, target, None, IN_ORDER, small.BATCH)
    small.assert_equal_weights(network, other)


def test_decay_of_everything_leaves_nothing():
    X, target = small.make_data()
    network = small.make_network("sgd", alpha=1e9)
    network.train_epoch(X, target, None, IN_ORDER, small.BATCH)
    assert not any(w.any() for w in network.coefs)
    assert all(np.isfinite(b).all() for b in network.intercepts)
    assert network.intercepts[-1].any()


def test_batches_without_weight_change_nothing():
    X, target = small.make_data()
    weight = np.ones(small.N_SAMPLES, np.float32)
    weight[small.BATCH : 2 * small.BATCH] = 0
    network, other = (small.make_network(alpha=0.1) for _ in range(2))
    loss = network.train_epoch(X, target, weight, IN_ORDER, small.BATCH)
    other.train_epoch(
        X, target, weight, np.delete(IN_ORDER, slice(small.BATCH, 2 * small.BATCH)), small.BATCH
    )
    assert np.isfinite(loss)
    small.assert_equal_weights(network, other)
    network.train_epoch(X, target, np.zeros(small.N_SAMPLES, np.float32), IN_ORDER, small.BATCH)
    small.assert_equal_weights(network, other)


def test_samples_without_weight_are_as_if_absent():
    X, target = small.make_data()
    weight = np.ones(small.N_SAMPLES, np.float32)
    weight[::3] = 0
    network, other = (small.make_network("nesterov", alpha=0.1) for _ in range(2))
    for _ in range(3):
        network.train_epoch(X, target, weight, IN_ORDER, small.N_SAMPLES)
        other.train_epoch(X, target, None, np.flatnonzero(weight), small.N_SAMPLES)
    small.assert_same_weights(network, small.make_reference(other)[0], atol=1e-6)
