"""A memory of keys that learns rows one by one, and finds the keys nearest to others."""

from __future__ import annotations

import copy
import math
import threading

import numpy as np

from sklearn_lsh import kernels
from sklearn_lsh.memory.buckets import Buckets, KeyHashing
from sklearn_lsh.memory.slots import MOST_ROWS, MOVED, N_WRITTEN, NONE, Found, Slots
from sklearn_lsh.stored import MOST, Attributes, check_generator
from sklearn_lsh.threads import one_by_one

# Fewest keys that are hashed, and fewest values of keys where that is left to the data: comparing
# these takes as long as looking into buckets.
FEWEST_KEYS = 256
FEWEST_VALUES = 1 << 21
# Queries that are answered at once, and rows that are learnt at once.
CHUNK_ROWS = 256
# Numbers that are drawn at once.
MAX_NOISE = 1 << 20
# So many keys are never written.
NEVER = 1 << 60
SEARCHES = {"auto", "exact", "lsh"}


class Store:
    """Slots, their buckets, and what changes them.

    Rows are learnt one by one, whatever came together: so keys depend on the rows and their order
    alone. Buckets are made anew when as many keys were written as there were when they were made,
    which costs each of them a few microseconds.

    Parameters
    ----------
    n_slots : int
        Most slots.
    n_dimensions : int
    age_noise : float
    key_weight : float
        Most that a key weighs against a row that it takes in, see `LSHMemoryClassifier`.
    search : {"auto", "exact", "lsh"}
    hashing : KeyHashing
    random_state : RandomState
        Draws the noise. Each row takes as many numbers, whether it needs them or not.
    """

    def __init__(
        self, n_slots, n_dimensions, *, age_noise, key_weight, search, hashing, random_state
    ):
        self.n_slots, self.age_noise = n_slots, age_noise
        self.key_weight = float(min(key_weight, MOST_ROWS))
        self.search, self.hashing, self.random_state = search, hashing, random_state
        self.slots = Slots.empty(n_dimensions)
        self.buckets: Buckets | None = None
        self._due = NEVER
        self._turn = threading.Lock()

    @property
    def n_dimensions(self) -> int:
        """Length of the keys."""
        return self.slots.keys.shape[1]

    def make_room(self, n_rows: int) -> None:
        """Make room for more rows: what cannot be had is found out before anything is learnt."""
        with self._turn:
            self._make_room(n_rows)

    def _make_room(self, n_rows):
        n_wanted = min(self.n_slots, self.slots.n_used + n_rows)
        self.slots = self.slots.with_room(n_wanted, self.n_slots)

    def learn(self, rows, labels, k: int = 1) -> Found:
        """Learn rows.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_dimensions), dtype=float32
            Unit vectors.
        labels : ndarray of shape (n_rows,), dtype=int32
        k : int, default=1
            How many keys to tell of each row.

        Returns
        -------
        found : Found
            Those that were nearest to each row when its turn came.
        """
        with self._turn:
            found = Found.with_room(rows.shape[0], k)
            self._make_room(rows.shape[0])
            size = max(1, min(CHUNK_ROWS, MAX_NOISE // self._n_candidates))
            for start in range(0, rows.shape[0], size):
                part = slice(start, start + size)
                self._learn(rows[part], labels[part], found.part(part))
        return found

    def _learn(self, rows, labels, found):
        """As `learn`, of few rows: kernels go on until a key has to be hashed."""
        noise = self._draw_noise(rows.shape[0])
        hashed_by = probes = codes = None
        first = 0
        while first < rows.shape[0]:
            self._refresh()
            rest, limits = slice(first, None), (self._due, self.key_weight)
            if self.buckets is None:
                first += kernels.learn(
                    rows[rest], labels[rest], noise[rest], self.slots, limits, found.part(rest)
                )
                continue
            if hashed_by is not self.buckets:
                hashed_by = self.buckets
                probes, codes = hashed_by.probes(rows), hashed_by.codes(rows)
            first += kernels.learn_in_buckets(
                rows[rest],
                labels[rest],
                noise[rest],
                self.slots,
                limits,
                hashed_by.arrays,
                (probes[rest], codes[rest]),
                found.part(rest),
            )
            if (moved := int(self.slots.counts[MOVED])) != NONE:
                hashed_by.move(moved, self.slots.keys[moved])

    def _draw_noise(self, n_rows):
        """Numbers from ``-age_noise`` to ``age_noise``, for all slots that may be the eldest.

        No two slots are equally old, so that the n-th oldest is at least n rows younger than the
        oldest, which noise may make up for by twice its size at most.
        """
        shape = n_rows, self._n_candidates
        return self.random_state.uniform(-self.age_noise, self.age_noise, shape)

    @property
    def _n_candidates(self):
        return int(min(self.n_slots, 2 * self.age_noise + 1))

    @property
    def _fewest_hashed(self):
        """Keys from which on they are hashed."""
        if self.search == "exact":
            return NEVER
        by_values = math.ceil(FEWEST_VALUES / self.n_dimensions)
        return max(FEWEST_KEYS, by_values) if self.search == "auto" else FEWEST_KEYS

    def _refresh(self):
        """Make buckets where they are due, and reckon how many keys will be written until then."""
        slots = self.slots
        n_written, n_used = int(slots.counts[N_WRITTEN]), slots.n_used
        if self.buckets is None and n_used < self._fewest_hashed:
            self._due = n_written + self._fewest_hashed - n_used
        elif self.buckets is None or n_written >= self._due:
            n_slots = min(self.n_slots, 2 * n_used)
            self.buckets = Buckets(slots.keys[:n_used], n_slots, self.hashing)
            self._due = n_written + n_used

    def nearest(self, rows, k: int, n_jobs: int | None = None) -> Found:
        """Find the keys nearest to rows, and change nothing.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_dimensions), dtype=float32
            Unit vectors.
        k : int
            At most the number of used slots.
        n_jobs : int, default=None
            Threads.

        Returns
        -------
        found : Found
            Rows whose buckets hold fewer keys are compared with all.
        """
        found = Found.with_room(rows.shape[0], k)
        parts = [slice(i, i + CHUNK_ROWS) for i in range(0, rows.shape[0], CHUNK_ROWS)]
        with self._turn:
            for _ in one_by_one(
                lambda part: self._find(rows[part], found.part(part)), parts, n_jobs
            ):
                pass
        return found

    def _find(self, rows, found):
        if self.buckets is None:
            kernels.nearest_keys(rows, self.slots, found)
            return
        probes = self.buckets.probes(rows)
        kernels.nearest_in_buckets(rows, self.slots, self.buckets.arrays, probes, found)
        short = np.flatnonzero(found.slots[:, -1] == NONE)
        if short.size:
            exact = found.part(short)
            kernels.nearest_keys(rows[short], self.slots, exact)
            found.put(short, exact)

    @property
    def n_labels(self) -> int:
        """Number of labels that have slots."""
        return len(np.unique(self.slots.labels[: self.slots.n_used]))

    def without(self, labels, renumbered) -> Store:
        """A store in which no slot is of these labels; the others move up, and are renumbered."""
        places = np.flatnonzero(~np.isin(self.slots.labels[: self.slots.n_used], labels))
        store = copy.copy(self)
        store.random_state = copy.deepcopy(self.random_state)
        store.slots, store.buckets = self.slots.kept(places, renumbered), None
        store._refresh()
        return store

    def __getstate__(self):
        """Everything but the lock, and the room for more keys."""
        state = {name: value for name, value in vars(self).items() if name != "_turn"}
        return {**state, "slots": self.slots.cut()}

    def __setstate__(self, state):
        vars(self).update(state)
        self._turn = threading.Lock()

    def check_stored(self, n_labels: int) -> None:
        """Check what was loaded, and that its parts fit together."""
        stored = Attributes(self)
        n_slots = stored.integer("n_slots", 1)
        stored.number("age_noise", 0)
        stored.number("key_weight", 0, MOST_ROWS)
        stored.one_of("search", SEARCHES)
        stored.part("hashing", KeyHashing).check_stored()
        stored.part("random_state", np.random.RandomState)
        check_generator("Store.random_state", self.random_state)
        stored.integer("_due", 0, NEVER + MOST)
        keys = stored.part("slots", Slots).keys
        stored.require(isinstance(keys, np.ndarray) and keys.ndim == 2, "slots", "with keys")
        self.slots = self.slots.check_stored(self.n_dimensions, n_labels, n_slots)
        if stored.get("buckets") is not None:
            buckets = stored.part("buckets", Buckets)
            buckets.check_stored(self.n_dimensions, self.slots.n_used)
            stored.require(self.slots.n_used > 0, "slots", "not empty where there are buckets")
            has_room = self.slots.counts[N_WRITTEN] + buckets.n_slots - self.slots.n_used
            is_soon = self._due <= has_room or buckets.n_slots == n_slots
            stored.require(is_soon, "_due", "before the buckets are full")
