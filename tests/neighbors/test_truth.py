"""The truly nearest rows, which recall is measured by."""

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.neighbors import truth as module
from sklearn_lsh.neighbors.metrics import METRICS
from sklearn_lsh.neighbors.space import Space
from sklearn_lsh.neighbors.truth import Truth

from ..support.neighbors import distances_of


@pytest.fixture
def X():
    return np.random.default_rng(0).integers(-3, 4, (300, 5)).astype(float)


def is_near(truth, n_queries):
    queries, rows = np.divmod(np.arange(n_queries * truth.n_rows), truth.n_rows)
    return lambda near: near.contain(queries, rows).reshape(n_queries, truth.n_rows)


@pytest.mark.parametrize("form", ["dense", "sparse", "of an index"])
@pytest.mark.parametrize("metric", ["euclidean", "cosine", "inner_product", "jaccard"])
@pytest.mark.parametrize("k", [1, 20])
def test_all_that_are_as_near_as_the_kth(form, metric, k, X, monkeypatch):
    """Integers have many ties, some of them beyond the rows that are kept."""
    monkeypatch.setattr(module, "FIRST_ROWS", 30)
    monkeypatch.setattr(module, "MAX_ROWS", 70)
    X = np.concatenate([X, np.tile(X[:1], (60, 1))])
    X = X[X.any(axis=1)]
    space = Space.around(METRICS[metric], X)
    given = {"dense": X, "sparse": sp.csr_array(X), "of an index": space.rows(X)}[form]
    truth = Truth(space, given)
    own, alive = np.arange(0, 40), np.arange(len(X)) % 7 > 0
    near = truth.nearest(truth.queries(own), k, alive, own, n_jobs=2)
    distances = distances_of(X[own], X, metric)
    distances[:, ~alive] = np.inf
    distances[own, own] = np.inf
    bars = np.sort(distances, axis=1)[:, k - 1 : k]
    expected = distances <= bars + 1e-6 * np.maximum(np.abs(bars), 1e-6)
    expected[:, ~alive] = expected[own, own] = False
    found = is_near(truth, 40)(near)
    np.testing.assert_array_equal(found[~near.all_near], expected[~near.all_near])
    queries, rows = np.divmod(np.arange(40 * truth.n_rows), truth.n_rows)
    nearer = near.contain_nearer(queries, rows).reshape(40, -1)
    expected = distances < bars - 1e-6 * np.maximum(np.abs(bars), 1e-6)
    np.testing.assert_array_equal(nearer, expected)
    np.testing.assert_array_equal(near.count_nearer(40), expected.sum(axis=1))
    assert np.isin(distances[near.all_near], [1, np.inf]).all()


def test_queries_without_any_near_row_are_near_to_all():
    X = np.eye(30)
    for metric, queries in (("jaccard", X[:4]), ("cosine", 0 * X[:4])):
        truth = Truth(Space(METRICS[metric]), X[4:])
        near = truth.nearest(truth.space.exact_queries(queries), 3, np.ones(26, bool))
        assert near.all_near.all()
        assert is_near(truth, 4)(near).all()


def test_differences_decide_where_products_are_too_coarse():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3)) + np.where(np.arange(400) % 2, 1e7, -1e7)[:, np.newaxis]
    truth = Truth(Space(METRICS["euclidean"]), X)
    own = np.arange(50)
    near = truth.nearest(truth.queries(own), 5, np.ones(400, bool), own)
    squares = ((X[own, np.newaxis] - X) ** 2).sum(axis=2)
    squares[own, own] = np.inf
    expected = squares <= np.sort(squares, axis=1)[:, 4:5]
    assert (is_near(truth, 50)(near) == expected).mean() > 0.9999
