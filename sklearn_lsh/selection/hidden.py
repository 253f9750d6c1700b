"""The neurons of a hidden layer that respond most, found by hashing."""

import numpy as np

from sklearn_lsh import kernels
from sklearn_lsh.csr import count_products, even_rows, keep_best
from sklearn_lsh.hashing import LSHTables
from sklearn_lsh.selection.base import Active, put_first
from sklearn_lsh.selection.lsh import LSH


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

    def build(self, layer, sketch):
        """See `LSH.build`: also the rows' sketches, and the popular neurons."""
        rows = sketch.rows(layer)
        popular = np.argsort(-self.uses, kind="stable")[: self.n_popular].astype(np.uint32)
        # Centred, because a direction common to all tells nothing.
        centred = rows - rows.mean(axis=0)
        self.family.adapt(centred)
        tables = LSHTables(self.family.codes(centred), self.family.n_buckets_)
        self.uses *= 0.5
        return tables, rows, popular

    def note(self, done, targets):
        """See `Selection.note`: count how often each neuron is active."""
        self.uses[done.groups.rows] += np.diff(done.groups.starts)

    def choose(self, layer, inputs):
        """See `Selection.choose`."""
        sketch, tables, rows, popular = self.found
        queries = sketch.queries(inputs)
        hashed = tables.most_hit(self.family.query_codes(queries), self.n_hashed, fill_from=0)
        shared = even_rows(queries.shape[0], popular.shape[0]), np.tile(popular, queries.shape[0])
        candidates = put_first(shared, hashed, layer.n_neurons)
        scores = np.empty(candidates[1].shape[0], np.float32)
        kernels.score_pairs(*candidates, queries, rows, scores)
        finalists = keep_best(*candidates, scores, self.n_finalists)[:2]
        responses = layer.respond(inputs, *finalists).outputs.data
        work = (
            self.query_work(inputs)
            + scores.shape[0] * rows.shape[1]
            + count_products(inputs, finalists[0])
        )
        return Active(*keep_best(*finalists, responses, self.n_active), work=work)
