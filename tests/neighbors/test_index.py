"""The index: what is near by scans and tables, what comes and goes, and how it is handed over."""

import numpy as np
import pytest

from sklearn_lsh.csr import Pattern, even_pattern
from sklearn_lsh.hashing import SimHash
from sklearn_lsh.neighbors.index import (
    EXACT,
    Candidates,
    Index,
    Neighbors,
    Setting,
    in_chunks,
    in_order,
)
from sklearn_lsh.neighbors.metrics import METRICS, Vectors
from sklearn_lsh.neighbors.sketch import PrincipalSketch
from sklearn_lsh.neighbors.space import Space

N_ROWS, N_FEATURES = 300, 40


def make_rows(n_rows=N_ROWS, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n_rows, N_FEATURES)) * np.geomspace(3, 0.1, N_FEATURES)).astype("f4")


def make_index(X, setting=EXACT, *, sketched=False):
    """An index that searches by a setting: with tables, with sketches, or both."""
    sketch = None
    if sketched or setting.n_directions:
        sketch = PrincipalSketch(X, X, False, np.random.RandomState(0))
    index = Index(Space(METRICS["euclidean"]), Vectors(X), sketch, np.ones(len(X), bool))
    if setting.n_tables:
        index.build_tables(SimHash(setting.n_bits, setting.n_tables, random_state=0))
        index.use(setting, index.family, index.tables)
    elif setting.n_directions:
        index.use(setting, scan=index.sketch_scan(setting.n_directions))
    return index


def nearest_rows(X, queries, k):
    distances = ((queries[:, np.newaxis].astype(float) - X) ** 2).sum(axis=2)
    indices = np.argsort(distances, axis=1)[:, :k]
    return indices, -np.take_along_axis(distances, indices, axis=1)


TABLES = Setting(n_bits=2, n_tables=12, n_probes=2, n_finalists=60)
SKETCHES = Setting(0, 0, 0, n_finalists=60, n_directions=10)
SETTINGS = pytest.mark.parametrize(
    ("setting", "sketched"),
    [(EXACT, False), (TABLES, False), (TABLES, True), (SKETCHES, True)],
    ids=["exact", "tables", "tables of sketches", "scan of sketches"],
)


@SETTINGS
def test_the_nearest_rows_are_found_and_in_order(setting, sketched):
    X, queries = make_rows(), make_rows(20, seed=1)
    found = make_index(X, setting, sketched=sketched).nearest(queries, 5)
    expected, scores = nearest_rows(X, queries, 5)
    share = np.mean([np.isin(*pair).mean() for pair in zip(found.indices, expected, strict=True)])
    assert share > (0.999 if setting == EXACT else 0.9)
    assert (np.diff(found.scores, axis=1) <= 0).all()
    same = found.indices == expected
    np.testing.assert_allclose(found.scores[same], scores[same], rtol=1e-4)


@SETTINGS
def test_rows_come_and_go(setting, sketched):
    X, more = make_rows(), make_rows(30, seed=2)
    index = make_index(X, setting, sketched=sketched)
    index.insert(index.space.queries(more), N_ROWS)
    assert index.n_alive == index.rows.n_rows == N_ROWS + 30
    np.testing.assert_array_equal(
        index.nearest(more, 1).indices[:, 0], np.arange(N_ROWS, N_ROWS + 30)
    )
    index.delete(np.arange(N_ROWS, N_ROWS + 30, 2))
    assert index.n_alive == N_ROWS + 15
    found = index.nearest(more, 3).indices
    assert not np.isin(found, np.arange(N_ROWS, N_ROWS + 30, 2)).any()
    np.testing.assert_array_equal(found[1::2, 0], np.arange(N_ROWS + 1, N_ROWS + 30, 2))


def test_queries_that_meet_too_few_rows_are_compared_with_all():
    X = make_rows()
    # So long codes that buckets are all but empty.
    index = make_index(X, Setting(n_bits=16, n_tables=1, n_probes=1, n_finalists=9))
    queries = make_rows(20, seed=1)
    lengths = np.diff(index.candidates(Vectors(queries), 1).pattern.indptr)
    assert lengths.min() < 9
    np.testing.assert_array_equal(
        index.nearest(queries, 9).indices, make_index(X).nearest(queries, 9).indices
    )


def test_members_of_buckets_are_counted():
    index = make_index(make_rows(), TABLES)
    queries = Vectors(make_rows(20, seed=1))
    codes = index.family.probe_codes(queries.matrix, 2)
    starts, stops = index.tables.buckets(codes)
    assert index.count_members(queries, 2) == (stops - starts).sum()


def test_finalists_are_the_best_candidates():
    pattern = even_pattern(np.array([[3, 1, 7], [2, 0, 4]], np.uint32))
    candidates = Candidates(pattern, np.array([1, 5, 3, 9, 2, 9], np.float32))
    finalists = candidates.finalists(2)
    assert finalists.pattern.indices.tolist() == [1, 7, 2, 4]
    assert finalists.scores.tolist() == [5, 3, 9, 9]
    unknown = Candidates(Pattern(*pattern), None)
    assert unknown.finalists(1) is unknown


def test_neighbors_are_put_together_from_parts():
    neighbors = Neighbors.with_room(3, 2)
    first = in_order(np.array([4, 9, 8, 1]), np.array([1.0, 2, 2, 2]), 2)
    neighbors.fill(np.array([True, False, True]), first)
    neighbors.fill(slice(1, 2), in_order(np.array([0, 5]), np.array([0.5, 0.25]), 2))
    # Of equal scores the first one stays first.
    assert neighbors.indices.tolist() == [[9, 4], [0, 5], [8, 1]]
    assert neighbors.scores.tolist() == [[2, 1], [0.5, 0.25], [2, 2]]


@pytest.mark.parametrize("n_jobs", [None, 3])
def test_chunks_are_all_queries_once(n_jobs):
    chunks = []
    in_chunks(chunks.append, 10, n_jobs, size=4)
    assert sorted(chunk.start for chunk in chunks) == [0, 4, 8]
    assert sorted(i for chunk in chunks for i in range(10)[chunk]) == list(range(10))
