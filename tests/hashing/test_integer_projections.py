"""Projections in integers: exact in any order, and near those of the vectors themselves."""

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.csr import take
from sklearn_lsh.hashing.integer_projections import (
    MAX_PROJECTION,
    MAX_VALUE,
    UNIT,
    draw_normal,
    project,
    project_arrays,
    project_large,
    quantize,
    quantize_arrays,
    row_scales,
    row_scales_of_arrays,
    row_sums,
)


def make_vectors(n_features):
    rng = np.random.default_rng(0)
    lengths = np.exp2(rng.uniform(-60, 60, size=(40, 1)))
    vectors = lengths * rng.normal(size=(40, n_features)) * (rng.random((40, n_features)) < 0.7)
    vectors[7] = 0
    return vectors.astype(np.float32)


def of_kind(vectors, kind):
    """Vectors as hash functions get them: dense, or as a `CSR`."""
    return take(sp.csr_array(vectors) if kind == "sparse" else vectors, slice(0, len(vectors)))


each_kind = pytest.mark.parametrize("kind", ["dense", "sparse"])


def test_normal_projections_have_their_unit():
    drawn = draw_normal((50, 2000), np.random.RandomState(0))
    assert drawn.dtype == np.int8
    assert np.abs(drawn.astype(int)).max() <= MAX_PROJECTION
    assert drawn.mean() == pytest.approx(0, abs=4 * UNIT / 100_000**0.5)
    assert drawn.std() == pytest.approx(UNIT, rel=0.01)


@each_kind
def test_vectors_are_scaled_by_powers_of_two(kind):
    vectors = make_vectors(30)
    scales = row_scales(of_kind(vectors, kind))
    kept = np.delete(np.arange(40), 7)
    assert (np.frexp(scales[kept])[0] == 0.5).all()
    largest = np.abs(vectors[kept]).max(axis=1) * scales[kept]
    assert (largest >= 256).all()
    assert (largest < MAX_VALUE).all()


def test_tiny_vectors_count_as_zero():
    vectors = np.exp2(np.array([[-99.0], [-100], [-101], [-120]])).astype(np.float32)
    np.testing.assert_array_equal(row_scales(vectors) > 0, [True, True, False, False])


# One feature more than is summed at a time, too.
@pytest.mark.parametrize("n_features", [5, 256, 257, 700])
@each_kind
def test_products_are_those_of_integers(n_features, kind):
    vectors = make_vectors(n_features)
    given = of_kind(vectors, kind)
    quantized = quantize(given, row_scales(given))
    integers = quantized if kind == "dense" else quantized.toarray()
    np.testing.assert_array_equal(integers, np.rint(integers))
    assert np.abs(integers).max() <= MAX_VALUE
    projections = draw_normal((n_features, 9), np.random.RandomState(1))
    expected = integers.astype(np.int64) @ projections.astype(np.int64)
    np.testing.assert_array_equal(project(quantized, projections), expected)
    # They point where the vectors do.
    exact = vectors.astype(float) @ projections
    moved = np.delete(np.arange(40), 7)
    cosines = [np.corrcoef(exact[i], expected[i])[0, 1] for i in moved]
    assert min(cosines) > 0.999


@pytest.mark.parametrize("n_features", [256, 1000])
@each_kind
def test_the_largest_products_are_exact(n_features, kind):
    vectors = np.full((2, n_features), MAX_VALUE, np.float32)
    vectors[0, 0] = 1  # odd, which rounding would show
    projections = np.full((n_features, 2), MAX_PROJECTION, np.int8)
    expected = vectors.astype(np.int64) @ projections.astype(np.int64)
    np.testing.assert_array_equal(project(of_kind(vectors, kind), projections), expected)


def test_other_libraries_compute_the_same():
    xp = pytest.importorskip("array_api_strict")
    vectors, projections = make_vectors(300), draw_normal((300, 9), np.random.RandomState(1))
    given = xp.asarray(vectors)
    scales = row_scales_of_arrays(given, xp)
    np.testing.assert_array_equal(np.asarray(scales), row_scales(vectors))
    quantized = quantize_arrays(given, scales, xp)
    expected = quantize(vectors, row_scales(vectors))
    np.testing.assert_array_equal(np.asarray(quantized), expected)
    products = project_arrays(quantized, projections, xp)
    np.testing.assert_array_equal(np.asarray(products), project(expected, projections))


def test_integers_of_any_size_are_projected_digit_by_digit():
    rng = np.random.default_rng(2)
    integers = rng.integers(-(2**20), 2**20, size=(12, 300))
    factors = rng.integers(-2, 3, size=(300, 4))
    found = project_large(integers.astype(np.float32), factors.astype(np.float32), np)
    np.testing.assert_array_equal(found, integers @ factors)


@each_kind
def test_sums_over_rows(kind):
    vectors = make_vectors(30)
    np.testing.assert_allclose(
        row_sums(of_kind(vectors, kind), np.square), (vectors.astype(float) ** 2).sum(axis=1)
    )
