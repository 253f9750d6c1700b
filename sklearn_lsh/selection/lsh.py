"""Neurons found by hashing: the package's reason to exist.

Hidden and output layers ask for different neighbours. A hidden layer wants the neurons that
respond most, which are hardly more alike to a sample than the rest; an output layer wants the
classes that a sample may belong to, and learns from samples that do.
"""

import math

import numpy as np

from sklearn_lsh import kernels
from sklearn_lsh.hashing import FAMILIES, LSHTables
from sklearn_lsh.hashing.families import MOST_BITS
from sklearn_lsh.selection.base import Selection, even_rows, keep_best, put_first
from sklearn_lsh.selection.exact import most_responding
from sklearn_lsh.selection.sketch import Sketch

# Neurons that are sketched at once, so that a wide layer's sketches need not be held.
CHUNK = 8192


def choose_n_bits(n_members, n_found, n_tables):
    """Bits of a code such that ``n_tables`` buckets together hold about ``n_found`` members."""
    load = max(1.0, n_found / n_tables)
    return min(MOST_BITS, max(1, round(math.log2(max(2.0, n_members / load)))))


class LSH(Selection):
    """What hashing hidden and output layers share: a sketch, a family, tables.

    Parameters
    ----------
    n_active : int
    hash_function : str
        A key of `sklearn_lsh.hashing.FAMILIES`.
    n_bits, n_tables : int or "auto"
        ``"auto"`` takes `N_TABLES` tables, and as many bits as let a query's buckets together
        hold `OVERSUPPLY` times the neurons that are wanted of them.
    random_state : RandomState
        Draws the hash functions.
    """

    # Directions of the space that is hashed and whether they are whitened, tables, and how many
    # times the wanted neurons a query's buckets hold.
    N_DIRECTIONS: int
    WHITEN: bool
    N_TABLES: int
    OVERSUPPLY: float

    def __init__(self, n_active, *, hash_function, n_bits, n_tables, random_state):
        super().__init__(n_active)
        self.hash_function = hash_function
        self.n_bits = n_bits
        self.n_tables = n_tables
        self.random_state = random_state
        self.family = None

    def fit(self, layer, inputs):
        """See `Selection.fit`. Directions and hash functions stay as they were first chosen.

        Neurons learn from the samples that find them; others would find them in new directions,
        and the codes that are remembered would be worthless.
        """
        if self.family is None:
            self.sketch = Sketch(inputs, self.N_DIRECTIONS, self.random_state, self.WHITEN)
            self.begin(layer.n_neurons)
        self.sketch.recentre(inputs, 1.0)
        self.build(layer)

    def draw(self, n_members, n_wanted):
        """Draw the hash functions for tables of ``n_members``."""
        n_tables = self.N_TABLES if self.n_tables == "auto" else self.n_tables
        n_bits = self.n_bits
        if n_bits == "auto":
            n_bits = choose_n_bits(n_members, self.OVERSUPPLY * n_wanted, n_tables)
        self.family = FAMILIES[self.hash_function](
            self.sketch.n_directions + 1, n_bits, n_tables, self.random_state
        )

    def refresh(self, layer, inputs):
        """See `Selection.refresh`."""
        self.sketch.recentre(inputs, 0.5)
        self.build(layer)

    def refresh_work(self, layer):
        """See `Selection.refresh_work`."""
        n_neurons, n_inputs = layer.weights.shape
        sketching = 0 if self.sketch.basis is None else n_inputs * self.sketch.n_directions
        hashing = self.sketch.n_directions * self.family.n_tables * self.family.n_bits
        return n_neurons * (sketching + hashing)


