"""Weights with a row for each input or each neuron: the same neurons, computed and decayed."""

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.csr import CSR, even_pattern, take
from sklearn_lsh.network.optimizers import Adam, RowwiseAdagrad
from sklearn_lsh.weights import (
    FEW_NEURONS,
    SMALLEST_SCALE,
    InputWeights,
    NeuronWeights,
    Preactivation,
    values,
)

N_SAMPLES, N_INPUTS, N_NEURONS = 7, 12, 9
KINDS = pytest.mark.parametrize("kind", [InputWeights, NeuronWeights])
SPARSE = pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def coef(rng):
    return rng.normal(size=(N_INPUTS, N_NEURONS)).astype(np.float32)


@pytest.fixture
def bias(rng):
    return rng.normal(size=N_NEURONS).astype(np.float32)


@pytest.fixture
def X(rng):
    X = rng.normal(size=(N_SAMPLES, N_INPUTS)) * (rng.random((N_SAMPLES, N_INPUTS)) < 0.4)
    return X.astype(np.float32)


def make_weights(kind, coef, bias):
    """Weights of either kind from (n_inputs, n_neurons)."""
    rows = coef.copy() if kind is InputWeights else np.ascontiguousarray(coef.T)
    return kind(rows, bias.copy(), Adam(0.01, 0.9, 0.999, 1e-8))


def as_inputs(X, sparse):
    return take(sp.csr_array(X) if sparse else X, slice(0, len(X)))


def some_neurons(n_active):
    """Different neurons for each sample, in any order."""
    every = np.tile(np.arange(N_NEURONS, dtype=np.uint32), (N_SAMPLES, 1))
    shuffled = np.random.default_rng(1).permuted(every, axis=1)
    return np.ascontiguousarray(shuffled[:, :n_active])


@KINDS
def test_what_there_is(kind, coef, bias):
    weights = make_weights(kind, coef, bias)
    np.testing.assert_array_equal(weights.coef, coef)
    assert np.shares_memory(weights.coef, weights.rows)
    assert weights.bias.shape == (1, N_NEURONS)
    assert weights.n_neurons == N_NEURONS
    assert weights.size == coef.size + bias.size
    assert weights.state.shape == (2, *weights.rows.shape)
    assert weights.bias_state.shape == (2, 1, N_NEURONS)


