"""What data that do not fit into memory look like: numbered blocks, each read on its own."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

import numpy as np
from scipy.sparse import issparse

from sklearn_lsh.inputs import Count, Samples

# Rows of a block, unless something else is asked for.
BLOCK_SIZE = 8192
# Characters of a source's name in messages.
MOST_SHOWN = 120


@runtime_checkable
class Source(Protocol):
    """Data in blocks: what `fit_batches` and `predict_batches` take.

    A source may have ``classes``, too, all labels that y has, in order: then nobody has to look for
    them, and ``n_skipped``, how many of its rows could not be read and were left out.

    Attributes
    ----------
    n_blocks : int
        Number of blocks.
    n_features : int
        Number of columns of each X.
    """

    n_blocks: int
    n_features: int

    def read(self, number: int) -> tuple:
        """Read a block.

        Parameters
        ----------
        number : int
            From 0 to ``n_blocks - 1``. Blocks are asked for in any order, and again.

        Returns
        -------
        block : tuple of (X, y) or (X, y, sample_weight)
            As `fit` takes them.
        """


class Blocks(ABC):
    """Base of the sources here: how they show themselves, and that they can be looped over."""

    n_blocks: int

    def read(self, number: int) -> tuple:
        """Read a block.

        Parameters
        ----------
        number : int
            From 0 to ``n_blocks - 1``.

        Returns
        -------
        block : tuple of (X, y) or (X, y, sample_weight)
            As `fit` takes them.

        Raises
        ------
        IndexError
            If there is no such block.
        """
        if not 0 <= number < self.n_blocks:
            raise IndexError(f"There is no block {number}: there are {self.n_blocks}.")
        return self._read(number)

    @abstractmethod
    def _read(self, number: int) -> tuple:
        """Read a block that is there."""

    def __len__(self) -> int:
        return self.n_blocks

    def __iter__(self) -> Iterator[tuple]:
        return map(self.read, range(self.n_blocks))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name()})"

    def _name(self) -> str:
        """Say what is read."""
        return f"{self.n_blocks} blocks"


class JoinedBlocks(Blocks):
    """Sources one after the other, as one: the files of a folder, for example.

    Parameters
    ----------
    sources : sequence of sources
        With the same number of features.

    Attributes
    ----------
    n_blocks, n_features : int
        Number of blocks of all together, and of columns.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_lsh.streaming import ArrayBlocks, JoinedBlocks
    >>> parts = [ArrayBlocks(np.eye(3), np.arange(3)), ArrayBlocks(np.ones((2, 3)), np.ones(2))]
    >>> source = JoinedBlocks(parts)
    >>> [X.shape for X, y in source]
    [(3, 3), (2, 3)]
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = [check_source(source, "sources") for source in sources]
        if not self._sources:
            raise ValueError("sources must have one source or more, got none.")
        widths = sorted({source.n_features for source in self._sources})
        if len(widths) > 1:
            raise ValueError(f"sources must have the same number of features, got {widths}.")
        self.n_features = widths[0]
        self._ends = np.cumsum([source.n_blocks for source in self._sources])
        self.n_blocks = int(self._ends[-1])

    @property
    def n_skipped(self) -> int:
        """How many rows could not be read and were left out."""
        return sum(getattr(source, "n_skipped", 0) for source in self._sources)

    def _read(self, number: int) -> tuple:
        """See `Blocks._read`."""
        k = int(np.searchsorted(self._ends, number, side="right"))
        source = self._sources[k]
        within = number - (int(self._ends[k]) - source.n_blocks)
        with naming(source, within):
            return source.read(within)

    def _name(self) -> str:
        return ", ".join(map(repr, self._sources))


def check_source(source, name: str) -> Source:
    """Refuse what is not a source, or an empty one.

    Raises
    ------
    TypeError
        If it lacks a part, or has another kind of it.
    ValueError
        If it has no blocks.
    """
    missing = [part for part in ("n_blocks", "n_features", "read") if not hasattr(source, part)]
    if missing:
        raise TypeError(
            f"{name} must be a source of blocks, with n_blocks, n_features and read(i), got "
            f"{shown(source)}, which has no {missing[0]}. Arrays become one by ArrayBlocks(X, y)."
        )
    for part in ("n_blocks", "n_features"):
        if not Count(0).is_satisfied_by(getattr(source, part)):
            raise TypeError(f"{name}.{part} must be an integer, got {getattr(source, part)!r}.")
    if source.n_blocks == 0:
        raise ValueError(f"{name} is empty: {shown(source)} has no blocks.")
    if not callable(source.read):
        raise TypeError(f"{name}.read must be a method, got {source.read!r}.")
    return source


def shown(source) -> str:
    """Name a source in messages."""
    name = " ".join(repr(source).split())
    return name if len(name) <= MOST_SHOWN else f"{name[: MOST_SHOWN - 3]}..."


@contextmanager
def naming(source, number: int) -> Iterator[None]:
    """Say in errors which block they are of."""
    place = f"Block {number} of {shown(source)}"
    try:
        yield
    except (ValueError, TypeError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{place}: {error}") from error
    except Exception as error:
        error.add_note(f"{place} was being read.")
        raise


def read_block(source, number: int) -> Samples:
    """Read a block, as far as it can be told without knowing what it is for."""
    block = source.read(number)
    if not (isinstance(block, tuple) and len(block) in (2, 3)):
        raise TypeError(f"a block must be (X, y) or (X, y, sample_weight), got {type(block)}.")
    X, y, *weights = block
    return Samples(X, y, weights[0] if weights else None)


def fingerprint(source) -> str:
    """Tell a source from others: by its size, and by its first and last block."""
    parts: list = [[source.n_blocks, source.n_features]]
    for number in sorted({0, source.n_blocks - 1}):
        with naming(source, number):
            parts += [digest_of(read_block(source, number))]
    return digest_of(parts)


def digest_of(parts) -> str:
    """Tell arrays and matrices from others; None is one, too."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        _update(digest, part)
    return digest.hexdigest()


def _update(digest, part) -> None:
    if issparse(part):
        part = part.tocsr()
        for array in (part.shape, part.indptr, part.indices, part.data):
            _update(digest, array)
    elif part is None:
        digest.update(b"None")
    else:
        if hasattr(part, "columns"):  # a frame
            _update(digest, list(part.columns))
        array = np.asarray(part)
        digest.update(f"{array.dtype.str} {array.shape}".encode())
        is_plain = array.dtype.kind in "biuf"
        digest.update(np.ascontiguousarray(array) if is_plain else repr(array.tolist()).encode())
