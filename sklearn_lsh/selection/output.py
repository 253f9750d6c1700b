"""The classes that a sample may belong to, found by hashing."""

import math

import numpy as np

from sklearn_lsh.csr import even_rows
from sklearn_lsh.hashing import LSHTables
from sklearn_lsh.selection.base import Active, put_first
from sklearn_lsh.selection.lsh import LSH

# Classes that are sketched at once, so that a wide layer's sketches need not be held.
CHUNK = 8192


class OutputLSH(LSH):
    """The classes that share most buckets with a sample, by their weights or by their samples.

    A class is in the buckets of its row of weights, and in those in which its samples fell when
    they were last trained on. A new sample finds its class much more surely among its like than
    at the class's row, which lies between them at a wide angle. The idea of putting labels where
    they were missed is Meisburger et al.'s, https://arxiv.org/abs/2303.17727.

    While learning, a part of the active classes is drawn at random instead, the same for a whole
    batch, each standing for all those that were not drawn: with only the classes that hashing
    finds, nothing would push down the others, and a batch would touch many more rows of weights.

    Parameters
    ----------
    n_active : int
    n_targets : int, default=None
        How many targets all samples together have, if that is known.
    **hashing
        See `LSH`.
    """

    N_DIRECTIONS, WHITEN, N_TABLES, OVERSUPPLY = 128, False, 30, 4.0
    # Samples that are remembered, for each class, or fewer if there are not so many.
    SAMPLES = 5
    # Share of the active classes that hashing finds while learning.
    HASHED = 0.25

    def __init__(self, n_active, *, n_targets=None, **hashing):
        super().__init__(n_active, **hashing)
        self.n_targets = n_targets

    def begin(self, n_neurons):
        """Draw what depends on the width alone."""
        capacity = self.SAMPLES * n_neurons
        if self.n_targets is not None:
            capacity = min(capacity, self.n_targets)
        self.n_wanted = min(n_neurons, self.n_active)
        self.n_hashed = math.ceil(self.HASHED * self.n_wanted)
        self.draw(n_neurons + capacity, self.n_wanted)
        # The classes' codes, then those of the remembered samples, and which class each is of.
        # Zeros, which are valid: threads that note at once may leave a place unwritten.
        self.codes = np.zeros((n_neurons + capacity, self.family.n_tables), self.family.code_dtype)
        self.owners = np.zeros(n_neurons + capacity, np.uint32)
        self.owners[:n_neurons] = np.arange(n_neurons)
        self.n_noted = 0
        self.n_drawn = 0

    def widened(self, n_active):
        """See `Selection.widened`."""
        wide = super().widened(n_active)
        wide.n_wanted = max(self.n_wanted, n_active)
        return wide

    def build(self, layer, sketch):
        """See `LSH.build`."""
        n_neurons = layer.n_neurons
        self.hash_rows(layer, sketch)
        self.deck = self.random_state.permutation(self.owners[:n_neurons])
        n_codes = min(n_neurons + self.n_noted, self.owners.shape[0])
        tables = LSHTables(
            self.codes[:n_codes], self.family.n_buckets_, self.owners[:n_codes], n_neurons
        )
        return sketch, tables

    def hash_rows(self, layer, sketch):
        """Hash the classes' rows, centred, from sketches that are made in parts and not held."""
        n_neurons = layer.n_neurons
        parts = [slice(i, i + CHUNK) for i in range(0, n_neurons, CHUNK)]
        mean = sum(sketch.rows(layer, part).sum(axis=0) for part in parts) / n_neurons
        self.family.adapt(sketch.rows(layer, parts[0]) - mean)
        for part in parts:
            self.codes[:n_neurons][part] = self.family.codes(sketch.rows(layer, part) - mean)

    def note(self, done, targets):
        """See `Selection.note`: remember where the latest samples of each class fell."""
        n_neurons = self.tables.n_rows
        capacity = self.owners.shape[0] - n_neurons
        samples = np.repeat(np.arange(targets.n_rows), np.diff(targets.indptr))[-capacity:]
        first, self.n_noted = self.n_noted, self.n_noted + samples.shape[0]
        places = n_neurons + (first + np.arange(samples.shape[0])) % capacity
        codes = done.active.codes
        # Of several codes for each table the last: as a class would have that responds most.
        self.codes[places] = (codes if codes.ndim == 2 else codes[:, -1])[samples]
        self.owners[places] = targets.indices[-capacity:]

    def select(self, layer, inputs, labels=None):
        """See `Selection.select`."""
        sketch, tables = self.found
        codes = self.family.query_codes(sketch.queries(inputs))
        if labels is None:
            found = tables.most_hit(codes, self.n_wanted, fill_from=0)
            return Active(*found, work=self.query_work(inputs))
        found = tables.most_hit(codes, self.n_hashed)
        certain = put_first((labels.indptr, labels.indices), found, layer.n_neurons)
        drawn = self.draw_negatives(self.n_wanted - self.n_hashed)
        shared = even_rows(labels.n_rows, drawn.shape[0]), np.tile(drawn, labels.n_rows)
        active = put_first(certain, shared, layer.n_neurons)
        stand_for = np.float32([1, layer.n_neurons / max(1, drawn.shape[0])])
        n_certain, n_active = np.diff(certain[0]), np.diff(active[0])
        lengths = np.stack([n_certain, n_active - n_certain], axis=1).reshape(-1)
        importance = np.repeat(np.tile(stand_for, labels.n_rows), lengths)
        work = self.query_work(inputs)
        return Active(*active, importance=importance, codes=codes, work=work)

    def draw_negatives(self, n_wanted):
        """Draw classes without replacement: all have been drawn before one comes again."""
        first, self.n_drawn = self.n_drawn, self.n_drawn + n_wanted
        return self.deck.take(np.arange(first, first + n_wanted), mode="wrap")
