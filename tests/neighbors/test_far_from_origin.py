"""What `recall_` says is true, wherever rows lie: it is not the search's own arithmetic's word.

Neighbours are those of scikit-learn's metrics in float64, of differences where these are small.
"""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_lsh.neighbors import LSHNeighborsTransformer

from ..support.neighbors import nearest_share

METRICS = ["euclidean", "cosine", "inner_product", "jaccard"]
# Mean by spread.
OFFSETS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6]
# Searches by sketches, by tables and by comparing all rows.
SEARCHES = {
    "auto": {},
    "tables": {"n_bits": 6, "n_tables": 16, "recall": 0.5},
}


def make_rows(n_rows, n_features, offset, seed=0):
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=n_features)
    directions *= np.sqrt(n_features) / np.linalg.norm(directions)
    return rng.normal(size=(n_rows, n_features)) + offset * directions


@pytest.mark.parametrize("is_sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("offset", OFFSETS)
def test_recall_far_from_the_origin_is_true(offset, metric, search, is_sparse):
    X = make_rows(800, 6, offset)
    given = sp.csr_array(X) if is_sparse else X
    transformer = LSHNeighborsTransformer(metric=metric, random_state=0, **SEARCHES[search])
    transformer.fit(given)
    assert transformer.n_tables_ == (16 if search == "tables" else 0)
    share = nearest_share(transformer.kneighbors(return_distance=False), X, metric)
    # Standard errors of the 128 queries by which recall is measured.
    error = share.std() / np.sqrt(128)
    assert abs(share.mean() - transformer.recall_) < 0.02 + 2 * error * (search == "tables")


@given(
    n_features=st.integers(1, 8),
    exponent=st.floats(0, 6),
    metric=st.sampled_from(METRICS[:3]),
    is_sparse=st.booleans(),
    is_float32=st.booleans(),
    apart=st.sampled_from([0, 1e2, 1e4]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=40, deadline=None)
def test_all_that_are_compared_are_found(
    n_features, exponent, metric, is_sparse, is_float32, apart, seed
):
    """Far from the origin, and in two clusters far from each other."""
    X = make_rows(150, n_features, 10**exponent, seed)
    X[::2] += apart
    X = X.astype(np.float32).astype(float) if is_float32 else X
    given = sp.csr_array(X) if is_sparse else X
    transformer = LSHNeighborsTransformer(metric=metric, random_state=0)
    transformer.fit(given.astype(np.float32) if is_float32 else given)
    share = nearest_share(transformer.kneighbors(return_distance=False), X, metric)
    assert abs(share.mean() - transformer.recall_) < 0.02


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "inner_product"])
def test_distances_far_from_the_origin(metric):
    X = make_rows(300, 5, 1e5)
    transformer = LSHNeighborsTransformer(metric=metric).fit(X[:200]).partial_fit(X[200:])
    distances, found = transformer.kneighbors(X)
    own, found_of_rows = transformer.kneighbors()
    expected = -X @ X.T if metric == "inner_product" else None
    if metric != "inner_product":
        lengths = np.linalg.norm(X, axis=1, keepdims=True)
        U = X / lengths if metric == "cosine" else X
        differences = U[:, np.newaxis] - U
        squares = (differences**2).sum(axis=2)
        expected = squares / 2 if metric == "cosine" else np.sqrt(squares)
    scale = 1e-6 * np.abs(expected).max()
    for ours, rows in ((distances, found), (own, found_of_rows)):
        true = np.take_along_axis(expected, rows, axis=1)
        np.testing.assert_allclose(ours, true, rtol=1e-4, atol=scale)


def test_rows_of_zeros_are_at_right_angles_wherever_the_others_are():
    X = make_rows(200, 5, 1e4)
    X[::20] = 0
    transformer = LSHNeighborsTransformer(metric="cosine").fit(X)
    distances, found = transformer.kneighbors(np.vstack([-X[1], X[1], X[0]]), 15)
    # Opposite to all others, zeros are nearest; along with them, farther than any.
    np.testing.assert_allclose(distances[0, :10], 1)
    assert set(found[0, :10]) == set(range(0, 200, 20))
    np.testing.assert_allclose(distances[0, 10:], 2, atol=1e-3)
    np.testing.assert_allclose(distances[1], 0, atol=1e-3)
    np.testing.assert_allclose(distances[2], 1)


def test_whole_numbers_and_rows_near_the_origin_stay_as_they_are():
    rng = np.random.default_rng(0)
    whole = rng.integers([0, 7, 5000, 123456], [50, 50, 5050, 123500], (200, 4))
    transformer = LSHNeighborsTransformer(n_neighbors=3).fit(whole)
    distances, found = transformer.kneighbors()
    expected = ((whole[found] - whole[:, np.newaxis]) ** 2).sum(axis=2)
    np.testing.assert_array_equal(distances, np.sqrt(expected))
    near = rng.normal(size=(200, 4)).astype(np.float32) + 1
    np.testing.assert_array_equal(LSHNeighborsTransformer().fit(near).index_.rows.matrix, near)


def test_ties_count_as_found():
    """Of rows that are equally near, any are the nearest."""
    X = np.tile(np.eye(5), (40, 1))
    for metric in METRICS:
        transformer = LSHNeighborsTransformer(
            metric=metric, n_bits=4, n_tables=4, recall=0.1, random_state=0
        )
        assert transformer.fit(X).recall_ == 1
