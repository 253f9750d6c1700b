"""The transformer where all rows or their sketches are compared."""

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.neighbors import LSHNeighborsTransformer, costs
from sklearn_lsh.neighbors.metrics import METRICS

from ..support.neighbors import assert_repeatable, distances_of, recall

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
    assert_repeatable(fitted("euclidean", X), X, queries)


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


def test_rows_that_are_all_alike():
    X = np.ones((300, 40), np.float32)
    for metric in METRICS:
        found = scanning(metric).fit(X).kneighbors(X[:3], return_distance=False)
        assert all(len(set(row)) == 5 for row in found)
