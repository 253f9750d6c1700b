"""How much was computed: multiply-adds of each layer, beside those of a dense network.

Counted are the products of the forward pass, of the gradients of weights and of inputs, those of
finding the active neurons (sketches, hash functions, candidates, finalists) and of keeping the
tables up to date, and a step of the optimizer as one for the weight and one for each of its
states. A dense network on the same data does the first three for all neurons, on the non-zeros of
sparse data, and steps on all weights in each mini-batch. Counting a table's votes and sorting take
time, but are not multiply-adds.
"""

from typing import NamedTuple

import numpy as np

from sklearn_lsh.csr import count_products, n_nonzero, n_samples
from sklearn_lsh.stored import Attributes
from sklearn_lsh.weights import values


class LayerWork(NamedTuple):
    """One layer's work for a mini-batch: in multiply-adds, but for the first two."""

    n_samples: int
    n_active: int
    selecting: int
    forward: int
    backward: int
    steps: int
    dense: int


NOTHING = LayerWork(*[0] * len(LayerWork._fields))


class ForwardWork(NamedTuple):
    """Multiply-adds of finding the active neurons, and of computing them unless that did."""

    selecting: int
    forward: int


def count_forward(cache) -> ForwardWork:
    """Count what a layer's forward pass took."""
    if cache.active is None:
        return ForwardWork(0, n_nonzero(cache.inputs) * cache.outputs.shape[1])
    if cache.active.preactivations is not None:
        return ForwardWork(cache.active.work, 0)
    return ForwardWork(cache.active.work, count_products(cache.inputs, cache.outputs.indptr))


class WorkLog:
    """Keeps count of what layers do.

    Parameters
    ----------
    sparse_data : bool
        Whether the network's data are sparse: a dense first layer profits from that, too.
    n_states : int
        Numbers that the optimizer keeps for a weight.
    """

    def __init__(self, sparse_data, n_states):
        self.sparse_data = sparse_data
        self.cost_of_step = 1 + n_states
        self.batches = []

    def check_stored(self):
        """Check what was loaded."""
        stored = Attributes(self)
        stored.flag("sparse_data")
        stored.integer("cost_of_step", 1)
        self.batches = []  # at most what was noted in an epoch that never ended

    def n_given(self, depth, layer, cache):
        """How many inputs the layer of a dense network has, all samples together."""
        if depth == 0 and self.sparse_data:
            return n_nonzero(cache.inputs)
        return n_samples(cache.inputs) * layer.weights.coef.shape[0]

    def note(self, depth, layer, cache, learnt=None):
        """Note a layer's work for a mini-batch, and what it learnt (`Backward`), if it did."""
        selecting, forward = count_forward(cache)
        dense = self.n_given(depth, layer, cache) * layer.n_neurons
        backward = steps = 0
        if learnt is not None:
            n_passes = 1 if depth == 0 else 2  # gradients of weights, and of inputs
            backward = n_passes * learnt.n_products
            steps = self.cost_of_step * learnt.n_stepped
            dense += n_passes * dense + self.cost_of_step * layer.weights.rows.size
        work = LayerWork(
            n_samples=n_samples(cache.inputs),
            n_active=values(cache.outputs).size,
            selecting=selecting,
            forward=forward,
            backward=backward,
            steps=steps,
            dense=dense,
        )
        self.batches.append((depth, work))  # at once, whichever thread notes

    def total(self, depth):
        """What was noted of a layer, summed up: a `LayerWork`."""
        noted = [work for at, work in self.batches if at == depth]
        return LayerWork(*np.sum([NOTHING, *noted], axis=0, dtype=np.int64).tolist())

    def compact(self, n_layers):
        """Sum up what was noted, so that what is kept does not grow with the epoch."""
        self.batches = [(depth, self.total(depth)) for depth in range(n_layers)]

    def drain(self, layers, *, training=True):
        """Sum up what was noted since this was last asked: a dictionary for each layer."""
        rows = [
            summarise(depth, layer, self.total(depth), layer.drain_upkeep() if training else None)
            for depth, layer in enumerate(layers)
        ]
        self.batches = []
        return rows


def summarise(depth, layer, total, upkeep=None) -> dict:
    """A layer's work, by the names that users see."""
    n_done = total.selecting + total.forward + total.backward + total.steps
    tables = {}
    if upkeep is not None:
        seconds = upkeep.rebuild_seconds
        n_done += len(seconds) * upkeep.work_of_each
        tables = {"n_rebuilds": len(seconds), "rebuild_seconds": sum(seconds), **upkeep.occupancy}
    return {
        "layer": depth,
        "n_neurons": layer.n_neurons,
        "n_active": total.n_active / max(1, total.n_samples),
        "multiply_adds": n_done,
        "dense_multiply_adds": total.dense,
        "share": n_done / max(1, total.dense),
        **tables,
    }
