"""Comparing all rows with queries: the best of each."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from sklearn_lsh.csr import even_pattern, take
from sklearn_lsh.neighbors.metrics import METRICS, Vectors
from sklearn_lsh.neighbors.scan import Scan

from ..support.kernel_cases import quick, seeds


@given(
    n_rows=st.integers(1, 40),
    n_queries=st.integers(0, 3),
    metric=st.sampled_from(list(METRICS)),
    kind=st.sampled_from(["dense", "sparse", "indexed"]),
    seed=seeds,
)
@quick
def test_best(n_rows, n_queries, metric, kind, seed):
    """Against scores of all pairs; a duplicate, rows that come later, rows that were deleted."""
    rng = np.random.default_rng(seed)
    X, Q = (rng.integers(-2, 3, (n, 7)).astype(float) for n in (n_rows, n_queries))
    X[n_rows // 2] = X[0]
    is_sparse, prepare = kind != "dense", METRICS[metric].prepare
    rows, queries = (
        Vectors(prepare(take(sp.csr_array(M) if is_sparse else M, slice(None)))) for M in (X, Q)
    )
    alive = rng.random(n_rows) < 0.7
    alive[rng.integers(n_rows)] = True
    some = n_rows // 3
    scan = Scan(METRICS[metric], rows.part(slice(0, some)), np.ones(some, bool))
    if kind == "indexed" and scan.rows.is_sparse:
        scan.index_features()
    scan.insert(rows.part(slice(some, None)))
    scan.delete(np.flatnonzero(~alive))
    n_best = rng.integers(1, alive.sum() + 1)
    found = scan.best(queries, n_best).indices
    assert found.shape == (n_queries, n_best)
    assert (np.diff(found.astype(int), axis=1) > 0).all()
    assert alive[found].all()
    every = even_pattern(np.tile(np.arange(n_rows, dtype=np.uint32), (n_queries, 1)))
    scores = METRICS[metric].score(every, queries, rows).reshape(n_queries, n_rows)
    kept = np.sort(np.take_along_axis(scores, found, axis=1), axis=1)
    expected = np.sort(scores[:, alive], axis=1)[:, alive.sum() - n_best :]
    np.testing.assert_allclose(kept, expected, atol=1e-5)


@pytest.mark.parametrize("is_sparse", [False, True])
def test_best_in_blocks(is_sparse, monkeypatch):
    """Neither of queries nor of rows do blocks show."""
    rng = np.random.default_rng(0)
    X, Q = (rng.integers(-9, 10, (n, 5)).astype(np.float32) for n in (500, 90))
    rows, queries = (
        Vectors(take(sp.csr_array(M) if is_sparse else M, slice(None))) for M in (X, Q)
    )
    scan = Scan(METRICS["euclidean"], rows, np.ones(500, bool))
    expected = scan.best(queries, 20).indices
    for name, value in (
        ("MAX_QUERIES", 17),
        ("MAX_PRODUCTS", 17 * 60),
        ("MAX_SPARSE_PRODUCTS", 999),
    ):
        monkeypatch.setattr(f"sklearn_lsh.neighbors.scan.{name}", value)
    np.testing.assert_array_equal(scan.best(queries, 20).indices, expected)
