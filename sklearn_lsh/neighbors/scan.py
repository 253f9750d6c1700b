"""A linear scan, the search among all rows: products of matrices, and the highest of them."""

from typing import NamedTuple

import numpy as np

from sklearn_lsh import kernels
from sklearn_lsh.csr import best_columns
from sklearn_lsh.neighbors.metrics import Metric, Vectors

# Queries that are answered at once.
MAX_QUERIES = 256
# Products that are computed at once: 2 MB of float32, which stay in a processor's cache.
MAX_PRODUCTS = 1 << 19
# The same of sparse rows, which have to be multiplied all at once: 32 MB.
MAX_SPARSE_PRODUCTS = 1 << 23


class _Best(NamedTuple):
    """The best rows so far of each query, and some more.

    Attributes
    ----------
    counts : ndarray of shape (n_queries,), dtype=uint32
        How many there are.
    thresholds : ndarray of shape (n_queries,), dtype=float32
        Rows that score lower are not among the best.
    columns : ndarray of shape (n_queries, 2 * n_best), dtype=uint32
        Their indices.
    scores : ndarray of shape (n_queries, 2 * n_best), dtype=float32
    """

    counts: np.ndarray
    thresholds: np.ndarray
    columns: np.ndarray
    scores: np.ndarray

    @classmethod
    def with_room(cls, n_queries, n_best):
        """None yet."""
        shape = n_queries, 2 * n_best
        return cls(
            counts=np.zeros(n_queries, np.uint32),
            thresholds=np.full(n_queries, -np.inf, np.float32),
            columns=np.zeros(shape, np.uint32),
            scores=np.empty(shape, np.float32),
        )


class Scan:
    """Compare queries with all of some rows, or of their sketches.

    Parameters
    ----------
    metric : Metric
    rows : Vectors
    alive : ndarray of shape (n_rows,), dtype=bool
        Which rows are to be found.
    """

    def __init__(self, metric: Metric, rows: Vectors, alive):
        self.metric, self.rows = metric, rows
        self.offsets = metric.offsets(rows)
        self.delete(~alive)

    def insert(self, rows: Vectors):
        """Add rows; they get the next indices."""
        self.rows = self.rows.joined(rows)
        self.offsets = np.append(self.offsets, self.metric.offsets(rows))

    def delete(self, indices):
        """Let rows be found no more."""
        self.offsets[indices] = np.inf

    def best(self, queries: Vectors, n_best):
        """Find the rows that score highest, up to rounding.

        Parameters
        ----------
        queries : Vectors
        n_best : int
            At most as many as there are rows that were not deleted.

        Returns
        -------
        indices : ndarray of shape (n_queries, n_best), dtype=uint32
            In ascending order.
        """
        size = MAX_QUERIES
        if self.rows.is_sparse:
            size = max(1, min(size, MAX_SPARSE_PRODUCTS // self.rows.n_rows))
        if queries.n_rows <= size:
            return self._best(queries, n_best)
        parts = [slice(i, i + size) for i in range(0, queries.n_rows, size)]
        return np.concatenate([self._best(queries.part(part), n_best) for part in parts])

    def _best(self, queries, n_best):
        best = _Best.with_room(queries.n_rows, n_best)
        for start, products in self._products(queries):
            offsets = self.offsets[start : start + products.shape[1]]
            kernels.keep_highest(products, offsets, start, n_best, best)
        best.scores[np.arange(2 * n_best) >= best.counts[:, np.newaxis]] = -np.inf
        places, _ = best_columns(best.scores, n_best)
        return np.sort(np.take_along_axis(best.columns, places, axis=1), axis=1)

    def _products(self, queries):
        """Products with some rows after others, and the index of the first of these."""
        if self.rows.is_sparse:
            yield 0, self.metric.sparse_products(queries, self.rows)
            return
        size = max(1, MAX_PRODUCTS // max(1, queries.n_rows))
        buffer = np.empty(queries.n_rows * min(size, self.rows.n_rows), np.float32)
        for start in range(0, self.rows.n_rows, size):
            rows = self.rows.data[start : start + size]
            shape = queries.n_rows, rows.shape[0]
            products = buffer[: shape[0] * shape[1]].reshape(shape)
            yield start, np.matmul(queries.data, rows.T, out=products)
