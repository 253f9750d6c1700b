"""The classes that a sample may belong to, found by hashing."""

import math

import numpy as np

from sklearn_lsh.hashing import LSHTables
from sklearn_lsh.selection.base import Active, even_rows, put_first
from sklearn_lsh.selection.exact import most_responding
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
    """

    N_DIRECTIONS, WHITEN, N_TABLES, OVERSUPPLY = 128, False, 30, 4.0
    # Samples that are remembered, for each class.
    SAMPLES = 4
    # Share of the active classes that hashing finds while learning.
    HASHED = 0.25

    def begin(self, n_neurons):
        """Draw what depends on the width alone."""
        capacity = self.SAMPLES * n_neurons
        self.n_wanted = min(n_neurons, self.n_active)
        self.n_hashed = math.ceil(self.HASHED * self.n_wanted)
        self.draw(n_neurons + capacity, self.n_wanted)
        # Zeros, which are valid: threads that note at once may leave a place unwritten.
        self.sample_codes = np.zeros((capacity, self.family.n_tables), np.uint16)
        self.sample_labels = np.zeros(capacity, np.uint32)
        self.n_noted = 0
        self.n_drawn = 0

    def build(self, layer):
        """Build the tables anew."""
        n_samples = min(self.n_noted, self.sample_labels.shape[0])
        codes = np.concatenate([self.codes_of_rows(layer), self.sample_codes[:n_samples]])
        neurons = np.arange(layer.n_neurons, dtype=np.uint32)
        owners = np.concatenate([neurons, self.sample_labels[:n_samples]])
        self.found = LSHTables(codes, self.family.n_buckets, owners, layer.n_neurons)
        self.deck = self.random_state.permutation(neurons)

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
        exact = 2 * self.n_wanted >= layer.n_neurons
        if labels is None or exact:
            return super().select(layer, inputs, labels)
        found = self.most_hit(inputs, self.n_hashed)
        certain = put_first((labels.indptr, labels.indices), found, layer.n_neurons)
        drawn = self.draw_negatives(self.n_wanted - self.n_hashed)
        shared = even_rows(labels.n_rows, drawn.shape[0]), np.tile(drawn, labels.n_rows)
        active = put_first(certain, shared, layer.n_neurons)
        n_certain, n_active = np.diff(certain[0]), np.diff(active[0])
        stands_for = np.tile(
            np.float32([1, layer.n_neurons / max(1, drawn.shape[0])]), labels.n_rows
        )
        lengths = np.stack([n_certain, n_active - n_certain], axis=1).reshape(-1)
        return Active(*active, importance=np.repeat(stands_for, lengths))

    def choose(self, layer, inputs):
        """See `Selection.choose`."""
        if 2 * self.n_wanted >= layer.n_neurons:
            return most_responding(layer, inputs, self.n_wanted)
        return Active(*self.most_hit(inputs, self.n_wanted, fill_from=0))

    def most_hit(self, inputs, n_wanted, fill_from=-1):
        """Look up the classes that share most buckets with each sample."""
        codes = self.family.codes(self.sketch.queries(inputs))
        return self.found.most_hit(codes, n_wanted, fill_from)

    def draw_negatives(self, n_wanted):
        """Draw classes without replacement: all have been drawn before one comes again."""
        first, self.n_drawn = self.n_drawn, self.n_drawn + n_wanted
        return self.deck.take(np.arange(first, first + n_wanted), mode="wrap")
