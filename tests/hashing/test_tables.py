"""Hash tables against brute force."""

import pickle
from itertools import pairwise

import numpy as np
import pytest

from sklearn_lsh.hashing import DWTA, E2LSH, WTA, LSHTables, SimHash


@pytest.fixture(params=[0, 1, 2])
def filled(request):
    """Codes of 300 rows, those of 40 queries, and the tables: ten of eight buckets."""
    rng = np.random.default_rng(request.param)
    codes = rng.integers(8, size=(300, 10)).astype(np.uint16)
    queries = rng.integers(8, size=(40, 10)).astype(np.uint16)
    return codes, queries, LSHTables(codes, 8)


def test_every_row_is_in_exactly_its_buckets(filled):
    codes, _, tables = filled
    assert tables.indptr.dtype == tables.members.dtype == np.uint32
    assert tables.indptr.shape == (81,)
    for t in range(10):
        for b in range(8):
            bucket = slice(*tables.indptr[8 * t + b : 8 * t + b + 2])
            assert set(tables.members[bucket]) == set(np.flatnonzero(codes[:, t] == b))
            assert bucket.stop - bucket.start == np.count_nonzero(codes[:, t] == b)


@pytest.mark.parametrize("n_wanted", [1, 7, 100, 300])
def test_most_collisions_are_the_rows_with_most_votes(filled, n_wanted):
    codes, queries, tables = filled
    indptr, found = tables.most_collisions(queries, n_wanted)
    assert indptr.dtype == found.dtype == np.uint32
    assert indptr[-1] == found.size
    for s, query in enumerate(queries):
        votes = (codes == query).sum(axis=1)
        rows = found[indptr[s] : indptr[s + 1]]
        n_found = min(n_wanted, np.count_nonzero(votes))
        assert len(set(rows)) == rows.size == n_found
        np.testing.assert_array_equal(np.sort(votes[rows]), np.sort(votes)[300 - n_found :])


def test_ties_are_decided_alike_each_time_and_in_any_company(filled):
    codes, queries, tables = filled
    indptr, found = tables.most_collisions(queries, 20)
    same = LSHTables(codes, 8).most_collisions(queries, 20)
    np.testing.assert_array_equal(found, same[1])
    for s in range(0, 40, 7):
        alone = tables.most_collisions(queries[s : s + 1], 20)[1]
        np.testing.assert_array_equal(alone, found[indptr[s] : indptr[s + 1]])


@pytest.mark.parametrize("fill_from", [0, 13, 299])
def test_too_few_hits_are_filled_up(filled, fill_from):
    codes, queries, tables = filled
    indptr, found = tables.most_collisions(queries, 280, fill_from)
    np.testing.assert_array_equal(np.diff(indptr), 280)
    n_filled = 0
    for s, query in enumerate(queries):
        hit = (codes == query).any(axis=1)
        rows = found[indptr[s] : indptr[s + 1]]
        assert len(set(rows)) == 280
        order = (np.arange(300) + fill_from) % 300
        spare = order[~hit[order]][: max(0, 280 - hit.sum())]
        np.testing.assert_array_equal(rows[280 - spare.size :], spare)
        n_filled += spare.size
    assert n_filled > 0


def test_a_row_with_several_codes_votes_once_a_table():
    # Rows 0 and 1 have two codes each, and as many codes as rows.
    codes = np.array([[0, 0], [0, 1], [1, 1], [1, 1]], np.uint16)
    owners = np.array([0, 0, 1, 1], np.uint32)
    tables = LSHTables(codes, 2, owners, 4)
    np.testing.assert_array_equal(tables.indptr, [0, 1, 2, 3, 5])
    np.testing.assert_array_equal(tables.members, [0, 1, 0, 0, 1])
    indptr, found = tables.most_collisions(np.array([[0, 1], [1, 1]], np.uint16), 1)
    np.testing.assert_array_equal(indptr, [0, 1, 2])
    np.testing.assert_array_equal(found, [0, 1])


@pytest.mark.parametrize("family", [SimHash, WTA, DWTA, E2LSH])
def test_tables_find_near_neighbours(family):
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(2000, 16)).astype(np.float32)
    queries = rows[:200] + 0.3 * rng.normal(size=(200, 16)).astype(np.float32)
    hashing = family(6, 20, random_state=0).fit(rows)
    tables = LSHTables(hashing.transform(rows), hashing.n_buckets_)
    indptr, found = tables.most_collisions(hashing.transform_queries(queries), 5)
    hits = [s in found[indptr[s] : indptr[s + 1]] for s in range(200)]
    assert np.mean(hits) > 0.8


