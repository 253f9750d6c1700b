"""Selections that approximate nothing: the neurons that respond most, and any at random."""

import numpy as np

from sklearn_lsh.csr import CSR, best_columns, even_pattern, n_nonzero
from sklearn_lsh.selection.base import Active, Selection

# Odd multipliers that spread the bits of a number, after Steele, Lea & Flood's SplitMix:
# the golden ratio in 64 bits, and its first mixing constant.
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX = np.uint64(0xBF58476D1CE4E5B9)
# Steps of an input of one that count: the last bits of a product depend on its batch.
STEPS = 64


class TopK(Selection):
    """The ``n_active`` neurons that respond most, found by computing all of them."""

    computes_all = True

    def misses_few(self, n_neurons):
        """See `Selection.misses_few`."""
        return True

    def choose(self, weights, inputs):
        """See `Selection.choose`."""
        preactivations = weights.preactivate_all(inputs)
        neurons, best = best_columns(preactivations, self.n_active)
        work = n_nonzero(inputs) * weights.n_neurons
        return Active(even_pattern(neurons), best.reshape(-1), work=work)


class Random(Selection):
    """Any ``n_active`` neurons: what hashing has to beat.

    The choice depends on the inputs alone, so that a sample meets the same neurons whenever and
    with whomever it comes.
    """

    def choose(self, weights, inputs):
        """See `Selection.choose`."""
        dense = inputs.toarray() if isinstance(inputs, CSR) else inputs
        seeds = np.rint(dense * STEPS).astype(np.int64) @ np.arange(1, 2 * dense.shape[1], 2)
        keys = seeds.astype(np.uint64)[:, np.newaxis] * GOLDEN
        keys = keys + np.arange(weights.n_neurons, dtype=np.uint64) * MIX
        keys = (keys ^ (keys >> np.uint64(31))) * MIX
        scores = (keys >> np.uint64(40)).astype(np.float32)
        return Active(even_pattern(best_columns(scores, self.n_active)[0]))