class HiddenLSH(LSH):
    """The best of the neurons that share most buckets with a sample and of the popular ones.

    Three sieves, each finer and dearer than the one before. Candidates are the neurons with most
    votes of the hash tables, and those that were active most of late, the same for all samples:
    a few with large weights respond to nearly everything, whatever their angle. The candidates'
    sketches name the finalists, and of these the ones that respond most are active.
    """

    N_DIRECTIONS, WHITEN, N_TABLES, OVERSUPPLY = 16, True, 20, 2.5
    # For each active neuron.
    POPULAR, HASHED, FINALISTS = 3, 5, 2

    def begin(self, n_neurons):
        """Draw what depends on the width alone."""
        self.n_hashed = min(n_neurons, self.n_active * self.HASHED)
        self.n_popular = min(n_neurons, self.n_active * self.POPULAR)
        self.n_finalists = min(n_neurons, self.n_active * self.FINALISTS)
        self.uses = np.zeros(n_neurons, np.float32)
        self.draw(n_neurons, self.n_hashed)

    def build(self, layer):
        """Build the tables anew."""
        rows = self.sketch.rows(layer)
        popular = np.argsort(-self.uses, kind="stable")[: self.n_popular].astype(np.uint32)
        # Centred, because a direction common to all tells nothing.
        codes = self.family.codes(rows - rows.mean(axis=0))
        tables = LSHTables(codes, self.family.n_buckets)
        # Swapped in at once: other threads may be searching meanwhile.
        self.found = tables, rows, popular
        self.uses *= 0.5

    def note(self, done, targets):
        """See `Selection.note`: count how often each neuron is active."""
        self.uses += np.bincount(done.outputs.indices, minlength=self.uses.shape[0])

    def choose(self, layer, inputs):
        """See `Selection.choose`."""
        tables, rows, popular = self.found
        queries = self.sketch.queries(inputs)
        hashed = tables.most_hit(self.family.codes(queries), self.n_hashed, fill_from=0)
        shared = even_rows(queries.shape[0], popular.shape[0]), np.tile(popular, queries.shape[0])
        candidates = put_first(shared, hashed, layer.n_neurons)
        scores = np.empty(candidates[1].shape[0], np.float32)
        kernels.score_pairs(*candidates, queries, rows, scores)
        finalists = keep_best(*candidates, scores, self.n_finalists)
        responses = layer.respond(inputs, *finalists).outputs.data
        return keep_best(*finalists, responses, self.n_active)


class OutputLSH(LSH):
    """The classes that share most buckets with a sample, by their weights or by their samples.

    A class is in the buckets of its row of weights, and in those in which its samples fell when
    they were last trained on. A new sample finds its class much more surely among its like than
    at the class's row, which lies between them at a wide angle. The idea of putting labels where
    they were missed is Meisburger et al.'s, https://arxiv.org/abs/2303.17727.
    """

    N_DIRECTIONS, WHITEN, N_TABLES, OVERSUPPLY = 128, False, 30, 4.0
    # Samples that are remembered, for each class.
    SAMPLES = 4
    # Steps by which the classes are gone through that fill up too small sets.
    STRIDE = 7919

    def begin(self, n_neurons):
        """Draw what depends on the width alone."""
        capacity = self.SAMPLES * n_neurons
        self.n_wanted = min(n_neurons, self.n_active)
        self.draw(n_neurons + capacity, self.n_wanted)
        # Zeros, which are valid: threads that note at once may leave a place unwritten.
        self.sample_codes = np.zeros((capacity, self.family.n_tables), np.uint16)
        self.sample_labels = np.zeros(capacity, np.uint32)
        self.n_noted = 0

    def build(self, layer):
        """Build the tables anew."""
        n_samples = min(self.n_noted, self.sample_labels.shape[0])
        codes = np.concatenate([self.codes_of_rows(layer), self.sample_codes[:n_samples]])
        neurons = np.arange(layer.n_neurons, dtype=np.uint32)
        owners = np.concatenate([neurons, self.sample_labels[:n_samples]])
        self.found = LSHTables(codes, self.family.n_buckets, owners, layer.n_neurons)

    def codes_of_rows(self, layer):
        """Codes of the classes, centred, from sketches that are made in parts and not held."""
        n_neurons = layer.n_neurons
        parts = [slice(i, i + CHUNK) for i in range(0, n_neurons, CHUNK)]
        mean = sum(self.sketch.rows(layer, part).sum(axis=0) for part in parts) / n_neurons
        codes = np.empty((n_neurons, self.family.n_tables), np.uint16)
        for part in parts:
            codes[part] = self.family.codes(self.sketch.rows(layer, part) - mean)
        return codes

    def note(self, done, targets):
        """See `Selection.note`: remember where the latest samples of each class fell."""
        capacity = self.sample_labels.shape[0]
        codes = self.family.codes(self.sketch.queries(done.inputs))
        samples = np.repeat(np.arange(targets.n_rows), np.diff(targets.indptr))[-capacity:]
        first, self.n_noted = self.n_noted, self.n_noted + samples.shape[0]
        places = (first + np.arange(samples.shape[0])) % capacity
        self.sample_codes[places] = codes[samples]
        self.sample_labels[places] = targets.indices[-capacity:]

    def select(self, layer, inputs, labels=None):
        """See `Selection.select`. Where every other class is wanted, all are computed."""
        if 2 * self.n_wanted >= layer.n_neurons:
            active = most_responding(layer, inputs, self.n_wanted)
            return active if labels is None else self._labels_first(layer, labels, active)
        codes = self.family.codes(self.sketch.queries(inputs))
        # Training meets other classes each time where there are not enough to be told from.
        fill_from = 0 if labels is None else self.n_noted * self.STRIDE % layer.n_neurons
        active = self.found.most_hit(codes, self.n_wanted, fill_from)
        return active if labels is None else self._labels_first(layer, labels, active)

    @staticmethod
    def _labels_first(layer, labels, active):
        return put_first((labels.indptr, labels.indices), active, layer.n_neurons)
