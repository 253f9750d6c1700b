"""An inverted index: of each feature the rows that have it, with their values.

Sparse rows mostly share no feature. What a query's products with all rows are is found by adding up
the lists of its few features, and the time it takes is the sum of their lengths: for a million rows
of ten features among as many a hundred additions, where a scan compares a million rows.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from sklearn_lsh import kernels
from sklearn_lsh.csr import CSR, Pattern, best_columns, check_n_pairs, keep_best, lengths_of, take
from sklearn_lsh.neighbors.highest import Highest
from sklearn_lsh.stored import Attributes, check_array, check_pointers, refuse

# Rows whose products are added up at once where a query shares features with many: 128 KB.
BLOCK_ROWS = 1 << 15
# Postings of a query for each row from which on these are many.
MANY = 1 / 16
# Postings that are gone through before the best are chosen, where they are few.
MOST_MET = 1 << 20
# A segment is merged with the one before unless that is more than so many times as large.
GROWTH = 2
# Features for each posting up to which an index is worth its memory, and so many in any case.
MOST_FEATURES = 8
FEW_FEATURES = 1 << 16


class Ranked(NamedTuple):
    """The rows of the highest scores of each query, in no order.

    Attributes
    ----------
    indices : ndarray of shape (n_queries, n_best), dtype=uint32
    scores : ndarray of shape (n_queries, n_best), dtype=float32
        Minus infinity where there are no more rows.
    is_met : ndarray of shape (n_queries, n_best), dtype=bool
        Which of these may share a feature with the query; the others' scores are exact.
    bars : ndarray of shape (n_queries,), dtype=float32
        What any row that was left out scores at most, up to rounding, if it shares a feature with
        the query. Minus infinity if there is none.
    """

    indices: np.ndarray
    scores: np.ndarray
    is_met: np.ndarray
    bars: np.ndarray

    @classmethod
    def with_room(cls, n_queries, n_best) -> Ranked:
        """No rows yet."""
        shape = n_queries, n_best
        return cls(
            np.zeros(shape, np.uint32),
            np.full(shape, -np.inf, np.float32),
            np.zeros(shape, bool),
            np.full(n_queries, -np.inf, np.float32),
        )


class Lists(NamedTuple):
    """The columns of a sparse matrix.

    Attributes
    ----------
    indptr : ndarray of shape (n_features + 1,), dtype=uint32
        Where each feature's postings begin.
    rows : ndarray of shape (n_postings,), dtype=uint32
        In ascending order for each feature.
    values : ndarray of shape (n_postings,), dtype=float32
    """

    indptr: np.ndarray
    rows: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, matrix) -> Lists:
        """Those of a csr_array."""
        columns = matrix.tocsc()
        indptr, rows = (part.astype(np.uint32) for part in (columns.indptr, columns.indices))
        return cls(indptr, rows, columns.data)


class Met(NamedTuple):
    """Rows that some queries meet, one query after another, as `kernels.meet_rows` fills it.

    Attributes
    ----------
    sums : ndarray of shape (n_rows,), dtype=float32
        Zeros, which are left as such.
    counts : ndarray of shape (n_queries,), dtype=uint32
        How many rows share a feature with each query. Some others follow them.
    indptr : ndarray of shape (n_queries + 1,), dtype=uint32
        Query ``i`` has the places ``indptr[i]:indptr[i + 1]`` of the next two.
    rows : ndarray of shape (n_places,), dtype=uint32
    products : ndarray of shape (n_places,), dtype=float32
        Inner products of the queries with them.
    """

    sums: np.ndarray
    counts: np.ndarray
    indptr: np.ndarray
    rows: np.ndarray
    products: np.ndarray

    @classmethod
    def with_room(cls, sums, n_queries, n_places) -> Met:
        """Arrays for the kernel to fill."""
        return cls(
            sums,
            np.empty(n_queries, np.uint32),
            np.empty(n_queries + 1, np.uint32),
            np.empty(n_places, np.uint32),
            np.empty(n_places, np.float32),
        )


class Postings:
    """Rows by feature, to be searched by inner products.

    A row's score is its product with the query less the row's norm: half its squared length leads
    to the order of Euclidean distances. For sets, rows of ones whose norms are their sizes, it may
    be Jaccard's similarity less one instead.

    Rows that share no feature with a query are found, too, where their scores are among the
    highest. Scores are sums of float32; `Ranked.bars` tells which other rows rounding might put
    among the best.

    Rows that are inserted get lists of their own, a *segment*. It is merged with the one before
    that is not much longer, as in a log-structured merge tree [1]_: so there are few segments, and
    over time a row is copied only as often as their number doubles.

    Parameters
    ----------
    rows : CSR or csr_array of shape (n_rows, n_features)
    norms : ndarray of shape (n_rows,), dtype=float32, default=None
        Infinite for rows that are not to be found. None is zero.

    References
    ----------
    .. [1] P. O'Neil, E. Cheng, D. Gawlick and E. O'Neil, "The log-structured merge-tree", Acta
       Informatica 33, 1996.
    """

    def __init__(self, rows, norms=None):
        self.segments = []
        self.insert(rows, norms)

    def check_stored(self, norms, n_features):
        """Check what was loaded; the norms of all rows are known."""
        stored, start = Attributes(self), 0
        for segment in stored.part("segments", list):
            stored.require(isinstance(segment, Segment), "segments", "of type Segment")
            own = Attributes(segment).part("norms", np.ndarray)
            stop = start + own.shape[0] if own.ndim == 1 else start
            segment.check_stored(norms[start:stop], n_features)
            start = stop
        stored.require(start == norms.shape[0], "segments", "of all rows")

    @property
    def n_rows(self) -> int:
        """Number of rows, those that were deleted included."""
        return sum(segment.n_rows for segment in self.segments)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(segment.nbytes for segment in self.segments)

    def insert(self, rows, norms=None):
        """Add rows; they get the next indices. See the constructor."""
        rows = _as_matrix(rows)
        norms = np.zeros(rows.shape[0], np.float32) if norms is None else norms
        last, others = Segment(Lists.of(rows), norms), list(self.segments)
        while others and others[-1].size <= GROWTH * last.size:
            last = others.pop().joined(last)
        self.segments = [*others, last]

    def delete(self, indices):
        """Let rows be found no more."""
        starts = self._starts()
        segments = []
        for start, segment in zip(starts, self.segments, strict=True):
            own = indices[(indices >= start) & (indices < start + segment.n_rows)]
            segments.append(segment.without(own - start) if own.size else segment)
        self.segments = segments

    def count(self, queries) -> np.ndarray:
        """How many postings the features of each query have: ndarray of shape (n_queries,)."""
        queries = _as_batch(queries)
        return np.sum([segment.count(queries) for segment in self.segments], axis=0)

    def best(self, queries, n_best, sizes=None) -> Ranked:
        """Find the rows of the highest scores.

        Parameters
        ----------
        queries : CSR or csr_array of shape (n_queries, n_features)
        n_best : int
        sizes : ndarray of shape (n_queries,), dtype=float32, default=None
            Of sets of features: then scores are Jaccard's similarity less one.

        Returns
        -------
        best : Ranked
        """
        queries = _as_batch(queries)
        if sizes is None:
            sizes = np.full(queries.n_rows, -1, np.float32)
        found = [segment.best(queries, sizes, n_best) for segment in self.segments]
        return found[0] if len(found) == 1 else _merged(found, self._starts(), n_best)

    def _starts(self):
        """The index of each segment's first row."""
        return np.cumsum([0, *(segment.n_rows for segment in self.segments)])[:-1]


