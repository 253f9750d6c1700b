"""Training on data that are read block by block: rounds of rows in place of all of them.

See `sklearn_lsh.streaming.order` for what a round is. Another thread reads the blocks, checks them
and deals their rows to rounds, while the network learns from the rows of the round before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count, takewhile
from typing import NamedTuple, Self

import numpy as np
import scipy.sparse as sp

from sklearn_lsh.csr import mixed
from sklearn_lsh.estimators.history import MOST_SAMPLES
from sklearn_lsh.estimators.training import Course, Diverged, TrainingSet, TrainingSettings
from sklearn_lsh.inputs import check_weights
from sklearn_lsh.network import Network
from sklearn_lsh.network.training import count_threads, split
from sklearn_lsh.stored import Attributes, is_number
from sklearn_lsh.streaming.blocks import Source, naming, read_block
from sklearn_lsh.streaming.order import EpochOrder
from sklearn_lsh.streaming.reader import Reader

MOST_INT32 = np.iinfo(np.int32).max
NO_ROWS = (
    "No block has a row that counts: there are none, or their weights, sample_weight times "
    "class_weight, are all zero."
)


class Encoded(NamedTuple):
    """Rows that count, as a network learns from them; see `TrainingSet`."""

    X: np.ndarray | sp.csr_array
    target: sp.csr_array
    sample_weight: np.ndarray | None

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.X.shape[0]

    @property
    def weights(self) -> np.ndarray:
        """Weights of all rows."""
        if self.sample_weight is None:
            return np.ones(self.n_rows, np.float32)
        return self.sample_weight

    def take(self, rows) -> Encoded:
        """Copy some rows."""
        weights = None if self.sample_weight is None else self.sample_weight[rows]
        return Encoded(self.X[rows], self.target[rows], weights)


def encode(estimator, X, y, sample_weight) -> Encoded:
    """Turn validated rows into what a network learns from, without those of weight 0.

    Unlike all rows of a ``fit``, all rows of a block may be without weight.
    """
    target = estimator._target
    encoded = target.encode(y)
    weights = estimator._weigh(sample_weight, y, training=True, others_may_come=True)
    if target.loss == "softmax" and (np.diff(encoded.indptr) == 0).any():
        labelled = np.diff(encoded.indptr) > 0
        weights = labelled.astype(np.float32) if weights is None else weights * labelled
    block = Encoded(X, encoded, weights)
    return block if weights is None or weights.all() else block.take(np.flatnonzero(weights))


def read_encoded(estimator, source: Source, number: int) -> Encoded | None:
    """Read a block for an estimator; None if it has no rows.

    Raises
    ------
    ValueError, TypeError
        If the block is not valid: it is named.
    """
    with naming(source, number):
        X, y, sample_weight = read_block(source, number)
        if np.shape(X)[0] == 0:
            return None
        X, y = estimator._check_X_y(X, y, reset=False)
        if sample_weight is not None and np.any(sample_weight):
            sample_weight = check_weights(sample_weight, X)
        elif sample_weight is not None:
            return None
        return encode(estimator, X, y, sample_weight)


def join(parts: list[Encoded]) -> TrainingSet:
    """Join rows. What they were parts of is forgotten one by one, and so is the list."""
    weights = None
    if any(part.sample_weight is not None for part in parts):
        weights = np.concatenate([part.weights for part in parts])
    targets = stack([part.target for part in parts])
    matrices = [part.X for part in parts]
    parts.clear()
    X = stack(matrices)
    return TrainingSet(X, targets, weights, np.arange(X.shape[0]))


def mix(parts: list[tuple[Encoded, np.ndarray]], order: EpochOrder, number: int) -> TrainingSet:
    """Put some rows of blocks together in the order of a round."""
    ranks = order.rows(number, sum(len(rows) for _, rows in parts))
    X = mixed([(block.X, rows) for block, rows in parts], ranks)
    target = mixed([(block.target, rows) for block, rows in parts], ranks)
    weights = None
    if any(block.sample_weight is not None for block, _ in parts):
        weights = np.concatenate([block.weights[rows] for block, rows in parts])[ranks]
    return TrainingSet(X, target, weights, np.arange(X.shape[0]))


def stack(matrices: list):
    """Stack arrays, or CSR arrays, from the list, which is empty then: the memory is taken once."""
    if len(matrices) == 1:
        return matrices.pop()
    n_rows, n_columns = sum(matrix.shape[0] for matrix in matrices), matrices[0].shape[1]
    if not sp.issparse(matrices[0]):
        dense = np.empty((n_rows, n_columns), np.result_type(*{each.dtype for each in matrices}))
        _fill(dense, matrices)
        return dense
    nnz = sum(matrix.nnz for matrix in matrices)
    index = np.int32 if nnz <= MOST_INT32 else np.int64
    data = np.empty(nnz, np.result_type(*{each.dtype for each in matrices}))
    indices, indptr = np.empty(nnz, index), np.zeros(n_rows + 1, index)
    row = pair = 0
    while matrices:
        matrix = matrices.pop(0)
        rows, pairs = slice(row, row + matrix.shape[0]), slice(pair, pair + matrix.nnz)
        data[pairs], indices[pairs] = matrix.data, matrix.indices
        indptr[rows.start + 1 : rows.stop + 1] = matrix.indptr[1:] + index(pair)
        row, pair = rows.stop, pairs.stop
    return sp.csr_array((data, indices, indptr), shape=(n_rows, n_columns))


def _fill(rows: np.ndarray, matrices: list) -> None:
    start = 0
    while matrices:
        matrix = matrices.pop(0)
        rows[start : start + matrix.shape[0]] = matrix
        start += matrix.shape[0]


@dataclass
class Position:
    """Where a training is: what it takes to go on there, beside the network.

    Attributes
    ----------
    epoch, number : int
        The epoch, and the round in it.
    losses : list of float
        Of the mini-batches of the round that were trained on, see `Network.train_batches`.
    order : int ndarray or None
        Order of the rows, where all are in one round: it is shuffled further in each epoch.
    is_shuffled : bool
        Whether that is so for this epoch.
    loss : float
        Sum of the losses of the rows of earlier rounds of the epoch.
    n_rows, n_batches : int
        Rows and mini-batches of these rounds.
    """

    epoch: int = 0
    number: int = 0
    losses: list[float] = field(default_factory=list)
    order: np.ndarray | None = None
    is_shuffled: bool = False
    loss: float = 0.0
    n_rows: int = 0
    n_batches: int = 0

    def check_stored(self) -> None:
        """Check what was loaded."""
        stored = Attributes(self)
        for name in ("epoch", "number", "n_rows", "n_batches"):
            stored.integer(name, most=MOST_SAMPLES)
        are_numbers = all(is_number(loss, -np.inf, np.inf) for loss in stored.part("losses", list))
        stored.require(are_numbers, "losses", "numbers")
        stored.number("loss")
        stored.flag("is_shuffled")
        if stored.get("order") is not None:
            order = stored.array("order", np.int64, (None,))
            is_order = bool((np.sort(order) == np.arange(len(order))).all())
            stored.require(is_order, "order", "each row once")

    def end_round(self, n_rows: int, n_batches: int) -> None:
        """Go to the next round."""
        self.loss += sum(self.losses)
        self.losses = []
        self.n_rows += n_rows
        self.n_batches += n_batches
        self.number += 1

    def mean_loss(self, network: Network) -> float:
        """Mean loss of the epoch, the penalty at its end included."""
        return self.loss / self.n_rows + network.penalty(self.n_rows / self.n_batches)

    def end_epoch(self) -> None:
        """Go to the next epoch."""
        self.epoch += 1
        self.number = self.n_rows = self.n_batches = 0
        self.loss, self.is_shuffled = 0.0, False


class Held(NamedTuple):
    """A block in the window, and which of its rows each round gets."""

    block: Encoded
    dealt: dict[int, np.ndarray]


class Round(NamedTuple):
    """What the thread that reads hands over.

    Attributes
    ----------
    data : TrainingSet or None
        The rows of a round, if it has any.
    n_rows, n_blocks : int
        What was read for it.
    """

    data: TrainingSet | None
    n_rows: int
    n_blocks: int


class Rounds:
    """The rows of all rounds, from a position on. To be used in a ``with`` statement.

    Parameters
    ----------
    order : callable
        ``order(epoch)`` is an `EpochOrder`.
    encode : callable
        ``encode(number)`` reads a block: an `Encoded`, or None if it has no rows.
    position : Position
        Of the first round.
    n_epochs : float, default=inf
        Epochs after which nothing is read any more.

    Attributes
    ----------
    n_epochs : float
        One, if there is but one round: what that has all of is read once.
    n_rows_read, n_blocks_read : int
        What was read for the rounds that were fetched so far.
    """

    def __init__(
        self,
        order: Callable[[int], EpochOrder],
        encode: Callable[[int], Encoded | None],
        position: Position,
        n_epochs: float = math.inf,
    ):
        self._first, self._encode = order(position.epoch), encode
        self.n_epochs = n_epochs if self.n_rounds > 1 else position.epoch + 1
        self.n_rows_read = self.n_blocks_read = 0
        # In memory are a window's blocks, and the rows of two rounds: one is made while the network
        # learns from the other.
        self._reader = Reader(self._jobs(order, position), self._make, n_ahead=1)
        self._window: dict[int, Held | None] = {}
        self._kept: TrainingSet | None = None

    @property
    def n_rounds(self) -> int:
        """Of an epoch. If there are several, rows come in the order in which they are learnt."""
        return self._first.n_rounds

    def _jobs(self, order, position: Position) -> Iterator[tuple[EpochOrder, int]]:
        """Name all rounds: their order, and their numbers in it."""
        epoch, first = position.epoch, position.number
        while epoch < self.n_epochs:
            this = order(epoch)
            numbers = takewhile(lambda number: number < self.n_rounds, count(first))
            yield from ((this, number) for number in numbers)
            epoch, first = epoch + 1, 0

    def _make(self, job) -> Round:
        """Read the blocks that a round has rows of and earlier ones had not, and mix its rows."""
        order, number = job
        n_rows = n_blocks = 0
        for place in range(number, number + order.window):
            if place not in self._window:
                self._window[place] = held = self._read(order, place)
                n_blocks += 1
                n_rows += held.block.n_rows if held else 0
        window = filter(None, self._window.values())
        parts = [(held.block, held.dealt[number]) for held in window if number in held.dealt]
        if number == self.n_rounds - 1:
            self._window = {}
        else:
            self._window.pop(number, None)
        if not any(len(rows) for _, rows in parts):
            return Round(None, n_rows, n_blocks)
        if self.n_rounds == 1:
            return Round(join([block for block, _ in parts]), n_rows, n_blocks)
        return Round(mix(parts, order, number), n_rows, n_blocks)

    def _read(self, order: EpochOrder, place: int) -> Held | None:
        block = self._encode(int(order.blocks[place]))
        if block is None or block.n_rows == 0:
            return None
        return Held(block, dict(order.parts(place, block.n_rows)))

    def __enter__(self) -> Self:
        self._reader.__enter__()
        return self

    def __exit__(self, *error) -> None:
        self._reader.__exit__(*error)

    def fetch(self) -> TrainingSet | None:
        """Return the rows of the next round, or None if it has none."""
        if self._kept is not None:
            return self._kept
        data, n_rows, n_blocks = next(self._reader)
        self.n_rows_read += n_rows
        self.n_blocks_read += n_blocks
        if self.n_rounds == 1:
            self._kept = data
        return data


def fetch_first(rounds: Rounds, position: Position) -> TrainingSet | None:
    """Go to the next round that has rows, if there is one in this epoch, and return them."""
    data = rounds.fetch()
    while data is None and position.number < rounds.n_rounds - 1:
        position.end_round(0, 0)
        data = rounds.fetch()
    return data


class InMemory(NamedTuple):
    """In place of `Rounds`: all rows, in one."""

    data: TrainingSet
    n_rounds: int = 1

    def fetch(self) -> TrainingSet:
        """Return them."""
        return self.data


@dataclass
class Stream:
    """Data that are read block by block, as `train` takes them.

    Attributes
    ----------
    rounds : Rounds or InMemory
    position : Position
        Is kept up to date.
    data : TrainingSet or None
        The rows of the round at the position, which were fetched already; then those of the latest
        round that has any.
    course : Course
    n_rows : int, default=0
        Of an epoch, as far as is known.
    before_batch : callable, default=None
        ``before_batch(data, n_batches, stopping)`` is called before each of the mini-batches of the
        data, or instead of it, which it is told; with several threads only before the first one,
        and when they have been stopped.
    """

    rounds: Rounds | InMemory
    position: Position
    data: TrainingSet | None
    course: Course
    n_rows: int = 0
    before_batch: Callable[[TrainingSet, int, bool], None] = lambda *batch: None

    def passes(self, settings: TrainingSettings, random_state) -> StreamPasses:
        """Make the passes of a training over them."""
        return StreamPasses(self, settings, random_state)


class StreamPasses:
    """`Passes` over data that are read block by block."""

    def __init__(self, stream: Stream, settings: TrainingSettings, random_state):
        self.n_rows = stream.n_rows
        self.n_batches = -(-stream.n_rows // settings.batch_size)
        self._stream, self._settings, self._random_state = stream, settings, random_state
        self._is_fetched = True

    def train(self, network: Network, is_stopped: Callable[[], bool]) -> float:
        """See `Passes.train`."""
        stream, position, order = self._stream, self._stream.position, None
        try:
            while position.number < stream.rounds.n_rounds:
                if (data := self._fetch()) is None:
                    position.end_round(0, 0)
                    continue
                order = self._shuffle(data)
                batches = self._split(order)
                self._train_batches(network, data, batches, is_stopped)
                if is_stopped():
                    return np.nan
                if not np.isfinite(sum(position.losses)):
                    raise Diverged
                position.end_round(len(order), len(batches))
                network.log.compact(len(network.layers))
        finally:
            if order is not None:
                network.end_epoch(stream.data.X, order, stream.data.sample_weight)
        return self._end_epoch(network)

    def _fetch(self) -> TrainingSet | None:
        """Return the rows of the round at the position, if it has any."""
        stream = self._stream
        if self._is_fetched:
            self._is_fetched = False
            return stream.data
        data = stream.rounds.fetch()
        stream.data = stream.data if data is None else data
        return data

    def _shuffle(self, data: TrainingSet) -> np.ndarray:
        """Order the rows of a round, which are in their order if it is one of many."""
        position = self._stream.position
        if self._stream.rounds.n_rounds > 1:
            return data.rows
        if position.order is None:
            position.order = np.arange(len(data.rows))
        if len(position.order) != len(data.rows):
            raise ValueError(
                f"The checkpoint is of {len(position.order)} rows, but there are {len(data.rows)}: "
                "the source has changed."
            )
        if self._settings.shuffle and not position.is_shuffled:
            self._random_state.shuffle(position.order)
        position.is_shuffled = True
        return data.rows[position.order]

    def _split(self, order: np.ndarray) -> list[np.ndarray] | list[range]:
        """Split a round into mini-batches; of one of many there is none that is much smaller."""
        size = self._settings.batch_size
        if self._stream.rounds.n_rounds == 1:
            return split(order, size)
        n_rows = len(order)
        return split(range(n_rows), -(-n_rows // max(1, round(n_rows / size))))

    def _train_batches(self, network, data, batches, is_stopped) -> None:
        is_alone = count_threads(self._settings.n_jobs, batches) == 1
        if not is_alone:
            self._stream.before_batch(data, len(batches), False)

        def is_left_out() -> bool:
            if is_alone and not is_stopped():
                self._stream.before_batch(data, len(batches), False)
            return is_stopped()

        network.train_batches(
            (data.X, data.target, data.sample_weight),
            batches,
            self._settings.n_jobs,
            self._stream.position.losses,
            is_stopped=is_left_out,
        )
        if is_stopped():  # maybe when there was none left to be left out
            self._stream.before_batch(data, len(batches), True)

    def _end_epoch(self, network) -> float:
        """Go to the next epoch; returns the mean loss of this one."""
        position = self._stream.position
        if position.n_rows == 0:
            raise ValueError(NO_ROWS)
        self.n_rows, loss = position.n_rows, position.mean_loss(network)
        position.end_epoch()
        return loss
