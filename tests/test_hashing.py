"""Hash families against their formulas, tables against brute force."""

from math import comb

import numpy as np
import pytest

from sklearn_lsh.hashing import DWTA, FAMILIES, LSHTables, SimHash


def pair_at(angle, n_features=6, seed=0):
    """Two vectors of different lengths with an angle between them."""
    basis, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(n_features, 2)))
    x, y = basis.T
    return np.stack([3 * x, 0.2 * (np.cos(angle) * x + np.sin(angle) * y)]).astype(np.float32)


def bits(codes, n_bits):
    return (codes[..., np.newaxis] >> np.arange(n_bits, dtype=np.uint16)) & 1


def digits(codes, n_bits, digit_bits):
    shifts = np.arange(0, n_bits, digit_bits, dtype=np.uint16)
    return (codes[..., np.newaxis] >> shifts) & (2**digit_bits - 1)


def assert_rate(agree, expected):
    """A share of independent draws is within four standard errors of what is expected."""
    __tracebackhide__ = True
    error = np.sqrt(expected * (1 - expected) / agree.size)
    assert abs(agree.mean() - expected) <= 4 * error + 1e-12


# What all families share


@pytest.mark.parametrize("n_bits", [1, 2, 5, 16])
@pytest.mark.parametrize("name", FAMILIES)
def test_codes(name, n_bits):
    rng = np.random.RandomState(0)
    family = FAMILIES[name](7, n_bits, 9, rng)
    vectors = rng.standard_normal((5000, 7)).astype(np.float32)
    codes = family.codes(vectors)
    assert codes.dtype == np.uint16
    assert codes.shape == (5000, 9)
    assert family.n_buckets == 2**n_bits
    assert codes.max() < 2**n_bits
    # Every bit is used, and tables differ.
    assert (bits(codes, n_bits).mean(axis=(0, 1)) > 0.05).all()
    assert len({tuple(column) for column in codes.T}) > 1
    # A vector's codes depend on it alone: not on its scale, nor on whom it comes with.
    np.testing.assert_array_equal(family.codes(vectors[4090:4100]), codes[4090:4100])
    np.testing.assert_array_equal(family.codes(vectors[::2]), codes[::2])
    np.testing.assert_array_equal(family.codes(4 * vectors), codes)
    assert family.codes(vectors[:0]).shape == (0, 9)


@pytest.mark.parametrize("name", FAMILIES)
def test_random_state_decides(name):
    vectors = np.random.default_rng(0).normal(size=(50, 7)).astype(np.float32)
    one, same, other = (
        FAMILIES[name](7, 6, 5, np.random.RandomState(seed)).codes(vectors) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


# Probabilities of collisions


@pytest.mark.parametrize("angle", [0.05, 0.4, np.pi / 4, np.pi / 2, 2.0, 3.0, np.pi])
def test_simhash_agrees_by_angle(angle):
    # 208,000 independent bits, of 13,000 tables.
    family = SimHash(6, 16, 13_000, np.random.RandomState(1))
    x, y = family.codes(pair_at(angle))
    p = 1 - angle / np.pi
    assert_rate(bits(x, 16) == bits(y, 16), p)


@pytest.mark.parametrize("n_bits", [1, 3, 6])
def test_simhash_codes_collide_when_all_bits_agree(n_bits):
    family = SimHash(6, n_bits, 50_000, np.random.RandomState(2))
    x, y = family.codes(pair_at(0.5))
    assert_rate(x == y, (1 - 0.5 / np.pi) ** n_bits)


def agreeing_winners(x, y, width):
    """The formula: the chance that one coordinate is the largest of a window of both."""
    smaller = [np.count_nonzero((x < x[i]) & (y < y[i])) for i in range(x.size) if x[i] != 0]
    return sum(comb(r, width - 1) for r in smaller) / comb(x.size, width)


# An even number of bits takes windows of four coordinates, an odd one of two.
@pytest.mark.parametrize(("n_bits", "digit_bits"), [(16, 2), (15, 1)])
@pytest.mark.parametrize("noise", [0.3, 1.0, 5.0])
def test_dwta_agrees_by_order(n_bits, digit_bits, noise):
    rng = np.random.default_rng(3)
    x = rng.normal(size=12)
    vectors = np.stack([x, x + noise * rng.normal(size=12)]).astype(np.float32)
    family = DWTA(12, n_bits, 40_000 * digit_bits // n_bits, np.random.RandomState(3))
    x_digits, y_digits = digits(family.codes(vectors), n_bits, digit_bits)
    assert x_digits.size >= 39_000
    assert_rate(x_digits == y_digits, agreeing_winners(*vectors, 2**digit_bits))


def test_dwta_of_sparse_vectors_agrees_as_in_filled_windows():
    # Two of fifteen coordinates are there: most windows are empty and borrow from others.
    vectors = np.zeros((2, 15), np.float32)
    vectors[:, [4, 9]] = [[1, 2], [3, 1]]
    filled = 1 - comb(13, 4) / comb(15, 4)
    rates = []
    for seed in range(200):  # borrowed digits are not independent, families are
        family = DWTA(15, 2, 200, np.random.RandomState(seed))
        x, y = family.codes(vectors)
        rates.append((x == y).mean())
    expected = agreeing_winners(*vectors, 4) / filled
    assert 0.5 < expected < 0.95
    assert abs(np.mean(rates) - expected) < 4 * np.std(rates) / np.sqrt(len(rates))


def test_dwta_of_fewer_coordinates_than_a_window():
    family = DWTA(3, 4, 10, np.random.RandomState(0))
    codes = family.codes(np.eye(3, dtype=np.float32))
    assert codes.shape == (3, 10)
    assert (codes[0] != codes[1]).any()


# Tables


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
def test_most_hit_are_the_rows_with_most_votes(filled, n_wanted):
    codes, queries, tables = filled
    indptr, found = tables.most_hit(queries, n_wanted)
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
    indptr, found = tables.most_hit(queries, 20)
    same = LSHTables(codes, 8).most_hit(queries, 20)
    np.testing.assert_array_equal(found, same[1])
    for s in range(0, 40, 7):
        alone = tables.most_hit(queries[s : s + 1], 20)[1]
        np.testing.assert_array_equal(alone, found[indptr[s] : indptr[s + 1]])


@pytest.mark.parametrize("fill_from", [0, 13, 299])
def test_too_few_hits_are_filled_up(filled, fill_from):
    codes, queries, tables = filled
    indptr, found = tables.most_hit(queries, 280, fill_from)
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
    indptr, found = tables.most_hit(np.array([[0, 1], [1, 1]], np.uint16), 1)
    np.testing.assert_array_equal(indptr, [0, 1, 2])
    np.testing.assert_array_equal(found, [0, 1])


def test_tables_find_near_neighbours():
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(2000, 16)).astype(np.float32)
    queries = rows[:200] + 0.3 * rng.normal(size=(200, 16)).astype(np.float32)
    for family in FAMILIES.values():
        hashing = family(16, 6, 20, np.random.RandomState(0))
        tables = LSHTables(hashing.codes(rows), hashing.n_buckets)
        indptr, found = tables.most_hit(hashing.codes(queries), 5)
        hits = [s in found[indptr[s] : indptr[s + 1]] for s in range(200)]
        assert np.mean(hits) > 0.8
