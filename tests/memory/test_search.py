"""Keys in buckets: found, changed and made anew."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_lsh.memory import store as stores
from sklearn_lsh.memory.buckets import Buckets, KeyHashing
from sklearn_lsh.memory.slots import NONE

from .test_rule import make_store, make_stream, unit


def noisy(keys, rng, size=0.5):
    noise = rng.normal(size=keys.shape)
    return unit(keys + size * noise / np.linalg.norm(noise, axis=1, keepdims=True))


def members_of(buckets):
    """In which buckets each slot is: all (table, bucket, slot)."""
    sizes, members, _ = buckets.arrays
    places = np.arange(members.shape[2]) < sizes[:, :, np.newaxis]
    tables, numbers, _ = np.nonzero(places)
    return set(zip(tables.tolist(), numbers.tolist(), members[places].tolist(), strict=True))


def test_nearest_keys_are_found():
    rng = np.random.default_rng(0)
    keys = unit(rng.normal(size=(8_000, 64)))
    hashed, exact = (make_store(8_000, 64, search) for search in ("lsh", "exact"))
    for store in (hashed, exact):
        store.learn(keys, np.arange(8_000, dtype=np.int32))
    assert hashed.slots.n_used == 8_000
    assert exact.buckets is None
    rows = noisy(keys[::20], rng)
    found, true = hashed.nearest(rows, 1), exact.nearest(rows, 1)
    assert_array_equal(true.slots[:, 0], (rows @ keys.T).argmax(axis=1))
    assert (found.slots == true.slots).mean() >= 0.95


def test_nearest_by_brute_force():
    rows, labels = make_stream(300, 5, 40)
    store = make_store(100, 5)
    store.learn(rows, labels)
    queries = unit(np.random.default_rng(1).normal(size=(50, 5)))
    found = store.nearest(queries, 7, n_jobs=2)
    scores = queries.astype(float) @ store.slots.keys[: store.slots.n_used].T
    np.testing.assert_allclose(found.scores, -np.sort(-scores, axis=1)[:, :7], atol=1e-6)
    np.testing.assert_allclose(
        np.take_along_axis(scores, found.slots, axis=1), found.scores, atol=1e-6
    )
    assert_array_equal(found.labels, store.slots.labels[found.slots])


def test_few_in_buckets_are_made_up_from_all():
    store = make_store(400, 8, "lsh")
    rows, labels = make_stream(400, 8, 400)
    store.learn(rows, labels)
    assert store.buckets is not None
    found = store.nearest(rows[:20], store.slots.n_used)
    assert (np.sort(found.slots, axis=1) == np.arange(store.slots.n_used)).all()


@pytest.mark.parametrize("n_slots", [300, 5000])
def test_keys_are_in_the_buckets_of_their_codes(n_slots):
    """Whatever was inserted, moved or overwritten since they were made."""
    store = make_store(n_slots, 12, "lsh")
    for part in range(6):
        rows, labels = make_stream(350, 12, 200, seed=part)
        store.learn(rows, labels)
        if store.buckets is None:
            continue
        n_used = store.slots.n_used
        codes = store.buckets.codes(store.slots.keys[:n_used])
        assert_array_equal(store.buckets.arrays.codes[:n_used], codes)
        lying = members_of(store.buckets)
        assert all(codes[slot, table] == bucket for table, bucket, slot in lying)
        full = store.buckets.arrays.sizes == store.buckets.arrays.members.shape[2]
        right = {
            (table, int(codes[slot, table]), slot)
            for slot in range(n_used)
            for table in range(codes.shape[1])
            if not full[table, codes[slot, table]]
        }
        lost = right - lying
        assert len(lost) < 0.02 * len(right)  # buckets that were full once


def test_a_full_bucket_gives_a_place_away():
    keys = unit(np.random.default_rng(0).normal(size=(64, 4)))
    buckets = Buckets(keys, 64, KeyHashing("simhash", 1, 2, 0))
    n_places = buckets.arrays.members.shape[2]
    same = np.repeat(keys[:1], 300, axis=0)
    from sklearn_lsh import kernels

    grown = buckets.arrays._replace(codes=np.zeros((400, 2), np.uint16))
    kernels.fill_buckets(grown, buckets.codes(same), 64)
    assert grown.sizes.max() == n_places
    for table in range(2):
        own = grown.members[table, buckets.codes(keys[:1])[0, table]]
        assert len(np.unique(own)) == n_places


def test_buckets_are_made_anew_after_as_many_writes(monkeypatch):
    made = []

    class Counted(Buckets):
        def __init__(self, keys, n_slots, hashing):
            made.append(len(keys))
            super().__init__(keys, n_slots, hashing)

    monkeypatch.setattr(stores, "Buckets", Counted)
    store = make_store(1000, 8, "lsh")
    rows = unit(np.random.default_rng(0).normal(size=(4000, 8)))
    store.learn(rows, np.arange(4000, dtype=np.int32))
    assert made == [256, 512, 1000, 1000, 1000]


def test_few_values_are_compared_anyway():
    store = make_store(3000, 8, "auto")
    rows, labels = make_stream(3000, 8, 3000)
    store.learn(rows, labels)
    assert store.buckets is None


def test_room_is_made_as_keys_come():
    store = make_store(10**9, 3)
    rows, labels = make_stream(500, 3, 500)
    store.learn(rows, labels)
    assert store.slots.keys.shape[0] < 1000


@pytest.mark.parametrize("search", ["exact", "lsh"])
def test_without_labels(search):
    rows, labels = make_stream(900, 9, 20)
    store = make_store(700, 9, search)
    store.learn(rows, labels)
    before = store.slots.cut()
    gone = np.array([3, 5], np.int32)
    renumbered = np.arange(20, dtype=np.int32)
    left = store.without(gone, renumbered)
    kept = ~np.isin(before.labels, gone)
    assert_array_equal(left.slots.keys, before.keys[kept])
    assert_array_equal(left.slots.ages, before.ages[kept])
    assert_array_equal(store.slots.cut().labels, before.labels)
    left.learn(rows, labels)
    assert left.slots.n_used <= 700
    places = [0]
    while (place := int(left.slots.ring[places[-1], 1])) != 0:
        places.append(place)
    by_age = np.argsort(-left.slots.ages)
    assert_array_equal(np.array(places[1:]) - 1, by_age)


def test_predicting_changes_nothing():
    rows, labels = make_stream(600, 9, 100)
    store = make_store(500, 9, "lsh")
    store.learn(rows, labels)
    before = pickle.dumps(store)
    found = store.nearest(rows[:40], 3)
    assert (found.slots != NONE).all()
    assert pickle.dumps(store) == before
