"""Kernels of the memory, of all variants, against plain Python and a rule in NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_lsh import kernels
from sklearn_lsh.memory.slots import NONE

from ..support.kernel_cases import normal, quick, run, seeds, widths

pytestmark = pytest.mark.parametrize("variant", kernels.USABLE)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def empty_slots(n_slots, width):
    return (
        np.zeros((n_slots, width), np.float32),
        np.zeros(n_slots, np.int32),
        np.zeros(n_slots, np.int64),
        np.zeros(n_slots, np.int64),
        np.zeros((n_slots + 1, 2), np.int32),
        np.array([0, 0, 0, NONE]),
    )


def empty_found(n_rows, k):
    shape = n_rows, k
    return np.empty(shape, np.int32), np.empty(shape, np.int32), np.zeros(shape, np.float32)


def empty_buckets(n_slots, n_tables=2, n_buckets=4, n_places=5):
    return (
        np.zeros((n_tables, n_buckets), np.int32),
        np.zeros((n_tables, n_buckets, n_places), np.int32),
        np.zeros((n_slots, n_tables), np.uint16),
    )


def lying(buckets):
    """All (table, bucket, slot)."""
    sizes, members, _ = buckets
    return sorted(
        (t, b, int(slot))
        for t in range(sizes.shape[0])
        for b in range(sizes.shape[1])
        for slot in members[t, b, : sizes[t, b]]
    )


@given(n_rows=st.integers(0, 4), width=widths, seed=seeds, exponent=st.integers(-30, 30))
@quick
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_unit_rows(variant, dtype, n_rows, width, seed, exponent):
    rows = (np.random.default_rng(seed).normal(size=(n_rows, width)) * 10.0**exponent).astype(dtype)
    _, (_, out) = run(variant, "unit_rows", rows, np.empty(rows.shape, np.float32))
    assert_allclose(out, unit(rows.astype(float)), atol=1e-6)


@given(n_rows=st.integers(0, 4), width=widths, n_directions=st.integers(1, 9), seed=seeds)
@quick
def test_project_unit_rows(variant, n_rows, width, n_directions, seed):
    rng = np.random.default_rng(seed)
    rows, mean, basis = (
        normal(rng, n_rows, width),
        normal(rng, width),
        normal(rng, n_directions, width),
    )
    out = np.empty((n_rows, n_directions), np.float32)
    _, (*_, out) = run(variant, "project_unit_rows", rows, mean, basis, out)
    assert_allclose(out, (rows - mean) @ basis.T, rtol=1e-4, atol=1e-4)


@given(n_rows=st.integers(0, 4), n_used=st.integers(0, 9), k=st.integers(1, 4), seed=seeds)
@quick
def test_nearest_keys(variant, n_rows, n_used, k, seed):
    """Of equal keys the first; where there are no more, none."""
    rng = np.random.default_rng(seed)
    keys, labels, *rest = empty_slots(9, 3)
    keys[:] = rng.integers(-1, 2, keys.shape)  # with many ties
    labels[:] = rng.integers(5, size=9)
    rest[-1][0] = n_used
    rows = rng.integers(-2, 3, (n_rows, 3)).astype(np.float32)
    slots = keys, labels, *rest
    _, (*_, (places, names, scores)) = run(
        variant, "nearest_keys", rows, slots, empty_found(n_rows, k)
    )
    exact = rows @ keys[:n_used].T
    for s in range(n_rows):
        order = np.argsort(-exact[s], kind="stable")[:k]
        missing = [NONE] * (k - len(order))
        assert places[s].tolist() == [*order.tolist(), *missing]
        assert names[s].tolist() == [*labels[order].tolist(), *missing]
        assert_array_equal(scores[s, : len(order)], exact[s, order])


@given(n_keys=st.integers(1, 12), k=st.integers(1, 4), n_probes=st.integers(1, 3), seed=seeds)
@quick
def test_nearest_in_buckets(variant, n_keys, k, n_probes, seed):
    rng = np.random.default_rng(seed)
    slots = empty_slots(n_keys, 3)
    slots[0][:] = normal(rng, n_keys, 3)
    buckets = empty_buckets(n_keys, n_places=n_keys)
    codes = rng.integers(4, size=(n_keys, 2)).astype(np.uint16)
    _, (buckets, *_) = run(variant, "fill_buckets", buckets, codes, 0)
    rows = normal(rng, 2, 3)
    probes = rng.integers(4, size=(2, n_probes, 2)).astype(np.uint16)
    found = empty_found(2, k)
    _, (*_, (places, _, scores)) = run(
        variant, "nearest_in_buckets", rows, slots, buckets, probes, found
    )
    for s in range(2):
        met = (codes[:, np.newaxis, :] == probes[s]).any(axis=(1, 2))
        exact = np.where(met, slots[0] @ rows[s], -np.inf)
        order = [i for i in np.argsort(-exact, kind="stable")[:k] if met[i]]
        assert places[s].tolist() == order + [NONE] * (k - len(order))
        assert_allclose(scores[s, : len(order)], exact[order], rtol=1e-5, atol=1e-6)


@given(moves=st.lists(st.integers(0, 5), max_size=9), seed=seeds)
@quick
def test_move_in_buckets(variant, moves, seed):
    rng = np.random.default_rng(seed)
    codes = rng.integers(4, size=(6, 2)).astype(np.uint16)
    _, (buckets, *_) = run(variant, "fill_buckets", empty_buckets(6, n_places=6), codes, 0)
    for slot in moves:
        codes[slot] = rng.integers(4, size=2)
        _, (buckets, *_) = run(variant, "move_in_buckets", buckets, slot, codes[slot : slot + 1])
    assert lying(buckets) == sorted((t, int(codes[i, t]), i) for i in range(6) for t in range(2))


@given(
    n_rows=st.integers(0, 12),
    n_slots=st.integers(1, 6),
    due=st.integers(0, 14),
    most=st.sampled_from([0.0, 1.0, 2.5]),
    seed=seeds,
)
@quick
def test_learn(variant, n_rows, n_slots, due, most, seed):
    """It ends when enough was written, and going on is as if it had not."""
    limits, ample = (due, most), (1 << 40, most)
    rng = np.random.default_rng(seed)
    rows, labels = unit(normal(rng, n_rows, 4)), rng.integers(3, size=n_rows).astype(np.int32)
    noise = rng.uniform(-2, 2, (n_rows, 3))
    slots, found = empty_slots(n_slots, 4), empty_found(n_rows, 2)
    n, (*_, some, _, told) = run(variant, "learn", rows, labels, noise, slots, limits, found)
    assert n == min(n_rows, due)
    rest = rows[n:], labels[n:], noise[n:], some, ample, tuple(each[n:] for each in told)
    _, (*_, parts, _, _) = run(variant, "learn", *rest)
    _, (*_, whole, _, _) = run(variant, "learn", rows, labels, noise, slots, ample, found)
    for ours, theirs in zip(parts, whole, strict=True):
        assert_array_equal(ours, theirs)
    assert whole[5][1] == n_rows


@given(n_rows=st.integers(1, 12), seed=seeds)
@quick
def test_learn_in_buckets(variant, n_rows, seed):
    """With a single bucket all is found; it ends with a key that moved."""
    rng = np.random.default_rng(seed)
    rows, labels = unit(normal(rng, n_rows, 4)), rng.integers(2, size=n_rows).astype(np.int32)
    noise = rng.uniform(-2, 2, (n_rows, 3))
    codes = np.zeros((n_rows, 1, 2), np.uint16), np.zeros((n_rows, 2), np.uint16)
    slots, found, ample = empty_slots(4, 4), empty_found(n_rows, 1), (1 << 40, 1.0)
    expected = slots
    buckets = empty_buckets(4, n_buckets=1)
    first = 0
    while first < n_rows:
        rest = slice(first, None)
        given = rows[rest], labels[rest], noise[rest]
        told = tuple(each[rest] for each in found)
        own = tuple(each[rest] for each in codes)
        n, (*_, slots, _, buckets, _, _) = run(
            variant, "learn_in_buckets", *given, slots, ample, buckets, own, told
        )
        end = slice(first, first + n)
        parts = rows[end], labels[end], noise[end]
        _, (*_, expected, _, _) = run(
            variant, "learn", *parts, expected, ample, tuple(each[end] for each in found)
        )
        first += n
        assert slots[5][3] != NONE or first == n_rows
    for ours, theirs in zip(slots, expected, strict=True):
        assert_array_equal(ours, theirs)
    n_used = int(slots[5][0])
    assert lying(buckets) == [(t, 0, i) for t in range(2) for i in range(n_used)]