class Segment:
    """Rows that follow each other.

    Parameters
    ----------
    lists : Lists
    norms : ndarray of shape (n_rows,), dtype=float32

    Attributes
    ----------
    order : ndarray of dtype=uint32
        Rows that may be found in ascending order of their norms: that of the scores of those that
        share no feature with a query.
    """

    def __init__(self, lists: Lists, norms):
        self.lists, self.norms = lists, norms
        self.order = _in_order(norms)

    def check_stored(self, norms, n_features):
        """Check what was loaded; the norms are known."""
        stored = Attributes(self)
        known = stored.array("norms", np.float32, norms.shape)
        stored.require(np.array_equal(known, norms), "norms", "those of the rows")
        stored.part("lists", Lists)
        self.lists = _check_lists(self.lists, norms.shape[0], n_features)
        self.order = _in_order(norms)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.norms.shape[0]

    @property
    def size(self) -> int:
        """What it takes to go through it: its rows, features and postings."""
        return self.n_rows + self.lists.indptr.shape[0] + self.lists.rows.shape[0]

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in (*self.lists, self.norms, self.order))

    def joined(self, other: Segment) -> Segment:
        """These rows, then those of another segment."""
        check_n_pairs(self.lists.rows.shape[0] + other.lists.rows.shape[0])
        rows = sp.vstack([self._matrix(), other._matrix()], format="csr")
        return Segment(Lists.of(rows), np.concatenate([self.norms, other.norms]))

    def without(self, rows) -> Segment:
        """The same, but some rows are found no more."""
        norms = self.norms.copy()
        norms[rows] = np.inf
        return Segment(self.lists, norms)

    def count(self, queries: CSR):
        """See `Postings.count`."""
        counts = np.empty(queries.n_rows, np.int64)
        kernels.count_postings(queries, self.lists.indptr, counts)
        return counts

    def best(self, queries: CSR, sizes, n_best) -> Ranked:
        """See `Postings.best`."""
        best = Ranked.with_room(queries.n_rows, n_best)
        counts = self.count(queries)
        is_many = counts >= MANY * self.n_rows
        few, many = (np.flatnonzero(chosen).astype(np.uint32) for chosen in (~is_many, is_many))
        sums = np.zeros(self.n_rows if few.size else 0, np.float32)
        for part in _parts(counts[few] + n_best, MOST_MET):
            self._fill_from_few(queries, sizes, few[part], sums, best)
        if many.size:
            self._fill_from_many(queries, sizes, many, best)
        return best

    def _fill_from_few(self, queries, sizes, chosen, sums, best):
        """Find the best of the rows that chosen queries meet, and of some others."""
        n_queries, n_best = chosen.shape[0], best.indices.shape[1]
        # One place more, because the kernel writes before it knows that a row is new.
        n_places = int(self.count(queries)[chosen].sum()) + n_queries * n_best + 1
        met = Met.with_room(sums, n_queries, n_places)
        kernels.meet_rows(queries, chosen, self.lists, self.order, n_best, met)
        indptr = met.indptr
        rows, products = met.rows[: indptr[-1]], met.products[: indptr[-1]]
        query_sizes = np.repeat(sizes[chosen], lengths_of(indptr))
        places = Pattern(indptr, np.arange(indptr[-1], dtype=np.uint32))
        kept = keep_best(places, _scores(products, self.norms[rows], query_sizes), n_best)
        owners = np.repeat(np.arange(n_queries), lengths_of(kept.indptr))
        target = chosen[owners], np.arange(owners.shape[0]) - kept.indptr[owners]
        is_met = kept.indices < (indptr[:-1] + met.counts)[owners]
        best.indices[target], best.scores[target] = rows[kept.indices], kept.scores
        best.is_met[target] = is_met
        is_cut = np.bincount(owners, is_met, n_queries) < met.counts
        best.bars[chosen[is_cut]] = best.scores[chosen[is_cut]].min(axis=1)

    def _fill_from_many(self, queries, sizes, chosen, best):
        """Find the best of all rows for chosen queries."""
        n_best = best.indices.shape[1]
        highest = Highest.with_room(chosen.shape[0], n_best)
        norms, block = (self.norms, sizes), (BLOCK_ROWS, n_best)
        kernels.best_in_blocks(queries, chosen, self.lists, norms, block, highest)
        best.indices[chosen], best.scores[chosen] = highest.cut(n_best)
        best.is_met[chosen] = True
        best.bars[chosen] = best.scores[chosen].min(axis=1)

    def _matrix(self):
        """The rows: csr_array of shape (n_rows, n_features)."""
        indptr, rows, values = self.lists
        parts = values, rows.view(np.int32), indptr.astype(np.int64)
        return sp.csc_array(parts, shape=(self.n_rows, indptr.shape[0] - 1)).tocsr()


