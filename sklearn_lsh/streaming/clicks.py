"""Clicks on advertisements, made up: as many as one likes, without a disk."""

from __future__ import annotations

import math

import numpy as np
from scipy.sparse import csr_array

from sklearn_lsh.streaming.blocks import BLOCK_SIZE
from sklearn_lsh.streaming.made_up import MadeUpBlocks, zipf_ranks

# Fields of categories, with so many values from the first to the last one, and of numbers, which
# come in so many buckets each.
N_CATEGORICAL, FEWEST, MOST = 26, 10, 100_000
N_NUMERIC, N_BUCKETS = 13, 20
# Pairs of fields that count together, of those with the fewest values.
N_CROSSES = 8
# Of the logarithm of the odds: its mean, and the deviations of the parts of fields and of crosses.
BIAS, OF_FIELDS, OF_CROSSES = -1.5, 1.2, 0.6


class HashedClicks(MadeUpBlocks):
    """Samples as a log of clicks has them, with the best log-loss that there is.

    A sample has 39 fields. 26 are categorical with 10 to 100,000 values, of which the k-th comes
    with a probability of about 1 / k (Zipf's law), and 13 are numbers in 20 buckets. Each value is
    hashed to a column, in which the sample has a 1. A click has the probability that a logistic
    model gives it, the teacher: the sum of weights of all values, and of those of eight pairs of
    fields.

    A block is a function of the seed and of its number alone. So there may be any amount of rows,
    and none takes memory or disk before it is read.

    Parameters
    ----------
    n_rows : int
        Number of samples.
    n_features : int, default=2**20
        Number of columns.
    crosses : bool, default=False
        Whether the eight pairs of fields have columns, too: a linear model needs them to be as good
        as the teacher.
    block_size : int, default=8192
        Rows of a block; the last one may have fewer.
    seed : int, default=0
        Of the teacher and of the rows.
    first_block : int, default=0
        Number of the first block: others are rows of the same kind that were not seen, to test on.

    Attributes
    ----------
    n_blocks, n_features, n_rows : int
        Number of blocks, of columns and of rows.
    classes : ndarray of shape (2,)
        0, and 1 for a click.

    Examples
    --------
    >>> from sklearn_lsh.streaming import HashedClicks
    >>> source = HashedClicks(100_000, n_features=2**18)
    >>> X, y = source.read(3)
    >>> X.shape, float(y.mean().round(1))
    ((8192, 262144), 0.2)
    """

    def __init__(
        self,
        n_rows: int,
        *,
        n_features: int = 2**20,
        crosses: bool = False,
        block_size: int = BLOCK_SIZE,
        seed: int = 0,
        first_block: int = 0,
    ) -> None:
        counts = {"n_rows": n_rows, "n_features": n_features, "block_size": block_size}
        super().__init__(counts, seed=seed, first_block=first_block)
        self.crosses = bool(crosses)
        self.classes = np.array([0, 1])
        self._draw_teacher()

    def _draw_teacher(self) -> None:
        """Draw a column and a weight for each value of each field, and of each cross."""
        rng = self._teachers_generator()
        categorical = np.geomspace(FEWEST, MOST, N_CATEGORICAL).astype(int)
        self._sizes = np.concatenate([np.full(N_NUMERIC, N_BUCKETS), categorical])
        smallest = np.argsort(self._sizes, kind="stable")[: 2 * N_CROSSES]
        self._pairs = rng.permutation(smallest).reshape(N_CROSSES, 2)
        sizes = np.concatenate([self._sizes, self._sizes[self._pairs].prod(axis=1)])
        self._starts = np.concatenate([[0], np.cumsum(sizes)])
        n_fields = len(self._sizes)
        shares = np.repeat(
            [OF_FIELDS / math.sqrt(n_fields)] * n_fields
            + [OF_CROSSES / math.sqrt(N_CROSSES)] * N_CROSSES,
            sizes,
        )
        n_values = int(self._starts[-1])
        self._columns = rng.integers(self.n_features, size=n_values, dtype=np.int32)
        self._weights = (rng.normal(size=n_values) * shares).astype(np.float32)

    def _draw(self, number: int):
        """Draw the values of a block, as places in the tables, and what decides on the clicks."""
        n, rng = self._generator(number)
        u = rng.random((n, len(self._sizes)), dtype=np.float32)
        ranks = np.empty(u.shape, np.int64)
        ranks[:, :N_NUMERIC] = u[:, :N_NUMERIC] * N_BUCKETS
        ranks[:, N_NUMERIC:] = zipf_ranks(u[:, N_NUMERIC:], self._sizes[N_NUMERIC:])
        ranks = np.minimum(ranks, self._sizes - 1)
        first, second = self._pairs.T
        crossed = ranks[:, first] * self._sizes[second] + ranks[:, second]
        values = np.concatenate([ranks, crossed], axis=1) + self._starts[:-1]
        return values, rng.random(n)

    def _odds(self, values) -> np.ndarray:
        logits = self._weights[values].sum(axis=1, dtype=np.float64) + BIAS
        return 1 / (1 + np.exp(-logits))

    def _read(self, number: int) -> tuple[csr_array, np.ndarray]:
        """See `Blocks._read`."""
        values, decides = self._draw(number)
        y = (decides < self._odds(values)).astype(np.int64)
        if not self.crosses:
            values = values[:, : len(self._sizes)]
        indices = np.sort(self._columns[values], axis=1).ravel()
        indptr = np.arange(0, len(indices) + 1, values.shape[1], dtype=np.int32)
        ones = np.ones(len(indices), np.float32)
        X = csr_array((ones, indices, indptr), shape=(len(y), self.n_features))
        X.sum_duplicates()
        return X, y

    def probabilities(self, number: int) -> np.ndarray:
        """Return what the teacher says of a block's rows: nothing can know more of them.

        Parameters
        ----------
        number : int
            Of the block.

        Returns
        -------
        probabilities : ndarray of shape (n_rows,), dtype=float64
            Of a click.
        """
        return self._odds(self._draw(number)[0])
