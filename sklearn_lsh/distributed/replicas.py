"""What a task does: it trains a replica of the network on some blocks, and tells what changed.

A task keeps nothing, and what it does is a function of what it is given. So it may run on any
worker, and again.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from sklearn_lsh.distributed.updates import LayerUpdate, Update, learnable_parts, moved_between
from sklearn_lsh.estimators.draft import TRAINED
from sklearn_lsh.estimators.rounds import Encoded, join, read_encoded
from sklearn_lsh.estimators.training import never
from sklearn_lsh.network import Network
from sklearn_lsh.network.training import split
from sklearn_lsh.streaming.blocks import Source
from sklearn_lsh.threads import threads

# Random numbers of replicas, beside those of the order of blocks and rows (`streaming.order`).
OF_REPLICAS = 3


class Common(NamedTuple):
    """What all replicas of a training are given.

    Attributes
    ----------
    estimator : BaseLSHMLP
        Without its network: it says how blocks are read.
    source : Source
    batch_size : int
    """

    estimator: Any
    source: Source
    batch_size: int


class Assignment(NamedTuple):
    """What one replica learns from in a round.

    Attributes
    ----------
    seed, epoch, number, replica : int
        Of the training, the epoch, the round in it, and the replica in that.
    blocks : tuple of int
    """

    seed: int
    epoch: int
    number: int
    replica: int
    blocks: tuple[int, ...]

    def __str__(self) -> str:
        return f"replica {self.replica} of round {self.number} in epoch {self.epoch}"

    @property
    def random_state(self) -> np.random.RandomState:
        """A generator of this assignment's own."""
        key = (self.seed, self.epoch, self.number, OF_REPLICAS, self.replica)
        return np.random.RandomState(np.random.SeedSequence(key).generate_state(8))


def bare(draft) -> Any:
    """Copy an estimator without what training changes: enough to read blocks."""
    estimator = copy.copy(draft)
    for name in TRAINED:
        vars(estimator).pop(name, None)
    return estimator


def train_replica(
    common: Common, network: Network, assignment: Assignment, loaded: Sequence | None = None
) -> Update | None:
    """Train a copy of the network on some blocks, and tell how it differs.

    Parameters
    ----------
    common : Common
    network : Network
        Is left as it is: other tasks may be reading it.
    assignment : Assignment
    loaded : sequence of tuple, default=None
        The blocks, where the source does not read them.

    Returns
    -------
    update : Update or None
        None if no row counts.
    """
    data = read_rows(common, assignment, loaded)
    if data is None:
        return None
    replica, rng = copy.deepcopy(network), assignment.random_state
    replica.log.batches = []  # of earlier rounds
    reseed(replica, rng)
    order = data.rows.copy()
    if common.estimator.shuffle:
        rng.shuffle(order)
    batches = split(order, common.batch_size)
    losses: list[float] = []
    rows = (data.X, data.target, data.sample_weight)
    with threads(1):  # BLAS, too, or what comes out would depend on the worker
        replica.train_batches(rows, batches, None, losses, is_stopped=never)
    replica.log.compact(len(replica.layers))
    return Update(
        [compare(*pair) for pair in zip(network.layers, replica.layers, strict=True)],
        losses,
        len(order),
        len(batches),
        replica.log.batches,
    )


def read_rows(common: Common, assignment: Assignment, loaded: Sequence | None):
    """Read the blocks of a replica: a `TrainingSet`, or None if they have no rows."""
    source: Source = common.source
    if loaded is not None:
        source = Loaded(source, dict(zip(assignment.blocks, loaded, strict=True)))
    blocks = (read_encoded(common.estimator, source, number) for number in assignment.blocks)
    parts: list[Encoded] = [block for block in blocks if block is not None and block.n_rows > 0]
    return join(parts) if parts else None


class Loaded:
    """Blocks of a source that a task was handed."""

    def __init__(self, source: Source, blocks: dict):
        self.n_blocks, self.n_features = source.n_blocks, source.n_features
        self._source, self._blocks = source, blocks

    def read(self, number: int):
        """Return a block."""
        return self._blocks[number]

    def __repr__(self) -> str:
        return repr(self._source)


def reseed(network: Network, rng: np.random.RandomState) -> None:
    """Let what is drawn while training be a replica's own."""
    for layer in network.layers:
        if layer.selection is not None:
            layer.selection.reseed(rng)


def compare(before, after) -> LayerUpdate:
    """Compare a layer with what became of it."""
    after.weights.settle()
    pairs = zip(learnable_parts(before.weights), learnable_parts(after.weights), strict=True)
    noted = None if after.selection is None else after.selection.notes_since(before.selection)
    moved = [moved_between(*pair) for pair in pairs]
    return LayerUpdate(moved[0], moved[1], [] if noted is None else [noted])
