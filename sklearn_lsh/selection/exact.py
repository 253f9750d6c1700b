"""Selections that approximate nothing: the neurons that respond most, and any at random."""

import numpy as np

from sklearn_lsh.csr import CSR, best_columns, even_rows, n_nonzero
from sklearn_lsh.selection.base import Active, Selection

# Odd multipliers that spread the bits of a number, after Steele, Lea & Flood's SplitMix.
MIX = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9)


def most_responding(layer, inputs, n_active):
    """Compute all neurons; answer the ``n_active`` that respond most to each sample, and how."""
    responses = layer.respond_all(inputs)
    neurons, best = best_columns(responses, n_active)
    work = n_nonzero(inputs) * layer.n_neurons
    return Active(even_rows(*neurons.shape), neurons.reshape(-1), best.reshape(-1), work=work)


class TopK(Selection):
    """The ``n_active`` neurons that respond most, found by computing all of them."""

    def misses_few(self, n_neurons):
        """See `Selection.misses_few`."""
        return True

    def choose(self, layer, inputs):
        """See `Selection.choose`."""
        return most_responding(layer, inputs, self.n_active)


class Random(Selection):
    """Any ``n_active`` neurons: what hashing has to beat.

    The choice depends on the inputs alone, so that a sample meets the same neurons whenever and
    with whomever it comes.
    """

    def choose(self, layer, inputs):
        """See `Selection.choose`."""
        dense = inputs.toarray() if isinstance(inputs, CSR) else inputs
        # Coarse integers, because the last bits of a product depend on its batch.
        seeds = np.rint(dense * 64).astype(np.int64) @ np.arange(1, 2 * dense.shape[1], 2)
        keys = seeds.astype(np.uint64)[:, np.newaxis] * np.uint64(MIX[0])
        keys = keys + np.arange(layer.n_neurons, dtype=np.uint64) * np.uint64(MIX[1])
        keys = (keys ^ (keys >> np.uint64(31))) * np.uint64(MIX[1])
        scores = (keys >> np.uint64(40)).astype(np.float32)
        neurons = best_columns(scores, self.n_active)[0]
        return Active(even_rows(*neurons.shape), neurons.reshape(-1))
