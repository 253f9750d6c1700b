"""The neurons of a hidden layer that respond most, found by hashing."""

import math
from typing import NamedTuple

import numpy as np

from sklearn_lsh import kernels
from sklearn_lsh.csr import (
    Best,
    best_columns,
    count_products,
    even_pattern,
    keep_best,
    lengths_of,
    n_nonzero,
)
from sklearn_lsh.hashing import LSHTables
from sklearn_lsh.selection.base import Active
from sklearn_lsh.selection.lsh import LSH, check_distinct, check_tables
from sklearn_lsh.selection.sketch import InputSketch, PreactivationSketch
from sklearn_lsh.stored import check_array, refuse

# Of what a neuron's activity counted for at the last refresh, what it counts for at this one.
FORGET = 0.5


class HiddenIndex(NamedTuple):
    """What is searched for neurons.

    Attributes
    ----------
    sketch : InputSketch
        How queries are sketched.
    rows : ndarray of shape (n_neurons, n_directions + 1), dtype=float32
        The neurons' sketches.
    tables : LSHTables or None
        Of their codes; None where all sketches are looked at.
    popular : ndarray of dtype=uint32 or None
        The neurons that were active most of late.
    """

    sketch: InputSketch
    rows: np.ndarray
    tables: "LSHTables | None" = None
    popular: "np.ndarray | None" = None

    def checked(self, n_inputs, n_neurons, family):
        """The same as kernels read it, after it was loaded."""
        sketch, rows, tables, popular = self
        if not isinstance(sketch, InputSketch):
            refuse("HiddenIndex.sketch", "a sketch", sketch)
        sketch.check_stored(n_inputs, n_neurons)
        shape = (n_neurons, sketch.n_directions + 1)
        rows = check_array("HiddenIndex.rows", rows, np.float32, shape, finite=True)
        if family is not None:
            check_tables("HiddenIndex.tables", tables, family, n_neurons)
            popular = check_distinct("HiddenIndex.popular", popular, n_neurons)
        elif tables is not None or popular is not None:
            refuse("HiddenIndex.tables", "None", tables)
        return HiddenIndex(sketch, rows, tables, popular)


