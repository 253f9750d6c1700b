"""Votes of training rows and similarities of centroids, against dense arithmetic."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose

from sklearn_lsh.estimators.neighborhood import LEAST_SIMILARITY, Neighborhood, table_of

N_NEIGHBORS = 5


def draw(seed, n_rows=80, n_features=30, n_labels=12, *, counts=True):
    rng = np.random.default_rng(seed)
    X = sp.random_array((n_rows, n_features), density=0.2, rng=rng, format="csr", dtype=np.float32)
    X.data[:] = rng.integers(1, 5, X.nnz) if counts else X.data + 0.1
    labels = sp.csr_array((rng.random((n_rows, n_labels)) < 0.2).astype(np.float32))
    return X, labels


def unit(X):
    return X / np.maximum(np.sqrt((X**2).sum(axis=1, keepdims=True)), 1e-30)


def expected_votes(X, labels, queries):
    similarities = unit(queries) @ unit(X).T
    votes = np.zeros((len(queries), labels.shape[1]))
    for query, row in enumerate(similarities):
        nearest = np.argsort(-row, kind="stable")[:N_NEIGHBORS]
        weights = np.maximum(row[nearest], LEAST_SIMILARITY) ** 2
        votes[query] = weights / weights.sum() @ labels[nearest]
    return votes


@pytest.mark.parametrize("counts", [False, True])
def test_against_dense_arithmetic(counts):
    X, labels = draw(0, counts=counts)
    queries, _ = draw(1, 40, counts=counts)
    queries = queries[np.diff(queries.indptr) > 0]
    found = Neighborhood(X, labels, N_NEIGHBORS, seed=0).ask(queries)
    frequencies = np.bincount(X.indices, minlength=30)
    scale = 1 + np.log(81 / (1 + frequencies)) if counts else np.ones(30)
    rows, asked = X.toarray() * scale, queries.toarray() * scale
    assert_allclose(
        found.neighbors.toarray(), expected_votes(rows, labels.toarray(), asked), atol=2e-3
    )
    sums = labels.toarray().T @ unit(rows)
    weights = labels.toarray().sum(axis=0) ** 0.25
    products = unit(asked) @ (unit(sums) * weights[:, np.newaxis]).T
    expected = np.maximum(products / products.max(axis=1, keepdims=True), 0)
    assert_allclose(found.centroids.toarray(), expected, atol=1e-4)


def test_more_rows_are_as_if_they_had_been_there():
    X, labels = draw(0)
    queries, _ = draw(1, 20)
    part = Neighborhood(X[:50], labels[:50], N_NEIGHBORS, seed=0)
    before = part.ask(queries).neighbors.toarray()
    grown = part.with_rows(X[50:], labels[50:])
    assert_allclose(part.ask(queries).neighbors.toarray(), before)
    assert grown.rows.n_samples_fit_ == 80
    assert_allclose(grown.labels.toarray(), labels.toarray())
    again = part.with_rows(X[50:60], labels[50:60]).with_rows(X[60:], labels[60:])
    for name in ("neighbors", "centroids"):
        one, two = (getattr(each.ask(queries), name).toarray() for each in (grown, again))
        assert_allclose(one, two, atol=1e-5)


def test_rows_have_weights():
    X, labels = draw(0)
    weights = np.zeros(80, np.float32)
    weights[:40] = 2
    weighted = sp.csr_array(sp.diags_array(weights) @ labels)
    found = Neighborhood(X, weighted, N_NEIGHBORS, seed=0).ask(X[40:])
    half = Neighborhood(
        X, sp.csr_array(sp.diags_array((weights > 0) * 1.0) @ labels), N_NEIGHBORS, seed=0
    )
    assert_allclose(found.neighbors.toarray(), 2 * half.ask(X[40:]).neighbors.toarray(), rtol=1e-5)


def test_dense_rows():
    X, labels = draw(0, counts=False)
    sparse, dense = (Neighborhood(kind, labels, N_NEIGHBORS, seed=0) for kind in (X, X.toarray()))
    asked = X[:20]
    assert_allclose(
        dense.ask(asked.toarray()).centroids.toarray(),
        sparse.ask(asked).centroids.toarray(),
        atol=1e-5,
    )


def test_labels_that_are_new():
    X, labels = draw(0)
    queries, _ = draw(1, 20)
    known = Neighborhood(X[:50], labels[:50], N_NEIGHBORS, seed=0)
    numbers = np.delete(np.arange(14), [3, 13])
    grown = known.with_labels(numbers, 14)
    more = sp.csr_array((np.ones(30, np.float32), np.full(30, 3), np.arange(31)), shape=(30, 14))
    found = grown.with_rows(X[50:], more).ask(queries)
    assert_allclose(grown.sums.toarray()[numbers], known.sums.toarray())
    assert_allclose(grown.labels.toarray()[:, numbers], known.labels.toarray())
    assert found.neighbors[:, [3]].sum() > 0
    assert found.centroids.shape == (20, 14)
    assert found.neighbors[:, [13]].sum() == 0
    before = known.ask(queries).centroids.toarray()
    assert (known.labels.shape[1], before.shape[1]) == (12, 12)


def test_tables():
    table = table_of(np.array([[2, 0], [1, 2]]), np.array([[1.0, 2], [3, 4]]), 3)
    assert table.dtype == np.float32
    assert_allclose(table.toarray(), [[2, 0, 1], [0, 3, 4]])


def test_copies_are_rows_of_the_same_direction():
    X, labels = draw(0)
    queries, _ = draw(1, 20)
    neighborhood = Neighborhood(X, labels, N_NEIGHBORS, seed=0)
    assert neighborhood.ask(queries).copies.nnz == 0
    found = neighborhood.ask(sp.csr_array(3 * X[:20])).copies.toarray()
    similarities = (
        unit(neighborhood._prepare(X).toarray()) @ unit(X.toarray() * neighborhood.scale).T
    )
    expected = (similarities[:20] > 1 - 1e-6) @ labels.toarray() > 0
    assert_allclose(found, expected)
    assert 0 < expected.mean() < 1


def test_rare_labels_have_few_rows_that_count():
    X, _ = draw(0)
    labels = np.zeros((80, 4), np.float32)
    labels[:2, 0], labels[:3, 1], labels[:9, 3] = 0.1, 5, [1, 1, *[0] * 7]
    neighborhood = Neighborhood(X, sp.csr_array(labels), N_NEIGHBORS, seed=0)
    assert neighborhood.is_rare.tolist() == [True, False, True, True]
    more = neighborhood.with_rows(X[:1], sp.csr_array(np.eye(4, dtype=np.float32)[[0]]))
    assert more.is_rare.tolist() == [False, False, True, True]
    labels[:9, 3] = 1
    explicit = sp.csr_array(labels)
    explicit.data[explicit.indices == 3] = 0  # as rows of weight 0 are
    assert Neighborhood(X, explicit, N_NEIGHBORS, seed=0).is_rare.tolist() == [
        True,
        False,
        True,
        True,
    ]
