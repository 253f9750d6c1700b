"""The transformer where an inverted index finds sparse rows: exactly, and without tuning."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from sklearn_lsh.neighbors import LSHNeighborsTransformer, postings

from ..support.kernel_cases import quick, seeds
from ..support.neighbors import distances_of

ALL_METRICS = pytest.mark.parametrize("metric", ["euclidean", "cosine", "inner_product", "jaccard"])


def sparse_rows(rng, n_rows, n_features, density=0.3):
    """Rows of small whole numbers, negative ones too, with many ties and rows of zeros."""
    shape = n_rows, n_features
    dense = rng.integers(-3, 4, shape) * (rng.random(shape) < density)
    return dense.astype(float)


def hypersparse(n_rows, n_features=20_000, seed=0):
    """Rows of ten features among many, each like another one."""
    rng = np.random.default_rng(seed)
    own = np.random.default_rng(1).integers(n_features, size=(n_rows // 2, 10))
    columns = np.concatenate([own, own])
    noise = rng.integers(n_features, size=columns.shape)
    columns = np.where(rng.random(columns.shape) < 0.6, columns, noise)
    values = rng.lognormal(sigma=0.3, size=columns.size)
    indptr = np.arange(len(columns) + 1) * 10
    matrix = sp.csr_array((values, columns.reshape(-1), indptr), shape=(len(columns), n_features))
    matrix.sum_duplicates()
    return matrix


def fitted(X, metric, **settings):
    transformer = LSHNeighborsTransformer(metric=metric, random_state=0, **settings).fit(X)
    assert transformer.index_.exact_scan.postings is not None
    return transformer


def check_distances(transformer, queries, X, metric, k):
    """Whether distances are those of the rows found, and of the nearest ones."""
    distances, indices = transformer.kneighbors(queries, k)
    expected = distances_of(queries, X, metric)
    if metric == "cosine":  # rows of zeros are at right angles to all others
        lengths = np.linalg.norm(queries, axis=1)[:, np.newaxis] * np.linalg.norm(X, axis=1)
        expected = 1 - np.divide(
            queries @ X.T, lengths, out=np.zeros(lengths.shape), where=lengths > 0
        )
    tolerance = {"rtol": 1e-5, "atol": 1e-5 if metric == "cosine" else 1e-3}
    of_rows = np.take_along_axis(expected, indices, axis=1)
    np.testing.assert_allclose(distances, of_rows, **tolerance)
    np.testing.assert_allclose(distances, np.sort(expected, axis=1)[:, :k], **tolerance)
    assert all(len(set(row)) == k for row in indices)


@ALL_METRICS
@given(
    n_rows=st.integers(2, 60),
    n_features=st.integers(1, 15),
    density=st.sampled_from([0.05, 0.3, 0.9]),
    many=st.sampled_from([0, 0.5, np.inf]),
    seed=seeds,
)
@quick
def test_against_brute_force(metric, n_rows, n_features, density, many, seed):
    """Rows that come and go, and that are stored meanwhile."""
    rng = np.random.default_rng(seed)
    X, queries = (sparse_rows(rng, n, n_features, density) for n in (n_rows, 5))
    first = rng.integers(1, n_rows)
    k = int(rng.integers(1, n_rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postings, "MANY", many)
        transformer = LSHNeighborsTransformer(n_neighbors=k, metric=metric, random_state=0)
        assert transformer.fit(sp.csr_array(X[:first])).recall_ == 1
        transformer.partial_fit(sp.csr_array(X[first:]))
        transformer = pickle.loads(pickle.dumps(transformer))
        check_distances(transformer, queries, X, metric, k)
        gone = rng.choice(n_rows, n_rows - k, replace=False)
        transformer.delete(gone)
        left = np.setdiff1d(np.arange(n_rows), gone)
        distances, indices = transformer.kneighbors(queries, k)
    assert np.isin(indices, left).all()
    expected = np.sort(distances_of(queries, X[left], metric), axis=1)
    if metric != "cosine":
        np.testing.assert_allclose(distances, expected, rtol=1e-5, atol=1e-3)


@ALL_METRICS
def test_nothing_is_tuned_where_rows_share_few_features(metric, monkeypatch):
    monkeypatch.setattr("sklearn_lsh.neighbors.building.Tuner", None)
    monkeypatch.setattr("sklearn_lsh.neighbors.building.PrincipalSketch", None)
    X = hypersparse(4000)
    transformer = fitted(X, metric, recall=0.5)
    assert tuple(transformer.index_.setting) == (0, 0, 0, 0, 0)
    assert transformer.recall_ == 1
    assert transformer.index_.sketch is None
    check_distances(transformer, X[:40].toarray(), X.toarray(), metric, 5)
    transformer.partial_fit(hypersparse(6000, seed=2))  # which is all made anew
    assert transformer.index_.exact_scan.postings.n_rows == 10_000


def test_threads_copies_and_company_make_no_difference():
    X = hypersparse(3000)
    transformer = fitted(X, "cosine")
    found = transformer.kneighbors(X[:300])
    one_by_one = [transformer.kneighbors(X[i : i + 1]) for i in range(0, 300, 57)]
    for ours, theirs in zip(found, zip(*one_by_one, strict=True), strict=True):
        np.testing.assert_array_equal(ours[::57], np.concatenate(theirs))
    for other in (
        clone(transformer).set_params(n_jobs=2).fit(X),
        pickle.loads(pickle.dumps(transformer)),
    ):
        for ours, theirs in zip(found, other.kneighbors(X[:300]), strict=True):
            np.testing.assert_array_equal(ours, theirs)


@ALL_METRICS
def test_tables_do_without_it(metric):
    X = hypersparse(1000)
    with pytest.warns(UserWarning, match="Recall is about"):
        transformer = LSHNeighborsTransformer(
            metric=metric, n_tables=2, n_bits=3, recall=1, random_state=0
        ).fit(X)
    assert transformer.index_.exact_scan.postings is None
    assert LSHNeighborsTransformer().fit(X.toarray()[:, :50]).index_.exact_scan.postings is None


def test_rows_that_were_moved_are_compared_by_products():
    X = np.random.default_rng(0).normal(size=(200, 5)) + 1000
    transformer = LSHNeighborsTransformer(random_state=0).fit(sp.csr_array(X))
    assert transformer.index_.space.origin is not None
    assert transformer.index_.exact_scan.postings is None


def test_features_without_rows_take_no_memory(monkeypatch):
    monkeypatch.setattr(postings, "FEW_FEATURES", 10)
    X = sp.csr_array(np.eye(20, 500))
    transformer = LSHNeighborsTransformer(n_neighbors=1, random_state=0).fit(X)
    assert transformer.index_.exact_scan.postings is None


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("rows", lambda rows: rows[::-1].copy()),
        ("rows", lambda rows: rows + np.uint32(10**6)),
        ("values", lambda values: values * np.float32(np.nan)),
        ("indptr", lambda indptr: indptr + np.uint32(1)),
    ],
)
def test_lists_that_were_changed_are_refused(name, change):
    transformer = fitted(hypersparse(500), "cosine")
    segment = transformer.index_.exact_scan.postings.segments[0]
    segment.lists = segment.lists._replace(**{name: change(getattr(segment.lists, name))})
    with pytest.raises(ValueError, match=rf"Lists\.{name} must be"):
        pickle.loads(pickle.dumps(transformer))


def test_norms_that_were_changed_are_refused():
    transformer = fitted(hypersparse(500), "euclidean")
    segment = transformer.index_.exact_scan.postings.segments[0]
    segment.norms = segment.norms + np.float32(1)
    with pytest.raises(ValueError, match=r"Segment\.norms must be those of the rows"):
        pickle.loads(pickle.dumps(transformer))