def ragged_rows(answer):
    indptr, indices = answer
    return [indices[start:stop].tolist() for start, stop in pairwise(indptr)]


def test_queries_find_all_that_share_a_bucket(filled):
    codes, queries, tables = filled
    for query, rows in zip(queries, ragged_rows(tables.query(queries)), strict=True):
        assert len(set(rows)) == len(rows)
        assert set(rows) == set(np.flatnonzero((codes == query).any(axis=1)))


def test_several_probes_in_a_table(filled):
    codes, queries, tables = filled
    probes = np.stack([queries, (queries + 1) % 8], axis=1)
    votes = (codes == probes[:, :, np.newaxis]).sum(axis=(1, 3))
    for s, rows in enumerate(ragged_rows(tables.query(probes))):
        assert set(rows) == set(np.flatnonzero(votes[s]))
    for s, rows in enumerate(ragged_rows(tables.most_collisions(probes, 10))):
        np.testing.assert_array_equal(np.sort(votes[s, rows]), np.sort(votes[s])[-10:])
    starts, stops = tables.buckets(probes)
    assert starts.shape == stops.shape == probes.shape
    for place in [(0, 0, 0), (3, 1, 9), (39, 0, 5)]:
        bucket = tables.members[starts[place] : stops[place]]
        np.testing.assert_array_equal(bucket, np.flatnonzero(codes[:, place[2]] == probes[place]))


def members_of(tables):
    """The members of each bucket as sets; fails if one has a member twice."""
    buckets = ragged_rows((tables.indptr, tables.members))
    assert all(len(set(bucket)) == len(bucket) for bucket in buckets)
    return [set(bucket) for bucket in buckets]


def members_by_hand(codes, n_buckets):
    """The same from ``{row: codes}``."""
    buckets = [set() for _ in range(10 * n_buckets)]
    for row, own in codes.items():
        for t, code in enumerate(own):
            buckets[t * n_buckets + code].add(row)
    return buckets


def test_tables_that_change(filled):
    codes, _, tables = filled
    rng = np.random.default_rng(9)
    held = dict(enumerate(codes))
    for _ in range(5):
        new = rng.integers(8, size=(7, 10)).astype(np.uint16)
        held.update(zip(range(tables.n_rows, tables.n_rows + 7), new, strict=True))
        assert tables.insert(new) is tables
        gone = rng.choice(tables.n_rows, 20, replace=False)
        for row in gone:
            held.pop(row, None)
        tables.delete(gone)
        moved = rng.choice(tables.n_rows, 12, replace=False)  # some of them come back
        held.update(zip(moved, new := rng.integers(8, size=(12, 10)).astype(np.uint8), strict=True))
        tables.update(new, moved)
        assert members_of(tables) == members_by_hand(held, 8)
    assert members_of(pickle.loads(pickle.dumps(tables))) == members_by_hand(held, 8)
    queries = rng.integers(8, size=(5, 10)).astype(np.uint8)
    for query, rows in zip(queries, ragged_rows(tables.query(queries)), strict=True):
        assert set(rows) == {row for row, own in held.items() if (own == query).any()}


def test_a_row_that_is_inserted_again_has_further_codes():
    codes = np.array([[0, 1], [1, 1]], np.uint8)
    tables = LSHTables(codes, 2).insert(np.array([[1, 1]], np.uint8), [0])
    assert ragged_rows((tables.indptr, tables.members)) == [[0], [1, 0], [], [0, 1]]


def test_no_rows():
    tables = LSHTables(np.empty((0, 3), np.uint8), 4)
    assert tables.query(np.zeros((2, 3), np.uint8))[1].size == 0
    assert tables.statistics().load_balance.tolist() == [1, 1, 1]
    tables.insert(np.array([[0, 1, 2]], np.uint8)).delete([0])
    assert tables.members.size == 0
    assert tables.n_rows == 1
    assert tables.query(np.zeros((0, 3), np.uint8))[0].tolist() == [0]


# Capacity


