"""The search among all rows or their sketches, and the directions of these."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from sklearn_lsh.csr import even_pattern, take
from sklearn_lsh.neighbors import LSHNeighborsTransformer, costs
from sklearn_lsh.neighbors.metrics import METRICS, Vectors
from sklearn_lsh.neighbors.scan import Scan
from sklearn_lsh.neighbors.sketch import PrincipalSketch, principal_directions

from ..support.kernel_cases import quick, seeds
from .test_neighbors import distances_of, recall

WITH_SKETCHES = ["euclidean", "cosine", "inner_product"]


def wide_rows(n_rows, n_features=300, seed=0):
    """Rows that differ in few directions mostly, whose sketches therefore tell enough."""
    rng = np.random.default_rng(seed)
    basis = np.random.default_rng(0).normal(size=(12, n_features))
    rows = rng.normal(size=(n_rows, 12)) @ basis + rng.normal(size=(n_rows, n_features)) / 10
    return (rows * (rng.random(rows.shape) < 0.8)).astype(np.float32)


@pytest.fixture(scope="module")
def rows():
    X = wide_rows(3400)
    return X[:3000], X[3000:]


def scanning(metric="euclidean", **settings):
    return LSHNeighborsTransformer(**{"metric": metric, "random_state": 0, **settings})


def fitted(metric, X, **settings):
    transformer = scanning(metric, **settings).fit(X)
    assert transformer.n_directions_ > 0
    assert transformer.n_tables_ == transformer.n_probes_ == transformer.n_bits_ == 0
    return transformer


# The transformer where sketches of all rows are compared


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("metric", WITH_SKETCHES)
def test_wanted_recall_is_met_and_distances_are_exact(metric, kind, rows):
    X, queries = rows if kind == "dense" else map(sp.csr_array, rows)
    transformer = fitted(metric, X)
    distances, indices = transformer.kneighbors(queries)
    measured = recall(indices, X, queries, metric, 5)
    assert measured > 0.9 - 0.02
    assert abs(measured - transformer.recall_) < 0.04
    assert all(len(set(row)) == 5 for row in indices)
    assert (np.diff(distances, axis=1) >= 0).all()
    expected = np.take_along_axis(distances_of(queries, X, metric), indices, axis=1)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(distances, expected, rtol=1e-4, atol=1e-5 * scale)


def test_more_recall_costs_more(rows):
    less, more = (fitted("euclidean", rows[0], recall=r) for r in (0.5, 0.99))
    assert less.recall_ < more.recall_
    assert (less.n_directions_, less.n_finalists_) < (more.n_directions_, more.n_finalists_)


def test_recall_is_that_of_queries_that_directions_were_not_sought_in():
    """There are few of these in many dimensions."""
    rng = np.random.default_rng(0)
    scales = np.geomspace(3, 0.2, 200)
    items, sample, queries = (
        (rng.normal(size=(n, 200)) * scales).astype(np.float32) for n in (5000, 300, 300)
    )
    transformer = scanning("inner_product", recall=0.7).fit(items, queries=sample)
    assert transformer.n_directions_ > 0
    found = transformer.kneighbors(queries, return_distance=False)
    assert abs(recall(found, items, queries, "inner_product", 5) - transformer.recall_) < 0.06


@pytest.mark.parametrize("metric", WITH_SKETCHES)
def test_rows_come_and_go(metric, rows):
    X, queries = rows
    transformer = fitted(metric, X[:2000])
    for part in (slice(2000, 2900), slice(2900, 3000)):
        transformer.partial_fit(X[part])
    assert transformer.n_samples_fit_ == 3000
    assert recall(transformer.kneighbors(queries)[1], X, queries, metric, 5) > 0.85
    nearest = transformer.kneighbors(queries, 1, return_distance=False).reshape(-1)
    transformer.delete(nearest)
    left = np.setdiff1d(np.arange(3000), nearest)
    found = transformer.kneighbors(queries, return_distance=False)
    assert not np.isin(found, nearest).any()
    assert recall(np.searchsorted(left, found), X[left], queries, metric, 5) > 0.85
    transformer.partial_fit(X)  # twice as many: all is made anew, without those that left
    assert not np.isin(transformer.kneighbors(queries, return_distance=False), nearest).any()


def test_all_rows_but_few_deleted(rows):
    X, queries = rows
    transformer = fitted("euclidean", X).delete(np.arange(2993))
    for k in (5, 7):
        found = transformer.kneighbors(queries, k, return_distance=False)
        assert (np.sort(found, axis=1)[:, 0] >= 2993).all()
        assert all(len(set(row)) == k for row in found)


def test_threads_copies_and_company_make_no_difference(rows):
    X, queries = rows
    transformer = fitted("euclidean", X)
    found = transformer.kneighbors(queries)
    for other in (
        clone(transformer).fit(X),
        clone(transformer).set_params(n_jobs=2).fit(X),
        pickle.loads(pickle.dumps(transformer)),
    ):
        for ours, theirs in zip(found, other.kneighbors(queries), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    for i in range(0, 400, 57):
        alone = transformer.kneighbors(queries[i : i + 1], return_distance=False)
        np.testing.assert_array_equal(alone[0], found[1][i])


def test_more_neighbours_than_finalists(rows):
    X, queries = rows
    transformer = fitted("euclidean", X)
    k = 3 * transformer.n_finalists_
    assert all(len(set(row)) == k for row in transformer.kneighbors(queries, k)[1])


def test_duplicates(rows):
    """Any of equally near rows counts as found."""
    X = np.repeat(rows[0][:500], 8, axis=0)
    transformer = scanning().fit(X)
    found = transformer.kneighbors(X[::8], return_distance=False)
    assert all(len(set(row)) == 5 for row in found)
    assert (found // 8 == np.arange(500)[:, np.newaxis]).all()


def test_the_cheapest_way_is_taken(rows, monkeypatch):
    X, _ = rows
    fitted("euclidean", X)
    model = costs.MEASURED
    monkeypatch.setattr(costs, "MEASURED", model._replace(query_sketch=1e9))
    assert scanning().fit(X).index_.setting == (0, 0, 0, 0, 0)
    monkeypatch.setattr(costs, "MEASURED", model._replace(query_sketch=0, row=1e6))
    transformer = scanning().fit(X)
    assert transformer.n_directions_ == 0
    assert transformer.n_tables_ > 0


# The scan itself


@given(
    n_rows=st.integers(1, 40),
    n_queries=st.integers(0, 3),
    metric=st.sampled_from(list(METRICS)),
    is_sparse=st.booleans(),
    seed=seeds,
)
@quick
def test_best(n_rows, n_queries, metric, is_sparse, seed):
    """Against scores of all pairs; a duplicate, rows that come later, rows that were deleted."""
    rng = np.random.default_rng(seed)
    X, Q = (rng.integers(-2, 3, (n, 7)).astype(float) for n in (n_rows, n_queries))
    X[n_rows // 2] = X[0]
    prepare = METRICS[metric].prepare
    rows, queries = (
        Vectors(prepare(take(sp.csr_array(M) if is_sparse else M, slice(None)))) for M in (X, Q)
    )
    alive = rng.random(n_rows) < 0.7
    alive[rng.integers(n_rows)] = True
    some = n_rows // 3
    scan = Scan(METRICS[metric], rows.part(slice(0, some)), np.ones(some, bool))
    scan.insert(rows.part(slice(some, None)))
    scan.delete(np.flatnonzero(~alive))
    n_best = rng.integers(1, alive.sum() + 1)
    found = scan.best(queries, n_best)
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
    expected = scan.best(queries, 20)
    for name, value in (
        ("MAX_QUERIES", 17),
        ("MAX_PRODUCTS", 17 * 60),
        ("MAX_SPARSE_PRODUCTS", 999),
    ):
        monkeypatch.setattr(f"sklearn_lsh.neighbors.scan.{name}", value)
    np.testing.assert_array_equal(scan.best(queries, 20), expected)


# Directions


@given(
    n_rows=st.integers(1, 30),
    n_features=st.integers(1, 30),
    n_directions=st.integers(1, 12),
    is_sparse=st.booleans(),
    seed=seeds,
)
@quick
def test_principal_directions(n_rows, n_features, n_directions, is_sparse, seed):
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n_rows, n_features)) * 2.0 ** -np.arange(n_features)).astype(np.float32)
    given = sp.csr_array(X) if is_sparse else X
    state = np.random.RandomState(0)
    deviations, directions = principal_directions(given, n_directions, state)
    expected = np.linalg.svd(X.astype(float), compute_uv=False)[:n_directions]
    n = deviations.shape[0]
    np.testing.assert_allclose(deviations, expected[:n], rtol=0.02, atol=2e-3 * expected[0])
    assert (expected[n:] < 3e-3 * expected[0]).all()
    np.testing.assert_allclose(directions.T @ directions, np.eye(n), atol=1e-4)
    lengths = np.linalg.norm(X @ directions, axis=0)
    np.testing.assert_allclose(lengths, deviations, rtol=0.02, atol=2e-3 * expected[0])


@pytest.mark.parametrize("is_sparse", [False, True])
def test_directions_for_products_approximate_them_best(is_sparse):
    rng = np.random.default_rng(0)
    scales = np.linspace(3, 0.1, 150)
    X = (rng.normal(size=(700, 150)) * scales + 1).astype(np.float32)
    Q = (rng.normal(size=(300, 150)) * scales[::-1] - 2).astype(np.float32)
    given = (sp.csr_array(X), sp.csr_array(Q)) if is_sparse else (X, Q)
    sketch = PrincipalSketch(*given, True, np.random.RandomState(0))
    assert sketch.n_directions == 65
    approximate = sketch.queries(given[1]) @ sketch.rows(given[0]).T
    exact = Q.astype(float) @ X.T.astype(float)
    # Up to a number of each query, which makes no difference to the order of rows.
    rest = exact - approximate
    rest -= rest.mean(axis=1, keepdims=True)
    centred = (Q - Q.mean(axis=0)) @ (X - X.mean(axis=0)).T
    least = (np.linalg.svd(centred, compute_uv=False)[64:] ** 2).sum()
    assert (rest**2).sum() < 1.05 * least


def test_rows_that_are_all_alike():
    X = np.ones((300, 40), np.float32)
    for metric in METRICS:
        found = scanning(metric).fit(X).kneighbors(X[:3], return_distance=False)
        assert all(len(set(row)) == 5 for row in found)
