"""Blocks that come once, one after the other: generators and other iterables as sources."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from operator import length_hint
from os import PathLike
from typing import Any, TypeGuard

import numpy as np

from sklearn_lsh.streaming.blocks import naming

# Number of blocks, until the end is met.
UNKNOWN = sys.maxsize


def is_iterable(source) -> TypeGuard[Iterable]:
    """Whether it may be an iterable of blocks: not a source, nor data themselves."""
    is_data = hasattr(source, "shape") or isinstance(source, str | bytes | Mapping | PathLike)
    return isinstance(source, Iterable) and not (hasattr(source, "read") or is_data)


class ComingBlocks:
    """An iterable as a source, of which blocks are read in their order.

    Some are fetched at once: those may be read again, until one that comes after them is read. All
    are fetched by one thread of their own, whoever reads: a connection to a database, say, may be
    for that thread alone which opened it.

    Parameters
    ----------
    blocks : iterable
        Of tuples ``(X, y)`` or ``(X, y, sample_weight)``, or of X alone to predict for.
    n_ahead : int
        If it has no more than so many with rows, all are fetched at once.

    Attributes
    ----------
    n_blocks : int
        `UNKNOWN` until the end is met.
    n_expected : int or None
        How many there seem to be; None if the iterable does not tell.
    n_features : int
        Of the first block that has rows.
    is_whole : bool
        Whether all were fetched at once.

    Raises
    ------
    ValueError
        If there are none, or if one of those fetched at once is no block.
    """

    def __init__(self, blocks: Iterable, n_ahead: int):
        self._name = f"{type(blocks).__name__}({getattr(blocks, '__name__', '')})"
        self.n_expected = expected_length(blocks)
        self._thread, self._ahead = ThreadPoolExecutor(1), list[Any]()
        self._blocks = self._thread.submit(iter, blocks).result()
        self._n_read, self.n_blocks = 0, UNKNOWN
        widths: list[int] = []
        while len(widths) <= n_ahead and self.n_blocks == UNKNOWN:
            with naming(self, self._n_read):
                found = self._next()
                self._ahead += found
                widths += filter(None, map(width_of, found))
        if not self._ahead:
            raise ValueError(f"source is empty: {self._name} has no blocks.")
        self.n_features = widths[0] if widths else 0
        self.is_whole = self.n_blocks != UNKNOWN
        if self.is_whole:
            self.n_expected = self.n_blocks

    def _next(self) -> list:
        """Fetch the next block: a list of it, or of nothing at the end."""
        found = self._thread.submit(lambda: list(islice(self._blocks, 1))).result()
        if found:
            self._n_read += 1
        else:
            self.n_blocks = self._n_read
        return found

    def read(self, number: int):
        """Read a block. After the last one there is another one without rows."""
        if number < len(self._ahead):
            return self._ahead[number]
        if number < self._n_read:
            raise IndexError(f"block {number} of {self._name} has come, and cannot be read again.")
        if not self.is_whole:
            self._ahead = []
        found = self._next() if number < self.n_blocks else []
        return found[0] if found else (np.empty((0, self.n_features)), np.empty(0))

    def __repr__(self) -> str:
        return self._name


def width_of(block) -> int:
    """How many columns a block has; 0 if it has no rows.

    Raises
    ------
    ValueError
        If it is no block.
    """
    shape = np.shape(block[0] if isinstance(block, tuple) and block else block)
    if len(shape) != 2 and 0 not in shape:
        raise ValueError(f"X must have rows and columns, got an array of shape {shape}.")
    return shape[1] if shape[0] > 0 else 0


def expected_length(blocks: Iterable) -> int | None:
    """How many blocks an iterable says that it has."""
    length = length_hint(blocks, 0)
    return length if length > 0 else None
