"""Neurons found by hashing: what hidden and output layers share.

They ask for different neighbours. A hidden layer wants the neurons that respond most, which are
hardly more alike to a sample than the rest; an output layer wants the classes that a sample may
belong to, and learns from samples that do.
"""

import math
import time

import numpy as np
from sklearn.base import clone

from sklearn_lsh.csr import n_nonzero, n_samples
from sklearn_lsh.hashing import FAMILIES
from sklearn_lsh.hashing.base import MAX_BITS
from sklearn_lsh.selection.base import Selection
from sklearn_lsh.selection.sketch import Sketch


def choose_n_bits(n_members, n_found, n_tables):
    """Bits of a code such that ``n_tables`` buckets together hold about ``n_found`` members."""
    load = max(1.0, n_found / n_tables)
    return min(MAX_BITS, max(1, round(math.log2(max(2.0, n_members / load)))))


def make_family(hash_function):
    """A hash family of one's own, by name or like another one."""
    if isinstance(hash_function, str):
        return FAMILIES[hash_function]()
    return clone(hash_function)


class LSH(Selection):
    """What hashing hidden and output layers share: a sketch, a family, tables.

    Parameters
    ----------
    n_active : int
    hash_function : str or HashFamily
        A key of `sklearn_lsh.hashing.FAMILIES`, or a family that is cloned.
    n_bits, n_tables : int or "auto"
        ``"auto"`` takes `N_TABLES` tables (more where the family cannot name several buckets of
        a table), and as many bits as let a query's buckets together hold `OVERSUPPLY` times the
        neurons that are wanted of them.
    random_state : RandomState
        Draws the hash functions.
    """

    # Directions of the space that is hashed and whether they are whitened, tables, buckets that
    # are looked into in each, and how many times the wanted neurons a query's buckets hold.
    N_DIRECTIONS: int
    WHITEN: bool
    N_TABLES: int
    N_PROBES: int
    OVERSUPPLY: float

    def __init__(self, n_active, *, hash_function, n_bits, n_tables, random_state):
        super().__init__(n_active)
        self.hash_function = hash_function
        self.n_bits = n_bits
        self.n_tables = n_tables
        self.random_state = random_state
        self.sketch = self.family = None
        self.rebuild_seconds = []

    def fit(self, layer, inputs):
        """See `Selection.fit`. What is hashed stays as it was first chosen, but for the mean.

        Neurons learn from the samples that find them; others would find them in new directions,
        and the codes that are remembered would be worthless.
        """
        if self.sketch is None:
            self.sketch = self.make_sketch(layer, inputs)
            self.begin(layer.n_neurons)
        self.rebuild(layer, inputs, 1.0)

    def make_sketch(self, layer, inputs):
        """The sketch that training starts with."""
        return Sketch(inputs, self.N_DIRECTIONS, self.random_state, self.WHITEN)

    def draw(self, n_members, n_wanted):
        """Draw the hash functions for tables of ``n_members``."""
        self.family = make_family(self.hash_function)
        n_probes = min(self.N_PROBES, self.family.max_probes)
        n_tables, n_bits = self.n_tables, self.n_bits
        n_lookups = self.N_TABLES * self.N_PROBES if n_tables == "auto" else n_tables * n_probes
        if n_bits == "auto":
            n_bits = choose_n_bits(n_members, self.OVERSUPPLY * n_wanted, n_lookups)
        self.family.set_params(n_bits=n_bits, random_state=self.random_state)
        # Few of a table's buckets: were it half of them, to be in one would mean nothing.
        self.n_probes = max(1, min(n_probes, self.family.max_probes // 16))
        if n_tables == "auto":
            n_tables = n_lookups // self.n_probes
        self.family.set_params(n_tables=n_tables)
        self.family.fit(np.zeros((1, self.sketch.n_directions + 1), np.float32))

    def refresh(self, layer, inputs):
        """See `Selection.refresh`."""
        self.rebuild(layer, inputs, 0.5)

    def rebuild(self, layer, inputs, share):
        """Move the mean of the inputs by a share towards these, build the tables, and time it."""
        start = time.perf_counter()
        sketch = self.follow(layer, inputs, share)
        found = self.build(layer, sketch)
        # Swapped in at once: other threads may be searching meanwhile, and a query has to be
        # sketched as the rows were.
        self.sketch, self.found = sketch, found
        self.rebuild_seconds.append(time.perf_counter() - start)

    def follow(self, layer, inputs, share):
        """The sketch, with the mean moved by a share of the way to that of these inputs."""
        return self.sketch.recentred(inputs, share)

    def build(self, layer, sketch):
        """Sketch the rows and build tables: the sketch, these, and what else searches need."""
        raise NotImplementedError

    @property
    def tables(self):
        """The tables that are searched now; None if all neurons are looked at."""
        return self.found[1]

    def drain_rebuilds(self):
        """See `Selection.drain_rebuilds`."""
        seconds, self.rebuild_seconds = self.rebuild_seconds, []
        return seconds

    def occupancy(self):
        """See `Selection.occupancy`."""
        if self.tables is None:
            return {"filled_buckets": 1.0, "bucket_load": float(self.found[2].shape[0])}
        found = self.tables.statistics()
        n_filled = ((1 - found.empty_rate) * self.tables.n_buckets).sum()
        return {
            "filled_buckets": float(1 - found.empty_rate.mean()),
            "bucket_load": float(found.n_members.sum() / max(1, n_filled)),
        }

    def refresh_work(self, layer):
        """See `Selection.refresh_work`."""
        n_neurons, n_inputs = layer.weights.shape
        sketching = 0 if self.sketch.basis is None else n_inputs * self.sketch.n_directions
        return n_neurons * (sketching + self.hash_work)

    @property
    def hash_work(self):
        """Multiply-adds of hashing a sketch; other families' comparisons count as such."""
        if self.family is None:
            return 0
        return (self.sketch.n_directions + 1) * self.family.n_tables * self.family.n_bits

    def query_work(self, inputs):
        """Multiply-adds of sketching and hashing a batch."""
        sketch = self.found[0]
        sketching = 0 if sketch.basis is None else sketch.n_directions
        return n_nonzero(inputs) * sketching + n_samples(inputs) * self.hash_work
