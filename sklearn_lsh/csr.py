"""Ragged batches: the one container of the package.

The inputs of a mini-batch, the active neurons of a layer, a multi-label target and a hash
table are all the same thing: a list of integer lists, with values where there are any.
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from sklearn_lsh import kernels

# Kernels number the pairs of a batch in 32 bits.
MOST_PAIRS = 2**32 - 1
# Of as many bytes.
UNSIGNED = {4: np.uint32, 8: np.uint64}


class Pattern(NamedTuple):
    """Rows of columns: a `CSR` without its values.

    Attributes
    ----------
    indptr : ndarray of shape (n_rows + 1,), dtype=uint32
        Row ``i`` holds the columns ``indices[indptr[i]:indptr[i + 1]]``.
    indices : ndarray of shape (n_pairs,), dtype=uint32
        Columns. Unsigned, because kernels gather faster with them.
    """

    indptr: np.ndarray
    indices: np.ndarray

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.indptr.shape[0] - 1

    @property
    def n_pairs(self) -> int:
        """Number of pairs of a row and a column."""
        return self.indices.shape[0]


class CSR(NamedTuple):
    """Rows of (column, value) pairs, as in `scipy.sparse.csr_array`, without its checks.

    Attributes
    ----------
    indptr, indices : ndarray of dtype=uint32
        See `Pattern`.
    data : ndarray of shape (n_pairs,), dtype=float32
        Values.
    n_columns : int
    """

    indptr: np.ndarray
    indices: np.ndarray
    data: np.ndarray
    n_columns: int

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.indptr.shape[0] - 1

    @property
    def pattern(self) -> Pattern:
        """Which pairs there are."""
        return Pattern(self.indptr, self.indices)

    def as_csr_array(self) -> sp.csr_array:
        """Return the same as SciPy has it; not copied unless it takes 64 bits."""
        parts = self.indices, self.indptr
        is_small = max(self.n_columns, self.data.shape[0]) <= np.iinfo(np.int32).max
        signed = (each.view(np.int32) if is_small else each.astype(np.int64) for each in parts)
        return sp.csr_array((self.data, *signed), shape=(self.n_rows, self.n_columns))

    def toarray(self) -> np.ndarray:
        """Return the same values as a dense array of shape (n_rows, n_columns)."""
        dense = np.zeros((self.n_rows, self.n_columns), np.float32)
        dense[np.repeat(np.arange(self.n_rows), np.diff(self.indptr)), self.indices] = self.data
        return dense


class Best(NamedTuple):
    """The pairs of each row that score highest, and their scores.

    Attributes
    ----------
    indptr, indices : ndarray of dtype=uint32
        See `Pattern`.
    scores : ndarray of shape (n_pairs,), dtype=float32
    """

    indptr: np.ndarray
    indices: np.ndarray
    scores: np.ndarray

    @classmethod
    def with_room(cls, pattern, n_best):
        """Arrays for ``n_best`` pairs of each row or fewer, to be filled and then `cut`."""
        most = min(pattern.n_pairs, pattern.n_rows * n_best)
        indptr = np.empty_like(pattern.indptr)
        return cls(indptr, np.empty(most, np.uint32), np.empty(most, np.float32))

    def cut(self, n_pairs):
        """The same without room for more pairs."""
        return Best(self.indptr, self.indices[:n_pairs], self.scores[:n_pairs])

    @property
    def pattern(self) -> Pattern:
        """Which pairs there are."""
        return Pattern(self.indptr, self.indices)


class Groups(NamedTuple):
    """The pairs of a `CSR` ordered by column: its CSC view.

    Attributes
    ----------
    rows : ndarray of shape (n_groups,), dtype=uint32
        The distinct columns of the batch, which are rows of the weights that they select.
    starts : ndarray of shape (n_groups + 1,), dtype=uint32
        Group ``k`` holds the places ``starts[k]:starts[k + 1]`` of the next two.
    pairs : ndarray of shape (n_pairs,), dtype=uint32
        Each pair's position in the batch.
    samples : ndarray of shape (n_pairs,), dtype=uint32
        Each pair's sample, a row of the batch.
    """

    rows: np.ndarray
    starts: np.ndarray
    pairs: np.ndarray
    samples: np.ndarray

    @classmethod
    def with_room(cls, n_pairs, n_columns):
        """Arrays for a kernel to fill, and then to be `cut`."""
        most = min(n_pairs, n_columns)
        return cls(*(np.empty(n, np.uint32) for n in (most, most + 1, n_pairs, n_pairs)))

    def cut(self, n_groups):
        """The same without room for more groups."""
        return Groups(self.rows[:n_groups], self.starts[: n_groups + 1], *self[2:])


def check_n_pairs(n_pairs: int) -> None:
    """Refuse a batch of more pairs than kernels can number, before any memory is taken for it."""
    if n_pairs > MOST_PAIRS:
        raise ValueError(
            f"A batch has {n_pairs} pairs of a sample and a column, but they are numbered in 32 "
            f"bits: at most {MOST_PAIRS} are allowed. Make batches smaller (batch_size), or hand "
            "over fewer rows at a time."
        )


def group(pattern, n_columns) -> Groups:
    """Order the pairs of a batch by column."""
    groups = Groups.with_room(pattern.n_pairs, n_columns)
    return groups.cut(kernels.group_by_column(pattern, n_columns, groups))


def each_alone(columns) -> Groups:
    """Groups of one pair each, of distinct columns."""
    places = np.arange(columns.shape[0] + 1, dtype=np.uint32)
    return Groups(columns, places, places[:-1], places[:-1])


def sum_by_column(inputs, deltas) -> "tuple[np.ndarray, np.ndarray]":
    """Sum up products of a batch with a few numbers of each sample, column by column.

    Parameters
    ----------
    inputs : CSR
    deltas : ndarray of shape (n_samples, n), dtype=float32

    Returns
    -------
    columns : ndarray of shape (n_distinct,), dtype=uint32
        In which the batch has pairs.
    sums : ndarray of shape (n_distinct, n), dtype=float32
        These rows of ``inputs.T @ deltas``; all others are zero.
    """
    most = inputs.indices.shape[0] + 1
    columns, sums = np.empty(most, np.uint32), np.empty((most, deltas.shape[1]), np.float32)
    n = kernels.sum_by_column(inputs, np.ascontiguousarray(deltas), columns, sums)
    return columns[1 : n + 1], sums[1 : n + 1]


def even_rows(n_rows, length):
    """``indptr`` of rows that all have the same length."""
    check_n_pairs(n_rows * length)
    return np.arange(n_rows + 1, dtype=np.uint32) * np.uint32(length)


def even_pattern(columns) -> Pattern:
    """The pattern of a table of columns: an ndarray of shape (n_rows, n), dtype=uint32."""
    return Pattern(even_rows(*columns.shape), columns.reshape(-1))


def lengths_of(indptr):
    """Lengths of ragged rows."""
    return indptr[1:] - indptr[:-1]  # `np.diff`, which takes longer to get there


def ragged_rows(values):
    """``(indptr, data)`` of a `CSR` or of an array's rows; the data are a view."""
    if isinstance(values, CSR):
        return values.indptr, values.data
    return even_rows(*values.shape), values.reshape(-1)