def is_worthwhile(rows: CSR) -> bool:
    """Whether rows have enough postings for the memory that features take in any case."""
    return rows.n_columns <= max(FEW_FEATURES, MOST_FEATURES * rows.indices.shape[0])


def _check_lists(lists, n_rows, n_features) -> Lists:
    """Return lists that were loaded as kernels read them."""
    rows = check_array("Lists.rows", lists.rows, np.uint32, (None,), below=n_rows)
    values = check_array("Lists.values", lists.values, np.float32, rows.shape, finite=True)
    indptr = check_pointers("Lists.indptr", lists.indptr, n_features, rows.shape[0])
    is_first = np.zeros(rows.shape[0] + 1, bool)
    is_first[indptr] = True
    if not (is_first[1:-1] | (rows[1:] >= rows[:-1])).all():
        refuse("Lists.rows", "in ascending order for each feature", rows)
    return Lists(indptr, rows, values)


def _in_order(norms):
    """Rows that may be found, in ascending order of their norms."""
    order = np.argsort(norms, kind="stable").astype(np.uint32)
    return order[norms[order] < np.inf]


def _scores(products, norms, sizes):
    """As kernels score: products less norms or, for sets, Jaccard's similarity less one."""
    if not (sizes >= 0).any():
        return products - norms
    both = norms + sizes
    scores = np.full(products.shape, -np.inf, np.float32)
    union = np.maximum(both - products, 1)
    return np.divide(2 * products - both, union, out=scores, where=norms < np.inf)


