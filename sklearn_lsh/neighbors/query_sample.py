"""Queries whose nearest rows are known: what of these a search finds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_lsh.neighbors.index import Index, in_chunks
from sklearn_lsh.neighbors.metrics import Vectors

# Queries whose nearest rows are found at once, by each thread.
CHUNK_QUERIES = 64


class Hits(NamedTuple):
    """Which of the rows that were found are among the nearest.

    Attributes
    ----------
    queries : ndarray of int of shape (n_pairs,)
        The query of each row found.
    is_hit : ndarray of bool of shape (n_pairs,)
    """

    queries: np.ndarray
    is_hit: np.ndarray

    def part(self, pairs):
        """Of some of the pairs."""
        return Hits(self.queries[pairs], self.is_hit[pairs])


class QuerySample:
    """Queries of an index, and how near their nearest rows are.

    Parameters
    ----------
    index : Index
    queries : Vectors
    self_indices : ndarray of shape (n_queries,) or None
        Which row each query is itself, if they are rows: it does not count as found, but is a
        finalist, too.
    k : int
        Neighbours wanted.
    n_jobs : int or None
        Threads.

    Attributes
    ----------
    n_self : int
        1 where queries are rows, else 0.
    """

    def __init__(self, index: Index, queries: Vectors, self_indices, k, n_jobs=None):
        self.index, self.queries, self.self_indices = index, queries, self_indices
        self.n_jobs = n_jobs
        self.n_self = int(self_indices is not None)
        self.k = min(k, index.n_alive - self.n_self)
        # Scores of the k-th nearest rows.
        self.thresholds = np.empty(queries.n_rows, np.float32)

        def search(chunk):
            self.thresholds[chunk] = self._find_thresholds(chunk)

        self.in_chunks(search)

    def in_chunks(self, work):
        """Call ``work(chunk)`` for slices of the queries, in threads."""
        in_chunks(work, self.queries.n_rows, self.n_jobs, CHUNK_QUERIES)

    def hits(self, pattern) -> Hits:
        """Which of the rows in a pattern are among the nearest."""
        queries = np.repeat(np.arange(self.queries.n_rows), np.diff(pattern.indptr))
        scores = self.index.metric.score(pattern, self.queries, self.index.rows)
        is_hit = scores >= self.thresholds[queries]
        if self.self_indices is not None:
            is_hit &= pattern.indices != self.self_indices[queries]
        return Hits(queries, is_hit)

    def recalls(self, hits: Hits):
        """Share of its nearest rows that each query found."""
        counts = np.bincount(hits.queries[hits.is_hit], minlength=self.queries.n_rows)
        return np.minimum(counts, self.k) / self.k

    def _find_thresholds(self, chunk):
        nearest = self.index.find_exactly(self.queries.part(chunk), self.k + self.n_self)
        if self.self_indices is not None:
            is_self = nearest.indices == self.self_indices[chunk, np.newaxis]
            nearest.scores[is_self] = -np.inf
        return -np.sort(-nearest.scores, axis=1)[:, self.k - 1]
