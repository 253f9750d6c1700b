"""What is truly nearest, by arithmetic that no search has a part in.

This is the one place of a rule: an approximate answer is never judged by itself. Recall is measured
against what is found here, among the rows as they were given, in float64: products tell which rows
may be nearest, and of these differences are computed.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from sklearn_lsh.neighbors.metrics import RIGHT_ANGLE_SCORE, Vectors
from sklearn_lsh.neighbors.space import Exact, Space, chunks_of
from sklearn_lsh.threads import one_by_one

# Rows that are kept for each neighbour wanted, and beside these, until differences are computed.
OVERSAMPLING = 2
N_SPARE = 16
# Rows that are compared with all queries at once.
MAX_ROWS = 8192
# The same at first.
FIRST_ROWS = 1024
# Share of a distance by which a row may be farther and still as near: what float32 leaves unknown.
SAME = 1e-6
# The same share of products, which are sums of large numbers.
ROUNDING = 1e-13


class NearRows(NamedTuple):
    """Rows that are as near to each query as its k-th nearest, or nearer.

    Attributes
    ----------
    pairs : ndarray of int64
        Query times number of rows, plus row, in ascending order.
    nearer : ndarray of int64
        Those of the pairs that are nearer.
    n_rows : int
    all_near : ndarray of shape (n_queries,), dtype=bool
        Queries to which all rows are as near: of these there may be no pairs.
    """

    pairs: np.ndarray
    nearer: np.ndarray
    n_rows: int
    all_near: np.ndarray

    def contain(self, queries, rows):
        """Whether rows are near to queries, one for each."""
        is_near = _are_among(self._pairs_of(queries, rows), self.pairs)
        return is_near | self.all_near[queries]

    def contain_nearer(self, queries, rows):
        """Whether rows are nearer to queries than the k-th nearest, one for each."""
        return _are_among(self._pairs_of(queries, rows), self.nearer)

    def count_nearer(self, n_queries):
        """How many rows are nearer to each query than the k-th nearest."""
        return np.bincount(self.nearer // self.n_rows, minlength=n_queries)

    def _pairs_of(self, queries, rows):
        return queries.astype(np.int64) * self.n_rows + rows


def _are_among(pairs, known):
    """Whether pairs are among others, which are in ascending order."""
    if known.shape[0] == 0:
        return np.zeros(pairs.shape, bool)
    return known[np.minimum(np.searchsorted(known, pairs), known.shape[0] - 1)] == pairs


class Pool(NamedTuple):
    """Pairs of a query and a row, with scores in float64."""

    queries: np.ndarray
    rows: np.ndarray
    scores: np.ndarray

    def best(self, n_best) -> Pool:
        """The pairs of each query that score highest, in that order."""
        order = np.lexsort((self.rows, -self.scores, self.queries))
        queries = self.queries[order]
        first = np.searchsorted(queries, queries)
        order = order[np.arange(queries.shape[0]) - first < n_best]
        return self.part(order)

    def part(self, pairs) -> Pool:
        """Some of the pairs."""
        return Pool(*(array[pairs] for array in self))

    def lowest(self, k):
        """Lowest score of rows as near as the k-th nearest, of each query: the best come first."""
        starts = np.flatnonzero(np.append(True, np.diff(self.queries) > 0))
        kth = self.scores[starts + k - 1]
        return kth - SAME * np.abs(kth)

    def nearer(self, lowest):
        """The pairs whose scores are higher than the k-th, of which the lowest is known."""
        kth = lowest / (1 + SAME * np.where(lowest < 0, 1, -1))
        return self.part(self.scores > (kth + SAME * np.abs(kth))[self.queries])

    def numbers(self, n_rows):
        """Query times number of rows, plus row, in ascending order."""
        return np.sort(self.queries * n_rows + self.rows)


class Truth:
    """All rows, to be compared exactly.

    Parameters
    ----------
    space : Space
    rows : ndarray or csr_array of shape (n_rows, n_features), or Vectors
        As they were given, or, where only these are left, those of an index.
    """

    def __init__(self, space: Space, rows):
        self.space, self.metric, self.given = space, space.metric, rows
        self.n_rows = rows.n_rows if isinstance(rows, Vectors) else rows.shape[0]

    def rows(self, chosen) -> Exact:
        """Some of the rows."""
        if isinstance(self.given, Vectors):
            return _exact(self.given.part(chosen))
        return self.space.exact_rows(self.given[chosen])

    def queries(self, chosen) -> Exact:
        """Some of the rows, as queries."""
        if isinstance(self.given, Vectors):
            return _exact(self.space.as_queries(self.given.part(chosen)))
        return self.space.exact_queries(self.given[chosen])

    def nearest(self, queries: Exact, k, alive, self_indices=None, n_jobs=None) -> NearRows:
        """Find the rows that are as near as the k-th nearest.

        Parameters
        ----------
        queries : Exact
        k : int
        alive : ndarray of shape (n_rows,), dtype=bool
            Which rows count.
        self_indices : ndarray of shape (n_queries,), default=None
            A row for each query that does not count.
        n_jobs : int, default=None
            Threads.
        """
        n_queries = queries.matrix.shape[0]
        n_best = OVERSAMPLING * k + N_SPARE
        bars = np.full(n_queries, -np.inf)
        pool = Pool(*(np.empty(0, dtype) for dtype in (np.int64, np.int64, np.float64)))

        def score(chunk):
            scores = self._products(queries, chunk)
            scores[:, ~alive[chunk]] = -np.inf
            if self_indices is not None:
                own = np.flatnonzero((self_indices >= chunk.start) & (self_indices < chunk.stop))
                scores[own, self_indices[own] - chunk.start] = -np.inf
            return scores

        chunks = self._chunks()
        for chunk, scores in zip(chunks, one_by_one(score, chunks, n_jobs), strict=True):
            found, columns = np.nonzero(scores > bars[:, np.newaxis])
            new = found, columns + chunk.start, scores[found, columns]
            pool = Pool(*map(np.concatenate, zip(pool, new, strict=True))).best(n_best)
            last = np.flatnonzero(np.append(np.diff(pool.queries) > 0, True))
            full = np.bincount(pool.queries, minlength=n_queries) == n_best
            bars[full] = pool.scores[last][full[pool.queries[last]]]
        pool = self._refined(pool, queries)
        lowest = pool.lowest(k)
        # As near may be rows that were left out, too: then all are looked at again.
        bounds = lowest - ROUNDING * (_squares(queries.matrix) + np.abs(lowest))
        all_near = self._all_near(queries, lowest)
        is_open = (bars >= bounds) & ~all_near
        if is_open.any():
            bounds[~is_open] = np.inf
            pools = [pool.part(~is_open[pool.queries])]
            for chunk in chunks:
                scores = score(chunk)
                found, columns = np.nonzero(scores >= bounds[:, np.newaxis])
                part = Pool(found, columns + chunk.start, scores[found, columns])
                part = self._refined(part, queries)
                pools.append(part.part(part.scores >= lowest[part.queries]))
            pool = Pool(*map(np.concatenate, zip(*pools, strict=True))).best(self.n_rows)
            lowest = pool.lowest(k)
        near = pool.part(pool.scores >= lowest[pool.queries])
        pairs, nearer = (part.numbers(self.n_rows) for part in (near, near.nearer(lowest)))
        return NearRows(pairs, nearer, self.n_rows, all_near)

    def _chunks(self):
        """Slices of rows; the first is short, because all its rows are near at first."""
        matrix = self.given.matrix if isinstance(self.given, Vectors) else self.given
        size = min(MAX_ROWS, chunks_of(matrix)[0].stop)
        starts = [0, *range(min(size, FIRST_ROWS), self.n_rows, size)]
        return [slice(*pair) for pair in zip(starts, [*starts[1:], self.n_rows], strict=True)]

    def _products(self, queries: Exact, chunk):
        """Scores of all rows of a chunk by their products: (n_queries, n_rows)."""
        rows = self.rows(chunk)
        products = queries.matrix @ rows.matrix.T
        products = products.toarray() if sp.issparse(products) else products
        x, y = _squares(queries.matrix)[:, np.newaxis], _squares(rows.matrix)
        scores = self.metric.combine(products, x, y)
        if self.metric.is_angle:
            scores[queries.empty[:, np.newaxis] | rows.empty] = RIGHT_ANGLE_SCORE
        return scores

    def _all_near(self, queries: Exact, lowest):
        """Whether the k-th nearest rows are as far away as rows can be, or nothing is nearer."""
        if self.metric.is_set:
            return lowest <= -1
        return queries.empty if self.metric.is_angle else np.zeros(lowest.shape, bool)

    def _refined(self, pool: Pool, queries: Exact) -> Pool:
        """The same pairs with scores by differences, the best first."""
        if self.metric.is_product or self.metric.is_set:
            return pool
        scores = pool.scores.copy()
        starts = np.searchsorted(pool.queries, np.arange(queries.matrix.shape[0] + 1))
        for query, (start, stop) in enumerate(pairwise(starts)):
            rows = self.rows(pool.rows[start:stop])
            own = np.full(stop - start, query)
            scores[start:stop] = -_squares(rows.matrix - queries.matrix[own])
            if self.metric.is_angle:
                scores[start:stop][rows.empty | queries.empty[query]] = RIGHT_ANGLE_SCORE
        return pool._replace(scores=scores).best(pool.scores.shape[0])


def _exact(vectors: Vectors) -> Exact:
    return Exact(vectors.matrix.astype(np.float64), vectors.empty)


def _squares(matrix):
    """Squared lengths of rows."""
    return np.asarray((matrix * matrix).sum(axis=1)).reshape(-1)