def test_full_buckets_keep_each_member_with_the_same_probability():
    codes = np.zeros((40, 1), np.uint8)
    kept = np.zeros(40)
    n_seeds = 2000
    for seed in range(n_seeds):
        tables = LSHTables(codes[:25], 1, capacity=8, seed=seed).insert(codes[25:])
        assert tables.members.size == 8
        kept[tables.members] += 1
    p = 8 / 40
    deviations = (kept - n_seeds * p) / np.sqrt(n_seeds * p * (1 - p))
    assert np.abs(deviations).max() < 4
    assert 0.4 < np.mean(deviations**2) < 1.6


def test_who_stays_does_not_depend_on_when_it_came(filled):
    codes, _, _ = filled
    at_once = LSHTables(codes, 8, capacity=10)
    assert np.diff(at_once.indptr).max() == 10
    one_by_one = LSHTables(codes[:100], 8, capacity=10)
    one_by_one.insert(codes[100:150]).insert(codes[150:])
    np.testing.assert_array_equal(one_by_one.members, at_once.members)
    np.testing.assert_array_equal(one_by_one.indptr, at_once.indptr)
    roomy = LSHTables(codes, 8, capacity=300)
    np.testing.assert_array_equal(roomy.members, LSHTables(codes, 8).members)


def test_statistics():
    codes = np.array([[0, 0], [0, 1], [0, 2], [1, 3]], np.uint8)
    statistics = LSHTables(codes, 4).statistics()
    assert statistics.n_members.tolist() == [4, 4]
    assert statistics.occupancy.tolist() == [2, 1]
    assert statistics.largest.tolist() == [3, 1]
    assert statistics.empty_rate.tolist() == [0.5, 0]
    assert statistics.load_balance.tolist() == [0.4, 1]


# Bad input


def test_bad_codes(filled):
    codes, queries, tables = filled
    wide = queries.copy()
    wide[3, 2] = 8
    for method in (
        tables.query,
        tables.buckets,
        lambda q: tables.most_collisions(q, 3),
        tables.insert,
    ):
        with pytest.raises(ValueError, match="less than 8, got 8"):
            method(wide)
        with pytest.raises(TypeError, match="uint8 or uint16, got int64"):
            method(queries.astype(np.int64))
        with pytest.raises(ValueError, match="must have 10 columns"):
            method(queries[:, :9])
    with pytest.raises(ValueError, match="less than 4"):
        LSHTables(codes, 4)
    with pytest.raises(TypeError, match="uint8 or uint16, got >u2"):
        LSHTables(codes.astype(">u2"), 8)
    frozen = queries.copy()
    frozen.setflags(write=False)
    np.testing.assert_array_equal(tables.query(frozen)[1], tables.query(queries)[1])
    strided = np.repeat(queries, 2, axis=1)[:, ::2]
    np.testing.assert_array_equal(tables.query(strided)[1], tables.query(queries)[1])


def test_bad_rows(filled):
    codes, queries, tables = filled
    with pytest.raises(ValueError, match="rows must be numbers from 0"):
        tables.delete([-1])
    with pytest.raises(ValueError, match="rows must be a list of integers"):
        tables.delete([0.5])
    with pytest.raises(ValueError, match="2 codes are given for 1 rows"):
        tables.update(codes[:2], [1])
    with pytest.raises(ValueError, match="owners need n_rows"):
        LSHTables(codes, 8, np.zeros(300, np.uint32))
    with pytest.raises(ValueError, match="less than n_rows=5, got 7"):
        LSHTables(codes, 8, np.full(300, 7, np.uint32), 5)
    with pytest.raises(ValueError, match="capacity must be at least 1"):
        LSHTables(codes, 8, capacity=0)
    with pytest.raises(ValueError, match="n_wanted must be from 0 to the number of rows, 300"):
        tables.most_collisions(queries, 301)


@pytest.mark.parametrize("number", [2**31 - 1, 2**32, 2**63])
def test_rows_of_numbers_that_32_bits_do_not_hold(filled, number):
    codes, _, tables = filled
    before = tables.indptr, tables.members, tables.n_rows
    for rows in ([number], np.array([number], np.uint64)):
        with pytest.raises(ValueError, match="rows must be numbers from 0 to 2147483646"):
            tables.insert(codes[:1], rows)
        with pytest.raises(ValueError, match="rows must be numbers from 0 to 2147483646"):
            tables.delete(rows)
        with pytest.raises(ValueError, match="owners must be numbers from 0 to 2147483646"):
            LSHTables(codes[:1], 8, rows, 5)
    assert all(
        a is b for a, b in zip(before, (tables.indptr, tables.members, tables.n_rows), strict=True)
    )
    with pytest.raises(ValueError, match="n_rows must be from 0 to 2147483647"):
        LSHTables(codes[:1], 8, [0], number + 1)


