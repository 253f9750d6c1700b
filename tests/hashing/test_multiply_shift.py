"""Multiply-shift hashing against the formula, and its rate of collisions."""

import numpy as np
import pytest

from sklearn_lsh.hashing.multiply_shift import MultiplyShift


@pytest.fixture
def hashes():
    rng = np.random.default_rng(0)
    return rng.integers(-(2**31), 2**31, size=(500, 6), dtype=np.int32)


def test_codes_are_the_high_bits_of_sums_of_products(hashes):
    function = MultiplyShift(3, 2, 5, np.random.RandomState(1))
    assert function.n_hashes == 2
    for table in range(3):
        sums = [
            int(function.summands[table])
            + sum(int(a) * int(h) for a, h in zip(function.multipliers[table], row, strict=True))
            for row in hashes[:, 2 * table : 2 * table + 2]
        ]
        expected = [(total % 2**32) >> 27 for total in sums]
        assert function.codes(hashes)[:, table].tolist() == expected


@pytest.mark.parametrize("n_bits", [1, 4, 8])
def test_rates_of_collisions(n_bits):
    function = MultiplyShift(100_000, 2, n_bits, np.random.RandomState(2))
    # Pairs of integers of which one agrees, or neither.
    pairs = np.array([[3, 7], [3, 8], [-5, 10]], np.int32)
    codes = function.codes(np.tile(pairs, 100_000))
    expected = function.collision_probability(0.0)
    assert expected == 0.5**n_bits
    for other in (1, 2):
        rate = (codes[0] == codes[other]).mean()
        assert rate == pytest.approx(expected, abs=4 * np.sqrt(expected / 100_000))


def test_hashes_that_agree_now_and_then_collide_more():
    function = MultiplyShift(1, 3, 2, np.random.RandomState(0))
    assert function.collision_probability(0.5) == 0.125 + 0.875 / 4
    assert function.collision_probability(1.0) == 1


def test_other_libraries_hash_alike(hashes):
    xp = pytest.importorskip("array_api_strict")
    function = MultiplyShift(2, 3, 16, np.random.RandomState(3))
    codes = function.codes(xp.asarray(hashes), xp)
    np.testing.assert_array_equal(np.asarray(codes), function.codes(hashes))
