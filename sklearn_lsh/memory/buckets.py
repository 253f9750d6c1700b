"""Where keys lie by their hash codes: one goes in, comes out or moves in a few steps.

`sklearn_lsh.hashing.LSHTables` are packed, and a change takes a pass over all their members. Here
each bucket has room for more than it is expected to hold.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_random_state

from sklearn_lsh import kernels
from sklearn_lsh.hashing import FAMILIES, HashFamily
from sklearn_lsh.hashing.base import MAX_BITS
from sklearn_lsh.neighbors.sketch import principal_directions
from sklearn_lsh.selection.lsh import make_family
from sklearn_lsh.stored import MOST, Attributes, check_array, is_integer, refuse

# Keys of a bucket on average, where bits are automatic and there are as many keys as may be.
MEAN_MEMBERS = 16
# Places of a bucket, in keys of it on average.
ROOM = 4
# Tables, where they are automatic, and buckets of each that a row looks into.
N_TABLES = 12
N_PROBES = 14
# Most directions of the keys that are hashed, and keys of the sample that they are found in.
MAX_DIRECTIONS = 128
SAMPLE_KEYS = 4096


class KeyHashing(NamedTuple):
    """How keys are hashed.

    Attributes
    ----------
    hash_function : str or HashFamily
    n_bits, n_tables : int or "auto"
    seed : int
        Draws the functions.
    """

    hash_function: str | HashFamily
    n_bits: int | str
    n_tables: int | str
    seed: int

    def check_stored(self) -> None:
        """Check what was loaded."""
        function, sizes = self.hash_function, (self.n_bits, self.n_tables)
        is_known = isinstance(function, HashFamily) or function in FAMILIES
        are_sizes = all(size == "auto" or is_integer(size, 1, MOST) for size in sizes)
        if not (is_known and are_sizes and is_integer(self.seed, 0, MOST)):
            refuse("KeyHashing", "a family, integers or 'auto', and a seed", tuple(self))


class Arrays(NamedTuple):
    """The buckets as kernels read and change them.

    Attributes
    ----------
    sizes : ndarray of shape (n_tables, n_buckets), dtype=int32
        Members of each.
    members : ndarray of shape (n_tables, n_buckets, n_places), dtype=int32
        Slots. A full bucket gives the place of one to the next.
    codes : ndarray of shape (n_slots, n_tables), dtype=uint16
        In which buckets each slot is.
    """

    sizes: np.ndarray
    members: np.ndarray
    codes: np.ndarray


class Buckets:
    r"""Keys in hash tables, by their principal coordinates.

    With the keys' mean :math:`m`, principal directions :math:`V` and deviations :math:`\sigma`
    along these, a key :math:`x` is hashed as :math:`V^T (x - m) / \sqrt \sigma`: so bits tell of
    many directions, as in `sklearn_lsh.neighbors.sketch.PrincipalSketch`. A kernel adds up, in the
    same order for one row as for many.

    Parameters
    ----------
    keys : ndarray of shape (n_keys, n_dimensions), dtype=float32
    n_slots : int
        Keys that there may be until the buckets are made anew.
    hashing : KeyHashing
    """

    def __init__(self, keys, n_slots: int, hashing: KeyHashing):
        random_state = check_random_state(hashing.seed)
        self.mean, self.basis = _directions(keys, random_state)
        family = make_family(hashing.hash_function)
        n_bits, n_tables = hashing.n_bits, hashing.n_tables
        if n_bits == "auto":
            n_bits = min(MAX_BITS, max(1, round(math.log2(n_slots / MEAN_MEMBERS))))
        n_tables = N_TABLES if n_tables == "auto" else n_tables
        family.set_params(n_bits=n_bits, n_tables=n_tables, random_state=random_state)
        self.family = family.fit(self._sketch(keys[:1]))
        n_tables, n_buckets = family._n_features_out, family.n_buckets_
        n_places = ROOM * math.ceil(n_slots / n_buckets)
        self.arrays = Arrays(
            np.zeros((n_tables, n_buckets), np.int32),
            np.zeros((n_tables, n_buckets, n_places), np.int32),
            np.zeros((n_slots, n_tables), np.uint16),
        )
        kernels.fill_buckets(self.arrays, self.codes(keys), 0)

    def check_stored(self, n_dimensions: int, n_used: int) -> None:
        """Check what was loaded, for a memory of so many keys."""
        stored = Attributes(self)
        stored.array("mean", np.float32, (n_dimensions,), finite=True)
        basis = stored.array("basis", np.float32, (None, n_dimensions), finite=True)
        family = stored.part("family", HashFamily)
        drawn = vars(family)
        is_hashed = drawn.get("n_features_in_") == basis.shape[0]
        stored.require(is_hashed, "family", f"of {basis.shape[0]} features")
        n_tables, n_buckets = drawn["_n_features_out"], drawn["n_buckets_"]
        arrays = stored.part("arrays", Arrays)
        codes = check_array(
            "Arrays.codes", arrays.codes, np.uint16, (None, n_tables), below=n_buckets
        )
        stored.require(codes.shape[0] >= n_used, "arrays", f"of {n_used} slots at least")
        shape = n_tables, n_buckets, None
        members = check_array(
            "Arrays.members", arrays.members, np.int32, shape, below=max(1, n_used)
        )
        sizes = check_array(
            "Arrays.sizes", arrays.sizes, np.int32, shape[:2], below=members.shape[2] + 1
        )
        stored.require(n_used > 0 or not sizes.any(), "arrays", "empty")
        self.arrays = Arrays(sizes, members, codes)

    @property
    def n_slots(self) -> int:
        """Keys that there may be."""
        return self.arrays.codes.shape[0]

    def codes(self, rows) -> np.ndarray:
        """Codes of keys: ndarray of shape (n_rows, n_tables), dtype=uint16."""
        return self.family.codes(self._sketch(rows)).astype(np.uint16)

    def probes(self, rows) -> np.ndarray:
        """Buckets to look into: ndarray of shape (n_rows, n_probes, n_tables), dtype=uint16."""
        n_probes = min(N_PROBES, self.family.max_probes)
        probes = self.family.probe_codes(self._sketch(rows), n_probes)
        return np.ascontiguousarray(probes, dtype=np.uint16)

    def move(self, slot: int, key) -> None:
        """Put a slot where its changed key belongs."""
        kernels.move_in_buckets(self.arrays, slot, self.codes(key[np.newaxis]))

    def _sketch(self, rows):
        sketch = np.empty((rows.shape[0], self.basis.shape[0]), np.float32)
        kernels.project_unit_rows(rows, self.mean, self.basis, sketch)
        return sketch


def _directions(keys, random_state):
    """The keys' mean, and their principal directions, the shorter the wider: in rows."""
    sample = keys[:: max(1, len(keys) // SAMPLE_KEYS)]
    mean = sample.mean(axis=0)
    n_directions = min(MAX_DIRECTIONS, keys.shape[1])
    deviations, directions = principal_directions(sample - mean, n_directions, random_state)
    return mean, np.ascontiguousarray((directions * np.sqrt(deviations[0] / deviations)).T)
