"""Neurons found by hashing: the package's reason to exist."""

import math

import numpy as np

from sklearn_lsh import kernels
from sklearn_lsh.hashing import FAMILIES, LSHTables
from sklearn_lsh.hashing.families import MOST_BITS
from sklearn_lsh.selection.base import Selection, even_rows, keep_best, put_first
from sklearn_lsh.selection.sketch import Sketch

# Hidden and output layers.
N_TABLES = 20, 50
# A query's buckets together hold so many times the neurons that it wants.
OVERSUPPLY = 2.5
# A hidden layer ranks candidates, for each active neuron so many popular and so many hashed ones.
POPULAR, HASHED = 2, 3
# Directions of the space in which hidden and output layers hash.
N_DIRECTIONS = 16, 128


def choose_n_bits(n_neurons, n_wanted, n_tables):
    """Bits of a code such that a query's buckets hold ``OVERSUPPLY * n_wanted`` neurons.

    Buckets of ``n_neurons / 2**n_bits`` neurons in each of ``n_tables`` tables.
    """
    load = max(1.0, OVERSUPPLY * n_wanted / n_tables)
    return min(MOST_BITS, max(1, round(math.log2(max(2.0, n_neurons / load)))))


class LSH(Selection):
    """The neurons that share most hash buckets with a sample.

    An output layer takes them as they are: its labels are always active, and the others are
    there to be told from them. A hidden layer has no labels, and its most responding neurons
    are hardly more alike to a sample than the rest, but some respond to nearly everything. So
    there the hashed neurons and those that were active most of late are ranked by their
    sketches, and the best are active.

    Parameters
    ----------
    n_active : int
    ranked : bool
        Whether candidates are ranked (hidden layers).
    hash_function : str
        A key of `sklearn_lsh.hashing.FAMILIES`.
    n_bits, n_tables : int or "auto"
    random_state : RandomState
    """

    def __init__(self, n_active, *, ranked, hash_function, n_bits, n_tables, random_state):
        super().__init__(n_active)
        self.ranked = ranked
        self.hash_function = hash_function
        self.n_bits = n_bits
        self.n_tables = n_tables
        self.random_state = random_state
        self.family = None

    def fit(self, layer, inputs):
        """See `Selection.fit`. The hash functions are drawn once."""
        self.sketch = Sketch(inputs, N_DIRECTIONS[not self.ranked], self.random_state)
        if self.family is None:
            self._draw(layer.n_neurons)
        self._build(layer)

    def _draw(self, n_neurons):
        self.n_hashed = min(n_neurons, self.n_active * (HASHED if self.ranked else 1))
        self.n_popular = min(n_neurons, self.n_active * POPULAR) if self.ranked else 0
        self.uses = np.zeros(n_neurons, np.float32)
        n_tables = N_TABLES[not self.ranked] if self.n_tables == "auto" else self.n_tables
        n_bits = self.n_bits
        if n_bits == "auto":
            n_bits = choose_n_bits(n_neurons, self.n_hashed, n_tables)
        self.family = FAMILIES[self.hash_function](
            self.sketch.n_directions + 1, n_bits, n_tables, self.random_state
        )

    def _build(self, layer):
        rows = self.sketch.rows(layer)
        popular = np.argsort(-self.uses, kind="stable")[: self.n_popular].astype(np.uint32)
        centred = rows - rows.mean(axis=0)
        tables = LSHTables(self.family.codes(centred), self.family.n_buckets)
        # Swapped in at once: other threads may be searching meanwhile.
        self.found = (tables, rows if self.ranked else None, popular)
        self.uses *= 0.5

    def refresh(self, layer, inputs):
        """See `Selection.refresh`."""
        self.sketch.recentre(inputs)
        self._build(layer)

    def refresh_work(self, layer):
        n_neurons, n_inputs = layer.weights.shape
        sketching = 0 if self.sketch.basis is None else n_inputs * self.sketch.n_directions
        hashing = self.sketch.n_directions * self.family.n_tables * self.family.n_bits
        return n_neurons * (sketching + hashing)

    def note(self, indices):
        if self.ranked:
            self.uses += np.bincount(indices, minlength=self.uses.shape[0])

    def choose(self, layer, inputs):
        tables, rows, popular = self.found
        queries = self.sketch.queries(inputs)
        hashed = tables.most_hit(self.family.codes(queries), self.n_hashed, fill_from=0)
        if not self.ranked:
            return hashed
        shared = even_rows(queries.shape[0], popular.shape[0]), np.tile(popular, queries.shape[0])
        candidates = put_first(shared, hashed, layer.n_neurons)
        scores = np.empty(candidates[1].shape[0], np.float32)
        kernels.score_pairs(*candidates, queries, rows, scores)
        return keep_best(*candidates, scores, self.n_active)
