"""Neurons found by hashing: what hidden and output layers share.

They ask for different neighbours. A hidden layer wants the neurons that respond most, which are
hardly more alike to a sample than the rest; an output layer wants the classes that a sample may
belong to, and learns from samples that do.
"""

import math
import time
from typing import NamedTuple

import numpy as np
from sklearn.base import clone

from sklearn_lsh.csr import n_nonzero, n_samples
from sklearn_lsh.hashing import FAMILIES, HashFamily, LSHTables
from sklearn_lsh.hashing.base import MAX_BITS
from sklearn_lsh.hashing.stored_tables import check_fit
from sklearn_lsh.hashing.table_checks import MOST_LOOKUPS
from sklearn_lsh.selection.base import Selection
from sklearn_lsh.selection.sketch import InputSketch
from sklearn_lsh.stored import MOST, Attributes, check_array, check_generator, is_integer, refuse

# How far the inputs' mean moves at a refresh towards that of the latest batch.
RECENTRE = 0.5
# Inputs that set it anew when they are a sample of all: fewer move it by their share of so many.
# A call of `partial_fit` may have a single row.
SAMPLED = 256
# Buckets of a table for each that a query looks into, at least: were it half of them, to be in
# one would mean nothing.
BUCKETS_PER_PROBE = 16