def _merged(found, starts, n_best) -> Ranked:
    """The best of several segments."""
    found = [
        best._replace(indices=best.indices + np.uint32(start))
        for best, start in zip(found, starts, strict=True)
    ]
    indices, scores, is_met = (
        np.concatenate(arrays, axis=1) for arrays in list(zip(*found, strict=True))[:3]
    )
    places, kept = best_columns(scores, n_best)
    scores[~is_met] = -np.inf  # of rows that are left out no others matter
    np.put_along_axis(scores, places, -np.inf, axis=1)
    bars = np.max([scores.max(axis=1), *(best.bars for best in found)], axis=0)
    indices, is_met = (np.take_along_axis(array, places, axis=1) for array in (indices, is_met))
    return Ranked(indices, kept, is_met, bars)


def _parts(sizes, most):
    """Slices that have about ``most`` together, or a single one of more."""
    ends = np.cumsum(sizes)
    steps = np.arange(0, ends[-1] if ends.size else 0, most)
    edges = np.unique(np.append(np.searchsorted(ends, steps), ends.shape[0]))
    return [slice(*pair) for pair in pairwise(edges)]


def _as_batch(rows):
    """Rows as kernels take them."""
    return rows if isinstance(rows, CSR) else take(rows, slice(None))


def _as_matrix(rows):
    """Rows as a csr_array of float32."""
    indptr, indices, data, n_features = _as_batch(rows)
    parts = data, indices.view(np.int32), indptr.astype(np.int64)
    return sp.csr_array(parts, shape=(indptr.shape[0] - 1, n_features))