def keep_best(pattern, scores, n_best) -> Best:
    """Keep the ``n_best`` pairs of each row that score highest."""
    best = Best.with_room(pattern, n_best)
    return best.cut(kernels.keep_best(pattern, scores, n_best, best))


def put_first(first, others, n_columns) -> Pattern:
    """Join patterns row by row: the ``first`` columns, then the ``others`` not among them."""
    check_n_pairs(first.n_pairs + others.n_pairs)
    indptr = np.empty_like(others.indptr)
    joined = Pattern(indptr, np.empty(first.n_pairs + others.n_pairs, np.uint32))
    n_pairs = kernels.put_first(first, others, n_columns, joined)
    return Pattern(indptr, joined.indices[:n_pairs])


def as_csr(inputs) -> CSR:
    """The same inputs as pairs; of a dense array all numbers are pairs."""
    if isinstance(inputs, CSR):
        return inputs
    n_rows, n_columns = inputs.shape
    indptr = even_rows(n_rows, n_columns)
    columns = np.tile(np.arange(n_columns, dtype=np.uint32), n_rows)
    return CSR(indptr, columns, inputs.reshape(-1), n_columns)


def without_zeros(pairs) -> CSR:
    """The same values without pairs of zero."""
    kept = pairs.data != 0
    ends = np.zeros(kept.shape[0] + 1, np.uint32)
    np.cumsum(kept, out=ends[1:])
    return CSR(ends[pairs.indptr], pairs.indices[kept], pairs.data[kept], pairs.n_columns)


def best_columns(scores, n_best):
    """Find the ``n_best`` highest scores of each row: which columns, and the scores.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_columns), dtype=float32
    n_best : int
        If there are not so many columns, all of them.

    Returns
    -------
    columns : ndarray of shape (n_rows, n_best), dtype=uint32
    best : ndarray of shape (n_rows, n_best), dtype=float32
        In the columns' order. Of equal scores the first ones are kept, and what is not a number
        counts as the lowest.
    """
    n_rows, n_columns = scores.shape
    n_best = min(n_best, n_columns)
    columns, best = np.empty((n_rows, n_best), np.uint32), np.empty((n_rows, n_best), np.float32)
    kernels.best_columns(scores.reshape(-1), n_columns, columns, best)
    return columns, best


