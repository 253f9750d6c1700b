"""The classes that a sample may belong to, found by hashing."""

import math

import numpy as np

from sklearn_lsh.csr import Pattern, even_rows, lengths_of, put_first
from sklearn_lsh.hashing import LSHTables
from sklearn_lsh.selection.base import Active
from sklearn_lsh.selection.lsh import LSH

# Classes that are sketched at once, so that a wide layer's sketches need not be held.
CHUNK = 8192


def share_room(n_samples, mean):
    """How many samples of each class to remember, ``mean`` for each class at most.

    Of each class the same number, or all it has. (If they were simply the latest, some classes
    would have none, and would be missed.)
    """
    ordered = np.sort(n_samples)
    n_classes = ordered.shape[0]
    # Room that is taken if no class is given more than the one at each place has.
    taken = np.cumsum(ordered) + ordered * np.arange(n_classes - 1, -1, -1)
    most = ordered[taken <= mean * n_classes].max(initial=mean)
    return np.clip(n_samples, 1, most)


class OutputLSH(LSH):
    """The classes that share most buckets with a sample, by their weights or by their samples.

    A class is in the buckets of its row of weights, and in those in which its latest samples fell
    when they were trained on. A new sample finds its class much more surely among its like than
    at the class's row, which lies between them at a wide angle. The idea of putting labels where
    they were missed is Meisburger et al.'s, https://arxiv.org/abs/2303.17727.

    The most frequent labels are candidates of every sample: no few samples are like all of theirs.

    While learning, a part of the active classes is drawn at random instead, the same for a whole
    batch, each standing for all those that were not drawn: with only the classes that hashing
    finds, nothing would push down the others, and a batch would touch many more rows of weights.

    Parameters
    ----------
    n_active : int
    n_targets : ndarray of shape (n_classes,), default=None
        How many samples each class has, if that is known.
    **hashing
        See `LSH`.
    """

    # Ten tables with four buckets each find as much as thirty with one, and take a third of the
    # memory and of the hashing.
    N_DIRECTIONS, WHITEN, N_TABLES, N_PROBES, OVERSUPPLY = 128, False, 10, 4, 4.0
    # Most members of a bucket, for each that buckets have on average if bits are automatic. Crowded
    # ones take most of the time and tell least: they keep a random part.
    CROWDED = 2
    # Samples that are remembered for each class, or as many as it has.
    SAMPLES = 5
    # Share of the active classes that hashing finds while learning.
    HASHED = 0.25
    # Buckets that a class and a sample have to share to be found while learning, if the number of
    # tables is automatic. To share one of forty is chance: among a million classes nearly all that
    # do, which would be as many rows of weights to read, each for one sample.
    SHARED = 2
    # Share of all samples' labels from which a label is a candidate of every sample, and how much
    # such labels may take of what hashing finds while learning.
    POPULAR, MOST_POPULAR = 0.01, 0.25

    def __init__(self, n_active, *, n_targets=None, **hashing):
        super().__init__(n_active, **hashing)
        self.n_targets = n_targets

    def begin(self, n_neurons):
        """Draw what depends on the width alone."""
        n_samples = np.full(n_neurons, self.SAMPLES)
        if self.n_targets is not None:
            n_samples = share_room(self.n_targets, self.SAMPLES)
        self.n_wanted = min(n_neurons, self.n_active)
        self.n_hashed = math.ceil(self.HASHED * self.n_wanted)
        # Codes of the classes' rows, then room for those of each class's samples. Zeros, which are
        # valid: threads that note at once may leave a place unwritten.
        classes = np.arange(n_neurons, dtype=np.uint32)
        self.owners = np.concatenate([classes, np.repeat(classes, n_samples)])
        n_codes = self.owners.shape[0]
        self.draw(n_codes, self.n_wanted)
        self.least_shared = self.SHARED if self.n_tables == "auto" else 1
        self.capacity = None
        if self.n_bits == "auto":
            n_lookups = self.family.n_tables * self.n_probes
            self.capacity = math.ceil(self.CROWDED * self.OVERSUPPLY * self.n_wanted / n_lookups)
        self.codes = np.zeros((n_codes, self.family.n_tables), self.family.code_dtype)
        self.is_blank = np.arange(n_codes) >= n_neurons
        # Where each class's room begins, and how many samples it has had.
        self.starts = np.concatenate([[n_neurons], n_neurons + np.cumsum(n_samples)])
        self.starts = self.starts.astype(np.uint32)
        self.uses = np.zeros(n_neurons, np.int64)
        if self.n_targets is not None:
            self.uses += self.n_targets
        self.n_drawn = 0

    def widened(self, n_active):
        """See `Selection.widened`."""
        wide = super().widened(n_active)
        wide.n_wanted = max(self.n_wanted, n_active)
        return wide

    def n_held(self, n_neurons):
        """See `Selection.n_held`."""
        return self.n_wanted

    def build(self, layer, sketch):
        """See `LSH.build`."""
        n_neurons = layer.n_neurons
        self.hash_rows(layer, sketch)
        self.deck = self.random_state.permutation(self.owners[:n_neurons])
        self.popular = self.find_popular()
        # Of a copy: other threads may be writing, and NumPy counts before it fills.
        blank = np.flatnonzero(self.is_blank.copy())
        self.codes[blank] = self.codes[self.owners[blank]]  # repeats, which tables drop
        where = self.codes, self.family.n_buckets_, self.owners, n_neurons
        return sketch, LSHTables(*where, capacity=self.capacity)

    def find_popular(self):
        """The most frequent labels, if they are very frequent."""
        most = min(int(self.MOST_POPULAR * self.n_hashed), self.uses.shape[0] - 1)
        best = np.argpartition(-self.uses, most)[:most]
        return best[self.uses[best] > self.POPULAR * self.uses.sum()].astype(np.uint32)

    def with_popular(self, found, n_wanted):
        """Put the popular labels first; of the others those are left out that were met last."""
        n_rows, n_first = found[0].shape[0] - 1, self.popular.shape[0]
        if n_first == 0:
            return found
        first = Pattern(even_rows(n_rows, n_first), np.tile(self.popular, n_rows))
        indptr, indices = put_first(first, found, self.uses.shape[0])
        lengths = lengths_of(indptr)
        kept = np.arange(indices.shape[0]) - np.repeat(indptr[:-1], lengths) < n_wanted
        cut = np.zeros_like(indptr)
        np.cumsum(np.minimum(lengths, n_wanted), out=cut[1:])
        return Pattern(cut, indices[kept])

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
        order = np.argsort(targets.indices, kind="stable")
        samples = np.repeat(np.arange(targets.n_rows), lengths_of(targets.indptr))[order]
        classes, first, counts = np.unique(
            targets.indices[order], return_index=True, return_counts=True
        )
        start = self.starts[classes]
        room = self.starts[classes + np.uint32(1)] - start
        # A class's samples go round its room.
        steps = np.arange(samples.shape[0]) + np.repeat(self.uses[classes] - first, counts)
        places = np.repeat(start, counts) + steps % np.repeat(room, counts)
        self.codes[places] = done.active.codes[samples]
        self.is_blank[places] = False
        self.uses[classes] += counts

    def select(self, layer, inputs, labels=None):
        """See `Selection.select`."""
        sketch, tables = self.found
        probes = self.family.probe_codes(sketch.queries(inputs), self.n_probes)
        if labels is None:
            found = tables.most_collisions(probes, self.n_wanted, fill_from=0)
            found = self.with_popular(found, self.n_wanted)
            return Active(*found, work=self.query_work(inputs))
        found = tables.most_collisions(probes, self.n_hashed, min_shared=self.least_shared)
        found = self.with_popular(found, self.n_hashed)
        certain = put_first(labels.pattern, found, layer.n_neurons)
        drawn = self.draw_negatives(self.n_wanted - self.n_hashed)
        shared = even_rows(labels.n_rows, drawn.shape[0]), np.tile(drawn, labels.n_rows)
        shared = Pattern(*shared)
        active = put_first(certain, shared, layer.n_neurons)
        stand_for = np.log(np.float32([1, layer.n_neurons / max(1, drawn.shape[0])]))
        n_certain, n_active = lengths_of(certain[0]), lengths_of(active[0])
        lengths = np.stack([n_certain, n_active - n_certain], axis=1).reshape(-1)
        log_importance = np.repeat(np.tile(stand_for, labels.n_rows), lengths)
        # A sample's own bucket is the first, and of several ranges of lengths in the last: as a
        # class's would be that responds most.
        codes = probes[:, -self.n_probes]
        work = self.query_work(inputs)
        return Active(*active, log_importance=log_importance, codes=codes, work=work)

    def draw_negatives(self, n_wanted):
        """Draw classes without replacement: all have been drawn before one comes again."""
        first, self.n_drawn = self.n_drawn, self.n_drawn + n_wanted
        return self.deck.take(np.arange(first, first + n_wanted), mode="wrap")