class Hashing(NamedTuple):
    """How a layer hashes.

    Attributes
    ----------
    hash_function : str or HashFamily
        A key of `sklearn_lsh.hashing.FAMILIES`, or a family that is cloned.
    n_bits, n_tables : int or "auto"
        ``"auto"`` takes `LSH.N_TABLES` tables (more where the family cannot name several buckets
        of a table), and as many bits as let a query's buckets together hold `LSH.OVERSUPPLY`
        times the neurons that are wanted of them.
    random_state : RandomState
        Draws the hash functions.
    """

    hash_function: "str | HashFamily"
    n_bits: "int | str"
    n_tables: "int | str"
    random_state: np.random.RandomState

    def check_stored(self):
        """Check what was loaded."""
        generator, function = self.random_state, self.hash_function
        check_generator("Hashing.random_state", generator)
        sizes = (
            value == "auto" or is_integer(value, 1, MOST) for value in (self.n_bits, self.n_tables)
        )
        is_known = isinstance(function, HashFamily) or function in FAMILIES
        if not (is_known and all(sizes) and isinstance(generator, np.random.RandomState)):
            refuse("Hashing", "a family, integers or 'auto', and a generator", tuple(self))

    @property
    def is_automatic(self):
        """Whether neither bits nor tables are asked for."""
        return self.n_bits == self.n_tables == "auto"

    def make_family(self) -> HashFamily:
        """A hash family of one's own."""
        return make_family(self.hash_function)


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
    """What hashing hidden and output layers share: a sketch, a family, an index.

    Parameters
    ----------
    n_active : int
    hashing : Hashing

    Attributes
    ----------
    sketch : InputSketch or None
        The latest one.
    family : HashFamily or None
        Drawn once; None before, and where there are no tables.
    index : NamedTuple or None
        What is searched: ``sketch``, ``tables`` and what else a kind of layer needs. One object,
        because a query has to be sketched as the rows in the tables were.
    """

    # Directions of the space that is hashed.
    N_DIRECTIONS: int
    # Whether these are whitened.
    WHITEN: bool
    # Hash tables, where the number of tables is automatic.
    N_TABLES: int
    # Buckets of a table that are looked into.
    N_PROBES: int
    # Members of a query's buckets together, for each neuron wanted, where bits are automatic.
    OVERSUPPLY: float

    def __init__(self, n_active, hashing):
        super().__init__(n_active)
        self.hashing = hashing
        self.sketch = self.family = self.index = None
        self.rebuild_seconds = []

    def check_stored(self, n_inputs, n_neurons):
        """See `Selection.check_stored`."""
        super().check_stored(n_inputs, n_neurons)
        stored = Attributes(self)
        stored.part("hashing", Hashing).check_stored()
        stored.part("rebuild_seconds", list)
        if stored.get("index") is None:
            for name in ("sketch", "family"):
                stored.part(name, type(None))
            return
        stored.part("sketch", InputSketch).check_stored(n_inputs, n_neurons)
        if stored.get("family") is not None:
            self._check_family(stored)
        self.check_index(stored, n_inputs, n_neurons)

    def _check_family(self, stored):
        family = stored.part("family", HashFamily)
        drawn = vars(family)
        fits = (
            drawn.get("n_features_in_") == self.sketch.n_directions + 1
            and drawn.get("_n_features_out") == family.n_tables
            and is_integer(family.n_bits, 1, MAX_BITS)
        )
        stored.require(fits, "family", "of the sketch's directions, and as it was drawn")
        stored.integer("n_probes", 1, family.max_probes)

    # What subclasses say

    def check_index(self, stored, n_inputs, n_neurons):
        """Check what `set_sizes` and `build_index` made, after it was loaded."""
        raise NotImplementedError

    def set_sizes(self, n_neurons):
        """Draw and allocate what depends on the number of neurons alone."""
        raise NotImplementedError

    def build_index(self, weights, sketch):
        """Sketch the rows and build tables."""
        raise NotImplementedError

    def make_sketch(self, weights, inputs):
        """The sketch that training starts with."""
        return InputSketch(inputs, self.N_DIRECTIONS, self.hashing.random_state, self.WHITEN)

    def updated_sketch(self, weights, inputs, share):
        """The sketch, with the mean moved by a share of the way to that of these inputs."""
        return self.sketch.recentred(inputs, share)

    # Tables follow the weights

    @property
    def is_fitted(self):
        """See `Selection.is_fitted`."""
        return self.index is not None

    def replaced(self, weights, *, same_inputs):
        """See `Selection.replaced`: as before `fit`, since what was learnt is of other neurons."""
        return type(self)(self.n_active, self.hashing)

    def fit(self, weights, inputs):
        """See `Selection.fit`. What is hashed stays as it was first chosen, but for the mean.

        Neurons learn from the samples that find them; others would find them in new directions,
        and the codes that are remembered would be worthless.
        """
        share = min(1.0, n_samples(inputs) / SAMPLED)
        if self.sketch is None:
            self.sketch, share = self.make_sketch(weights, inputs), 1.0
            self.set_sizes(weights.n_neurons)
        self.rebuild(weights, inputs, share)

    def draw_hash_functions(self, n_members, n_wanted):
        """Draw the hash functions for tables of ``n_members``."""
        self.family = self.hashing.make_family()
        n_probes = min(self.N_PROBES, self.family.max_probes)
        n_tables, n_bits = (
            given if given == "auto" else int(given)
            for given in (self.hashing.n_tables, self.hashing.n_bits)
        )
        n_lookups = self.N_TABLES * self.N_PROBES if n_tables == "auto" else n_tables * n_probes
        if n_bits == "auto":
            n_bits = choose_n_bits(n_members, self.OVERSUPPLY * n_wanted, n_lookups)
        self.family.set_params(n_bits=n_bits, random_state=self.hashing.random_state)
        n_probes = min(n_probes, self.family.max_probes // BUCKETS_PER_PROBE)
        if n_tables != "auto":
            n_probes = min(n_probes, MOST_LOOKUPS // n_tables)
        self.n_probes = max(1, n_probes)
        if n_tables == "auto":
            n_tables = n_lookups // self.n_probes
        self.family.set_params(n_tables=n_tables)
        self.family.fit(np.zeros((1, self.sketch.n_directions + 1), np.float32))

    def refresh(self, weights, inputs):
        """See `Selection.refresh`."""
        self.rebuild(weights, inputs, RECENTRE)

    def rebuild(self, weights, inputs, share):
        """Move the mean of the inputs by a share towards these, build the index, and time it."""
        start = time.perf_counter()
        sketch = self.updated_sketch(weights, inputs, share)
        index = self.build_index(weights, sketch)
        # Swapped in at once: other threads may be searching meanwhile.
        self.sketch, self.index = sketch, index
        self.rebuild_seconds.append(time.perf_counter() - start)

    def reseed(self, random_state):
        """See `Selection.reseed`."""
        self.hashing = self.hashing._replace(random_state=random_state)

    # What is told of them

    @property
    def tables(self):
        """The tables that are searched now; None if all neurons are looked at."""
        return self.index.tables

    def drain_rebuilds(self):
        """See `Selection.drain_rebuilds`."""
        seconds, self.rebuild_seconds = self.rebuild_seconds, []
        return seconds

    def occupancy(self):
        """See `Selection.occupancy`."""
        found = self.tables.statistics()
        n_filled = ((1 - found.empty_rate) * self.tables.n_buckets).sum()
        return {
            "filled_buckets": float(1 - found.empty_rate.mean()),
            "bucket_load": float(found.n_members.sum() / max(1, n_filled)),
        }

    def refresh_work(self, weights):
        """See `Selection.refresh_work`."""
        n_neurons, n_inputs = weights.rows.shape
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
        sketch = self.index.sketch
        sketching = 0 if sketch.basis is None else sketch.n_directions
        return n_nonzero(inputs) * sketching + n_samples(inputs) * self.hash_work


def check_tables(place, tables, family, n_neurons):
    """Refuse tables that are not of a family's codes of so many neurons, after they were loaded."""
    if not isinstance(tables, LSHTables):
        refuse(place, "tables", tables)
    check_fit(tables, family, n_neurons)


def check_distinct(place, neurons, n_neurons):
    """Return a list of different neurons as kernels read it, after it was loaded."""
    neurons = check_array(place, neurons, np.uint32, (None,), below=n_neurons)
    if np.unique(neurons).shape != neurons.shape:
        refuse(place, "of different neurons", neurons)
    return neurons
