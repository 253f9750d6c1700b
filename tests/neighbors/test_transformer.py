"""Neighbours found by hashing, against brute force and in scikit-learn's company."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN, SpectralClustering
from sklearn.datasets import make_blobs
from sklearn.manifold import TSNE
from sklearn.neighbors import KNeighborsClassifier, KNeighborsTransformer
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_lsh.hashing import DWTA, E2LSH, MinHash, SimHash, SimpleLSH
from sklearn_lsh.neighbors import LSHNeighborsTransformer

from ..support.kernel_cases import quick, seeds
from ..support.neighbors import assert_repeatable, distances_of, recall

METRICS = ["euclidean", "cosine", "inner_product", "jaccard"]
# Hashing whatever it costs: the data of tests are so few that comparing all costs less.
HASHED = {"n_bits": 6, "n_tables": 8, "n_probes": 4, "recall": 0.3, "random_state": 0}


def hashed(metric, **settings):
    """A transformer that hashes; MinHash knows one bucket of a table."""
    settings = {**HASHED, "n_probes": 1 if metric == "jaccard" else 4, **settings}
    return LSHNeighborsTransformer(metric=metric, **settings)


def clusters(n_rows, n_features=20, seed=0, share=1.0):
    """Rows in clusters, of which a share of the values are not zero."""
    rng = np.random.default_rng(seed)
    X, _ = make_blobs(n_rows, n_features, centers=40, cluster_std=3.0, random_state=0)
    # The zeros of a cluster are alike, too.
    kept = rng.random(X.shape) < share
    return (X * kept).astype(np.float32)


@pytest.fixture(scope="module")
def rows():
    X = clusters(3400)
    return X[:3000], X[3000:]


@pytest.fixture(scope="module")
def sparse_rows():
    X = sp.csr_array(clusters(3400, 60, share=0.2))
    return X[:3000], X[3000:]


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("metric", METRICS)
def test_distances_are_exact_and_ascend(metric, kind, rows, sparse_rows):
    X, queries = rows if kind == "dense" else sparse_rows
    transformer = hashed(metric).fit(X)
    assert transformer.n_tables_ == 8
    distances, indices = transformer.kneighbors(queries, 7)
    assert distances.shape == indices.shape == (400, 7)
    assert all(len(set(row)) == 7 for row in indices)
    assert (np.diff(distances, axis=1) >= 0).all()
    expected = np.take_along_axis(distances_of(queries, X, metric), indices, axis=1)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(distances, expected, rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.parametrize("wanted", [0.7, 0.9, 0.99])
@pytest.mark.parametrize("metric", METRICS)
def test_wanted_recall_is_met_on_held_out_queries(metric, wanted, rows, sparse_rows):
    X, queries = sparse_rows if metric == "jaccard" else rows
    settings = {"n_bits": 8, "n_tables": 48, "random_state": 1}
    transformer = LSHNeighborsTransformer(metric=metric, recall=wanted, **settings)
    sample = X[:400] if metric == "inner_product" else None
    transformer.fit(X, queries=sample)
    found = transformer.kneighbors(queries, return_distance=False)
    measured = recall(found, X, queries, metric, 5)
    # Standard errors of 400 queries are about 0.01.
    assert measured > wanted - 0.015
    assert abs(measured - transformer.recall_) < 0.03
    assert transformer.n_tables_ == 48


def test_more_recall_costs_more(rows):
    X, _ = rows
    settings = [
        LSHNeighborsTransformer(recall=r, n_bits=9, n_tables=8, random_state=0).fit(X)
        for r in (0.5, 0.9, 0.98)
    ]
    for less, more in pairwise(settings):
        assert (less.n_probes_, less.n_finalists_) < (more.n_probes_, more.n_finalists_)
        assert less.recall_ < more.recall_


def test_few_rows_are_all_compared(rows):
    X, queries = rows[0][:200], rows[1]
    transformer = LSHNeighborsTransformer(random_state=0).fit(X)
    assert transformer.n_tables_ == transformer.n_probes_ == transformer.n_finalists_ == 0
    assert transformer.recall_ == 1
    found = transformer.kneighbors(queries, return_distance=False)
    assert recall(found, X, queries, "euclidean", 5) == 1


def test_unreachable_recall_is_told(rows):
    settings = {"n_bits": 6, "n_tables": 1, "n_probes": 1, "random_state": 0}
    transformer = LSHNeighborsTransformer(recall=0.99, **settings)
    with pytest.warns(UserWarning, match="less than recall=0.99"):
        transformer.fit(rows[0])
    assert transformer.recall_ < 0.99


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "jaccard"])
def test_graph_is_that_of_scikit_learn(metric, rows, sparse_rows):
    X, queries = sparse_rows if metric == "jaccard" else rows
    ours = LSHNeighborsTransformer(metric=metric, n_neighbors=4).fit(X[:300])
    theirs = KNeighborsTransformer(metric=metric, n_neighbors=4, algorithm="brute")
    # Ours are float64 always.
    as_theirs = (lambda M: M.toarray() != 0) if metric == "jaccard" else np.float64
    theirs.fit(as_theirs(X[:300]))
    for mode in ("distance", "connectivity"):
        ours.set_params(mode=mode)
        theirs.set_params(mode=mode)
        for M in (X[:300], queries):
            graph, expected = ours.transform(M), theirs.transform(as_theirs(M))
            assert isinstance(graph, type(expected))
            assert graph.shape == expected.shape
            assert graph.dtype == expected.dtype
            np.testing.assert_array_equal(graph.indptr, expected.indptr)
            # Ties may be in another order.
            np.testing.assert_allclose(graph.data, expected.data, atol=2e-3)


def test_a_row_is_its_own_neighbour_in_the_graph_and_not_without_queries(rows):
    X = rows[0][:1000]
    transformer = LSHNeighborsTransformer(**HASHED).fit(X)
    graph = transformer.transform(X)
    nearest = graph.indices.reshape(1000, 6)[:, 0]
    np.testing.assert_array_equal(nearest, np.arange(1000))
    assert (graph.data.reshape(1000, 6)[:, 0] == 0).all()
    found = transformer.kneighbors(return_distance=False)
    assert (found != np.arange(1000)[:, np.newaxis]).all()
    np.testing.assert_array_equal(transformer.kneighbors_graph().indices, found.reshape(-1))


@pytest.mark.filterwarnings("ignore:Recall is about")  # which is near nothing, as it is meant to be
@pytest.mark.parametrize("metric", METRICS)
def test_queries_that_meet_too_few_rows_get_as_many_as_they_want(metric, rows, sparse_rows):
    X, queries = sparse_rows if metric == "jaccard" else rows
    settings = {"n_bits": 14, "n_tables": 1, "n_probes": 1, "recall": 0.01, "random_state": 0}
    transformer = LSHNeighborsTransformer(metric=metric, **settings).fit(X)
    index = transformer.index_
    candidates = index.candidates(index.space.queries(queries), 1)
    short = np.diff(candidates.pattern.indptr) < 50
    assert short.any()
    found = transformer.kneighbors(queries, 50, return_distance=False)
    assert all(len(set(row)) == 50 for row in found)
    assert recall(found[short], X, queries[np.flatnonzero(short)], metric, 50) == 1


@pytest.mark.parametrize(
    "family",
    [
        *("simhash", "wta", "dwta", "simple"),
        SimHash(5, projections="sparse"),
        SimpleLSH(4, n_ranges=3),
        DWTA(6),
        E2LSH(8, width=20.0, n_hashes=2),
    ],
    ids=str,
)
def test_families(family, rows):
    X, queries = rows
    settings = {"recall": 0.5, "n_bits": 7, "n_tables": 20, "random_state": 0}
    transformer = LSHNeighborsTransformer(**settings, hash_function=family).fit(X)
    found = transformer.kneighbors(queries, return_distance=False)
    assert recall(found, X, queries, "euclidean", 5) > 0.45
    if isinstance(family, SimHash):  # SimpleLSH too; the object that was given is not fitted
        assert not hasattr(family, "projections_")


def test_minhash_takes_its_own_settings(sparse_rows):
    X, queries = sparse_rows
    family = MinHash(n_bits=10, n_hashes=3)
    settings = {"n_tables": 64, "recall": 0.3, "random_state": 0}
    transformer = LSHNeighborsTransformer(metric="jaccard", hash_function=family, **settings)
    found = transformer.fit(X).kneighbors(queries, return_distance=False)
    assert recall(found, X, queries, "jaccard", 5) > 0.25
    assert (transformer.n_bits_, transformer.index_.family.n_hashes) == (10, 3)


def test_threads_copies_and_company_make_no_difference(rows):
    X, queries = rows
    assert_repeatable(LSHNeighborsTransformer(**HASHED).fit(X), X, queries)


# Updates


@pytest.mark.parametrize("metric", METRICS)
def test_rows_that_come_later_are_found(metric, rows, sparse_rows):
    X, queries = sparse_rows if metric == "jaccard" else rows
    pieces = hashed(metric)
    for part in (slice(0, 2000), slice(2000, 2900), slice(2900, 3000)):
        pieces.partial_fit(X[part])
    assert pieces.n_samples_fit_ == 3000
    assert pieces.transform(queries).shape == (400, 3000)
    distances, found = pieces.kneighbors(queries)
    expected = np.take_along_axis(distances_of(queries, X, metric), found, axis=1)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(distances, expected, rtol=1e-4, atol=1e-5 * scale)
    at_once = hashed(metric).fit(X)
    rates = [recall(t.kneighbors(queries)[1], X, queries, metric, 5) for t in (pieces, at_once)]
    assert abs(rates[0] - rates[1]) < 0.05


def test_twice_as_many_rows_are_hashed_anew(rows):
    X, _ = rows
    transformer = LSHNeighborsTransformer(random_state=0, n_tables=4).fit(X[:100])
    family = transformer.index_.family
    transformer.partial_fit(X[100:200])
    assert transformer.index_.family is family
    transformer.partial_fit(X[200:1000])
    assert transformer.index_.family is not family
    assert transformer.n_bits_ == 10


@pytest.mark.parametrize("settings", [HASHED, {}], ids=["hashed", "all compared"])
def test_deleted_rows_are_not_found(settings, rows):
    X, queries = rows[0][:800], rows[1]
    transformer = LSHNeighborsTransformer(**settings).fit(X)
    gone = transformer.kneighbors(queries, 1, return_distance=False).reshape(-1)
    transformer.delete(gone).delete([])
    found = transformer.kneighbors(queries, 100, return_distance=False)
    assert not np.isin(found, gone).any()
    assert found.max() < transformer.n_samples_fit_ == 800
    # The others keep their numbers.
    left = np.setdiff1d(np.arange(800), gone)
    near = transformer.kneighbors(X[left], 1, return_distance=False).reshape(-1)
    np.testing.assert_array_equal(near, left)
    with pytest.raises(ValueError, match="n_samples_fit = "):
        transformer.kneighbors(queries, left.size + 1)
    transformer.partial_fit(np.tile(X, (3, 1)))  # all is hashed anew, without those that left
    assert not np.isin(transformer.kneighbors(queries, 100, return_distance=False), gone).any()


# Ragged and bad input


@given(
    n_rows=st.integers(2, 40),
    n_features=st.sampled_from([1, 2, 33, 70]),
    metric=st.sampled_from(METRICS),
    share=st.sampled_from([0.0, 0.1, 1.0]),
    is_sparse=st.booleans(),
    seed=seeds,
)
@quick
def test_ragged_rows(n_rows, n_features, metric, share, is_sparse, seed):
    """Empty rows, duplicates, fewer rows than tables have buckets, a single feature."""
    rng = np.random.default_rng(seed)
    X = rng.integers(-2, 3, (n_rows, n_features)) * (rng.random((n_rows, n_features)) < share)
    X = np.concatenate([X, X[:2]]).astype(float)
    given = sp.csr_array(X) if is_sparse else X
    k = min(5, n_rows)
    transformers = [
        hashed(metric, n_bits=3, n_tables=2, recall=0.01, n_neighbors=k),
        LSHNeighborsTransformer(metric=metric, n_neighbors=k),
    ]
    for transformer in transformers:
        transformer.fit(given)
        distances, found = transformer.kneighbors(given)
        assert all(len(set(row)) == k for row in found)
        expected = np.take_along_axis(distances_of(X, X, metric), found, axis=1)
        if metric == "cosine":  # scikit-learn has 0 for an empty row and itself
            empty = ~X.any(axis=1)
            expected[empty] = 1
        np.testing.assert_allclose(distances, expected, atol=2e-3)
        if transformer.n_finalists_ == transformer.n_tables_ == 0:
            bars = np.sort(distances_of(X, X, metric), axis=1)[:, :k]
            if metric == "cosine":
                bars[empty] = 1
            np.testing.assert_allclose(distances, bars, atol=2e-3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_neighbors": 0}, "'n_neighbors' parameter"),
        ({"metric": "manhattan"}, "'metric' parameter"),
        ({"recall": 1.5}, "'recall' parameter"),
        ({"n_bits": 17}, "'n_bits' parameter"),
        ({"hash_function": "sha1"}, "'hash_function' parameter"),
        ({"n_probes": 9, "n_bits": 3, "n_tables": 1}, "n_probes must be at most 8"),
        ({"n_probes": 2, "hash_function": "wta"}, "n_probes must be at most 1"),
        ({"n_probes": 10**12}, "n_probes must be at most"),
        ({"n_probes": 3, "n_tables": 30_000, "n_bits": 3}, "n_probes must be at most 2, .* 65535"),
        ({"n_tables": 10**12}, "'n_tables' parameter"),
        ({"n_tables": True}, "'n_tables' parameter"),
        ({"n_tables": 40_000, "n_bits": 16}, "with n_tables=40000 and n_buckets=65536"),
        ({"hash_function": E2LSH(width=1e-6)}, r"width: hash_function=E2LSH\(width"),
    ],
)
def test_bad_parameters(settings, message, rows):
    with pytest.raises(ValueError, match=message):
        LSHNeighborsTransformer(**settings).fit(rows[0])


def test_numbers_of_a_few_bits(rows):
    """Products of what is given in 8 bits may need more."""
    numbers = {"n_neighbors": 100, "n_tables": 200, "n_probes": 4, "n_bits": 5}
    small = {name: np.uint8(number) for name, number in numbers.items()}
    found = [
        LSHNeighborsTransformer(**given, random_state=0).fit(rows[0]).transform(rows[1][:5])
        for given in (numbers, small)
    ]
    assert abs(found[0] - found[1]).nnz == 0


@pytest.mark.parametrize(
    "bad",
    [{"n_neighbors": None}, {"n_neighbors": "a"}, {"mode": np.array([])}, {"n_jobs": 1.5}],
)
def test_what_is_set_after_the_fit_is_checked_by_searches(bad, rows):
    transformer = LSHNeighborsTransformer().fit(rows[0]).set_params(**bad)
    for search in (transformer.transform, transformer.kneighbors):
        with pytest.raises(ValueError, match=f"'{next(iter(bad))}' parameter of LSHNeighborsT"):
            search(rows[1])


def test_as_many_tables_as_a_query_can_look_into(rows):
    """Then it looks into a single bucket of each."""
    transformer = LSHNeighborsTransformer(n_neighbors=2, n_tables=40_000, n_bits=3, random_state=0)
    transformer.fit(rows[0][:50]).kneighbors(rows[1][:3])
    assert transformer.n_probes_ == 1


def test_bad_calls(rows, sparse_rows):
    X, queries = rows
    transformer = LSHNeighborsTransformer().fit(X)
    with pytest.raises(ValueError, match="n_neighbors > 0"):
        transformer.kneighbors(queries, 0)
    with pytest.raises(TypeError, match="n_neighbors must be an integer"):
        transformer.kneighbors(queries, 2.5)
    with pytest.raises(ValueError, match="n_samples_fit = 3000"):
        transformer.kneighbors(queries, 3001)
    with pytest.raises(ValueError, match="n_samples_fit = 2999"):
        transformer.kneighbors(None, 3000)
    with pytest.raises(ValueError, match="mode must be"):
        transformer.kneighbors_graph(queries, mode="distances")
    with pytest.raises(ValueError, match="features"):
        transformer.kneighbors(queries[:, :3])
    with pytest.raises(ValueError, match="X is sparse, but the rows in the tables are dense"):
        transformer.partial_fit(sp.csr_array(X))
    with pytest.raises(ValueError, match="rows must be from 0"):
        transformer.delete([3000])
    with pytest.raises(ValueError, match="rows must be from 0"):
        transformer.delete([-1])
    with pytest.raises(ValueError, match="list of integers"):
        transformer.delete([0.5])
    with pytest.raises(ValueError, match="NaN"):
        transformer.fit(X, queries=np.full((2, 20), np.nan))


def test_lengths_of_rows(rows):
    """Angles are those of any lengths; distances of too long rows are refused."""
    X = rows[0][:50]
    cosine = LSHNeighborsTransformer(metric="cosine")
    expected = cosine.fit(X).kneighbors(X)
    for factor in (1e-25, 1e30):
        for ours, theirs in zip(cosine.fit(X * factor).kneighbors(X), expected, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-6)
    with pytest.raises(ValueError, match="less than 1e18"):
        LSHNeighborsTransformer().fit(X * 1e20)


# In scikit-learn's company


def test_classifier_on_the_graph(rows):
    X, y = make_blobs(2000, 10, centers=8, cluster_std=2.0, random_state=0)
    pipeline = make_pipeline(
        LSHNeighborsTransformer(n_neighbors=10, **HASHED),
        KNeighborsClassifier(10, metric="precomputed"),
    )
    exact = KNeighborsClassifier(10).fit(X[:1500], y[:1500]).score(X[1500:], y[1500:])
    assert pipeline.fit(X[:1500], y[:1500]).score(X[1500:], y[1500:]) > exact - 0.02


@pytest.mark.filterwarnings("ignore:Graph is not fully connected:UserWarning")
def test_clustering_on_the_graph():
    X, y = make_blobs(600, 8, centers=5, cluster_std=0.6, random_state=3)
    settings = {**HASHED, "n_neighbors": 20}
    groups = make_pipeline(
        LSHNeighborsTransformer(**settings),
        DBSCAN(eps=2.0, min_samples=5, metric="precomputed"),
    ).fit_predict(X)
    parts = make_pipeline(
        LSHNeighborsTransformer(**settings),
        SpectralClustering(
            5, affinity="precomputed_nearest_neighbors", n_neighbors=20, random_state=0
        ),
    ).fit_predict(X)
    for labels in (groups, parts):
        for c in range(5):
            inside = labels[y == c]
            assert (inside == np.bincount(inside + 1).argmax() - 1).mean() > 0.95


def test_embedding_of_the_graph(rows):
    X, y = make_blobs(150, 10, centers=3, random_state=0)
    settings = {**HASHED, "n_neighbors": 46}
    embedding = make_pipeline(
        LSHNeighborsTransformer(**settings),
        TSNE(metric="precomputed", init="random", perplexity=15, max_iter=300, random_state=0),
    ).fit_transform(X)
    assert embedding.shape == (150, 2)
    score = KNeighborsClassifier(3).fit(embedding[::2], y[::2]).score(embedding[1::2], y[1::2])
    assert score > 0.95


CHECKED = [
    LSHNeighborsTransformer(random_state=0),
    LSHNeighborsTransformer(metric="cosine", mode="connectivity"),
    LSHNeighborsTransformer(metric="jaccard", n_bits=3, n_tables=4, recall=0.01),
    LSHNeighborsTransformer(n_bits=3, n_tables=4, n_probes=2, recall=0.01, random_state=0),
]


@parametrize_with_checks(CHECKED)
def test_scikit_learn_check(estimator, check):
    check(estimator)