def n_samples(inputs) -> int:
    """Number of rows of a dense array or a `CSR`."""
    return inputs.n_rows if isinstance(inputs, CSR) else inputs.shape[0]


def first_rows(inputs, n_rows) -> "np.ndarray | CSR":
    """A view of the first rows of a dense array or a `CSR`."""
    if not isinstance(inputs, CSR):
        return inputs[:n_rows]
    indptr = inputs.indptr[: n_rows + 1]
    return CSR(indptr, inputs.indices[: indptr[-1]], inputs.data[: indptr[-1]], inputs.n_columns)


def n_nonzero(inputs) -> int:
    """How many inputs a batch has: the pairs of a `CSR`, or all numbers of an array."""
    return inputs.data.shape[0] if isinstance(inputs, CSR) else inputs.size


def count_products(inputs, indptr) -> int:
    """Multiply-adds of computing ragged rows of outputs from inputs."""
    if not isinstance(inputs, CSR):
        return inputs.shape[1] * int(indptr[-1])
    return kernels.count_products(inputs.indptr, indptr)


def take(X, rows) -> "np.ndarray | CSR":
    """Copy rows of ``X`` as float32: a C-ordered array, or a `CSR` if ``X`` is sparse.

    ``rows`` is an array of row numbers or a slice.
    """
    if not sp.issparse(X):
        # Other threads run while `np.take` copies, but not while indexing does.
        copied = X[rows] if isinstance(rows, slice) else np.take(X, rows, axis=0)
        return np.ascontiguousarray(copied, dtype=np.float32)
    if isinstance(rows, slice):
        rows = np.arange(*rows.indices(X.shape[0]))
    rows = np.ascontiguousarray(rows, dtype=np.int64)
    indptr = np.empty(rows.shape[0] + 1, np.uint32)
    n = kernels.start_rows(X.indptr, rows, indptr)
    check_n_pairs(n)
    batch = CSR(indptr, np.empty(n, np.uint32), np.empty(n, np.float32), X.shape[1])
    kernels.take_rows(_unsigned(X), rows, batch[:3])
    return batch


def _unsigned(X):
    """Parts of a CSR array, as kernels copy from them."""
    return X.indptr, X.indices.view(UNSIGNED[X.indices.itemsize]), X.data


def rows_between(X, start, stop) -> "np.ndarray | CSR":
    """Rows that lie one after the other, as `take` has them; not copied if they are of 32 bits.

    Nobody may change them.
    """
    if not sp.issparse(X):
        return np.ascontiguousarray(X[start:stop], dtype=np.float32)
    ends = X.indptr[start : stop + 1]
    first, last = int(ends[0]), int(ends[-1])
    check_n_pairs(last - first)
    return CSR(
        (ends - ends[0]).astype(np.uint32),
        _unsigned(X)[1][first:last].astype(np.uint32, copy=False),
        X.data[first:last].astype(np.float32, copy=False),
        X.shape[1],
    )


def mixed(parts, order):
    """Put rows of several matrices together, in another order, as float32.

    Parameters
    ----------
    parts : list of (matrix, rows)
        Dense or CSR arrays of as many columns, and int64 arrays of the numbers of rows of theirs.
    order : ndarray of int64
        Of all these rows together: a permutation.

    Returns
    -------
    ndarray or csr_array of shape (n_rows, n_columns)
    """
    places = np.empty_like(order)
    places[order] = np.arange(order.shape[0])
    of_parts = np.split(places, np.cumsum([rows.shape[0] for _, rows in parts])[:-1])
    shape = order.shape[0], parts[0][0].shape[1]
    if not sp.issparse(parts[0][0]):
        dense = np.empty(shape, np.float32)
        for (matrix, rows), there in zip(parts, of_parts, strict=True):
            dense[there] = matrix[rows]
        return dense
    lengths = np.concatenate([lengths_of(matrix.indptr)[rows] for matrix, rows in parts])
    ends = np.concatenate([[0], np.cumsum(lengths[order], dtype=np.int64)])
    check_n_pairs(int(ends[-1]))
    indptr, n = ends.astype(np.uint32), int(ends[-1])
    indices, data = np.empty(n, np.uint32), np.empty(n, np.float32)
    for (matrix, rows), there in zip(parts, of_parts, strict=True):
        kernels.take_rows(_unsigned(matrix), rows, (indptr[there], indices, data))
    return CSR(indptr, indices, data, shape[1]).as_csr_array()