@SPARSE
@KINDS
@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_neurons_are_computed(kind, sparse, scale, coef, bias, X):
    weights, inputs = make_weights(kind, coef, bias), as_inputs(X, sparse)
    weights.scale = scale
    expected = scale * X.astype(float) @ coef + bias
    np.testing.assert_allclose(weights.preactivate_all(inputs), expected, rtol=1e-5, atol=1e-5)
    # Those that a pattern names, in its order, and the same grouped by neuron.
    named = some_neurons(4)
    computed = weights.preactivate(inputs, even_pattern(named))
    assert isinstance(computed.outputs, CSR)
    found = values(computed.outputs).reshape(N_SAMPLES, 4)
    np.testing.assert_allclose(
        found, np.take_along_axis(expected, named, axis=1), rtol=1e-5, atol=1e-5
    )
    groups = computed.groups
    assert groups.rows.tolist() == np.unique(named).tolist()
    by_group = np.repeat(groups.rows, np.diff(groups.starts))
    np.testing.assert_array_equal(by_group, named.reshape(-1)[groups.pairs])
    np.testing.assert_array_equal(groups.samples, groups.pairs // 4)


@SPARSE
def test_the_best_of_the_named_neurons(sparse, coef, bias, X):
    weights = make_weights(NeuronWeights, coef, bias)
    named = some_neurons(6)
    best = weights.best(as_inputs(X, sparse), even_pattern(named), 2)
    expected = np.take_along_axis(X @ coef + bias, named, axis=1)
    order = np.sort(np.argsort(-expected, axis=1)[:, :2], axis=1)
    found = best.indices.reshape(N_SAMPLES, 2)
    np.testing.assert_array_equal(found, np.take_along_axis(named, order, axis=1))
    np.testing.assert_allclose(
        best.scores.reshape(N_SAMPLES, 2), np.take_along_axis(expected, order, axis=1), rtol=1e-4
    )


@KINDS
def test_decay_is_a_factor_until_it_is_too_small(kind, coef, bias):
    weights = make_weights(kind, coef, bias)
    weights.decay(0.5)
    weights.decay(0.5)
    assert weights.scale == weights.parameters.scale == 0.25
    np.testing.assert_array_equal(weights.coef, coef)
    weights.settle()
    assert weights.scale == 1
    np.testing.assert_array_equal(weights.coef, coef / 4)
    weights.decay(SMALLEST_SCALE / 2)
    assert weights.scale == 1
    np.testing.assert_allclose(weights.coef, coef / 4 * (SMALLEST_SCALE / 2), rtol=1e-6)
    np.testing.assert_array_equal(weights.bias[0], bias)


@KINDS
def test_steps_are_forgotten(kind, coef, bias):
    weights = make_weights(kind, coef, bias)
    weights.state += 1
    weights.bias_state += 1
    weights.forget_steps(Adam(0.01, 0.9, 0.999, 1e-8))
    assert not weights.state.any()
    assert not weights.bias_state.any()


@KINDS
def test_other_weights(kind, coef, bias):
    weights = make_weights(kind, coef, bias)
    weights.decay(0.5)
    assert not weights.replace(coef / 2, bias)
    assert weights.replace(coef, bias)
    assert weights.replace(coef, -bias)
    assert weights.scale == 1
    np.testing.assert_array_equal(weights.coef, coef)
    np.testing.assert_array_equal(weights.bias[0], -bias)
    assert not np.shares_memory(weights.rows, coef)


class WatchedScale:
    """Weights that note what other threads would see of their factor."""

    def __init__(self):
        self.seen = []

    def __get__(self, weights, kind):
        return self.seen[-1]

    def __set__(self, weights, scale):
        self.seen.append(scale)


@KINDS
@pytest.mark.parametrize("factor", [0.0, 1e-300, SMALLEST_SCALE / 2])
def test_no_thread_sees_a_factor_that_is_too_small(kind, coef, bias, factor):
    watched = type("Watched", (kind,), {"scale": WatchedScale()})
    weights = make_weights(watched, coef, bias)
    assert weights.settles(factor)
    assert not weights.settles(0.9)
    weights.decay(factor)
    assert vars(watched)["scale"].seen == [1, 1]


PLACES = np.array([0, 1, 3, 4, 5, 6, 9, 10, 11])
OPTIMIZERS = pytest.mark.parametrize(
    "optimizer", [Adam(0.01, 0.9, 0.999, 1e-8), RowwiseAdagrad(0.1, 1e-8)], ids=["adam", "rowwise"]
)


def with_state(kind, coef, bias, optimizer, rng):
    """Weights whose optimizer remembers something."""
    weights = make_weights(kind, coef, bias)
    weights.forget_steps(optimizer)
    weights.state[...] = rng.random(weights.state.shape)
    weights.bias_state[...] = rng.random(weights.bias_state.shape)
    weights.decay(0.5)
    return weights


@KINDS
@OPTIMIZERS
def test_neurons_come_between_others(kind, optimizer, coef, bias, rng):
    weights = with_state(kind, coef, bias, optimizer, rng)
    state, bias_state = weights.state.copy(), weights.bias_state.copy()
    weights.grow(PLACES, 12, optimizer)
    assert weights.n_neurons == 12
    weights.check_stored(N_INPUTS, 12, optimizer)
    new = np.setdiff1d(np.arange(12), PLACES)
    np.testing.assert_array_equal(weights.coef[:, PLACES], coef)
    np.testing.assert_array_equal(weights.bias[0, PLACES], bias)
    np.testing.assert_array_equal(weights.bias_state[:, :, PLACES], bias_state)
    assert not weights.coef[:, new].any()
    assert not weights.bias[0, new].any()
    assert not weights.bias_state[:, :, new].any()
    if kind is InputWeights and weights.state.shape[2] == 1:  # of inputs, which are the same
        np.testing.assert_array_equal(weights.state, state)
    else:
        axis = 1 if kind is NeuronWeights else 2
        np.testing.assert_array_equal(weights.state.take(PLACES, axis), state)
        assert not weights.state.take(new, axis).any()
    rows = rng.normal(size=(3, N_INPUTS)).astype(np.float32)
    weights.put(new, rows, np.float32([1, 2, 3]))
    np.testing.assert_array_equal(weights.coef[:, new], rows.T)
    np.testing.assert_allclose(weights.coef[:, PLACES], 0.5 * coef)
    assert weights.bias[0, new].tolist() == [1, 2, 3]


@OPTIMIZERS
def test_rows_of_inputs_become_rows_of_neurons(optimizer, coef, bias, rng):
    weights = with_state(InputWeights, coef, bias, optimizer, rng)
    twin = weights.by_neuron(optimizer)
    assert isinstance(twin, NeuronWeights)
    twin.check_stored(N_INPUTS, N_NEURONS, optimizer)
    np.testing.assert_allclose(twin.coef, 0.5 * coef)
    np.testing.assert_array_equal(twin.bias, weights.bias)
    np.testing.assert_array_equal(twin.bias_state, weights.bias_state)
    if isinstance(optimizer, Adam):
        np.testing.assert_array_equal(twin.state, weights.state.transpose(0, 2, 1))
    else:
        np.testing.assert_allclose(twin.state, weights.state.mean(), rtol=1e-6)
        assert twin.state.shape == (1, N_NEURONS, 1)


@pytest.mark.parametrize("n_neurons", [1, 2, FEW_NEURONS])
@pytest.mark.parametrize("make", [Adam, RowwiseAdagrad])
def test_few_neurons_learn_from_sparse_inputs_as_many_do(n_neurons, make, X, rng, monkeypatch):
    coef = rng.normal(size=(N_INPUTS, n_neurons)).astype(np.float32)
    deltas = rng.normal(size=(N_SAMPLES, n_neurons)).astype(np.float32)
    inputs, found = as_inputs(X, True), []
    for few in (0, FEW_NEURONS):
        monkeypatch.setattr("sklearn_lsh.weights.FEW_NEURONS", few)
        optimizer = Adam(0.01, 0.9, 0.999, 1e-8) if make is Adam else RowwiseAdagrad(0.01, 1e-8)
        weights = InputWeights(coef.copy(), np.zeros(n_neurons, np.float32), optimizer)
        weights.scale = 0.5
        for _ in range(3):
            computed = Preactivation(weights.preactivate_all(inputs))
            step = optimizer.next_step()
            counts = weights.backward(inputs, computed, deltas, step, pass_gradient=False)
        found.append((weights, counts))
    (one, one_counts), (other, other_counts) = found
    assert (one.rows != coef).any()
    np.testing.assert_allclose(one.rows, other.rows, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(one.state, other.state, rtol=1e-5, atol=1e-7)
    assert one_counts == other_counts
