"""Priorities: scrambled as they should be, in range, and even."""

import numpy as np

from sklearn_lsh.hashing.priorities import mix, priorities_of


def test_mix_is_the_finalizer_of_murmurhash3():
    numbers = np.array([0, 1, 2, 0xFFFFFFFF], np.uint32).view(np.int32)
    expected = [0, 0x514E28B7, 0x30F4C306, 0x81F16F39]
    np.testing.assert_array_equal(mix(numbers).view(np.uint32), expected)


def test_mix_takes_no_two_numbers_to_the_same():
    assert np.unique(mix(np.arange(-50_000, 50_000, dtype=np.int32))).size == 100_000


def test_priorities_are_even_and_whole_in_float32():
    buckets, members = np.divmod(np.arange(200_000, dtype=np.int32), 500)
    priorities = priorities_of(buckets, members, seed=3)
    assert priorities.min() >= 0
    assert priorities.max() < 2**24
    np.testing.assert_array_equal(priorities.astype(np.float32).astype(np.int32), priorities)
    counts = np.bincount(priorities >> 18, minlength=64)
    deviations = (counts - 3125) / np.sqrt(3125 * 63 / 64)
    assert np.abs(deviations).max() < 4


def test_buckets_and_seeds_prefer_other_members():
    members = np.arange(1000, dtype=np.int32)
    orders = [
        priorities_of(np.full(1000, bucket, np.int32), members, seed).argsort()
        for bucket, seed in ((0, 0), (1, 0), (0, 1), (0, 2**31 + 1))
    ]
    # The seed's highest bit has no say: it would be a sign.
    np.testing.assert_array_equal(orders[2], orders[3])
    for k in (1, 2):
        assert np.abs(np.corrcoef(orders[0], orders[k])[0, 1]) < 0.1
