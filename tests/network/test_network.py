"""What a fit asks of a network: predictions, losses, weights, threads, memory."""

import copy
import pickle
import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.csr import CSR, take
from sklearn_lsh.network import Network, make_optimizer
from sklearn_lsh.network.initialization import draw_weights
from sklearn_lsh.network.layers import FullLayer, SelectedFirstLayer, SelectedLayer
from sklearn_lsh.selection import TopK

from ..support.reference import LOSS, PREDICT, Reference
from ..support.small_networks import (
    BATCH,
    N_FEATURES,
    N_OUTPUTS,
    N_SAMPLES,
    SOLVERS,
    active_masks,
    assert_equal_weights,
    make_data,
    make_network,
)

IN_ORDER = np.arange(N_SAMPLES)
SELECTIONS = ["lsh", "topk", "random"]


def train(network, X, target, n_epochs=1, n_jobs=None, seed=0):
    rng = np.random.default_rng(seed)
    losses = []
    for _ in range(n_epochs):
        order = rng.permutation(X.shape[0])
        losses.append(network.train_epoch(X, target, None, order, BATCH, n_jobs))
    return losses


def make_selected(selection="lsh", **settings):
    settings = {"n_bits": 2, "n_tables": 8, "alpha": 0.01} | settings
    return make_network(n_active=(5, 4, 3), selection=selection, **settings)


def make_blobs(n_samples=1200, n_features=20, n_classes=60):
    """Classes that are easy to tell, as sparse rows of positive numbers."""
    rng = np.random.default_rng(3)
    centres = rng.random((n_classes, n_features)) * (rng.random((n_classes, n_features)) < 0.4)
    y = rng.integers(n_classes, size=n_samples)
    X = centres[y] * rng.uniform(0.7, 1.3, size=(n_samples, n_features))
    target = sp.csr_array(
        (np.ones(n_samples, np.float32), y, np.arange(n_samples + 1)), shape=(n_samples, n_classes)
    )
    return X.astype(np.float32), target, y


def predict_dense(network, X, **how):
    parts = [
        part.toarray() if isinstance(part, CSR) else part for _, part in network.outputs(X, **how)
    ]
    return np.concatenate(parts)


# Layers


def make_first_layer(kind, solver, n_active, seed=5):
    """A first layer of each kind with the same weights, and its optimizer."""
    name, rate, parameters = SOLVERS[solver]
    optimizer = make_optimizer(name, learning_rate_init=rate, **parameters)
    by_neuron = kind is SelectedLayer
    drawn = draw_weights(N_FEATURES, 12, 0.5, by_neuron, np.random.RandomState(seed))
    chosen = () if kind is FullLayer else (TopK(n_active),)
    return kind(*drawn, optimizer, *chosen), optimizer


def assert_layers_learn_alike(kind, solver, n_active):
    """Train a layer for sparse inputs and one of another kind on the same errors."""
    layers = [make_first_layer(each, solver, n_active) for each in (SelectedFirstLayer, kind)]
    X = sp.csr_array(make_data(density=0.15)[0])
    rng = np.random.default_rng(6)
    for start in range(0, N_SAMPLES - BATCH, BATCH):
        inputs = take(X, slice(start, start + BATCH))
        errors = rng.normal(size=(BATCH, 12)).astype(np.float32)
        if kind is SelectedLayer:  # without an error a neuron keeps its optimizer's memory, too
            errors *= rng.random(errors.shape) < 0.5
        outputs = []
        for layer, optimizer in layers:
            layer.decay(0.99)
            done = layer.forward(inputs)
            dense = done.outputs
            delta = errors
            if isinstance(dense, CSR):
                samples = np.repeat(np.arange(BATCH), np.diff(dense.indptr))
                delta, dense = errors[samples, dense.indices], dense.toarray()
            outputs.append(dense)
            layer.backward(done, delta, optimizer, optimizer.next_step(), pass_errors=False)
        np.testing.assert_allclose(*outputs, rtol=0, atol=1e-5)
    (ours, _), (other, _) = layers
    assert np.abs(ours.coef - make_first_layer(kind, solver, n_active)[0].coef).max() > 1e-3
    np.testing.assert_allclose(ours.coef, other.coef, rtol=0, atol=1e-5)
    np.testing.assert_allclose(ours.bias, other.bias, rtol=0, atol=1e-5)


