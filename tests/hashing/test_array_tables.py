"""The pieces of tables in other libraries, against plain loops."""

import numpy as np
import pytest

from sklearn_lsh.hashing.array_tables import (
    build_tables,
    drop_repeats,
    group_pairs,
    keep_best,
    limit_tables,
    merge_tables,
    numbers_of,
    starts_of,
)

xp = pytest.importorskip("array_api_strict")


def whole(numbers):
    return xp.asarray(np.asarray(numbers, np.int32))


def buckets_of(tables):
    """Members of each bucket."""
    indptr, members = (np.asarray(array) for array in tables[:2])
    return [part.tolist() for part in np.split(members, indptr[1:-1])]


def test_starts_and_numbers_are_each_others_opposite():
    numbers = whole([0, 0, 2, 2, 2, 5])
    starts = starts_of(numbers, 7, xp)
    assert np.asarray(starts).tolist() == [0, 2, 2, 5, 5, 5, 6, 6]
    assert np.asarray(numbers_of(starts, xp)).tolist() == np.asarray(numbers).tolist()


def test_groups_of_pairs():
    first, second = np.random.default_rng(0).integers(5, size=(2, 60))
    order, starts = (np.asarray(array) for array in group_pairs(whole(first), whole(second), xp))
    groups = [part.tolist() for part in np.split(order, starts[1:])]
    expected = {}
    for place, pair in enumerate(zip(first, second, strict=True)):
        expected.setdefault(pair, []).append(place)
    assert groups == [expected[pair] for pair in sorted(expected)]


def test_repeats_are_dropped_but_for_the_first():
    buckets, members = drop_repeats(whole([0, 0, 0, 1, 1]), whole([7, 3, 7, 7, 7]), xp)
    assert np.asarray(buckets).tolist() == [0, 0, 1]
    assert np.asarray(members).tolist() == [7, 3, 7]
    assert drop_repeats(whole([]), whole([]), xp)[1].shape == (0,)


def test_the_best_of_each_number_stay_in_order():
    numbers, scores = whole([0, 0, 0, 2, 2, 2, 2]), whole([1, 5, 3, 4, 4, 9, 4])
    kept = keep_best(numbers, scores, 2, xp)
    # Of equals the first.
    assert np.asarray(kept).tolist() == [1, 2, 3, 5]


@pytest.mark.parametrize("owners", [None, [5, 5, 8, 9]])
def test_tables(owners):
    codes = [[0, 1], [0, 1], [2, 1], [0, 0]]
    given = owners if owners is None else whole(owners)
    tables = build_tables(whole(codes), given, 3, xp)
    names = range(4) if owners is None else owners
    expected = [
        list(dict.fromkeys(name for name, row in zip(names, codes, strict=True) if row[t] == code))
        for t in (0, 1)
        for code in range(3)
    ]
    assert buckets_of(tables) == expected


def test_rows_leave_and_come():
    old = build_tables(whole([[0], [0], [1]]), whole([1, 2, 3]), 2, xp)
    new = build_tables(whole([[0], [1], [1]]), whole([2, 4, 3]), 2, xp)
    assert buckets_of(merge_tables(old, whole([1]), new, xp)) == [[2], [3, 4]]
    assert buckets_of(merge_tables(old, None, new, xp)) == [[1, 2], [3, 4]]


def test_full_buckets_are_limited_alike_each_time():
    tables = build_tables(whole([[0]] * 9 + [[1]] * 2), None, 2, xp)
    limited = limit_tables(tables, 3, 5, xp)
    first, second = buckets_of(limited)
    assert len(first) == 3
    assert first == sorted(first)
    assert second == [9, 10]
    assert buckets_of(limit_tables(tables, 3, 5, xp)) == [first, second]
    assert buckets_of(limit_tables(tables, 3, 6, xp))[0] != first
