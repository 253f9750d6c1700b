"""Layers: which kind is made, and that all kinds learn alike."""

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.csr import CSR, take
from sklearn_lsh.network import make_optimizer
from sklearn_lsh.network.initialization import draw_weights
from sklearn_lsh.network.layers import FullLayer, SelectedFirstLayer, SelectedLayer
from sklearn_lsh.selection import HiddenLSH, OutputLSH, TopK

from ..support.selections import make_selected
from ..support.small_networks import BATCH, N_FEATURES, N_SAMPLES, SOLVERS, make_data, make_network


@pytest.mark.parametrize("settings", [{}, {"n_bits": 4}, {"n_tables": 5}])
@pytest.mark.parametrize("n_nonzero", [1.5, HiddenLSH.COMPUTED_TO, HiddenLSH.COMPUTED_TO + 1])
def test_few_non_zeros_are_computed_and_not_hashed(clustered, n_nonzero, settings):
    X, _ = clustered
    network = make_selected(X, "lsh", active_inputs=n_nonzero, **settings)
    computed = sp.issparse(X) and n_nonzero <= HiddenLSH.COMPUTED_TO and not settings
    kind = (SelectedFirstLayer, TopK) if computed else (SelectedLayer, HiddenLSH)
    assert (type(network.layers[0]), type(network.layers[0].selection)) == kind
    # Only a first layer has sparse data.
    assert type(network.layers[1].selection) is OutputLSH


def test_only_a_first_layer_has_few_non_zeros():
    network = make_network(
        "adam", (30, 100, 100, 9), (4, 4, None), selection="lsh", sparse_input=True
    )
    assert [type(layer) for layer in network.layers] == [
        SelectedFirstLayer,
        SelectedLayer,
        FullLayer,
    ]
    assert type(network.layers[1].selection) is HiddenLSH
    # Rows of an output layer, which may start at centroids, belong to classes.
    network = make_network("adam", (30, 9), (4,), selection="topk", sparse_input=True)
    assert type(network.layers[0]) is SelectedLayer


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
