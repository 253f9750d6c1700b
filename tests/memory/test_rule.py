"""What is learnt is the paper's rule, row after row, however rows come."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_lsh.memory import LSHMemoryClassifier
from sklearn_lsh.memory.buckets import KeyHashing
from sklearn_lsh.memory.store import Store

from ..support.memory_rule import Reference

HASHING = KeyHashing("simhash", "auto", "auto", 0)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def make_store(n_slots, n_dimensions, search="exact", age_noise=8.0, seed=0, key_weight=1.0):
    return Store(
        n_slots,
        n_dimensions,
        age_noise=age_noise,
        key_weight=key_weight,
        search=search,
        hashing=HASHING,
        random_state=np.random.RandomState(seed),
    )


def make_stream(n_rows, n_dimensions, n_classes, seed=0):
    """Rows around a mean of their class each, so that some are recognized and some are not."""
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(n_classes, n_dimensions))
    labels = rng.integers(n_classes, size=n_rows)
    rows = means[labels] + rng.normal(size=(n_rows, n_dimensions))
    return unit(rows), labels.astype(np.int32)


def state_of(store):
    n = store.slots.n_used
    return [
        *(array[:n] for array in store.slots.of_slots),
        store.slots.ring[: n + 1],
        store.slots.counts,
    ]


@pytest.mark.parametrize("age_noise", [0, 0.5, 8.0, 1000.0])
@pytest.mark.parametrize("n_slots", [1, 2, 50, 200])
@pytest.mark.parametrize("key_weight", [0, 0.5, 1, 3, np.inf])
def test_learning_is_the_rule(key_weight, n_slots, age_noise):
    rows, labels = make_stream(400, 6, 12)
    store = make_store(n_slots, 6, age_noise=age_noise, key_weight=key_weight)
    reference = Reference(n_slots, age_noise, np.random.RandomState(0), key_weight)
    store.learn(rows, labels)
    for row, label in zip(rows.astype(float), labels, strict=True):
        reference.learn(row, label)
    n = store.slots.n_used
    assert n == len(reference.keys)
    assert_array_equal(store.slots.labels[:n], reference.labels)
    assert_array_equal(store.slots.ages, reference.ages)
    assert_array_equal(store.slots.sizes[:n], reference.sizes)
    assert_allclose(store.slots.keys[:n], reference.keys, atol=1e-5)


def test_both_parts_of_the_rule_were_met():
    """Else the test above would compare little."""
    rows, labels = make_stream(400, 6, 12)
    found = make_store(50, 6).learn(rows, labels)
    share = (found.labels[:, 0] == labels).mean()
    assert 0.2 < share < 0.9


@given(
    cuts=st.lists(st.integers(0, 700), max_size=8),
    seed=st.integers(0, 3),
    n_slots=st.sampled_from([40, 600]),
    key_weight=st.sampled_from([0, 1, np.inf]),
)
@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@pytest.mark.parametrize("search", ["exact", "lsh"])
def test_any_split_gives_the_same_keys(search, cuts, seed, n_slots, key_weight):
    """Bit for bit, and so does a copy, or what was pickled between."""
    rows, labels = make_stream(700, 9, 150, seed)
    whole, parts = (make_store(n_slots, 9, search, key_weight=key_weight) for _ in range(2))
    found = whole.learn(rows, labels, 3)
    pieces = []
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), 700], strict=True):
        pieces.append(parts.learn(rows[start:stop].copy(), labels[start:stop], 3))
        parts = copy.deepcopy(parts)
    for ours, theirs in zip(state_of(whole), state_of(parts), strict=True):
        assert_array_equal(ours, theirs)
    for i, array in enumerate(found):
        assert_array_equal(array, np.concatenate([piece[i] for piece in pieces]))


@pytest.mark.parametrize("offset", range(8))
def test_sums_do_not_depend_on_where_rows_lie(offset):
    rows, labels = make_stream(300, 37, 30)
    buffer = np.empty(rows.size + 8, np.float32)
    moved = buffer[offset : offset + rows.size].reshape(rows.shape)
    moved[...] = rows
    here, there = make_store(64, 37), make_store(64, 37)
    here.learn(rows, labels)
    there.learn(moved, labels)
    assert_array_equal(here.slots.keys, there.slots.keys)


def test_splits_of_calls_of_the_classifier():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(500, 7)), rng.integers(30, size=500)
    whole = LSHMemoryClassifier(100, random_state=3).fit(X, y)
    parts = LSHMemoryClassifier(100, random_state=3)
    for row, label in zip(X, y, strict=True):
        parts.partial_fit([row], [label])
    for name in ("keys_", "labels_", "ages_", "classes_"):
        assert_array_equal(getattr(whole, name), getattr(parts, name))


def test_noise_is_uniform():
    """With all slots within reach of noise every one of them is as likely to be given up."""
    n_slots, n_rows = 5, 4000
    rows = unit(np.random.default_rng(0).normal(size=(n_rows, 3)))
    store = make_store(n_slots, 3, age_noise=1e7)
    labels = np.arange(n_rows, dtype=np.int32)  # no row is recognized
    taken = np.zeros(n_slots)
    store.learn(rows[:n_slots], labels[:n_slots])
    for i in range(n_slots, n_rows):
        before = store.slots.labels.copy()
        store.learn(rows[i : i + 1], labels[i : i + 1])
        taken[np.flatnonzero(before != store.slots.labels)] += 1
    expected = (n_rows - n_slots) / n_slots
    assert ((taken - expected) ** 2 / expected).sum() < 20  # chi-square of 4 degrees: p = 0.0005


def test_a_key_may_be_the_mean_of_its_rows():
    rows = unit(np.random.default_rng(0).normal(3, 1, size=(30, 5)))
    store = make_store(10, 5, key_weight=np.inf)
    store.learn(rows, np.zeros(30, np.int32))
    mean = np.zeros(5)
    for n, row in enumerate(rows.astype(float)):
        mean = n * mean + row
        mean /= np.linalg.norm(mean)
    assert store.slots.n_used == 1
    assert_allclose(store.slots.keys[0], mean, atol=1e-6)


def test_rows_may_keep_slots_of_their_own():
    rows, labels = make_stream(100, 5, 3)
    store = make_store(100, 5, key_weight=0)
    store.learn(rows, labels)
    assert_array_equal(store.slots.keys[:100], rows)


def test_opposite_key_and_row():
    """Their sum has no direction: the row it is."""
    store = make_store(3, 2)
    rows = np.array([[1, 0], [-1, 0]], np.float32)
    store.learn(rows, np.zeros(2, np.int32))
    assert_array_equal(store.slots.keys[: store.slots.n_used], [[-1, 0]])
