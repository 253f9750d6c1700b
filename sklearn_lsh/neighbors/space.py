"""Where rows lie when they are compared: prepared by a metric, and seen from an origin among them.

Lengths of rows far from the origin are large numbers that hardly differ, and neither their squares
nor the rows themselves keep in float32 what tells rows apart. Distances are the same from any
origin, and so is the order of a query's inner products. So rows are moved, in float64, before they
are rounded.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from sklearn_lsh.csr import take
from sklearn_lsh.hashing.integer_projections import SMALLEST
from sklearn_lsh.neighbors.metrics import METRICS, Metric, Vectors
from sklearn_lsh.stored import Attributes

# Rows from which the origin is found.
SAMPLE_ROWS = 2048
# Deviations that a step of the origin has at least. Less far away nothing is moved.
STEP_DEVIATIONS = 4
# Share of its values that have to be there for a sparse column to be moved: moving fills the rest.
# Other columns deviate by a third of their mean at least, and so are not far.
MIN_SHARE = 0.9
# Values that are prepared in float64 at once: 8 MB.
CHUNK_VALUES = 1 << 20


class Exact(NamedTuple):
    """Rows as they are compared, in float64.

    Attributes
    ----------
    matrix : ndarray or csr_array of shape (n_rows, n_features), dtype=float64
    empty : ndarray of shape (n_rows,), dtype=bool
        Which of them were zero.
    """

    matrix: np.ndarray | sp.csr_array
    empty: np.ndarray


class Space:
    """A metric, and the origin that rows are seen from.

    Parameters
    ----------
    metric : Metric
    origin : ndarray of shape (n_features,), dtype=float64, default=None
        Of prepared rows. None is zero.
    """

    def __init__(self, metric: Metric, origin=None):
        self.metric, self.origin = metric, origin

    def check_stored(self, n_features):
        """Check what was loaded."""
        stored = Attributes(self)
        known = stored.part("metric", Metric) in METRICS.values()
        stored.require(known, "metric", "one of this package")
        if stored.get("origin") is not None:
            stored.array("origin", np.float64, (n_features,), finite=True)

    @classmethod
    def around(cls, metric: Metric, X) -> Space:
        """Choose the origin for some rows.

        It has steps of a power of two that is larger than the rows' deviation, so that whole
        numbers stay whole numbers, and rows that are not far from zero stay as they are.

        Parameters
        ----------
        metric : Metric
        X : ndarray or csr_array of shape (n_rows, n_features)
        """
        if metric.is_set:
            return cls(metric)
        sample = X[:: max(1, X.shape[0] // SAMPLE_ROWS)]
        matrix = cls(metric)._prepare(sample).matrix
        mean = np.asarray(matrix.mean(axis=0)).reshape(-1)
        squares = np.asarray((matrix * matrix).mean(axis=0)).reshape(-1)
        if sp.issparse(matrix):
            counts = np.bincount(matrix.indices, minlength=matrix.shape[1])
            mean[counts < MIN_SHARE * matrix.shape[0]] = 0
            variance = np.maximum(squares - mean**2, 0).sum()
        else:
            variance = ((matrix - mean) ** 2).mean(axis=0).sum()
        origin = _in_steps(mean, np.sqrt(variance / max(1, np.count_nonzero(mean))))
        return cls(metric, origin if origin.any() else None)

    def rows(self, X) -> Vectors:
        """Rows as they are compared, in arrays of their own."""
        return self._vectors(X, self.origin)

    def queries(self, X) -> Vectors:
        """Queries as they are compared: inner products have them as they are."""
        return self._vectors(X, self._origin_of_queries)

    def exact_rows(self, X) -> Exact:
        """Rows as they are compared, in float64."""
        return self._exact(X, self.origin)

    def exact_queries(self, X) -> Exact:
        """Queries as they are compared, in float64."""
        return self._exact(X, self._origin_of_queries)

    def as_queries(self, rows: Vectors) -> Vectors:
        """Rows of the index as queries."""
        if self.origin is None or not self.metric.is_product:
            return rows
        return Vectors(take(_moved(rows.matrix, -self.origin), slice(None)))

    def shifts(self, queries) -> np.ndarray:
        """What the queries' inner products with rows lack because these were moved.

        Parameters
        ----------
        queries : ndarray or csr_array of shape (n_queries, n_features)
            As they were given.

        Returns
        -------
        shifts : ndarray of shape (n_queries,), dtype=float64
        """
        if self.origin is None or not self.metric.is_product:
            return np.zeros(queries.shape[0])
        return queries @ self.origin

    @property
    def _origin_of_queries(self):
        return None if self.metric.is_product else self.origin

    def _vectors(self, X, origin) -> Vectors:
        if origin is None:
            prepared = self.metric.prepare(take(X, slice(None)))
            if isinstance(prepared, np.ndarray) and np.may_share_memory(prepared, X):
                prepared = prepared.copy()
            return Vectors(prepared)
        chunks = [self._exact(X[part], origin) for part in chunks_of(X)]
        empty = np.concatenate([chunk.empty for chunk in chunks])
        if sp.issparse(X):
            matrix = sp.vstack([chunk.matrix for chunk in chunks], format="csr")
            return Vectors(take(matrix, slice(None)), empty=empty)
        moved = np.empty(X.shape, np.float32)
        for part, chunk in zip(chunks_of(X), chunks, strict=True):
            moved[part] = chunk.matrix
        return Vectors(moved, empty=empty)

    def _exact(self, X, origin) -> Exact:
        prepared = self._prepare(X)
        if origin is None:
            return prepared
        return prepared._replace(matrix=_moved(prepared.matrix, origin, prepared.empty))

    def _prepare(self, X) -> Exact:
        """What `Metric.prepare` does, in float64."""
        if self.metric.is_set:
            matrix = (X.astype(np.float32) != 0).astype(np.float64)
            matrix = sp.csr_array(matrix)
            return Exact(matrix, np.diff(matrix.indptr) == 0)
        matrix = X.astype(np.float64)
        if not self.metric.is_angle:
            return Exact(matrix, np.zeros(X.shape[0], bool))
        largest = abs(matrix).max(axis=1)
        largest = largest.toarray().reshape(-1) if sp.issparse(X) else largest
        empty = largest < SMALLEST
        matrix = _scaled(matrix, np.where(empty, 0, 1 / np.where(empty, 1, largest)))
        lengths = np.sqrt(np.asarray((matrix * matrix).sum(axis=1)).reshape(-1))
        return Exact(_scaled(matrix, 1 / np.where(empty, 1, lengths)), empty)


def chunks_of(X):
    """Slices of as many rows as are prepared at once."""
    size = max(1, CHUNK_VALUES // max(1, X.shape[1]))
    if sp.issparse(X):
        size = max(1, CHUNK_VALUES * X.shape[0] // max(1, X.nnz))
    return [slice(i, i + size) for i in range(0, X.shape[0], size)]


def _in_steps(mean, deviation):
    """A mean, rounded to a power of two that is larger than the deviation."""
    if deviation <= np.abs(mean).max(initial=0) * np.finfo(np.float64).eps:
        return mean
    step = np.exp2(np.ceil(np.log2(STEP_DEVIATIONS * deviation)))
    return step * np.rint(mean / step)


def _scaled(matrix, factors):
    """Rows of a matrix, times a factor each."""
    if not sp.issparse(matrix):
        return matrix * factors[:, np.newaxis]
    scaled = matrix.copy()
    scaled.data *= np.repeat(factors, np.diff(matrix.indptr))
    return scaled


def _moved(matrix, origin, empty=None):
    """Rows as they are seen from an origin, in float64. Empty ones stay at zero."""
    moved = np.ones(matrix.shape[0]) if empty is None else 1.0 - empty
    if not sp.issparse(matrix):
        return matrix - moved[:, np.newaxis] * origin
    # Only some columns have an origin, and few values there are zero.
    columns = np.flatnonzero(origin)
    there = np.outer(moved, -origin[columns])
    indptr = np.arange(matrix.shape[0] + 1) * columns.shape[0]
    parts = there.reshape(-1), np.tile(columns, matrix.shape[0]), indptr
    return sp.csr_array(matrix + sp.csr_array(parts, shape=matrix.shape))
