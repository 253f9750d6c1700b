"""Kernels of the search for neighbours, of all variants, against plain Python and dense algebra."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_lsh import kernels

from ..support.kernel_cases import normal, quick, ragged, run, seeds, widths

pytestmark = pytest.mark.parametrize("variant", kernels.USABLE)


@given(pairs=ragged(), width=widths, seed=seeds)
@quick
def test_score_distances(variant, pairs, width, seed):
    rng = np.random.default_rng(seed)
    queries, rows = normal(rng, pairs.n_rows, width), normal(rng, pairs.n_columns, width)
    out = np.empty(pairs.indices.size, np.float32)
    _, (*_, scores) = run(variant, "score_distances", pairs.pattern, queries, rows, out)
    owners = np.repeat(np.arange(pairs.n_rows), np.diff(pairs.indptr))
    expected = -((queries[owners] - rows[pairs.indices]) ** 2).sum(axis=1)
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["distances", "products"])
@given(pairs=ragged(), width=st.integers(1, 70), seed=seeds)
@quick
def test_score_quantized(variant, kind, pairs, width, seed):
    rng = np.random.default_rng(seed)
    shapes = (pairs.n_rows, width), (pairs.n_columns, width)
    queries, rows = (rng.integers(-127, 128, shape).astype(np.int8) for shape in shapes)
    out = np.empty(pairs.indices.size, np.float32)
    _, (*_, scores) = run(variant, f"score_quantized_{kind}", pairs.pattern, queries, rows, out)
    owners = np.repeat(np.arange(pairs.n_rows), np.diff(pairs.indptr))
    q, r = queries[owners].astype(float), rows[pairs.indices].astype(float)
    expected = (q * r).sum(axis=1) if kind == "products" else -((q - r) ** 2).sum(axis=1)
    np.testing.assert_array_equal(scores, expected)


@given(data=st.data(), pairs=ragged(), n_features=st.integers(1, 9))
@quick
def test_score_sparse(variant, data, pairs, n_features):
    queries = data.draw(ragged(duplicates=False, rows=pairs.n_rows, columns=n_features))
    rows = data.draw(ragged(duplicates=False, rows=pairs.n_columns, columns=n_features))
    out = np.empty(pairs.indices.size, np.float64)
    _, (*_, scores) = run(variant, "score_sparse", pairs.pattern, queries, rows, out)
    owners = np.repeat(np.arange(pairs.n_rows), np.diff(pairs.indptr))
    products = queries.matrix() @ rows.matrix().T
    np.testing.assert_allclose(scores, products[owners, pairs.indices], rtol=1e-6, atol=1e-9)


@given(
    n_rows=st.integers(0, 3),
    n_columns=st.integers(1, 150),
    share=st.floats(0.01, 1),
    n_spare=st.integers(1, 20),
    cut=st.floats(0, 1),
    seed=seeds,
)
@quick
def test_keep_highest(variant, n_rows, n_columns, share, n_spare, cut, seed):
    """In two blocks of columns; some columns are left out by their offsets."""
    rng = np.random.default_rng(seed)
    products = rng.integers(-9, 10, (n_rows, n_columns)).astype(np.float32)  # with many ties
    offsets = rng.integers(0, 2, n_columns).astype(np.float32)
    offsets[rng.random(n_columns) < 0.2] = np.inf
    n_best = int(np.ceil(share * n_columns))
    shape = n_rows, n_best + n_spare
    best = (
        np.zeros(n_rows, np.uint32),
        np.full(n_rows, -np.inf, np.float32),
        np.zeros(shape, np.uint32),
        np.zeros(shape, np.float32),
    )
    middle = int(cut * n_columns)
    for part in (slice(0, middle), slice(middle, n_columns)):
        block = np.ascontiguousarray(products[:, part])
        arguments = block, offsets[part], part.start, n_best, best
        _, (*_, best) = run(variant, "keep_highest", *arguments)
    counts, _, columns, scores = best
    expected = products - offsets
    for s in range(n_rows):
        n = counts[s]
        kept = columns[s, :n]
        assert len(set(kept)) == n
        np.testing.assert_array_equal(scores[s, :n], expected[s, kept])
        highest = -np.sort(-expected[s])[:n_best]
        found = -np.sort(-scores[s, :n])[:n_best]
        np.testing.assert_array_equal(found, highest[np.isfinite(highest)])
