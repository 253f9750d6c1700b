"""Places for the latest samples of each class, against lists of them."""

import pickle
from collections import defaultdict

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_lsh.selection.class_memory import ClassMemory, share_room

from ..support.ragged import csr

N_CLASSES = 20


def test_room_is_shared_evenly():
    assert_array_equal(share_room(np.array([1, 2, 3, 0]), 5), [1, 2, 3, 1])  # all that there are
    assert_array_equal(share_room(np.array([9, 9, 1, 900]), 5), [5, 5, 1, 5])
    # What rare classes leave is for the others.
    assert_array_equal(share_room(np.array([6, 6, 1, 6]), 5), [6, 6, 1, 6])
    counts = np.random.default_rng(0).geometric(0.01, size=1000)
    room = share_room(counts, 5)
    assert (room == np.minimum(counts, room.max())).all()
    assert 4500 < room.sum() <= 5000


def test_places_of_classes_come_first():
    memory = ClassMemory(4, 3, np.array([1, 9, 9, 0]))
    assert memory.owners.tolist() == [0, 1, 2, 3, 0, 1, 1, 1, 2, 2, 2, 3]
    assert memory.n_classes == 4
    assert memory.n_places == 12
    assert memory.blank_places().tolist() == list(range(4, 12))
    memory.is_blank[6] = False
    assert 6 not in memory.blank_places()


@pytest.mark.parametrize("counted", [False, True], ids=["counts unknown", "counted"])
def test_the_latest_samples_of_each_class_are_kept(counted):
    rng = np.random.default_rng(0)
    # Samples of several classes each, and of none; some classes are much more frequent.
    shares = rng.random(N_CLASSES) ** 4
    batches = [rng.random((30, N_CLASSES)) < shares for _ in range(20)]
    counts = np.sum(batches, axis=(0, 1))
    memory = ClassMemory(N_CLASSES, 5, counts if counted else None)
    room = share_room(counts, 5) if counted else np.full(N_CLASSES, 5)
    assert_array_equal(np.bincount(memory.owners, minlength=N_CLASSES) - 1, room)
    latest = defaultdict(list)
    held = np.full(memory.n_places, -1)
    for n, labels in enumerate(batches):
        rows = [dict.fromkeys(np.flatnonzero(row), 1.0) for row in labels]
        samples, places = memory.place(csr(rows, N_CLASSES).pattern)
        for sample, place in zip(samples, places, strict=True):
            held[place] = 30 * n + sample
            assert labels[sample, memory.owners[place]]
        for sample, row in enumerate(rows):
            for label in row:
                latest[label].append(30 * n + sample)
    for label in range(N_CLASSES):
        places = np.flatnonzero(memory.owners == label)[1:]
        kept = held[places][held[places] >= 0]
        assert sorted(kept) == latest[label][-room[label] :]
    assert (held[:N_CLASSES] == -1).all()
    assert_array_equal(memory.counts, counts * (2 if counted else 1))


def test_classes_come_between_others():
    memory = ClassMemory(3, 5, np.array([1, 9, 2]))
    held = np.arange(memory.n_places)  # what is held at each place
    memory.place(csr([{0: 1.0}, {1: 1.0}, {1: 1.0}], 3).pattern)
    memory.is_blank[[3, 5]] = False
    before, numbers = pickle.loads(pickle.dumps(memory)), np.array([0, 2, 3])
    places = memory.grow(numbers, 6, mean=2)
    assert memory.n_classes == 6
    room = np.diff(before.starts.astype(int))
    assert np.diff(memory.starts.astype(int)).tolist() == [room[0], 2, room[1], room[2], 2, 2]
    now = np.full(memory.n_places, -1)
    now[places] = held
    for old, new in enumerate(numbers):
        assert memory.owners[places[before.owners == old]].tolist() == [new] * (1 + room[old])
        assert now[memory.owners == new].tolist() == held[before.owners == old].tolist()
        assert memory.counts[new] == before.counts[old]
    assert (memory.is_blank[places] == before.is_blank).all()
    assert memory.blank_places().size == before.blank_places().size + 6
    assert not memory.counts[[1, 4, 5]].any()
    memory.check_stored(6)
    samples, at = memory.place(csr([{1: 1.0}, {5: 1.0}], 6).pattern)
    assert memory.owners[at].tolist() == [1, 5]
    assert samples.tolist() == [0, 1]
