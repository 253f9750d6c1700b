"""Queries whose nearest rows are known: what of them is found."""

import numpy as np
import pytest

from sklearn_lsh.csr import Pattern
from sklearn_lsh.neighbors.index import Index
from sklearn_lsh.neighbors.metrics import METRICS, Vectors
from sklearn_lsh.neighbors.query_sample import QuerySample
from sklearn_lsh.neighbors.space import Space

from ..support.neighbors import distances_of


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(200, 12)).astype(np.float32)


def make_sample(X, queries, k, self_indices=None):
    index = Index(Space(METRICS["euclidean"]), Vectors(X), None, np.ones(len(X), bool))
    return QuerySample(index, Vectors(queries), self_indices, k, n_jobs=2)


def pattern_of(rows):
    indptr = np.cumsum([0, *map(len, rows)]).astype(np.uint32)
    return Pattern(indptr, np.concatenate(rows).astype(np.uint32))


@pytest.mark.parametrize("k", [1, 7])
def test_recall_is_the_share_of_the_nearest_rows(X, k):
    queries = np.random.default_rng(1).normal(size=(150, 12)).astype(np.float32)
    sample = make_sample(X, queries, k)
    order = np.argsort(distances_of(queries, X, "euclidean"), axis=1)
    # Of the nearest rows the first ones, as many as the query's number says, and some that are far.
    rows = [[*near[: s % (k + 1)], *near[-3:]] for s, near in enumerate(order)]
    hits = sample.hits(pattern_of(rows))
    np.testing.assert_allclose(sample.recalls(hits), np.arange(150) % (k + 1) / k)
    far = hits.part(np.flatnonzero(~hits.is_hit))
    assert not sample.recalls(far).any()


def test_rows_do_not_find_themselves(X):
    own = np.arange(100, 150)
    sample = make_sample(X, X[own], 3, own)
    assert sample.n_self == 1
    order = np.argsort(distances_of(X[own], X, "euclidean"), axis=1)
    np.testing.assert_array_equal(order[:, 0], own)
    recalls = [sample.recalls(sample.hits(pattern_of(order[:, :n]))) for n in (1, 2, 4, 9)]
    np.testing.assert_allclose(recalls, np.repeat([[0], [1 / 3], [1], [1]], 50, axis=1))


def test_nothing_stands_for_the_nearest_but_what_is_as_near():
    """One row is near; all others are equally far."""
    X = np.eye(30, dtype=np.float32)
    sample = make_sample(X, X[:4] / 2, 5)
    others = [np.arange(10, 10 + n) for n in (4, 9, 4, 0)]
    rows = [[0, *others[0]], others[1], [7, *others[2]], [3]]
    hits = sample.hits(pattern_of([np.array(row) for row in rows]))
    np.testing.assert_allclose(sample.recalls(hits), [1, 0.8, 0.8, 0.2])


def test_fewer_rows_than_are_wanted(X):
    own = np.arange(4)
    sample = make_sample(X[:4], X[:4], 9, own)
    assert sample.k == 3
    everything = pattern_of([range(4)] * 4)
    np.testing.assert_array_equal(sample.recalls(sample.hits(everything)), 1)
