"""How much was computed: multiply-adds of each layer, beside those of a dense network.

Counted are the products of the forward pass, of the gradients and of the errors passed down,
those of finding the active neurons (sketches, hash functions, candidates, finalists) and of
keeping the tables up to date, and a step of the optimizer as one for the weight and one for each
of its states. A dense network on the same data does the first three for all neurons, on the
non-zeros of sparse data, and steps on all weights in each mini-batch. Counting a table's votes
and sorting take time, but are not multiply-adds.
"""

from typing import NamedTuple

import numpy as np

from sklearn_lsh.csr import count_products, n_nonzero, n_samples
from sklearn_lsh.network.layers import values


class Batch(NamedTuple):
    """One layer's work for a mini-batch: in multiply-adds, but for the first two."""

    n_samples: int
    n_active: int
    selecting: int
    forward: int
    backward: int
    steps: int
    dense: int


NOTHING = Batch(*[0] * len(Batch._fields))


def count_forward(done):
    """Multiply-adds of finding the active neurons, and of computing them unless that found them."""
    if done.active is None:
        return 0, n_nonzero(done.inputs) * done.outputs.shape[1]
    known = done.active.responses is not None
    return done.active.work, 0 if known else count_products(done.inputs, done.outputs.indptr)


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

    def n_given(self, depth, layer, done):
        """How many inputs the layer of a dense network has, all samples together."""
        if depth == 0 and self.sparse_data:
            return n_nonzero(done.inputs)
        return n_samples(done.inputs) * layer.coef.shape[0]

    def note(self, depth, layer, done, learnt=None):
        """Note a layer's work for a mini-batch.

        ``learnt``, if it did, is how many weights it stepped on and how many products their
        gradients took, see `SelectedLayer.backward`.
        """
        selecting, forward = count_forward(done)
        dense = self.n_given(depth, layer, done) * layer.n_neurons
        backward = steps = 0
        if learnt is not None:
            n_stepped, n_products = learnt
            n_passes = 1 if depth == 0 else 2  # gradients, and errors that are passed down
            backward = n_passes * n_products
            steps = self.cost_of_step * n_stepped
            dense += n_passes * dense + self.cost_of_step * layer.weights.size
        batch = Batch(
            n_samples=n_samples(done.inputs),
            n_active=values(done.outputs).size,
            selecting=selecting,
            forward=forward,
            backward=backward,
            steps=steps,
            dense=dense,
        )
        self.batches.append((depth, batch))  # at once, whichever thread notes

    def drain(self, layers, *, training=True):
        """Sum up what was noted since this was last asked: a dictionary for each layer."""
        batches, self.batches = self.batches, []
        rows = []
        for depth, layer in enumerate(layers):
            noted = [batch for at, batch in batches if at == depth]
            total = Batch(*np.sum([NOTHING, *noted], axis=0, dtype=np.int64).tolist())
            done = total.selecting + total.forward + total.backward + total.steps
            upkeep = {}
            if training:
                seconds, work_of_each, occupancy = layer.drain_rebuilds()
                done += len(seconds) * work_of_each
                upkeep = {"n_rebuilds": len(seconds), "rebuild_seconds": sum(seconds), **occupancy}
            rows.append(
                {
                    "layer": depth,
                    "n_neurons": layer.n_neurons,
                    "n_active": total.n_active / max(1, total.n_samples),
                    "multiply_adds": done,
                    "dense_multiply_adds": total.dense,
                    "share": done / max(1, total.dense),
                    **upkeep,
                }
            )
        return rows
