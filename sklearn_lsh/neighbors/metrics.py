"""How rows are compared: each metric scores pairs of rows, the nearer the higher.

Rows are float32, dense or `CSR`. Scores are inner products or negative squared distances, which
cost least to compute; `Metric.distances` turns those of the few neighbours found into distances.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from sklearn_lsh import kernels
from sklearn_lsh.csr import CSR, as_csr, lengths_of, take, without_zeros
from sklearn_lsh.hashing.integer_projections import row_scales, row_sums
from sklearn_lsh.stored import Attributes, check_array, check_pointers, refuse

# Greatest squared length of a row: squared distances have to be finite in float32.
MAX_SQUARE = 1e36
# Score of a row of zeros, which is at right angles to any other: the negative squared distance of
# two rows of unit length at right angles.
RIGHT_ANGLE_SCORE = -2


class Metric(NamedTuple):
    """A way to compare rows.

    Attributes
    ----------
    prepare : callable
        ``prepare(rows)`` brings rows into the form in which they are compared.
    combine : callable
        ``combine(products, x, y)``: scores, by inner products of rows and the squared lengths of
        each two of them.
    distances : callable
        Distances, by scores.
    is_product : bool
        Whether scores are inner products: then a row need not be its own nearest neighbour.
    is_angle : bool
        Whether a row of zeros is at right angles to any other.
    is_set : bool
        Whether only which values are zero matters, so that rows are always `CSR`.
    """

    prepare: Callable
    combine: Callable
    distances: Callable
    is_product: bool = False
    is_angle: bool = False
    is_set: bool = False

    def score(self, pattern, queries, rows):
        """Score each query's list of rows.

        Parameters
        ----------
        pattern : Pattern
            Rows for each query.
        queries, rows : Vectors

        Returns
        -------
        scores : ndarray of shape (n_pairs,), dtype=float32
        """
        if rows.is_sparse:
            scores = self._score_sparse(pattern, queries, rows)
        else:
            score = kernels.score_pairs if self.is_product else kernels.score_distances
            scores = np.empty(pattern.n_pairs, np.float32)
            score(pattern, queries.data, rows.data, scores)
        if self.is_angle and (rows.has_empty or queries.has_empty):
            of_query = np.repeat(queries.empty, lengths_of(pattern.indptr))
            scores[of_query | rows.empty[pattern.indices]] = RIGHT_ANGLE_SCORE
        return scores

    def sparse_products(self, queries, rows):
        """Inner products of sparse rows or, of sets, scores: (n_queries, n_rows), float32."""
        products = (queries.matrix @ rows.matrix.T).toarray()
        if self.is_set:
            products = self.combine(products, queries.squares[:, np.newaxis], rows.squares)
        return np.ascontiguousarray(products, dtype=np.float32)

    def offsets(self, rows):
        """What to take from products to have the order of scores: (n_rows,), float32."""
        if self.is_product or self.is_set:
            return np.zeros(rows.n_rows, np.float32)
        # Of the squared distance what depends on the row, halved.
        offsets = (rows.squares / 2).astype(np.float32)
        if self.is_angle:
            offsets[rows.empty] = 0.5  # as rows of unit length at right angles
        return offsets

    def _score_sparse(self, pattern, queries, rows):
        products = np.empty(pattern.n_pairs, np.float64)
        kernels.score_sparse(pattern, queries.data, rows.data, products)
        x, y = _squares_of_pairs(pattern, queries, rows)
        return self.combine(products, x, y).astype(np.float32)


class Vectors:
    """Rows in the form in which they are compared.

    Parameters
    ----------
    data : ndarray of shape (n_rows, n_features), dtype=float32, or CSR

    Attributes
    ----------
    data : ndarray or CSR
    squares : ndarray of shape (n_rows,)
        Squared lengths: float64 where rows are sparse, else float32.
    empty : ndarray of shape (n_rows,), dtype=bool
        Which rows were zero before they were moved. By default those that are zero.
    """

    def __init__(self, data, squares=None, empty=None):
        self.data = data
        self.squares = _squares(data) if squares is None else squares
        self.empty = self.squares == 0 if empty is None else empty
        if not self.squares.max(initial=0) < MAX_SQUARE:
            raise ValueError(
                "X has rows too long for distances in float32: their lengths must be less than "
                "1e18. Scale the data, for example with StandardScaler or MaxAbsScaler."
            )
        self._buffer = None  # an array with room for more rows, of which data is the beginning

    def check_stored(self, n_rows, n_features):
        """Check what was loaded; ``n_rows`` is None where nothing else tells."""
        stored = Attributes(self)
        is_sparse = isinstance(stored.get("data"), CSR)
        dtype = np.float64 if is_sparse else np.float32
        squares = stored.array("squares", dtype, (n_rows,), finite=True)
        in_range = ((squares >= 0) & (squares < MAX_SQUARE)).all()
        stored.require(in_range, "squares", f"from 0 to {MAX_SQUARE}")
        shape = (squares.shape[0], n_features)
        stored.array("empty", np.bool_, shape[:1])
        if is_sparse:
            self.data = _check_csr(stored.place("data"), self.data, shape)
        else:
            stored.array("data", np.float32, shape, finite=True)

    def __getstate__(self):
        # Room for more rows is not worth being stored.
        return {**vars(self), "_buffer": None}

    @property
    def is_sparse(self):
        """Whether rows are `CSR`."""
        return isinstance(self.data, CSR)

    @property
    def has_empty(self):
        """Whether a row has no values but zeros."""
        return bool(self.empty.any())

    @property
    def n_rows(self):
        """Number of rows."""
        return self.squares.shape[0]

    @property
    def matrix(self):
        """The same as an ndarray or a csr_array."""
        if not self.is_sparse:
            return self.data
        indptr, indices, data, n_columns = self.data
        parts = data, indices.view(np.int32), indptr.astype(np.int64)
        return sp.csr_array(parts, shape=(self.n_rows, n_columns))

    def part(self, chosen):
        """Some of the rows: a mask, a slice or indices."""
        chosen = np.arange(self.n_rows)[chosen]
        return Vectors(take(self.matrix, chosen), empty=self.empty[chosen])

    def joined(self, others):
        """These rows, then others. Use the result in their place: it may take their memory."""
        squares = np.concatenate([self.squares, others.squares])
        empty = np.concatenate([self.empty, others.empty])
        if not self.is_sparse:
            return self._joined_dense(others, squares, empty)
        ours, theirs = self.data, others.data
        joined = CSR(
            np.concatenate([ours.indptr, ours.indptr[-1] + theirs.indptr[1:]]),
            np.concatenate([ours.indices, theirs.indices]),
            np.concatenate([ours.data, theirs.data]),
            ours.n_columns,
        )
        return Vectors(joined, squares, empty)

    def _joined_dense(self, others, squares, empty):
        """Copy these rows only now and then: into a buffer that has room for more."""
        n_rows, n_features = squares.shape[0], self.data.shape[1]
        buffer, self._buffer = self._buffer, None  # others joined later get their own
        if buffer is None or buffer.shape[0] < n_rows:
            buffer = np.empty((n_rows + n_rows // 4, n_features), np.float32)
            buffer[: self.n_rows] = self.data
        buffer[self.n_rows : n_rows] = others.data
        joined = Vectors(buffer[:n_rows], squares, empty)
        joined._buffer = buffer
        return joined


def _check_csr(place, rows, shape) -> CSR:
    """Return ragged rows that were loaded as kernels read them."""
    indices = check_array(f"{place}.indices", rows.indices, np.uint32, (None,), below=shape[1])
    data = check_array(f"{place}.data", rows.data, np.float32, indices.shape, finite=True)
    indptr = check_pointers(f"{place}.indptr", rows.indptr, shape[0], indices.shape[0])
    if rows.n_columns != shape[1]:
        refuse(f"{place}.n_columns", str(shape[1]), rows.n_columns)
    return CSR(indptr, indices, data, shape[1])


def _squares(rows):
    """Squared lengths of rows."""
    if isinstance(rows, CSR):
        squares = row_sums(rows, lambda values: values.astype(np.float64) ** 2)
        return squares.astype(np.float64, copy=False)  # NumPy sums nothing up to an integer
    with np.errstate(over="ignore"):
        return np.einsum("ij,ij->i", rows, rows)


def _squares_of_pairs(pattern, queries, rows):
    """Squared lengths of the query and the row of each pair."""
    return np.repeat(queries.squares, lengths_of(pattern.indptr)), rows.squares[pattern.indices]


def _scale(rows, factors):
    if isinstance(rows, CSR):
        repeated = np.repeat(factors, np.diff(rows.indptr)).astype(np.float32)
        return rows._replace(data=rows.data * repeated)
    return rows * factors[:, np.newaxis].astype(np.float32)


def _to_unit_length(rows):
    rows = _scale(rows, row_scales(rows))  # so that no square is too large or too small
    lengths = np.sqrt(_squares(rows))
    return _scale(rows, 1 / np.where(lengths > 0, lengths, 1))


def _to_sets(rows):
    """Keep which values are not zero."""
    pairs = without_zeros(as_csr(rows))
    return pairs._replace(data=np.ones_like(pairs.data))


def _minus_squared(products, x, y):
    return 2 * products - x - y


def _minus_one_plus_jaccard(products, x, y):
    union = x + y - products
    return np.where(union > 0, products / np.maximum(union, 1), 1) - 1


# Functions by name, because objects with lambdas cannot be pickled.


def _same(rows):
    return rows


def _product(products, x, y):
    return products


def _roots(scores):
    return np.sqrt(np.maximum(-scores, 0))


def _halves(scores):
    return np.maximum(-scores, 0) / 2


def _negatives(scores):
    return -scores


METRICS = {
    "euclidean": Metric(_same, _minus_squared, _roots),
    "cosine": Metric(_to_unit_length, _minus_squared, _halves, is_angle=True),
    "inner_product": Metric(_same, _product, _negatives, is_product=True),
    "jaccard": Metric(_to_sets, _minus_one_plus_jaccard, _negatives, is_set=True),
}
METRICS["l2"] = METRICS["euclidean"]
