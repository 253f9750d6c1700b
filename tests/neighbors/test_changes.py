"""Rows that come and go over a long time: numbers stay, memory does not, and X may change."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_lsh.neighbors import LSHNeighborsTransformer

from ..support.neighbors import distances_of

SEARCHES = {
    "all": {},
    "sketches": {"recall": 0.5},
    "tables": {"n_tables": 8, "n_bits": 4, "recall": 0.1},
}


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(600, 8)).astype(np.float32)


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "inner_product", "jaccard"])
@pytest.mark.parametrize("is_sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_are_copies(metric, is_sparse, dtype, rows):
    X = (rows * (rows > 0)).astype(dtype)
    given = sp.csr_array(X) if is_sparse else X.copy()
    transformer = LSHNeighborsTransformer(metric=metric, random_state=0).fit(given)
    queries = X[:50] + 0.25
    expected = transformer.kneighbors(queries), transformer.kneighbors()
    if is_sparse:
        given.data[:] = 7
    else:
        given[:] = 7
    for before, now in zip(
        expected, (transformer.kneighbors(queries), transformer.kneighbors()), strict=True
    ):
        for one, other in zip(before, now, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("search", SEARCHES)
def test_memory_of_deleted_rows_is_given_back(search, rows):
    transformer = LSHNeighborsTransformer(random_state=0, **SEARCHES[search]).fit(rows)
    transformer.delete(np.arange(0, 290))
    assert transformer.index_.rows.n_rows == 600
    transformer.delete(np.arange(290, 590)).delete([0, 5, 300])  # some are gone already
    index = transformer.index_
    assert index.rows.n_rows == index.n_alive == 10
    assert transformer.n_samples_fit_ == 600
    found = transformer.kneighbors(rows[590:], 1, return_distance=False)
    np.testing.assert_array_equal(found[:, 0], np.arange(590, 600))
    assert transformer.kneighbors_graph(rows[:3]).shape == (3, 600)
    assert transformer.kneighbors_graph().shape == (10, 600)
    transformer.partial_fit(rows[:4])
    found = transformer.kneighbors(rows[:4], 1, return_distance=False)
    np.testing.assert_array_equal(found[:, 0], np.arange(600, 604))
    transformer.delete(np.arange(604)).partial_fit(rows[4:5])
    assert transformer.n_samples_fit_ == 605
    assert transformer.kneighbors(rows[:2], 1, return_distance=False).tolist() == [[604], [604]]


@pytest.mark.parametrize("search", SEARCHES)
def test_a_stream_takes_no_more_memory(search, rows):
    """As many rows come as go."""
    transformer = LSHNeighborsTransformer(random_state=0, **SEARCHES[search]).fit(rows[:100])
    for start in range(100, 600, 20):
        transformer.partial_fit(rows[start : start + 20])
        transformer.delete(np.arange(start - 100, start - 80))
        assert transformer.index_.rows.n_rows <= 2 * transformer.index_.n_alive
    near = transformer.kneighbors(rows[500:], 1, return_distance=False)
    np.testing.assert_array_equal(near[:, 0], np.arange(500, 600))


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 30)), min_size=1, max_size=12),
    st.integers(0, 99),
)
@settings(max_examples=25, deadline=None)
def test_any_order_of_changes(changes, seed):
    """All rows that are there are compared, whatever came and went before."""
    rng = np.random.default_rng(seed)
    everything = rng.normal(size=(20, 4))
    transformer = LSHNeighborsTransformer(n_neighbors=1).fit(everything)
    alive = set(range(20))
    for comes, n in changes:
        if comes:
            new = rng.normal(size=(n, 4))
            transformer.partial_fit(new)
            alive |= set(range(len(everything), len(everything) + n))
            everything = np.concatenate([everything, new])
        else:
            gone = rng.integers(0, len(everything), n)
            transformer.delete(gone)
            alive -= set(gone.tolist())
    assert transformer.n_samples_fit_ == len(everything)
    left = np.array(sorted(alive), dtype=int)
    if left.size:
        queries = rng.normal(size=(9, 4))
        distances, found = transformer.kneighbors(queries)
        expected = distances_of(queries, everything[left], "euclidean")
        np.testing.assert_array_equal(found[:, 0], left[expected.argmin(axis=1)])
        np.testing.assert_allclose(distances[:, 0], expected.min(axis=1), rtol=1e-4)
