"""The highest scores so far, which kernels find among one part of the rows after another."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_lsh.csr import best_columns


class Highest(NamedTuple):
    """The best rows so far of each query, and some more.

    Kernels put in whatever scores more than a query's threshold. Where there is no more room, only
    the best stay, and the lowest of these is the new threshold.

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
    def with_room(cls, n_queries, n_best) -> Highest:
        """None yet."""
        shape = n_queries, 2 * n_best
        return cls(
            counts=np.zeros(n_queries, np.uint32),
            thresholds=np.full(n_queries, -np.inf, np.float32),
            columns=np.zeros(shape, np.uint32),
            scores=np.empty(shape, np.float32),
        )

    def cut(self, n_best) -> tuple[np.ndarray, np.ndarray]:
        """Those that are the best at the end.

        Returns
        -------
        indices : ndarray of shape (n_queries, n_best), dtype=uint32
        scores : ndarray of shape (n_queries, n_best), dtype=float32
            Minus infinity where there are no more rows.
        """
        self.scores[np.arange(self.scores.shape[1]) >= self.counts[:, np.newaxis]] = -np.inf
        places, scores = best_columns(self.scores, n_best)
        return np.take_along_axis(self.columns, places, axis=1), scores
