"""In which order rows are learnt from that are read block by block.

Blocks are shuffled, and then rows within a window of several blocks: L. Xu et al., "CorgiPile:
stochastic gradient descent without full data shuffle", SIGMOD 2022, https://arxiv.org/abs/2206.05830.
There the window moves on by all its blocks at once, and training waits for as many to be read.
Here it moves by one block a round, and each block's rows are dealt at random to the rounds in which
the window holds it. So in the time of a round one block is read, while about as many rows are
learnt from; and where the window holds all blocks, it is a full shuffle.

All of it is a function of a seed and of the epoch: whoever knows a place in it can go on there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sklearn_lsh.streaming.iterables import UNKNOWN, ComingBlocks

# What random numbers are for: each use has a stream of its own.
OF_BLOCKS, OF_PARTS, OF_ROWS = range(3)


class Part(NamedTuple):
    """Rows of a block, and the round in which they are learnt from."""

    number: int
    rows: np.ndarray


class EpochOrder:
    """The order of an epoch.

    Parameters
    ----------
    n_blocks : int
    window : int
        Blocks of which rows are mixed.
    seed : int or None
        None leaves blocks, and rows, in their order.
    epoch : int

    Attributes
    ----------
    window : int
        At most the number of blocks.
    blocks : ndarray of shape (n_blocks,)
        The block in each place.
    """

    blocks: Any

    def __init__(self, n_blocks: int, window: int, seed: int | None, epoch: int):
        self.window = min(window, n_blocks)
        self._seed, self._epoch = seed, epoch
        self.blocks = self._permutation(n_blocks, OF_BLOCKS)

    @property
    def n_rounds(self) -> int:
        """Round ``r`` has rows of the blocks in places ``r`` to ``r + window - 1``."""
        return len(self.blocks) - self.window + 1

    def _permutation(self, n: int, purpose: int, place: int = 0) -> np.ndarray:
        if self._seed is None:
            return np.arange(n)
        key = (self._seed, self._epoch, purpose, place)
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(key))).permutation(n)

    def parts(self, place: int, n_rows: int) -> list[Part]:
        """Deal the rows of the block in a place to the rounds that have it."""
        first, last = max(0, place - self.window + 1), min(place, self.n_rounds - 1)
        if first == last:
            return [Part(first, np.arange(n_rows))]
        dealt = np.array_split(self._permutation(n_rows, OF_PARTS, place), last - first + 1)
        return [Part(first + k, np.sort(rows)) for k, rows in enumerate(dealt)]

    def rows(self, number: int, n_rows: int) -> np.ndarray:
        """Order the rows of a round."""
        return self._permutation(n_rows, OF_ROWS, number)


class ComingOrder(EpochOrder):
    """The order of blocks that come one after the other, nobody knows how many.

    Since the end is not known, rounds go on until the last block has left the window.

    Parameters
    ----------
    source : ComingBlocks
    window, seed
        See `EpochOrder`.
    """

    def __init__(self, source: ComingBlocks, window: int, seed: int | None):
        self.window, self.blocks = window, range(UNKNOWN)
        self._source, self._seed, self._epoch = source, seed, 0

    @property
    def n_rounds(self) -> int:
        """As many as blocks: `UNKNOWN` until the end is met."""
        return self._source.n_blocks
