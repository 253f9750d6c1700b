"""Sketches: exact where they can be, and nearly the best of their length elsewhere."""

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.csr import take
from sklearn_lsh.selection.sketch import ResponseSketch, Sketch


def everything(X):
    return take(X, slice(0, X.shape[0]))


class Neurons:
    """As much of a layer as a sketch reads."""

    def __init__(self, n_neurons, n_inputs, scale=1.0):
        rng = np.random.default_rng(8)
        self.weights = rng.normal(size=(n_neurons, n_inputs)).astype(np.float32)
        self.bias = rng.normal(size=(1, n_neurons)).astype(np.float32)
        self.scale = scale

    def responses(self, X):
        return self.scale * X.astype(float) @ self.weights.T + self.bias

    @property
    def n_neurons(self):
        return self.weights.shape[0]


def sketched(sketch, X, layer):
    return sketch.queries(everything(X)) @ sketch.rows(layer).T


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_sketch_of_few_inputs_is_exact(sparse, scale):
    X = np.random.default_rng(0).normal(size=(600, 30)).astype(np.float32)
    X[[0, 77]] = 0
    given = sp.csr_array(X) if sparse else X
    layer = Neurons(40, 30, scale)
    sketch = Sketch(everything(given), 30, np.random.RandomState(0))
    expected = layer.responses(X)
    np.testing.assert_allclose(sketched(sketch, given, layer), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_sketch_of_inputs_with_few_directions_is_exact(sparse):
    # All inputs lie in a plane of five dimensions (through zero, which sparse ones need).
    rng = np.random.default_rng(9)
    X = (rng.uniform(size=(300, 5)) @ rng.normal(size=(5, 60))).astype(np.float32)
    given = sp.csr_array(X) if sparse else X
    layer = Neurons(40, 60)
    sketch = Sketch(everything(given), 8, np.random.RandomState(0))
    assert sketch.n_directions == 8
    expected = layer.responses(X)
    atol = 1e-3 * np.abs(expected).max()
    np.testing.assert_allclose(sketched(sketch, given, layer), expected, rtol=1e-3, atol=atol)


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_sketch_keeps_what_most_inputs_differ_in(sparse):
    rng = np.random.default_rng(10)
    spread = np.exp(-np.arange(100) / 8)
    X = (np.abs(rng.normal(size=(500, 100))) * spread).astype(np.float32)
    given = sp.csr_array(X) if sparse else X
    layer = Neurons(40, 100)
    sketch = Sketch(everything(given), 24, np.random.RandomState(0))
    exact, ours = layer.responses(X), sketched(sketch, given, layer)
    correlations = [np.corrcoef(a, b)[0, 1] for a, b in zip(exact, ours, strict=True)]
    assert min(correlations) > 0.9
    assert np.mean(correlations) > 0.98
    assert sketch.queries(everything(given)).dtype == sketch.rows(layer).dtype == np.float32


def differences(responses):
    return responses - responses.mean(axis=1, keepdims=True)


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_response_sketch_is_exact_where_neurons_differ_in_few_directions(sparse, scale):
    rng = np.random.default_rng(11)
    X = rng.normal(size=(500, 40)).astype(np.float32)
    layer = Neurons(60, 40, scale)
    # All rows are one row, which tells nothing, plus combinations of six others.
    layer.weights[:] = 3 * rng.normal(size=40) + rng.normal(size=(60, 6)) @ rng.normal(size=(6, 40))
    layer.weights /= np.float32(scale)
    given = sp.csr_array(X) if sparse else X
    sketch = ResponseSketch(layer, everything(given), 6, np.random.RandomState(0))
    assert sketch.n_directions == 6
    ours, exact = differences(sketched(sketch, given, layer)), differences(layer.responses(X))
    np.testing.assert_allclose(ours, exact, atol=1e-3 * np.abs(exact).max())
    assert sketch.queries(everything(given)).dtype == sketch.rows(layer).dtype == np.float32
    part = slice(10, 30)
    np.testing.assert_array_equal(sketch.rows(layer, part), sketch.rows(layer)[part])


def test_response_sketch_is_nearly_the_best_of_its_length():
    rng = np.random.default_rng(13)
    X = (rng.normal(size=(2000, 100)) * np.exp(-np.arange(100) / 15)).astype(np.float32)
    layer = Neurons(80, 100)
    sketch = ResponseSketch(layer, X, 12, np.random.RandomState(0))
    exact = differences(layer.responses(X))
    exact -= exact.mean(axis=0)
    ours = differences(sketched(sketch, X, layer))
    ours -= ours.mean(axis=0)
    values = np.linalg.svd(exact, compute_uv=False)
    least = (values[12:] ** 2).sum()  # Eckart and Young
    assert least < ((ours - exact) ** 2).sum() < 1.1 * least


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_directions_follow_inputs_and_weights(sparse):
    rng = np.random.default_rng(12)
    spread = np.where(np.arange(60) < 6, 3, 0.1)

    def draw(spread):
        X = (np.abs(rng.normal(size=(200, 60))) * spread).astype(np.float32)
        return everything(sp.csr_array(X) if sparse else X), X

    layer = Neurons(40, 60)
    sketch = ResponseSketch(layer, draw(spread)[0], 6, np.random.RandomState(0))
    layer.weights[:] = rng.normal(size=layer.weights.shape)
    errors = []
    for _ in range(20):
        batch, X = draw(spread[::-1])
        error = differences(sketch.queries(batch) @ sketch.rows(layer).T - layer.responses(X))
        errors.append(np.abs(error).mean())
        sketch = sketch.recentred(batch, 0.5).following(layer, batch, 0.3)
    assert errors[-1] < 0.2 * errors[1]
    assert sketch.basis.dtype == sketch.whitener.dtype == np.float32


def test_directions_stay_where_they_are_when_training_diverges():
    # LAPACK's singular values may never come back from numbers that are not finite.
    X = np.random.default_rng(14).uniform(size=(50, 20)).astype(np.float32)
    layer = Neurons(40, 20)
    sketch = ResponseSketch(layer, X, 6, np.random.RandomState(0))
    layer.weights[:] = 1000 * np.abs(layer.weights)
    with np.errstate(all="ignore"):
        for exponent in np.arange(15, 25, 0.1):
            moved = sketch.following(layer, X * np.float32(10**exponent), 1.0)
            assert np.isfinite(moved.basis).all()
