"""What tasks do: one trains a replica on some blocks and tells what changed, one merges that.

A task keeps nothing, and what it does is a function of what it is given. So it may run on any
worker, and again.

A network comes to tasks in two parts. Its layers, which are nearly all of it, stay with the
workers: those of a round are what the merging of the one before has made. The rest, its head, is
sent with each round: it is small, and schedules change it between epochs.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from sklearn_lsh.distributed.updates import (
    LayerUpdate,
    Update,
    apply,
    learnable_parts,
    moved_between,
)
from sklearn_lsh.estimators.draft import TRAINED
from sklearn_lsh.estimators.rounds import Encoded, join, read_encoded
from sklearn_lsh.estimators.training import TrainingSet, never
from sklearn_lsh.network import Network
from sklearn_lsh.network.layers import Layer
from sklearn_lsh.network.training import split
from sklearn_lsh.streaming.blocks import Source
from sklearn_lsh.threads import threads

# Random numbers of replicas, beside those of the order of blocks and rows (`streaming.order`).
OF_REPLICAS = 3


class Common(NamedTuple):
    """What all tasks of a training are given.

    Attributes
    ----------
    estimator : BaseLSHMLP
        Without its network: it says how blocks are read.
    source : Source
    batch_size : int
    sample : TrainingSet, default=None
        Rows by which hash tables are brought up to date with merged weights.
    """

    estimator: Any
    source: Source
    batch_size: int
    sample: TrainingSet | None = None


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


def assemble(head: Network, layers: list[Layer]) -> Network:
    """Join the two parts of a network, none of which is copied."""
    network = copy.copy(head)
    network.layers = layers
    return network


def head_of(network: Network) -> Network:
    """Return a network without its layers."""
    return assemble(network, [])


def train_replica(
    common: Common,
    head: Network,
    layers: list[Layer],
    assignment: Assignment,
    loaded: Sequence | None = None,
) -> Update | None:
    """Train a copy of the network on some blocks, and tell how it differs.

    Parameters
    ----------
    common : Common
    head, layers
        The network, see `assemble`. It is left as it is: other tasks may be reading it.
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
    network = assemble(head, layers)
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


class Learnt(NamedTuple):
    """What is to be known of a round, but for the layers.

    Attributes
    ----------
    head : Network
        As it is after the round, without layers.
    losses : list of float
        Sum of the losses of each mini-batch's rows.
    n_rows : int
        Rows that were learnt from.
    is_finite : bool
        Whether what was learnt is. If not, it was left out.
    """

    head: Network
    losses: list[float]
    n_rows: int
    is_finite: bool


def merge(
    common: Common, head: Network, layers: list[Layer], update: Update | None
) -> tuple[list[Layer], Learnt]:
    """Make the network of the next round, and bring its hash tables up to date.

    Parameters
    ----------
    common : Common
    head, layers
        The network that replicas were copies of. It is left as it is.
    update : Update or None
        What all replicas learnt, summed up.
    """
    if update is None or not update.is_finite():
        return layers, Learnt(head, [], 0, is_finite=update is None)
    network = copy.deepcopy(assemble(head, layers))
    if not network.log.batches:  # which is so after an epoch, whose rebuilds were counted, too
        for layer in network.layers:
            layer.drain_upkeep()
    apply(network, update)
    network.log.compact(len(network.layers))
    sample = common.sample
    with threads(1):
        network.end_epoch(sample.X, sample.rows, sample.sample_weight)
    learnt = Learnt(head_of(network), update.losses, update.n_rows, is_finite=True)
    return network.layers, learnt
