"""The neurons of a hidden layer that respond most, found by hashing."""

import math

import numpy as np

from sklearn_lsh import kernels
from sklearn_lsh.csr import (
    Pattern,
    best_columns,
    count_products,
    even_rows,
    keep_best,
    lengths_of,
    n_nonzero,
)
from sklearn_lsh.hashing import LSHTables
from sklearn_lsh.selection.base import Active
from sklearn_lsh.selection.lsh import LSH
from sklearn_lsh.selection.sketch import ResponseSketch


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

    N_DIRECTIONS, WHITEN, N_TABLES, N_PROBES, OVERSUPPLY = 16, True, 20, 1, 2.5
    # Directions of sketches where all neurons are looked at, and the share by which these move at
    # a refresh towards those of the latest batch.
    SCANNED_DIRECTIONS, TURN = 14, 0.3
    # For each active neuron. More popular ones and fewer from tables would keep to themselves: who
    # is not active is not updated, and does not become popular.
    POPULAR, HASHED, FINALISTS = 4, 3, 1.4
    # Share of active neurons from which there are no tables: with so many these take as long as
    # all sketches, and miss more (`benchmarks/sieves.py`).
    SCANNED_FROM = 0.02
    # Mean number of non-zeros of a sparse row up to which all neurons are computed: where 5% are
    # active that takes no longer, and hashing misses a third of them (`benchmarks/sieves.py`).
    COMPUTED_TO = 128

    def scans(self, n_neurons):
        """Whether all neurons are looked at, without tables."""
        automatic = self.n_bits == self.n_tables == "auto"
        return automatic and self.n_active >= self.SCANNED_FROM * n_neurons

    def misses_few(self, n_neurons):
        """See `Selection.misses_few`."""
        return self.scans(n_neurons)

    def make_sketch(self, layer, inputs):
        """See `LSH.make_sketch`. Without tables sketches need not tell angles apart."""
        n_directions = min(self.SCANNED_DIRECTIONS, layer.n_neurons)
        if self.scans(layer.n_neurons) and n_directions < layer.weights.shape[1]:
            return ResponseSketch(layer, inputs, n_directions, self.random_state)
        return super().make_sketch(layer, inputs)

    def begin(self, n_neurons):
        """Draw what depends on the width alone."""
        self.n_hashed = min(n_neurons, self.n_active * self.HASHED)
        self.n_popular = min(n_neurons, self.n_active * self.POPULAR)
        self.n_finalists = min(n_neurons, math.ceil(self.n_active * self.FINALISTS))
        self.uses = np.zeros(n_neurons, np.float32)
        self.n_followed = 0
        if not self.scans(n_neurons):
            self.draw(n_neurons, self.n_hashed)

    def follow(self, layer, inputs, share):
        """See `LSH.follow`. Without tables the directions follow, too."""
        sketch = super().follow(layer, inputs, share)
        if isinstance(sketch, ResponseSketch):
            sketch = sketch.following(layer, inputs, self.TURN)
        return sketch

    def refresh(self, layer, inputs):
        """See `LSH.refresh`."""
        self.n_followed = n_nonzero(inputs)
        super().refresh(layer, inputs)

    def build(self, layer, sketch):
        """See `LSH.build`: also the rows' sketches, and the popular neurons."""
        rows = sketch.rows(layer)
        if self.family is None:
            return sketch, None, rows, None
        popular = np.argsort(-self.uses, kind="stable")[: self.n_popular].astype(np.uint32)
        # Centred, because a direction common to all tells nothing.
        centred = rows - rows.mean(axis=0)
        self.family.adapt(centred)
        tables = LSHTables(self.family.codes(centred), self.family.n_buckets_)
        self.uses *= 0.5
        return sketch, tables, rows, popular

    def refresh_work(self, layer):
        """See `Selection.refresh_work`: also turning the directions."""
        if not isinstance(self.sketch, ResponseSketch):
            return super().refresh_work(layer)
        n_directions, n_neurons = self.sketch.n_directions, layer.n_neurons
        products = 2 * (self.n_followed + layer.weights.size) + n_neurons * n_directions
        return n_directions * products + layer.weights.size

    def note(self, done, targets):
        """See `Selection.note`: count how often each neuron is active."""
        if self.family is not None:
            self.uses[done.groups.rows] += lengths_of(done.groups.starts)

    def choose(self, layer, inputs):
        """See `Selection.choose`."""
        sketch, tables, rows, popular = self.found
        queries = sketch.queries(inputs)
        if tables is None:
            scores = queries @ rows.T
            finalists = best_columns(scores, self.n_finalists)[0]
        else:
            *candidates, scores = self.look_up(queries, tables, rows, popular)
            finalists = keep_best(Pattern(*candidates), scores, self.n_finalists).indices
            finalists = finalists.reshape(-1, self.n_finalists)
        indptr, finalists = even_rows(*finalists.shape), finalists.reshape(-1)
        work = (
            self.query_work(inputs) + scores.size * rows.shape[1] + count_products(inputs, indptr)
        )
        return Active(*layer.best(inputs, indptr, finalists, self.n_active), work=work)

    def look_up(self, queries, tables, rows, popular):
        """Find candidates in tables: a ragged list, and the scores of their sketches."""
        codes = self.family.query_codes(queries)
        hashed = tables.most_collisions(codes, self.n_hashed, fill_from=0)
        # One more, because a pair is written down before it is known whether it counts.
        room = hashed.n_pairs + queries.shape[0] * popular.shape[0] + 1
        indptr = np.empty_like(hashed.indptr)
        candidates = indptr, np.empty(room, np.uint32), np.empty(room, np.float32)
        n = kernels.score_candidates(popular, hashed, queries, rows, candidates)
        return candidates[0], candidates[1][:n], candidates[2][:n]