def test_tables_and_searches_that_32_bits_do_not_number(monkeypatch):
    with pytest.raises(ValueError, match="at most 2147483647 buckets together"):
        LSHTables(np.zeros((1, 2**15), np.uint16), 2**16)
    # As many codes without the memory for them.
    with pytest.raises(ValueError, match="at most 2147483647 members, but would have 2147483648"):
        LSHTables(np.broadcast_to(np.uint8(0), (2**31, 1))[:, :], 1)
    tables = LSHTables(np.zeros((2**12, 1), np.uint8), 1)
    with pytest.raises(ValueError, match="A batch has 4294967296 pairs"):
        tables.query(np.zeros((2**20, 1), np.uint8))
    with pytest.raises(ValueError, match="A batch has 4294967296 pairs"):
        tables.most_collisions(np.zeros((2**20, 1), np.uint8), 2**12)
    with pytest.raises(ValueError, match="at most 65535 buckets, got codes of 65536"):
        tables.most_collisions(np.zeros((1, 2**16, 1), np.uint8), 1)
    monkeypatch.setattr("sklearn_lsh.hashing.table_checks.MOST_MEMBERS", 2**12 + 1)
    with pytest.raises(ValueError, match="at most 4097 members, but would have 4098"):
        tables.insert(np.zeros((2, 1), np.uint8), [0, 1])
    assert tables.insert(np.zeros((1, 1), np.uint8), [0]).members.size == 2**12


@pytest.mark.parametrize("bad", [1.5, "2", None, True])
def test_parameters_that_are_no_integers(filled, bad):
    codes, queries, tables = filled
    with pytest.raises(TypeError, match="n_buckets must be an integer, got"):
        LSHTables(codes, bad)
    with pytest.raises(TypeError, match="seed must be an integer, got"):
        LSHTables(codes, 8, seed=bad)
    with pytest.raises(TypeError, match="n_wanted must be an integer, got"):
        tables.most_collisions(queries, bad)
    if bad is not None:
        with pytest.raises(TypeError, match="capacity must be an integer, got"):
            LSHTables(codes, 8, capacity=bad)
        with pytest.raises(TypeError, match="n_rows must be an integer, got"):
            LSHTables(codes, 8, np.zeros(len(codes), np.uint32), bad)


def test_codes_that_are_no_arrays(filled):
    with pytest.raises(TypeError, match="codes must be of type uint8 or uint16, got int64"):
        LSHTables([[0, 1]], 2)
    for codes in (3, None, "codes"):
        with pytest.raises(ValueError, match="codes must be an array"):
            LSHTables(codes, 2)
    with pytest.raises(ValueError, match="must have 10 columns"):
        filled[2].insert([[1, 2]])


def test_a_refused_change_leaves_the_tables(filled):
    codes, _, tables = filled
    before = tables.indptr, tables.members, tables.n_rows
    for rows in ([5], [-1, 2], [0.5, 1]):
        with pytest.raises(ValueError, match="rows"):
            tables.update(codes[:2], rows)
    assert all(
        a is b for a, b in zip(before, (tables.indptr, tables.members, tables.n_rows), strict=True)
    )


def test_codes_and_rows_that_are_not_aligned(filled):
    codes, queries, tables = filled

    def moved(array):
        raw = np.zeros(array.nbytes + 1, np.uint8)
        raw[1:] = np.frombuffer(array.tobytes(), np.uint8)
        return raw[1:].view(array.dtype).reshape(array.shape)

    found = tables.query(moved(queries))
    np.testing.assert_array_equal(found.indices, tables.query(queries).indices)
    rows = np.arange(300, dtype=np.uint32)
    again = LSHTables(moved(codes), 8, moved(rows), 300)
    np.testing.assert_array_equal(again.members, tables.members)


def test_counts_beyond_what_there_is(filled):
    codes, queries, tables = filled
    assert tables.most_collisions(queries, 3, min_shared=10**20).indices.size == 0
    empty = LSHTables(codes[:0], 8)
    assert empty.most_collisions(queries, 0, fill_from=10**20).indices.size == 0
