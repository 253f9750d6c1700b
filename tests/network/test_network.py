"""What a fit asks of a network: predictions, losses, weights, threads, memory."""

import copy
import pickle
import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.csr import CSR
from sklearn_lsh.network import Network, make_optimizer

from ..support import small_networks as small
from ..support.reference import LOSS, PREDICT, Reference

IN_ORDER = np.arange(small.N_SAMPLES)
SELECTIONS = ["lsh", "topk", "random"]


def train(network, X, target, n_epochs=1, n_jobs=None, seed=0):
    rng = np.random.default_rng(seed)
    losses = []
    for _ in range(n_epochs):
        order = rng.permutation(X.shape[0])
        losses.append(network.train_epoch(X, target, None, order, small.BATCH, n_jobs))
    return losses


def make_selected(selection="lsh", **settings):
    settings = {"n_bits": 2, "n_tables": 8, "alpha": 0.01} | settings
    return small.make_network(n_active=(5, 4, 3), selection=selection, **settings)


# Predictions


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("loss", LOSS)
def test_outputs_of_full_layers(loss, sparse):
    X, target = small.make_data(loss)
    network = small.make_network(loss=loss, activation="relu")
    train(network, X, target)
    reference = Reference(network.coefs, network.intercepts, "relu", loss)
    expected = PREDICT[loss](reference.responses(X.astype(float))[-1])
    given = sp.csr_array(X) if sparse else X
    predicted = small.predict_dense(network, given)
    assert predicted.dtype == np.float32
    np.testing.assert_allclose(predicted, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("loss", LOSS)
@pytest.mark.parametrize("selection", SELECTIONS)
def test_outputs_of_selected_layers(selection, loss):
    X, target = small.make_data(loss)
    network = make_selected(selection, loss=loss)
    train(network, X, target, 2)
    no_labels = sp.csr_array(target.shape, dtype=np.float32)
    active = small.active_masks(network, X, no_labels)
    assert (active[-1].sum(axis=1) == 3).all()
    reference = Reference(network.coefs, network.intercepts, "tanh", loss)
    answers = reference.responses(X.astype(float), active)[-1]
    top = np.where(active[-1], answers, -np.inf) if loss == "softmax" else answers
    expected = np.where(active[-1], PREDICT[loss](top), 0)
    np.testing.assert_allclose(small.predict_dense(network, X), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("n_samples", [1, 511, 512, 513, 1025])
@pytest.mark.parametrize("selection", ["all", "lsh"])
def test_chunks_are_in_order_and_threads_change_nothing(selection, n_samples):
    X, target = small.make_data(n_samples=n_samples)
    network = make_selected(selection)
    train(network, X, target)
    end = 0
    chunks = list(network.outputs(X))
    for (rows, part), (same_rows, same_part) in zip(
        chunks, network.outputs(X, n_jobs=2), strict=True
    ):
        assert rows == same_rows
        assert rows.start == end
        end = rows.stop
        for ours, theirs in zip(part, same_part, strict=True):
            np.testing.assert_array_equal(ours, theirs)
        n_rows = part.n_rows if isinstance(part, CSR) else part.shape[0]
        assert n_rows == rows.stop - rows.start
    assert end == n_samples


def test_chunks_of_wide_layers_are_small():
    network = small.make_network(n_units=(2, 40_000, 3), n_active=(None, None))
    X = np.ones((1000, 2), np.float32)
    parts = [part for _, part in network.outputs(X)]
    assert max(part.shape[0] for part in parts) * 40_000 * 4 <= 2**26
    assert sum(part.shape[0] for part in parts) == 1000


@pytest.mark.parametrize("selection", SELECTIONS)
@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_exact_selection_can_be_asked_for(selection, sparse):
    X, target = small.make_data()
    given = sp.csr_array(X) if sparse else X
    network, exact = make_selected(selection), make_selected("topk")
    train(network, given, target, 2)
    for layer, other in zip(network.layers, exact.layers, strict=True):
        other.weights.rows[...] = layer.weights.rows
        other.weights.bias[...] = layer.weights.bias
    before = small.predict_dense(network, given)
    np.testing.assert_array_equal(
        small.predict_dense(network, given, selection="topk"), small.predict_dense(exact, given)
    )
    np.testing.assert_array_equal(small.predict_dense(network, given), before)


# Losses


@pytest.mark.parametrize("weighted", [False, True], ids=["even", "weighted"])
@pytest.mark.parametrize("loss", LOSS)
def test_evaluated_loss(loss, weighted):
    X, target = small.make_data(loss, n_samples=700)
    network = small.make_network(loss=loss, alpha=1.0)
    weight = np.random.default_rng(0).random(700).astype(np.float32) if weighted else None
    reference = Reference(network.coefs, network.intercepts, "tanh", loss)
    expected = reference.mean_loss(X.astype(float), target.toarray(), weight)
    before = copy.deepcopy(network)
    assert network.evaluate_loss(X, target, weight) == pytest.approx(expected, rel=1e-5)
    small.assert_equal_weights(network, before)


def test_evaluated_loss_counts_the_targets_of_selected_outputs():
    X, target = small.make_data("logistic", n_outputs=30)
    network = small.make_network(
        n_units=(small.N_FEATURES, 30), n_active=(2,), selection="topk", loss="logistic"
    )
    network.prepare(X, IN_ORDER)
    active = small.active_masks(network, X, target)
    assert (active[0] >= target.toarray().astype(bool)).all()
    reference = Reference(network.coefs, network.intercepts, "tanh", "logistic")
    expected = reference.losses(X.astype(float), target.toarray(), active).mean()
    assert network.evaluate_loss(X, target) == pytest.approx(expected, rel=1e-5)


def test_loss_of_certain_and_wrong_predictions_is_finite():
    X = np.full((2, 1), 1e6, np.float32)
    for loss in ("softmax", "logistic"):
        network = small.make_network(n_units=(1, 2), n_active=(None,), loss=loss)
        network.layers[0].weights.rows[...] = [[1, -1]]
        for label in (0, 1):
            target = sp.csr_array(np.eye(2, dtype=np.float32)[[label, label]])
            assert np.isfinite(network.evaluate_loss(X, target))
            assert np.isfinite(network.train_epoch(X, target, None, np.arange(2), 2))


# Weights


def test_shapes_and_number_of_parameters():
    network = make_selected()
    shapes = [(small.N_FEATURES, 10), (10, 8), (8, small.N_OUTPUTS)]
    assert [w.shape for w in network.coefs] == shapes
    assert [b.shape for b in network.intercepts] == [(10,), (8,), (small.N_OUTPUTS,)]
    assert {w.dtype for w in network.coefs + network.intercepts} == {np.dtype(np.float32)}
    assert network.n_parameters == sum(n * m + m for n, m in shapes)
    network.coefs[0][:] = 7  # views
    assert (network.layers[0].weights.rows == 7).all()


@pytest.mark.parametrize("selection", ["all", *SELECTIONS])
def test_weights_can_be_returned_to(selection):
    X, target = small.make_data()
    network = make_selected(selection)
    train(network, X, target, 2)
    kept = network.get_weights()
    predicted = small.predict_dense(network, X)
    train(network, X, target, 2)
    assert (small.predict_dense(network, X) != predicted).any()
    for _ in range(2):  # the copy survives training on
        network.set_weights(kept)
        np.testing.assert_array_equal(small.predict_dense(network, X), predicted)
        train(network, X, target, 1)


@pytest.mark.parametrize("selection", ["all", *SELECTIONS])
def test_pickled_network_goes_on_alike(selection):
    X, target = small.make_data()
    network = make_selected(selection)
    train(network, X, target, 2)
    other = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(small.predict_dense(other, X), small.predict_dense(network, X))
    assert train(other, X, target, 2) == train(network, X, target, 2)
    small.assert_equal_weights(network, other)


# Determinism and threads


@pytest.mark.parametrize("selection", ["all", *SELECTIONS])
@pytest.mark.parametrize("solver", small.SOLVERS)
def test_one_thread_is_reproducible(solver, selection):
    X, target = small.make_data()
    one, other = (make_selected(selection, solver=solver) for _ in range(2))
    assert train(one, X, target, 3) == train(other, X, target, 3, n_jobs=1)
    small.assert_equal_weights(one, other)


@pytest.mark.parametrize("selection", ["all", "lsh"])
@pytest.mark.parametrize("solver", ["adam", "adagrad", "rowwise_adagrad", "momentum"])
def test_two_threads_learn_as_well_as_one(solver, selection):
    X, target, y = small.make_blobs()
    results = []
    for n_jobs in (1, 2):
        network = small.make_network(
            solver,
            (X.shape[1], 100, 60),
            (30, 20),
            activation="relu",
            selection=selection,
        )
        losses = train(network, X, target, 12, n_jobs)
        predicted = small.predict_dense(network, X).argmax(axis=1)
        results.append((losses[-1], (predicted == y).mean()))
    (loss, accuracy), (loss_2, accuracy_2) = results
    assert accuracy > 0.9
    assert accuracy_2 > accuracy - 0.03
    assert loss_2 < loss + 0.1


@pytest.mark.parametrize(
    ("n_jobs", "batch_size", "n_threads"), [(3, small.BATCH, 3), (3, 10_000, 1)]
)
def test_optimizers_know_how_many_threads_there_are(n_jobs, batch_size, n_threads):
    X, target = small.make_data()
    network = make_selected()
    network.train_epoch(X, target, None, IN_ORDER, batch_size, n_jobs)
    assert network.optimizer.n_threads == n_threads
    network.train_epoch(X, target, None, IN_ORDER, batch_size)
    assert network.optimizer.n_threads == 1


# Memory


def test_peak_memory():
    # The data, three copies of the parameters (Adam), and 200 MB.
    n_samples, n_features, n_classes, per_row = 2000, 60_000, 100_000, 20
    rng = np.random.default_rng(0)
    columns = np.sort(
        rng.integers(n_features // per_row, size=(n_samples, per_row))
        + np.arange(per_row) * (n_features // per_row)
    )
    X = sp.csr_array(
        (
            np.ones(columns.size, np.float32),
            columns.reshape(-1),
            np.arange(0, columns.size + 1, per_row),
        ),
        shape=(n_samples, n_features),
    )
    target = sp.csr_array(
        (
            np.ones(n_samples, np.float32),
            rng.integers(n_classes, size=n_samples),
            np.arange(n_samples + 1),
        ),
        shape=(n_samples, n_classes),
    )
    tracemalloc.start()
    try:
        network = Network(
            [n_features, 64, n_classes],
            n_active=[None, 128],
            optimizer=make_optimizer(
                "adam", learning_rate_init=1e-3, beta_1=0.9, beta_2=0.999, epsilon=1e-8
            ),
            sparse_input=True,
            active_inputs=per_row,
            random_state=np.random.RandomState(0),
        )
        network.start_at_centroids(X, target)
        network.train_epoch(X, target, None, np.arange(n_samples), 256)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 8 * network.n_parameters < peak < 12 * network.n_parameters + 200e6
