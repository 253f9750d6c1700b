"""Queries whose nearest rows are known: what of these a search finds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_lsh.csr import even_pattern
from sklearn_lsh.neighbors.index import Index, Neighbors, in_chunks
from sklearn_lsh.neighbors.metrics import Vectors
from sklearn_lsh.neighbors.space import Exact
from sklearn_lsh.neighbors.truth import Truth

# Queries whose nearest rows are found at once, by each thread.
CHUNK_QUERIES = 64


class Hits(NamedTuple):
    """Which of the rows that were found are among the nearest.

    Attributes
    ----------
    queries : ndarray of int of shape (n_pairs,)
        The query of each row found.
    is_hit : ndarray of bool of shape (n_pairs,)
    is_nearer : ndarray of bool of shape (n_pairs,)
        Whether the row is nearer than the k-th nearest: no other one counts in its place.
    """

    queries: np.ndarray
    is_hit: np.ndarray
    is_nearer: np.ndarray

    def part(self, pairs):
        """Of some of the pairs."""
        return Hits(*(array[pairs] for array in self))


class QuerySample:
    """Queries of an index, and which rows are truly the nearest to them.

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
    truth : Truth, default=None
        The rows as they were given; by default those of the index.

    Attributes
    ----------
    n_self : int
        1 where queries are rows, else 0.
    near : NearRows
        As near as the k nearest rows.
    """

    def __init__(self, index: Index, queries: Vectors, self_indices, k, n_jobs=None, *, truth=None):
        self.index, self.queries, self.self_indices = index, queries, self_indices
        self.n_jobs = n_jobs
        self.n_self = int(self_indices is not None)
        self.k = min(k, index.n_alive - self.n_self)
        truth = Truth(index.space, index.rows) if truth is None else truth
        exact = Exact(queries.matrix.astype(np.float64), queries.empty)
        if self_indices is not None:
            exact = truth.queries(self_indices)
        self.near = truth.nearest(exact, self.k, index.alive, self_indices, n_jobs)

    def in_chunks(self, work):
        """Call ``work(chunk)`` for slices of the queries, in threads."""
        in_chunks(work, self.queries.n_rows, self.n_jobs, CHUNK_QUERIES)

    def hits(self, pattern) -> Hits:
        """Which of the rows in a pattern are among the nearest."""
        queries = np.repeat(np.arange(self.queries.n_rows), np.diff(pattern.indptr))
        is_hit = self.near.contain(queries, pattern.indices)
        if self.self_indices is not None:
            is_hit &= pattern.indices != self.self_indices[queries]
        return Hits(queries, is_hit, is_hit & self.near.contain_nearer(queries, pattern.indices))

    def recalls(self, hits: Hits):
        """Share of its nearest rows that each query found.

        Of those that are as near as the last of these any will do, but not in place of nearer ones.
        """
        n_queries = self.queries.n_rows
        nearer = np.bincount(hits.queries[hits.is_nearer], minlength=n_queries)
        is_last = hits.is_hit & ~hits.is_nearer
        last = np.bincount(hits.queries[is_last], minlength=n_queries)
        wanted = self.k - self.near.count_nearer(n_queries)
        return (nearer + np.minimum(last, wanted)) / self.k

    def recall_of_search(self) -> float:
        """Share of the nearest rows that the index finds as it is set, on average."""
        neighbors = Neighbors.with_room(self.queries.n_rows, self.k + self.n_self)

        def search(chunk):
            found = self.index.find(self.queries.part(chunk), self.k + self.n_self)
            neighbors.fill(chunk, found)

        self.in_chunks(search)
        if self.self_indices is not None:
            neighbors = neighbors.without(self.self_indices)
        return float(self.recalls(self.hits(even_pattern(neighbors.indices))).mean())
