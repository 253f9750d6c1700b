"""Spaces: the origin that rows are seen from, and what is the same from there."""

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.neighbors.metrics import METRICS
from sklearn_lsh.neighbors.space import Space, chunks_of


@pytest.fixture
def X():
    return np.random.default_rng(0).normal([1e6, 0, -300, 0.5], size=(100, 4))


@pytest.mark.parametrize("as_given", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_the_origin_is_among_rows_that_are_far_away(as_given, X):
    space = Space.around(METRICS["euclidean"], as_given(X))
    np.testing.assert_allclose(space.origin, [1e6, 0, -300, 0], atol=8)
    assert (space.origin % 4 == 0).all()
    rows = space.rows(as_given(X))
    np.testing.assert_allclose(rows.matrix @ np.eye(4), X - space.origin, rtol=1e-6)
    exact = space.exact_rows(as_given(X)).matrix
    np.testing.assert_array_equal(exact @ np.eye(4), X - space.origin)
    np.testing.assert_array_equal(
        space.queries(as_given(X)).matrix @ np.eye(4), rows.matrix @ np.eye(4)
    )


def test_rows_near_zero_are_not_moved(X):
    for rows in (X[:, [1, 3]], np.ones((5, 4)) * [[0], [1], [2], [0], [1]]):
        assert Space.around(METRICS["euclidean"], rows).origin is None
    assert Space.around(METRICS["jaccard"], X).origin is None
    assert Space.around(METRICS["cosine"], X - X.mean(axis=0)).origin is None


def test_columns_with_many_zeros_are_not_moved(X):
    X[:50, 0] = 0
    moved = Space.around(METRICS["euclidean"], sp.csr_array(X))
    assert moved.origin is None or moved.origin[0] == 0


def test_a_single_row_is_the_origin(X):
    np.testing.assert_array_equal(Space.around(METRICS["euclidean"], X[:1]).origin, X[0])


@pytest.mark.parametrize("as_given", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_products_lack_the_queries_shift(as_given, X):
    space = Space.around(METRICS["inner_product"], as_given(X))
    products = space.exact_queries(as_given(X)).matrix @ space.exact_rows(as_given(X)).matrix.T
    shifts = space.shifts(as_given(X))
    products = products.toarray() if sp.issparse(products) else products
    np.testing.assert_allclose(products + shifts[:, np.newaxis], X @ X.T, rtol=1e-12)
    back = space.as_queries(space.rows(as_given(X))).matrix @ np.eye(4)
    np.testing.assert_allclose(back, X, rtol=1e-6)


def test_rows_are_copies(X):
    given = X.astype(np.float32)
    for name in ("euclidean", "inner_product"):
        rows = Space(METRICS[name]).rows(given)
        assert not np.may_share_memory(rows.matrix, given)


def test_chunks_are_all_rows_once(X):
    for given in (X, sp.csr_array(X), sp.csr_array((3, 4))):
        parts = chunks_of(given)
        assert np.concatenate([np.arange(given.shape[0])[part] for part in parts]).tolist() == list(
            range(given.shape[0])
        )
