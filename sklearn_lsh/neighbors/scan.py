"""A linear scan, the search among all rows: products of matrices, and the highest of them."""

import copy
from typing import NamedTuple

import numpy as np

from sklearn_lsh import kernels
from sklearn_lsh.csr import n_nonzero
from sklearn_lsh.neighbors.highest import Highest
from sklearn_lsh.neighbors.metrics import Metric, Vectors
from sklearn_lsh.neighbors.postings import Postings
from sklearn_lsh.stored import Attributes

# Queries that are answered at once.
MAX_QUERIES = 256
# Products that are computed at once: 2 MB of float32, which stay in a processor's cache.
MAX_PRODUCTS = 1 << 19
# The same of sparse rows, which have to be multiplied all at once: 32 MB.
MAX_SPARSE_PRODUCTS = 1 << 23
# Greatest relative error of a rounded float32.
ROUNDING = 2.0**-24
# Share of a score that is too little to look for a row that scores higher by so much: rows of
# whole numbers are often equally near.
NEGLIGIBLE = 1e-4


class Scanned(NamedTuple):
    """Rows that score highest, for each query.

    Attributes
    ----------
    indices : ndarray of shape (n_queries, n_best), dtype=uint32
        In ascending order.
    bars : ndarray of shape (n_queries,), dtype=float32
        What others score at most, up to rounding: most often the lowest product less offset.
    """

    indices: np.ndarray
    bars: np.ndarray


class Scan:
    """Compare queries with all of some rows, or of their sketches.

    Parameters
    ----------
    metric : Metric
    rows : Vectors
    alive : ndarray of shape (n_rows,), dtype=bool
        Which rows are to be found.

    Attributes
    ----------
    postings : Postings or None
        The rows by feature, which spare products that are zero. None takes products of matrices.
    """

    def __init__(self, metric: Metric, rows: Vectors, alive):
        self.metric, self.rows = metric, rows
        self.offsets = metric.offsets(rows)
        self.offsets[~alive] = np.inf
        self.postings: Postings | None = None

    def check_stored(self, metric: Metric, n_features, alive):
        """Check what was loaded."""
        stored = Attributes(self)
        stored.require(stored.part("metric", Metric) == metric, "metric", "that of the index")
        stored.part("rows", Vectors).check_stored(alive.shape[0], n_features)
        offsets = stored.array("offsets", np.float32, alive.shape)
        fits = (offsets > -np.inf).all() and np.array_equal(offsets < np.inf, alive)
        stored.require(fits, "offsets", "infinite where rows were deleted, and nowhere else")
        if stored.get("postings") is not None:
            stored.require(self.rows.is_sparse, "postings", "None where rows are dense")
            norms = self._norms(self.rows, self.offsets)
            stored.part("postings", Postings).check_stored(norms, n_features)

    def index_features(self):
        """Find sparse rows by an inverted index of their features from now on."""
        self.postings = Postings(self.rows.data, self._norms(self.rows, self.offsets))

    def insert(self, rows: Vectors):
        """Add rows; they get the next indices."""
        offsets = self.metric.offsets(rows)
        self.rows = self.rows.joined(rows)
        self.offsets = np.append(self.offsets, offsets)
        if self.postings is not None:
            self.postings = copy.copy(self.postings)
            self.postings.insert(rows.data, self._norms(rows, offsets))

    def delete(self, indices):
        """Let rows be found no more."""
        self.offsets = self.offsets.copy()
        self.offsets[indices] = np.inf
        if self.postings is not None:
            self.postings = copy.copy(self.postings)
            self.postings.delete(indices)

    def best(self, queries: Vectors, n_best):
        """Find the rows that score highest, up to rounding.

        Parameters
        ----------
        queries : Vectors
        n_best : int
            At most as many as there are rows that were not deleted.

        Returns
        -------
        scanned : Scanned
        """
        if self.postings is not None:
            sizes = queries.squares.astype(np.float32) if self.metric.is_set else None
            best = self.postings.best(queries.data, n_best, sizes)
            return Scanned(np.sort(best.indices, axis=1), best.bars)
        size = MAX_QUERIES
        if self.rows.is_sparse:
            size = max(1, min(size, MAX_SPARSE_PRODUCTS // self.rows.n_rows))
        if queries.n_rows <= size:
            return self._best(queries, n_best)
        parts = [slice(i, i + size) for i in range(0, queries.n_rows, size)]
        found = [self._best(queries.part(part), n_best) for part in parts]
        return Scanned(*(np.concatenate(arrays) for arrays in zip(*found, strict=True)))

    def is_certain(self, queries: Vectors, bars, scores):
        """Whether no row that was left out scores higher, however products were rounded.

        Those far apart from each other or from the origin have large products, of which a score
        is a small difference.

        Parameters
        ----------
        queries : Vectors
        bars : ndarray of shape (n_queries,)
            See `Scanned`.
        scores : ndarray of shape (n_queries,)
            See `Metric`.

        Returns
        -------
        is_certain : ndarray of shape (n_queries,), dtype=bool
        """
        if self.metric.is_set:  # counts, which are exact
            return np.ones(queries.n_rows, bool)
        n_terms = n_nonzero(self.rows.data) / max(1, self.rows.n_rows)
        rounding = ROUNDING * (2 + np.sqrt(n_terms))  # of a sum whose terms' errors are random
        lengths = np.sqrt(queries.squares.astype(np.float64))
        scores, bars = scores.astype(np.float64), bars.astype(np.float64)
        if self.metric.is_product:
            limits = bars + rounding * lengths * np.sqrt(self.rows.squares.max(initial=0))
            return limits <= scores + NEGLIGIBLE * np.abs(scores)
        # A nearer row is no longer than that.
        reach = lengths + np.sqrt(np.maximum(-scores, 0))
        limits = 2 * bars - lengths**2 + 3 * rounding * reach**2
        is_certain = (limits <= scores - NEGLIGIBLE * scores) | (scores >= 0)
        return is_certain | queries.empty if self.metric.is_angle else is_certain

    def _norms(self, rows, offsets):
        """What postings take from products or, of sets, their sizes: infinite where deleted."""
        return (offsets + rows.squares).astype(np.float32) if self.metric.is_set else offsets

    def _best(self, queries, n_best):
        highest = Highest.with_room(queries.n_rows, n_best)
        for start, products in self._products(queries):
            if self.metric.is_angle:
                self._set_right_angles(products, start, queries)
            offsets = self.offsets[start : start + products.shape[1]]
            kernels.keep_highest(products, offsets, start, n_best, highest)
        indices, scores = highest.cut(n_best)
        return Scanned(np.sort(indices, axis=1), scores.min(axis=1))

    def _set_right_angles(self, products, start, queries):
        """Rows that were zero stay at right angles where the others were moved."""
        empty = self.rows.empty[start : start + products.shape[1]]
        if empty.any():
            products[:, empty] = ((queries.squares - 1) / 2)[:, np.newaxis]

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
