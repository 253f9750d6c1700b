"""What somebody looks at next, made up: a million classes, without a disk."""

from __future__ import annotations

import math

import numpy as np
from scipy.sparse import csr_array

from sklearn_lsh.streaming.blocks import BLOCK_SIZE
from sklearn_lsh.streaming.made_up import MadeUpBlocks, zipf_ranks

# Items that were seen, the latest first, and the probabilities that the next one follows these.
FOLLOWS = np.array([0.6, 0.2])
# Products of items and numbers below this one stay within 64 bits.
PRIME = 2**31 - 1


class NextItems(MadeUpBlocks):
    """Samples of which the class is the next of very many items, with the best accuracy there is.

    Somebody has seen two items, which come by Zipf's law. Each item has another one that follows
    it. With a probability of 0.6 the next one follows the latest, with 0.2 the one before, and
    else it is any, by Zipf's law. Both items are hashed to columns, in which the sample has a 1.

    A block is a function of the seed and of its number alone, see `HashedClicks`.

    Parameters
    ----------
    n_rows : int
        Number of samples.
    n_items : int, default=1_000_000
        Number of classes.
    n_features : int, default=2**20
        Number of columns.
    block_size : int, default=8192
        Rows of a block; the last one may have fewer.
    seed : int, default=0
        Of what follows what, and of the rows.
    first_block : int, default=0
        Number of the first block: others are rows of the same kind that were not seen, to test on.

    Attributes
    ----------
    n_blocks, n_features, n_rows : int
        Number of blocks, of columns and of rows.
    classes : ndarray of shape (n_items,)
        The items' numbers.

    Examples
    --------
    >>> from sklearn_lsh.streaming import NextItems
    >>> source = NextItems(100_000)
    >>> X, y = source.read(3)
    >>> X.shape, len(source.classes)
    ((8192, 1048576), 1000000)
    >>> float(source.probabilities(3).mean().round(2))
    0.6
    """

    n_items: int

    def __init__(
        self,
        n_rows: int,
        *,
        n_items: int = 1_000_000,
        n_features: int = 2**20,
        block_size: int = BLOCK_SIZE,
        seed: int = 0,
        first_block: int = 0,
    ) -> None:
        counts = {"n_rows": n_rows, "n_features": n_features, "block_size": block_size}
        super().__init__({**counts, "n_items": n_items}, seed=seed, first_block=first_block)
        if self.n_items >= PRIME:
            raise ValueError(f"n_items must be less than {PRIME}, got {n_items!r}.")
        self.classes = np.arange(self.n_items)
        rng = self._teachers_generator()
        factor = int(rng.integers(self.n_items))
        while math.gcd(factor, self.n_items) > 1:
            factor = int(rng.integers(1, self.n_items + 1))
        # That each item follows one other takes a factor that has no divisor in common.
        self._factor, self._shift = factor, int(rng.integers(self.n_items))
        self._hashes = rng.integers(1, PRIME, size=(2, len(FOLLOWS)))

    def _follower(self, items: np.ndarray) -> np.ndarray:
        return (items * self._factor + self._shift) % self.n_items

    def _draw(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw the items that were seen, and the one that comes next."""
        n, rng = self._generator(number)
        u = rng.random((n, len(FOLLOWS) + 1), dtype=np.float32)
        items = zipf_ranks(u, self.n_items)
        choices = np.column_stack([self._follower(items[:, :-1]), items[:, -1]])
        chosen = np.searchsorted(np.cumsum(FOLLOWS), rng.random(n), side="right")
        return items[:, :-1], choices[np.arange(n), chosen]

    def _read(self, number: int) -> tuple[csr_array, np.ndarray]:
        """See `Blocks._read`."""
        seen, y = self._draw(number)
        factors, shifts = self._hashes
        columns = (seen * factors + shifts) % PRIME % self.n_features
        indices = np.sort(columns, axis=1).astype(np.int32).ravel()
        indptr = np.arange(0, len(indices) + 1, seen.shape[1], dtype=np.int32)
        ones = np.ones(len(indices), np.float32)
        X = csr_array((ones, indices, indptr), shape=(len(y), self.n_features))
        X.sum_duplicates()
        return X, y

    def probabilities(self, number: int) -> np.ndarray:
        """Return how likely the likeliest next item of a block's rows is.

        Their mean is the best accuracy that there is: of always naming the item that follows the
        latest one.

        Parameters
        ----------
        number : int
            Of the block.

        Returns
        -------
        probabilities : ndarray of shape (n_rows,), dtype=float64
            Of each row's likeliest item.
        """
        seen, _ = self._draw(number)
        best = self._follower(seen[:, 0])
        popularity = np.log1p(1 / (best + 1)) / np.log(self.n_items + 1)
        of_seen = (self._follower(seen) == best[:, np.newaxis]) @ FOLLOWS
        return of_seen + (1 - FOLLOWS.sum()) * popularity
