"""The classes that a sample may belong to, found by hashing."""

import math
from typing import NamedTuple

import numpy as np

from sklearn_lsh.csr import Pattern, even_pattern, lengths_of, put_first
from sklearn_lsh.hashing import HashFamily, LSHTables
from sklearn_lsh.hashing.base import MAX_BITS
from sklearn_lsh.selection.base import Active
from sklearn_lsh.selection.class_memory import ClassMemory
from sklearn_lsh.selection.lsh import LSH, check_distinct, check_tables
from sklearn_lsh.selection.negatives import Deck
from sklearn_lsh.selection.sketch import InputSketch
from sklearn_lsh.stored import MOST, Attributes, refuse

# Classes that are sketched at once, so that a wide layer's sketches need not be held.
CHUNK = 8192


class OutputIndex(NamedTuple):
    """What is searched for classes.

    Attributes
    ----------
    sketch : InputSketch
        How queries are sketched.
    tables : LSHTables
        Of the codes of classes and of their samples.
    """

    sketch: InputSketch
    tables: LSHTables


class Notes(NamedTuple):
    """Where samples fell that an output layer was trained on.

    Attributes
    ----------
    places : int ndarray of shape (n_places,)
        Of `ClassMemory`.
    codes : ndarray of shape (n_places, n_tables)
    classes, counts : int ndarray of shape (n_classes,)
        The classes that had samples, and how many.
    """

    places: np.ndarray
    codes: np.ndarray
    classes: np.ndarray
    counts: np.ndarray


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
    hashing : Hashing
    n_targets : ndarray of shape (n_classes,), default=None
        How many samples each class has, if that is known.
    """

    # See `LSH`. Inputs lie in tight clusters, in which directions of little deviation are noise.
    N_DIRECTIONS = 128
    WHITEN = False
    # Ten tables with four buckets each find as much as thirty with one, and take a third of the
    # memory and of the hashing.
    N_TABLES = 10
    N_PROBES = 4
    OVERSUPPLY = 4.0
    # Most members of a bucket, for each that buckets have on average if bits are automatic. Crowded
    # ones take most of the time and tell least: they keep a random part.
    CROWDED = 2
    # Times the members that buckets are to have on average from which hash functions are drawn
    # anew. What is known of samples is lost thereby, so it is better to search longer for a while.
    OUTGROWN = 4
    # Samples that are remembered for each class, or as many as it has.
    SAMPLES = 5
    # Share of the active classes that hashing finds while learning.
    HASHED = 0.25
    # Buckets that a class and a sample have to share to be found while learning, if the number of
    # tables is automatic. To share one of forty is chance: among a million classes nearly all that
    # do, which would be as many rows of weights to read, each for one sample.
    SHARED = 2
    # Share of all samples' labels from which a label is a candidate of every sample.
    POPULAR = 0.01
    # Share that such labels may take of what hashing finds while learning.
    MOST_POPULAR = 0.25

    def __init__(self, n_active, hashing, n_targets=None):
        super().__init__(n_active, hashing)
        self.n_targets = n_targets

    def set_sizes(self, n_neurons):
        """See `LSH.set_sizes`."""
        self.memory = ClassMemory(n_neurons, self.SAMPLES, self.n_targets)
        self.draw_hash_functions(self.memory.n_places, min(n_neurons, self.n_active))
        self.min_shared = self.SHARED if self.hashing.n_tables == "auto" else 1
        self._set_numbers(n_neurons)
        # Zeros, which are valid: threads that note at once may leave a place unwritten.
        self.codes = self._no_codes()
        self.deck = None

    def _set_numbers(self, n_neurons):
        """Set how many classes are looked for, and how many may share a bucket."""
        self.n_wanted = min(n_neurons, self.n_active)
        self.n_hashed = math.ceil(self.HASHED * self.n_wanted)
        self.capacity = None
        if self.hashing.n_bits == "auto":
            self.capacity = math.ceil(self.CROWDED * self._load(self.n_wanted))

    def _no_codes(self):
        return np.zeros((self.memory.n_places, self.family.n_tables), self.family.code_dtype)

    def _load(self, n_wanted):
        """Members that buckets have on average if bits are automatic."""
        return self.OVERSUPPLY * n_wanted / (self.family.n_tables * self.n_probes)

    def grow(self, numbers, n_neurons, n_active):
        """See `Selection.grow`. What is remembered of samples stays, under the same functions."""
        super().grow(numbers, n_neurons, n_active)
        self.n_targets = None
        places = self.memory.grow(numbers, n_neurons, self.SAMPLES)
        known, self.codes = self.codes, self._no_codes()
        self.codes[places] = known
        self._set_numbers(n_neurons)
        if self.capacity is not None:
            load = self.memory.n_places / self.family.n_buckets_
            self.capacity = max(self.capacity, math.ceil(self.CROWDED * load))

    def is_outgrown(self, n_neurons, n_active):
        """See `Selection.is_outgrown`: codes have become too short for so many classes."""
        if self.hashing.n_bits != "auto" or self.family.n_bits == MAX_BITS:
            return False
        n_new = n_neurons - self.memory.n_classes
        n_members = self.memory.n_places + n_new * (1 + self.SAMPLES)
        load = max(1.0, self._load(min(n_neurons, n_active)))
        return n_members > self.OUTGROWN * load * self.family.n_buckets_

    def check_stored(self, n_inputs, n_neurons):
        """See `Selection.check_stored`."""
        super().check_stored(n_inputs, n_neurons)
        stored = Attributes(self)
        if stored.get("n_targets") is not None:
            stored.array("n_targets", np.int64, (n_neurons,), least=0, below=MOST)

    def check_index(self, stored, n_inputs, n_neurons):
        """See `LSH.check_index`."""
        stored.integer("n_wanted", 1, n_neurons)
        stored.integer("n_hashed", 1, self.n_wanted)
        stored.integer("min_shared", 1)
        if stored.get("capacity") is not None:
            stored.integer("capacity", 1)
        stored.part("memory", ClassMemory).check_stored(n_neurons)
        family = stored.part("family", HashFamily)
        shape = (self.memory.n_places, family.n_tables)
        stored.array("codes", family.code_dtype, shape, below=family.n_buckets_)
        stored.part("deck", Deck).check_stored(n_neurons, np.uint32)
        popular = check_distinct(stored.place("popular"), stored.get("popular"), n_neurons)
        self.popular = popular
        sketch, tables = stored.part("index", OutputIndex)
        if not isinstance(sketch, InputSketch):
            refuse("OutputIndex.sketch", "a sketch", sketch)
        sketch.check_stored(n_inputs, n_neurons)
        check_tables("OutputIndex.tables", tables, family, n_neurons)

    def widened(self, n_active):
        """See `Selection.widened`."""
        wide = super().widened(n_active)
        wide.n_wanted = max(self.n_wanted, n_active)
        return wide

    def n_held(self, n_neurons):
        """See `Selection.n_held`."""
        return self.n_wanted

    def replaced(self, weights, *, same_inputs):
        """See `Selection.replaced`. The same samples still fall where they did."""
        if not (same_inputs and self.is_fitted):
            return OutputLSH(self.n_active, self.hashing, self.n_targets)
        self.index = self.build_index(weights, self.sketch)
        return self

    def build_index(self, weights, sketch):
        """See `LSH.build_index`."""
        self.hash_rows(weights, sketch)
        owners, n_neurons = self.memory.owners, weights.n_neurons
        n_dealt = 0 if self.deck is None else self.deck.n_dealt
        self.deck = Deck(owners[:n_neurons], self.hashing.random_state, n_dealt)
        self.popular = self.find_popular()
        blank = self.memory.blank_places()
        self.codes[blank] = self.codes[owners[blank]]  # repeats, which tables drop
        tables = LSHTables(
            self.codes, self.family.n_buckets_, owners, n_neurons, capacity=self.capacity
        )
        return OutputIndex(sketch, tables)

    def find_popular(self):
        """The most frequent labels, if they are very frequent."""
        counts = self.memory.counts
        most = min(int(self.MOST_POPULAR * self.n_hashed), counts.shape[0] - 1)
        best = np.argpartition(-counts, most)[:most]
        return best[counts[best] > self.POPULAR * counts.sum()].astype(np.uint32)

    def with_popular(self, found, n_wanted):
        """Put the popular labels first; of the others those are left out that were met last."""
        if self.popular.shape[0] == 0:
            return found
        popular = even_pattern(np.tile(self.popular, (found.n_rows, 1)))
        joined = put_first(popular, found, self.memory.n_classes)
        lengths = lengths_of(joined.indptr)
        ranks = np.arange(joined.n_pairs) - np.repeat(joined.indptr[:-1], lengths)
        cut = np.zeros_like(joined.indptr)
        np.cumsum(np.minimum(lengths, n_wanted), out=cut[1:])
        return Pattern(cut, joined.indices[ranks < n_wanted])

    def hash_rows(self, weights, sketch):
        """Hash the classes' rows, centred, from sketches that are made in parts and not held."""
        n_neurons = weights.n_neurons
        parts = [slice(i, i + CHUNK) for i in range(0, n_neurons, CHUNK)]
        mean = sum(sketch.rows(weights, part).sum(axis=0) for part in parts) / n_neurons
        self.family.adapt(sketch.rows(weights, parts[0]) - mean)
        for part in parts:
            self.codes[:n_neurons][part] = self.family.codes(sketch.rows(weights, part) - mean)

    def note(self, active, groups, targets):
        """See `Selection.note`: remember where the latest samples of each class fell."""
        self._write_down(active.codes, targets)

    def remember(self, inputs, targets):
        """Remember where samples of classes fall, before these are trained on."""
        self._write_down(self.family.query_codes(self.sketch.queries(inputs)), targets)

    def reseed(self, random_state):
        """See `Selection.reseed`: other classes are drawn, too."""
        super().reseed(random_state)
        if self.deck is not None:
            self.deck = Deck(self.deck.cards, random_state)

    def notes_since(self, before):
        """See `Selection.notes_since`."""
        n_classes = self.memory.n_classes
        written = (self.codes[n_classes:] != before.codes[n_classes:]).any(axis=1)
        written |= self.memory.is_blank[n_classes:] != before.memory.is_blank[n_classes:]
        places = n_classes + np.flatnonzero(written)
        counts = self.memory.counts - before.memory.counts
        classes = np.flatnonzero(counts)
        return Notes(places, self.codes[places], classes, counts[classes])

    def take_notes(self, notes):
        """See `Selection.take_notes`. Of several copies the last one's places stay."""
        self.codes[notes.places] = notes.codes
        self.memory.is_blank[notes.places] = False
        self.memory.counts[notes.classes] += notes.counts

    def _write_down(self, codes, targets):
        samples, places = self.memory.place(targets.pattern)
        self.codes[places] = codes[samples]
        self.memory.is_blank[places] = False

    def select(self, weights, inputs, targets=None):
        """See `Selection.select`."""
        sketch, tables = self.index
        probes = self.family.probe_codes(sketch.queries(inputs), self.n_probes)
        work = self.query_work(inputs)
        if targets is None:
            found = tables.most_collisions(probes, self.n_wanted, fill_from=0)
            return Active(self.with_popular(found, self.n_wanted), work=work)
        found = tables.most_collisions(probes, self.n_hashed, min_shared=self.min_shared)
        found = self.with_popular(found, self.n_hashed)
        certain = put_first(targets.pattern, found, weights.n_neurons)
        drawn = self.deck.deal(self.n_wanted - self.n_hashed)
        shared = even_pattern(np.tile(drawn, (targets.n_rows, 1)))
        pattern = put_first(certain, shared, weights.n_neurons)
        n_represented = weights.n_neurons / max(1, drawn.shape[0])
        return Active(
            pattern,
            log_importance=log_importance(certain, pattern, n_represented),
            # A sample's own bucket is the first, and of several ranges of lengths in the last: as
            # a class's would be that responds most.
            codes=probes[:, -self.n_probes],
            work=work,
        )


def log_importance(certain, pattern, n_represented):
    """Logarithms of how many classes each one stands for.

    Parameters
    ----------
    certain : Pattern
        Classes that stand for themselves, and come first ...
    pattern : Pattern
        ... among all. The others stand for so many:
    n_represented : float
    """
    stand_for = np.log(np.float32([1, n_represented]))
    n_certain = lengths_of(certain.indptr)
    lengths = np.stack([n_certain, lengths_of(pattern.indptr) - n_certain], axis=1).reshape(-1)
    return np.repeat(np.tile(stand_for, pattern.n_rows), lengths)
