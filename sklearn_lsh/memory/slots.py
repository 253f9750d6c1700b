"""The slots of a memory: keys, whose they are, and when each was last touched."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_lsh.stored import check_array, refuse

# No slot, and no label, in lists of those that were found.
NONE = -1
# Slots that are made room for at first; then ever as many as there are.
FIRST_SLOTS = 64
# Rows that a memory may have seen.
MOST_ROWS = 1 << 59
# Places of the counts, as kernels know them.
N_USED, CLOCK, N_WRITTEN, MOVED = range(4)


class Slots(NamedTuple):
    """Arrays that a memory consists of. The used slots come first.

    Attributes
    ----------
    keys : ndarray of shape (n_room, n_dimensions), dtype=float32
        Unit vectors.
    labels : ndarray of shape (n_room,), dtype=int32
        Numbers of their labels.
    stamps : ndarray of shape (n_room,), dtype=int64
        At which row each was last touched. No two are touched by the same.
    sizes : ndarray of shape (n_room,), dtype=int64
        How many rows each key stands for.
    ring : ndarray of shape (n_room + 1, 2), dtype=int32
        Who is next older and who next newer, each by its slot and one: row 0 is both ends.
    counts : ndarray of shape (4,), dtype=int64
        Used slots, rows so far, keys written, and the slot whose key was moved last.
    """

    keys: np.ndarray
    labels: np.ndarray
    stamps: np.ndarray
    sizes: np.ndarray
    ring: np.ndarray
    counts: np.ndarray

    @classmethod
    def empty(cls, n_dimensions: int) -> Slots:
        """No slots, and room for none."""
        return cls(
            keys=np.zeros((0, n_dimensions), np.float32),
            labels=np.zeros(0, np.int32),
            stamps=np.zeros(0, np.int64),
            sizes=np.zeros(0, np.int64),
            ring=np.zeros((1, 2), np.int32),
            counts=np.array([0, 0, 0, NONE]),
        )

    @property
    def n_used(self) -> int:
        """Number of slots that hold a key."""
        return int(self.counts[N_USED])

    @property
    def of_slots(self) -> tuple[np.ndarray, ...]:
        """The arrays that have a row for each slot."""
        return self.keys, self.labels, self.stamps, self.sizes

    @property
    def ages(self) -> np.ndarray:
        """Rows since each used slot was touched."""
        return self.counts[CLOCK] - 1 - self.stamps[: self.n_used]

    def with_room(self, n_slots: int, most: int) -> Slots:
        """These slots, or copies with room for so many and more, but never for more than most."""
        n_room = self.keys.shape[0]
        if n_slots <= n_room and self.keys.flags.writeable:
            return self
        n_room = min(most, max(FIRST_SLOTS, n_slots, 2 * n_room))
        ring = _with_rows(self.ring, n_room + 1)
        keys, labels, stamps, sizes = (_with_rows(array, n_room) for array in self.of_slots)
        return Slots(keys, labels, stamps, sizes, ring, self.counts.copy())

    def cut(self) -> Slots:
        """Those in use, without room for more."""
        n = self.n_used
        keys, labels, stamps, sizes = (array[:n] for array in self.of_slots)
        return Slots(keys, labels, stamps, sizes, self.ring[: n + 1], self.counts)

    def kept(self, places: np.ndarray, renumbered: np.ndarray) -> Slots:
        """The slots at these places alone, in their order, with other numbers of their labels."""
        keys, labels, stamps, sizes = (array[places] for array in self.of_slots)
        counts = self.counts.copy()
        counts[N_USED] = len(places)
        return Slots(keys, renumbered[labels], stamps, sizes, _ring_of(stamps), counts)

    def check_stored(self, n_dimensions: int, n_labels: int, most: int) -> Slots:
        """Return what was loaded, as kernels read it."""
        place = "Slots"
        counts = check_array(
            f"{place}.counts", self.counts, np.int64, (4,), least=NONE, below=MOST_ROWS
        )
        n = int(counts[N_USED])
        if not 0 <= n <= most or counts[CLOCK] < 0 or counts[N_WRITTEN] < 0:
            refuse(f"{place}.counts", f"of at most {most} slots", counts)
        keys = check_array(f"{place}.keys", self.keys, np.float32, (n, n_dimensions), finite=True)
        labels = check_array(f"{place}.labels", self.labels, np.int32, (n,), below=n_labels)
        stamps = check_array(
            f"{place}.stamps", self.stamps, np.int64, (n,), below=max(1, int(counts[CLOCK]))
        )
        if len(np.unique(stamps)) < n:
            refuse(f"{place}.stamps", "of different rows", stamps)
        sizes = check_array(f"{place}.sizes", self.sizes, np.int64, (n,), least=1, below=MOST_ROWS)
        return Slots(keys, labels, stamps, sizes, _ring_of(stamps), counts)


class Found(NamedTuple):
    """The keys nearest to each row, the nearest first; `NONE` where there are no more.

    Attributes
    ----------
    slots, labels : ndarray of shape (n_rows, k), dtype=int32
    scores : ndarray of shape (n_rows, k), dtype=float32
        Cosines.
    """

    slots: np.ndarray
    labels: np.ndarray
    scores: np.ndarray

    @classmethod
    def with_room(cls, n_rows: int, k: int) -> Found:
        """Arrays to be filled."""
        shape = n_rows, k
        return cls(
            np.empty(shape, np.int32), np.empty(shape, np.int32), np.empty(shape, np.float32)
        )

    def part(self, rows) -> Found:
        """What was found for some rows: views, if they are a slice."""
        return Found(*(array[rows] for array in self))

    def put(self, rows, found: Found) -> None:
        """Take over what was found for some rows."""
        for own, other in zip(self, found, strict=True):
            own[rows] = other


def _with_rows(array, n_rows):
    grown = np.zeros((n_rows, *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    return grown


def _ring_of(stamps):
    """The ring of slots in the order of their stamps."""
    places = np.concatenate([[0], np.argsort(stamps) + 1])
    ring = np.empty((len(stamps) + 1, 2), np.int32)
    ring[places, 0] = np.roll(places, 1)
    ring[places, 1] = np.roll(places, -1)
    return ring