# Row-wise Adagrad's rows are inputs in one layer and neurons in the other.
@pytest.mark.parametrize("solver", [name for name in SOLVERS if name != "rowwise_adagrad"])
def test_rows_for_inputs_learn_as_rows_for_neurons(solver):
    assert_layers_learn_alike(SelectedLayer, solver, 4)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_selection_of_all_learns_as_a_full_layer(solver):
    assert_layers_learn_alike(FullLayer, solver, 12)


def test_named_neurons_respond_as_among_all():
    layer, _ = make_first_layer(SelectedFirstLayer, "adam", 4)
    inputs = take(sp.csr_array(make_data(density=0.15)[0]), slice(5))
    indptr, indices = (
        np.array([0, 2, 2, 3, 4, 6], np.uint32),
        np.array([0, 9, 3, 3, 11, 1], np.uint32),
    )
    done = layer.respond(inputs, indptr, indices)
    expected = inputs.toarray() @ layer.coef + layer.bias
    found = expected[np.repeat(np.arange(5), np.diff(indptr)), indices]
    np.testing.assert_allclose(done.outputs.data, found, rtol=0, atol=1e-6)


# Predictions


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("loss", LOSS)
def test_outputs_of_full_layers(loss, sparse):
    X, target = make_data(loss)
    network = make_network(loss=loss, activation="relu")
    train(network, X, target)
    reference = Reference(network.coefs, network.intercepts, "relu", loss)
    expected = PREDICT[loss](reference.responses(X.astype(float))[-1])
    given = sp.csr_array(X) if sparse else X
    predicted = predict_dense(network, given)
    assert predicted.dtype == np.float32
    np.testing.assert_allclose(predicted, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("loss", LOSS)
@pytest.mark.parametrize("selection", SELECTIONS)
def test_outputs_of_selected_layers(selection, loss):
    X, target = make_data(loss)
    network = make_selected(selection, loss=loss)
    train(network, X, target, 2)
    no_labels = sp.csr_array(target.shape, dtype=np.float32)
    active = active_masks(network, X, no_labels)
    assert (active[-1].sum(axis=1) == 3).all()
    reference = Reference(network.coefs, network.intercepts, "tanh", loss)
    answers = reference.responses(X.astype(float), active)[-1]
    top = np.where(active[-1], answers, -np.inf) if loss == "softmax" else answers
    expected = np.where(active[-1], PREDICT[loss](top), 0)
    np.testing.assert_allclose(predict_dense(network, X), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("n_samples", [1, 511, 512, 513, 1025])
@pytest.mark.parametrize("selection", ["all", "lsh"])
def test_chunks_are_in_order_and_threads_change_nothing(selection, n_samples):
    X, target = make_data(n_samples=n_samples)
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
    network = make_network(n_units=(2, 40_000, 3), n_active=(None, None))
    X = np.ones((1000, 2), np.float32)
    parts = [part for _, part in network.outputs(X)]
    assert max(part.shape[0] for part in parts) * 40_000 * 4 <= 2**26
    assert sum(part.shape[0] for part in parts) == 1000


@pytest.mark.parametrize("selection", SELECTIONS)
@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_exact_selection_can_be_asked_for(selection, sparse):
    X, target = make_data()
    given = sp.csr_array(X) if sparse else X
    network, exact = make_selected(selection), make_selected("topk")
    train(network, given, target, 2)
    for layer, other in zip(network.layers, exact.layers, strict=True):
        other.weights[...] = layer.weights
        other.bias[...] = layer.bias
    before = predict_dense(network, given)
    np.testing.assert_array_equal(
        predict_dense(network, given, selection="topk"), predict_dense(exact, given)
    )
    np.testing.assert_array_equal(predict_dense(network, given), before)


# Losses


@pytest.mark.parametrize("weighted", [False, True], ids=["even", "weighted"])
@pytest.mark.parametrize("loss", LOSS)
def test_evaluated_loss(loss, weighted):
    X, target = make_data(loss, n_samples=700)
    network = make_network(loss=loss, alpha=1.0)
    weight = np.random.default_rng(0).random(700).astype(np.float32) if weighted else None
    reference = Reference(network.coefs, network.intercepts, "tanh", loss)
    expected = reference.mean_loss(X.astype(float), target.toarray(), weight)
    before = copy.deepcopy(network)
    assert network.evaluate_loss(X, target, weight) == pytest.approx(expected, rel=1e-5)
    assert_equal_weights(network, before)


def test_evaluated_loss_counts_the_targets_of_selected_outputs():
    X, target = make_data("logistic", n_outputs=30)
    network = make_network(
        n_units=(N_FEATURES, 30), n_active=(2,), selection="topk", loss="logistic"
    )
    network.prepare(X, IN_ORDER)
    active = active_masks(network, X, target)
    assert (active[0] >= target.toarray().astype(bool)).all()
    reference = Reference(network.coefs, network.intercepts, "tanh", "logistic")
    expected = reference.losses(X.astype(float), target.toarray(), active).mean()
    assert network.evaluate_loss(X, target) == pytest.approx(expected, rel=1e-5)


def test_loss_of_certain_and_wrong_predictions_is_finite():
    X = np.full((2, 1), 1e6, np.float32)
    for loss in ("softmax", "logistic"):
        network = make_network(n_units=(1, 2), n_active=(None,), loss=loss)
        network.layers[0].weights[...] = [[1, -1]]
        for label in (0, 1):
            target = sp.csr_array(np.eye(2, dtype=np.float32)[[label, label]])
            assert np.isfinite(network.evaluate_loss(X, target))
            assert np.isfinite(network.train_epoch(X, target, None, np.arange(2), 2))


# Weights


def test_shapes_and_number_of_parameters():
    network = make_selected()
    shapes = [(N_FEATURES, 10), (10, 8), (8, N_OUTPUTS)]
    assert [w.shape for w in network.coefs] == shapes
    assert [b.shape for b in network.intercepts] == [(10,), (8,), (N_OUTPUTS,)]
    assert {w.dtype for w in network.coefs + network.intercepts} == {np.dtype(np.float32)}
    assert network.n_parameters == sum(n * m + m for n, m in shapes)
    network.coefs[0][:] = 7  # views
    assert (network.layers[0].weights == 7).all()


@pytest.mark.parametrize("selection", ["all", *SELECTIONS])
def test_weights_can_be_returned_to(selection):
    X, target = make_data()
    network = make_selected(selection)
    train(network, X, target, 2)
    kept = network.get_weights()
    predicted = predict_dense(network, X)
    train(network, X, target, 2)
    assert (predict_dense(network, X) != predicted).any()
    for _ in range(2):  # the copy survives training on
        network.set_weights(kept)
        np.testing.assert_array_equal(predict_dense(network, X), predicted)
        train(network, X, target, 1)


@pytest.mark.parametrize("selection", ["all", *SELECTIONS])
def test_pickled_network_goes_on_alike(selection):
    X, target = make_data()
    network = make_selected(selection)
    train(network, X, target, 2)
    other = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(predict_dense(other, X), predict_dense(network, X))
    assert train(other, X, target, 2) == train(network, X, target, 2)
    assert_equal_weights(network, other)


# Determinism and threads


@pytest.mark.parametrize("selection", ["all", *SELECTIONS])
@pytest.mark.parametrize("solver", SOLVERS)
def test_one_thread_is_reproducible(solver, selection):
    X, target = make_data()
    one, other = (make_selected(selection, solver=solver) for _ in range(2))
    assert train(one, X, target, 3) == train(other, X, target, 3, n_jobs=1)
    assert_equal_weights(one, other)


@pytest.mark.parametrize("selection", ["all", "lsh"])
@pytest.mark.parametrize("solver", ["adam", "adagrad", "rowwise_adagrad", "momentum"])
def test_two_threads_learn_as_well_as_one(solver, selection):
    X, target, y = make_blobs()
    results = []
    for n_jobs in (1, 2):
        network = make_network(
            solver,
            (X.shape[1], 100, 60),
            (30, 20),
            activation="relu",
            selection=selection,
        )
        losses = train(network, X, target, 12, n_jobs)
        predicted = predict_dense(network, X).argmax(axis=1)
        results.append((losses[-1], (predicted == y).mean()))
    (loss, accuracy), (loss_2, accuracy_2) = results
    assert accuracy > 0.9
    assert accuracy_2 > accuracy - 0.03
    assert loss_2 < loss + 0.1


@pytest.mark.parametrize(("n_jobs", "batch_size", "n_threads"), [(3, BATCH, 3), (3, 10_000, 1)])
def test_optimizers_know_how_many_threads_there_are(n_jobs, batch_size, n_threads):
    X, target = make_data()
    network = make_selected()
    network.train_epoch(X, target, None, IN_ORDER, batch_size, n_jobs)
    assert network.optimizer.n_threads == n_threads
    network.train_epoch(X, target, None, IN_ORDER, batch_size)
    assert network.optimizer.n_threads == 1


# The start at centroids


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_start_at_centroids(sparse):
    X, target, y = make_blobs()
    target.resize(X.shape[0], 62)  # two classes without samples
    given = sp.csr_array(X) if sparse else X
    network = make_network(
        n_units=(X.shape[1], 40, 62), n_active=(None, 10), selection="lsh", activation="relu"
    )
    hidden = np.maximum(X.astype(float) @ network.coefs[0] + network.intercepts[0], 0)
    network.start_at_centroids(given, target)
    mean = hidden.mean(axis=0)
    centred = np.zeros((62, 40))
    for label in range(60):
        centred[label] = hidden[y == label].mean(axis=0) - mean
        centred[label] /= np.linalg.norm(centred[label])
    rows = network.coefs[1].T
    lengths = np.linalg.norm(rows, axis=1)
    # All rows have one length, whatever it is.
    assert lengths[:60].std() < 1e-4 * lengths[0]
    np.testing.assert_allclose(rows, centred * lengths[0], atol=1e-4 * lengths[0])
    np.testing.assert_allclose(
        network.intercepts[1], -rows @ mean, rtol=1e-3, atol=1e-3 * lengths[0]
    )
    assert not network.intercepts[1][60:].any()
    # Classes are found before any training, by hashing too.
    assert (predict_dense(network, given).argmax(axis=1) == y).mean() > 0.7


def test_classes_judged_alone_start_at_their_odds():
    X, target, y = make_blobs()
    target.resize(X.shape[0], 62)  # two classes without samples
    biases = {}
    for loss in ("softmax", "logistic"):
        network = make_network(
            n_units=(X.shape[1], 40, 62), n_active=(None, 10), selection="lsh", loss=loss
        )
        network.start_at_centroids(X, target)
        biases[loss] = network.intercepts[1].copy()
    counts = np.bincount(y, minlength=62)
    odds = np.log((counts + 0.5) / (len(y) - counts + 0.5))
    np.testing.assert_allclose(biases["logistic"], biases["softmax"] + odds, rtol=1e-4, atol=1e-4)


def test_rows_without_labels_do_not_disturb_the_start():
    X, target, _ = make_blobs()
    X[:5] = X.mean(axis=0)
    target = sp.vstack([sp.csr_array((5, 60), dtype=np.float32), target[5:]], format="csr")
    network = make_network(n_units=(20, 30, 60), n_active=(None, 10), selection="lsh")
    network.start_at_centroids(X, target)
    lengths = np.linalg.norm(network.coefs[1], axis=0)
    assert lengths.std() < 1e-4 * lengths.mean()
    assert np.isfinite(network.intercepts[1]).all()


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
