"""Layers: which kind is made, and that all kinds learn alike."""

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.csr import CSR, Pattern, take
from sklearn_lsh.network import make_optimizer
from sklearn_lsh.network.initialization import draw_weights
from sklearn_lsh.network.layers import Layer
from sklearn_lsh.selection import HiddenLSH, OutputLSH, TopK
from sklearn_lsh.weights import InputWeights, NeuronWeights

from ..support.selections import make_selected
from ..support.small_networks import BATCH, N_FEATURES, N_SAMPLES, SOLVERS, make_data, make_network


def kinds_of(layer):
    return type(layer.weights), type(layer.selection)


@pytest.mark.parametrize("settings", [{}, {"n_bits": 4}, {"n_tables": 5}])
@pytest.mark.parametrize("n_nonzero", [1.5, HiddenLSH.COMPUTED_TO, HiddenLSH.COMPUTED_TO + 1])
def test_few_non_zeros_are_computed_and_not_hashed(clustered, n_nonzero, settings):
    X, _ = clustered
    network = make_selected(X, "lsh", active_inputs=n_nonzero, **settings)
    computed = sp.issparse(X) and n_nonzero <= HiddenLSH.COMPUTED_TO and not settings
    kinds = (InputWeights, TopK) if computed else (NeuronWeights, HiddenLSH)
    assert kinds_of(network.layers[0]) == kinds
    # Only a first layer has sparse data.
    assert type(network.layers[1].selection) is OutputLSH


def test_only_a_first_layer_has_few_non_zeros():
    network = make_network(
        "adam", (30, 100, 100, 9), (4, 4, None), selection="lsh", sparse_input=True
    )
    assert [kinds_of(layer) for layer in network.layers] == [
        (InputWeights, TopK),
        (NeuronWeights, HiddenLSH),
        (InputWeights, type(None)),
    ]
    # Rows of an output layer, which may start at centroids, belong to classes.
    network = make_network("adam", (30, 9), (4,), selection="topk", sparse_input=True)
    assert kinds_of(network.layers[0]) == (NeuronWeights, TopK)


# A first layer that selects, by rows of weights for inputs or for neurons, and one that does not.
BY_INPUT, BY_NEURON, FULL = (InputWeights, True), (NeuronWeights, True), (InputWeights, False)


def make_first_layer(kind, solver, n_active, seed=5):
    """A first layer of each kind with the same weights, and its optimizer."""
    name, rate, parameters = SOLVERS[solver]
    optimizer = make_optimizer(name, learning_rate_init=rate, **parameters)
    make_weights, selects = kind
    by_neuron = make_weights is NeuronWeights
    order = "F" if by_neuron else "C"
    coef, bias = draw_weights(N_FEATURES, 12, 0.5, order, np.random.RandomState(seed))
    weights = make_weights(coef.T if by_neuron else coef, bias, optimizer)
    return Layer(weights, TopK(n_active) if selects else None), optimizer


def assert_layers_learn_alike(kind, solver, n_active):
    """Train a layer for sparse inputs and one of another kind by the same deltas."""
    layers = [make_first_layer(each, solver, n_active) for each in (BY_INPUT, kind)]
    X = sp.csr_array(make_data(density=0.15)[0])
    rng = np.random.default_rng(6)
    for start in range(0, N_SAMPLES - BATCH, BATCH):
        inputs = take(X, slice(start, start + BATCH))
        all_deltas = rng.normal(size=(BATCH, 12)).astype(np.float32)
        if kind == BY_NEURON:  # without a delta a neuron keeps its optimizer's memory, too
            all_deltas *= rng.random(all_deltas.shape) < 0.5
        outputs = []
        for layer, optimizer in layers:
            layer.weights.decay(0.99)
            cache = layer.forward(inputs)
            dense, deltas = cache.outputs, all_deltas
            if isinstance(dense, CSR):
                samples = np.repeat(np.arange(BATCH), np.diff(dense.indptr))
                deltas, dense = all_deltas[samples, dense.indices], dense.toarray()
            outputs.append(dense)
            layer.backward(cache, deltas, optimizer.next_step(), pass_gradient=False)
        np.testing.assert_allclose(*outputs, rtol=0, atol=1e-5)
    ours, other = (layer.weights for layer, _ in layers)
    untrained = make_first_layer(kind, solver, n_active)[0].weights
    assert np.abs(ours.coef - untrained.coef).max() > 1e-3
    np.testing.assert_allclose(ours.coef, other.coef, rtol=0, atol=1e-5)
    np.testing.assert_allclose(ours.bias, other.bias, rtol=0, atol=1e-5)


# Row-wise Adagrad's rows are inputs in one layer and neurons in the other.
@pytest.mark.parametrize("solver", [name for name in SOLVERS if name != "rowwise_adagrad"])
def test_rows_for_inputs_learn_as_rows_for_neurons(solver):
    assert_layers_learn_alike(BY_NEURON, solver, 4)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_selection_of_all_learns_as_a_full_layer(solver):
    assert_layers_learn_alike(FULL, solver, 12)


@pytest.mark.parametrize("kind", [BY_INPUT, BY_NEURON], ids=["by input", "by neuron"])
def test_named_neurons_respond_as_among_all(kind):
    weights = make_first_layer(kind, "adam", 4)[0].weights
    inputs = take(sp.csr_array(make_data(density=0.15)[0]), slice(5))
    indptr = np.array([0, 2, 2, 3, 4, 6], np.uint32)
    pattern = Pattern(indptr, np.array([0, 9, 3, 3, 11, 1], np.uint32))
    outputs, groups = weights.preactivate(inputs, pattern)
    expected = inputs.toarray() @ weights.coef + weights.bias
    found = expected[np.repeat(np.arange(5), np.diff(indptr)), pattern.indices]
    np.testing.assert_allclose(outputs.data, found, rtol=0, atol=1e-6)
    assert groups.rows.tolist() == [0, 1, 3, 9, 11]
