"""What replicas of a network learnt in a round, merged row by row.

A replica returns the rows that it moved, how far, and what its optimizer remembers of them. A row
is then moved by the mean of the replicas that moved it, each weighted by the distance: of a class,
say, those that saw samples of it move the row further than those that only pushed it down, and
count more. Replicas that did not move it do not count, so that what one of many has seen is learnt
as fast as by that one alone.

Updates are added up in pairs, and only their sum is divided: whoever adds them in the same order
gets the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import NamedTuple, TypeVar

import numpy as np

from sklearn_lsh.network import Network
from sklearn_lsh.weights import Weights

T = TypeVar("T")

# Rows that are compared at once, so that this takes no memory to speak of.
CHUNK = 4096
# Weight of a replica that moved nothing but what the optimizer remembers: products with that are
# still numbers that float32 has.
LEAST = np.float32(1e-12)


class Learnable(NamedTuple):
    """An array of weights by rows, and what the optimizer remembers of them."""

    rows: np.ndarray
    state: np.ndarray


class Moved(NamedTuple):
    """Rows that replicas moved.

    Attributes
    ----------
    numbers : int ndarray of shape (n_rows,), ascending
        Numbers of these rows.
    weights : float32 ndarray of shape (n_rows, 1)
        How far replicas moved each of its weights in the mean, summed up.
    rows : float32 ndarray of shape (n_rows, n_columns)
        How far each moved them, times its weight, summed up.
    state : float32 ndarray of shape (n_states, n_rows, n_state_columns)
        What the optimizer of each remembers then, times its weight, summed up: not how that has
        changed, because sums of squares would come out negative by rounding.
    """

    numbers: np.ndarray
    weights: np.ndarray
    rows: np.ndarray
    state: np.ndarray


class LayerUpdate(NamedTuple):
    """What replicas learnt of a layer."""

    weights: Moved
    biases: Moved
    notes: list[tuple]
    """What the selection of each replica noted, see `Selection.notes_since`."""


class Update(NamedTuple):
    """What replicas learnt.

    Attributes
    ----------
    layers : list of LayerUpdate
    losses : list of float
        Sum of the losses of each mini-batch's rows.
    n_rows, n_steps : int
        Rows that were learnt from, and the mini-batches of the replica that had most.
    work : list
        What their logs have, see `WorkLog`.
    """

    layers: list[LayerUpdate]
    losses: list[float]
    n_rows: int
    n_steps: int
    work: list

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        parts = [[*layer.weights, *layer.biases, *chain(*layer.notes)] for layer in self.layers]
        return sum(array.nbytes for array in chain(*parts))

    def is_finite(self) -> bool:
        """Whether all numbers are."""
        moved = chain.from_iterable(layer[:2] for layer in self.layers)
        arrays = chain.from_iterable((each.weights, each.rows, each.state) for each in moved)
        return all(np.isfinite([each.min(), each.max()]).all() for each in arrays if each.size)


def learnable_parts(weights: Weights) -> tuple[Learnable, Learnable]:
    """Views of weights and of biases, by rows."""
    return (
        Learnable(weights.rows, weights.state),
        Learnable(weights.bias.T, weights.bias_state.transpose(0, 2, 1)),
    )


def moved_between(before: Learnable, after: Learnable) -> Moved:
    """Find the rows that differ, and how far one replica moved them."""
    n_rows = before.rows.shape[0]
    chunks = (slice(i, i + CHUNK) for i in range(0, n_rows, CHUNK))
    differ = [
        (after.rows[part] != before.rows[part]).any(axis=1)
        | (after.state[:, part] != before.state[:, part]).any(axis=(0, 2))
        for part in chunks
    ]
    numbers = np.flatnonzero(np.concatenate(differ))
    with np.errstate(over="ignore", invalid="ignore"):  # `Update.is_finite` finds it
        rows = after.rows[numbers] - before.rows[numbers]
        state = after.state[:, numbers]
        weights = np.abs(rows).mean(axis=1, keepdims=True) + LEAST
        rows *= weights
        state *= weights
    return Moved(numbers, weights, rows, state)


def add_moved(first: Moved, second: Moved) -> Moved:
    """Add up what two sums have, row by row."""
    numbers = np.union1d(first.numbers, second.numbers)
    places = [np.searchsorted(numbers, moved.numbers) for moved in (first, second)]
    sums = []
    for one, other in zip(first[1:], second[1:], strict=True):
        total = np.zeros((*one.shape[:-2], len(numbers), one.shape[-1]), one.dtype)
        total[..., places[0], :] = one
        with np.errstate(over="ignore", invalid="ignore"):
            total[..., places[1], :] += other
        sums.append(total)
    return Moved(numbers, *sums)


def move(part: Learnable, moved: Moved) -> None:
    """Move rows by the mean of the replicas."""
    part.rows[moved.numbers] += moved.rows / moved.weights
    part.state[:, moved.numbers] = moved.state / moved.weights


def apply(network: Network, update: Update) -> None:
    """Let a network learn what replicas of it have learnt."""
    for layer, learnt in zip(network.layers, update.layers, strict=True):
        for part, moved in zip(learnable_parts(layer.weights), learnt[:2], strict=True):
            move(part, moved)
        for notes in learnt.notes:
            layer.selection.take_notes(notes)
    optimizer = network.optimizer
    optimizer.n_steps += update.n_steps
    optimizer.learning_rate = max(0.0, optimizer.learning_rate - update.n_steps * optimizer.decay)
    network.log.batches += update.work


def add(first: Update | None, second: Update | None) -> Update | None:
    """Add up what replicas learnt. Those without rows have nothing to add."""
    if first is None or second is None:
        return second if first is None else first
    layers = [
        LayerUpdate(
            add_moved(one.weights, other.weights),
            add_moved(one.biases, other.biases),
            one.notes + other.notes,
        )
        for one, other in zip(first.layers, second.layers, strict=True)
    ]
    return Update(
        layers,
        first.losses + second.losses,
        first.n_rows + second.n_rows,
        max(first.n_steps, second.n_steps),
        first.work + second.work,
    )


def add_in_pairs(updates: Sequence[T], add: Callable[[T, T], T]) -> T:
    """Add up by a tree: neighbours, and then the sums of neighbours."""
    while len(updates) > 1:
        pairs = [updates[i : i + 2] for i in range(0, len(updates), 2)]
        updates = [add(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
    return updates[0]