class HiddenLSH(LSH):
    """The best of the neurons that share most buckets with a sample and of the popular ones.

    Three sieves, each finer and dearer than the one before. Candidates are the neurons with most
    votes of the hash tables, and those that were active most of late, the same for all samples:
    a few with large weights respond to nearly everything, whatever their angle. The candidates'
    sketches name the finalists, and of these the ones that respond most are active.

    The first sieve returns several candidates for each active neuron. Where a large share of a
    layer is active these are most of the layer, and looking at the sketches of all its neurons,
    one after the other, is faster than finding these: then there are no tables, which is to say
    that all neurons are in one bucket.
    """

    # See `LSH`.
    N_DIRECTIONS = 16
    WHITEN = True
    N_TABLES = 20
    N_PROBES = 1
    OVERSUPPLY = 2.5
    # Directions of sketches where all neurons are looked at ...
    SCANNED_DIRECTIONS = 14
    # ... and the share by which these move at a refresh towards those of the latest batch.
    TURN = 0.3
    # Popular neurons for each active one. More of these and fewer from tables would keep to
    # themselves: who is not active is not updated, and does not become popular.
    POPULAR = 4
    # Neurons from tables for each active one.
    HASHED = 3
    # Finalists for each active neuron.
    FINALISTS = 1.4
    # Share of active neurons from which there are no tables: with so many these take as long as
    # all sketches, and miss more (`benchmarks/sieves.py`).
    SCANNED_FROM = 0.02
    # Mean number of non-zeros of a sparse row up to which all neurons are computed: where 5% are
    # active that takes no longer, and hashing misses a third of them (`benchmarks/sieves.py`).
    COMPUTED_TO = 128

    def scans(self, n_neurons):
        """Whether all neurons are looked at, without tables."""
        return self.hashing.is_automatic and self.n_active >= self.SCANNED_FROM * n_neurons

    def misses_few(self, n_neurons):
        """See `Selection.misses_few`."""
        return self.scans(n_neurons)

    def make_sketch(self, weights, inputs):
        """See `LSH.make_sketch`. Without tables sketches need not tell angles apart."""
        n_neurons, n_inputs = weights.rows.shape
        n_directions = min(self.SCANNED_DIRECTIONS, n_neurons)
        if self.scans(n_neurons) and n_directions < n_inputs:
            return PreactivationSketch(weights, inputs, n_directions, self.hashing.random_state)
        return super().make_sketch(weights, inputs)

    def set_sizes(self, n_neurons):
        """See `LSH.set_sizes`."""
        self.n_hashed = min(n_neurons, self.n_active * self.HASHED)
        self.n_popular = min(n_neurons, self.n_active * self.POPULAR)
        self.n_finalists = min(n_neurons, math.ceil(self.n_active * self.FINALISTS))
        # How often each neuron was active of late.
        self.uses = np.zeros(n_neurons, np.float32)
        # Inputs of the batch that sketches were last turned towards.
        self.n_followed = 0
        if not self.scans(n_neurons):
            self.draw_hash_functions(n_neurons, self.n_hashed)

    def check_index(self, stored, n_inputs, n_neurons):
        """See `LSH.check_index`."""
        stored.integer("n_followed")
        stored.array("uses", np.float32, (n_neurons,), finite=True)
        for name in ("n_hashed", "n_popular"):
            stored.integer(name, 1, n_neurons)
        stored.integer("n_finalists", self.n_active, n_neurons)
        index = stored.part("index", HiddenIndex)
        self.index = index.checked(n_inputs, n_neurons, self.family)

    def updated_sketch(self, weights, inputs, share):
        """See `LSH.updated_sketch`. Without tables the directions follow, too."""
        sketch = super().updated_sketch(weights, inputs, share)
        if isinstance(sketch, PreactivationSketch):
            sketch = sketch.following(weights, inputs, self.TURN)
        return sketch

    def refresh(self, weights, inputs):
        """See `LSH.refresh`."""
        self.n_followed = n_nonzero(inputs)
        super().refresh(weights, inputs)

    def build_index(self, weights, sketch):
        """See `LSH.build_index`."""
        rows = sketch.rows(weights)
        if self.family is None:
            return HiddenIndex(sketch, rows)
        popular = np.argsort(-self.uses, kind="stable")[: self.n_popular].astype(np.uint32)
        # Centred, because a direction common to all tells nothing.
        centred = rows - rows.mean(axis=0)
        self.family.adapt(centred)
        tables = LSHTables(self.family.codes(centred), self.family.n_buckets_)
        self.uses *= FORGET
        return HiddenIndex(sketch, rows, tables, popular)

    def refresh_work(self, weights):
        """See `Selection.refresh_work`: also turning the directions."""
        if not isinstance(self.sketch, PreactivationSketch):
            return super().refresh_work(weights)
        n_directions, n_weights = self.sketch.n_directions, weights.rows.size
        products = 2 * (self.n_followed + n_weights) + weights.n_neurons * n_directions
        return n_directions * products + n_weights

    def occupancy(self):
        """See `Selection.occupancy`. Without tables all neurons are in one bucket."""
        if self.tables is None:
            return {"filled_buckets": 1.0, "bucket_load": float(self.index.rows.shape[0])}
        return super().occupancy()

    def note(self, active, groups, targets):
        """See `Selection.note`: count how often each neuron is active."""
        if self.family is not None:
            self.uses[groups.rows] += lengths_of(groups.starts)

    def notes_since(self, before):
        """See `Selection.notes_since`."""
        return None if self.family is None else (self.uses - before.uses,)

    def take_notes(self, notes):
        """See `Selection.take_notes`."""
        (uses,) = notes
        self.uses += uses

    def choose(self, weights, inputs):
        """See `Selection.choose`."""
        index = self.index
        queries = index.sketch.queries(inputs)
        if index.tables is None:
            scores = queries @ index.rows.T
            finalists = best_columns(scores, self.n_finalists)[0]
        else:
            candidates = self.look_up(queries, index)
            scores = candidates.scores
            best = keep_best(candidates.pattern, scores, self.n_finalists)
            finalists = best.indices.reshape(-1, self.n_finalists)
        pattern = even_pattern(finalists)
        scoring = scores.size * index.rows.shape[1]
        work = self.query_work(inputs) + scoring + count_products(inputs, pattern.indptr)
        best = weights.best(inputs, pattern, self.n_active)
        return Active(best.pattern, best.scores, work=work)

    def look_up(self, queries, index) -> Best:
        """Find candidates in tables, and score them by their sketches."""
        codes = self.family.query_codes(queries)
        hashed = index.tables.most_collisions(codes, self.n_hashed, fill_from=0)
        # One more, because a pair is written down before it is known whether it counts.
        room = hashed.n_pairs + queries.shape[0] * index.popular.shape[0] + 1
        indptr = np.empty_like(hashed.indptr)
        candidates = Best(indptr, np.empty(room, np.uint32), np.empty(room, np.float32))
        n = kernels.score_candidates(index.popular, hashed, queries, index.rows, candidates)
        return candidates.cut(n)
