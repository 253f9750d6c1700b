"""Sketches: exact where they can be, and nearly the best of their length elsewhere."""

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.csr import take
from sklearn_lsh.selection.sketch import InputSketch, PreactivationSketch


def everything(X):
    return take(X, slice(0, X.shape[0]))


class Neurons:
    """As much of weights as a sketch reads."""

    def __init__(self, n_neurons, n_inputs, scale=1.0):
        rng = np.random.default_rng(8)
        self.rows = rng.normal(size=(n_neurons, n_inputs)).astype(np.float32)
        self.bias = rng.normal(size=(1, n_neurons)).astype(np.float32)
        self.scale = scale

    def preactivations(self, X):
        return self.scale * X.astype(float) @ self.rows.T + self.bias

    @property
    def n_neurons(self):
        return self.rows.shape[0]


def sketched(sketch, X, weights):
    return sketch.queries(everything(X)) @ sketch.rows(weights).T


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_sketch_of_few_inputs_is_exact(sparse, scale):
    X = np.random.default_rng(0).normal(size=(600, 30)).astype(np.float32)
    X[[0, 77]] = 0
    given = sp.csr_array(X) if sparse else X
    weights = Neurons(40, 30, scale)
    sketch = InputSketch(everything(given), 30, np.random.RandomState(0))
    expected = weights.preactivations(X)
    np.testing.assert_allclose(sketched(sketch, given, weights), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_sketch_of_inputs_with_few_directions_is_exact(sparse):
    # All inputs lie in a plane of five dimensions (through zero, which sparse ones need).
    rng = np.random.default_rng(9)
    X = (rng.uniform(size=(300, 5)) @ rng.normal(size=(5, 60))).astype(np.float32)
    given = sp.csr_array(X) if sparse else X
    weights = Neurons(40, 60)
    sketch = InputSketch(everything(given), 8, np.random.RandomState(0))
    assert sketch.n_directions == 8
    expected = weights.preactivations(X)
    atol = 1e-3 * np.abs(expected).max()
    np.testing.assert_allclose(sketched(sketch, given, weights), expected, rtol=1e-3, atol=atol)


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_sketch_keeps_what_most_inputs_differ_in(sparse):
    rng = np.random.default_rng(10)
    spread = np.exp(-np.arange(100) / 8)
    X = (np.abs(rng.normal(size=(500, 100))) * spread).astype(np.float32)
    given = sp.csr_array(X) if sparse else X
    weights = Neurons(40, 100)
    sketch = InputSketch(everything(given), 24, np.random.RandomState(0))
    exact, ours = weights.preactivations(X), sketched(sketch, given, weights)
    correlations = [np.corrcoef(a, b)[0, 1] for a, b in zip(exact, ours, strict=True)]
    assert min(correlations) > 0.9
    assert np.mean(correlations) > 0.98
    assert sketch.queries(everything(given)).dtype == sketch.rows(weights).dtype == np.float32


def differences(preactivations):
    return preactivations - preactivations.mean(axis=1, keepdims=True)


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_preactivation_sketch_is_exact_where_neurons_differ_in_few_directions(sparse, scale):
    rng = np.random.default_rng(11)
    X = rng.normal(size=(500, 40)).astype(np.float32)
    weights = Neurons(60, 40, scale)
    # All rows are one row, which tells nothing, plus combinations of six others.
    weights.rows[:] = 3 * rng.normal(size=40) + rng.normal(size=(60, 6)) @ rng.normal(size=(6, 40))
    weights.rows /= np.float32(scale)
    given = sp.csr_array(X) if sparse else X
    sketch = PreactivationSketch(weights, everything(given), 6, np.random.RandomState(0))
    assert sketch.n_directions == 6
    ours, exact = (
        differences(sketched(sketch, given, weights)),
        differences(weights.preactivations(X)),
    )
    np.testing.assert_allclose(ours, exact, atol=1e-3 * np.abs(exact).max())
    assert sketch.queries(everything(given)).dtype == sketch.rows(weights).dtype == np.float32
    part = slice(10, 30)
    np.testing.assert_array_equal(sketch.rows(weights, part), sketch.rows(weights)[part])


def test_preactivation_sketch_is_nearly_the_best_of_its_length():
    rng = np.random.default_rng(13)
    X = (rng.normal(size=(2000, 100)) * np.exp(-np.arange(100) / 15)).astype(np.float32)
    weights = Neurons(80, 100)
    sketch = PreactivationSketch(weights, X, 12, np.random.RandomState(0))
    exact = differences(weights.preactivations(X))
    exact -= exact.mean(axis=0)
    ours = differences(sketched(sketch, X, weights))
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

    weights = Neurons(40, 60)
    sketch = PreactivationSketch(weights, draw(spread)[0], 6, np.random.RandomState(0))
    weights.rows[:] = rng.normal(size=weights.rows.shape)
    errors = []
    for _ in range(20):
        batch, X = draw(spread[::-1])
        error = differences(
            sketch.queries(batch) @ sketch.rows(weights).T - weights.preactivations(X)
        )
        errors.append(np.abs(error).mean())
        sketch = sketch.recentred(batch, 0.5).following(weights, batch, 0.3)
    assert errors[-1] < 0.2 * errors[1]
    assert sketch.basis.dtype == sketch.whitener.dtype == np.float32


def test_directions_stay_where_they_are_when_training_diverges():
    # LAPACK's singular values may never come back from numbers that are not finite.
    X = np.random.default_rng(14).uniform(size=(50, 20)).astype(np.float32)
    weights = Neurons(40, 20)
    sketch = PreactivationSketch(weights, X, 6, np.random.RandomState(0))
    weights.rows[:] = 1000 * np.abs(weights.rows)
    with np.errstate(all="ignore"):
        for exponent in np.arange(15, 25, 0.1):
            moved = sketch.following(weights, X * np.float32(10**exponent), 1.0)
            assert np.isfinite(moved.basis).all()


def test_inputs_of_which_sums_and_squares_overflow():
    inputs = np.full((8, 3), 3e38, np.float32)
    inputs[::2] = 1e38
    sketch = InputSketch(inputs, 16, np.random.RandomState(0))
    np.testing.assert_allclose(sketch.mean, 2e38, rtol=1e-6)
    assert np.isfinite(sketch.unit)
