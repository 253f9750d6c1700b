"""Questions to a memory, which change nothing in it."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_lsh.estimators.outputs import refuse_large_table
from sklearn_lsh.inputs import MatrixLike
from sklearn_lsh.memory.labels import Labels
from sklearn_lsh.memory.slots import NONE, Found
from sklearn_lsh.memory.store import Store
from sklearn_lsh.memory.vectors import check_vectors, unit_rows
from sklearn_lsh.memory.votes import rank_labels, table_of


class AnswersMixin:
    """Mixin of the classifier: what it predicts, and which keys are near."""

    n_neighbors: int
    temperature: float
    n_jobs: int | None
    _store: Store
    _labels: Labels
    _check_width: Callable
    _validate_params: Callable

    def predict(self, X: MatrixLike) -> np.ndarray:
        """Predict the labels for which the nearest keys vote.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Labels of the greatest probability.

        Raises
        ------
        ValueError
            If X is not valid, or the memory is empty.
        """
        ranked, _ = rank_labels(self._ask(X), self.temperature)
        return self._labels.names_of(ranked[:, 0])

    def predict_proba(self, X: MatrixLike) -> np.ndarray:
        """Weigh all labels by the nearest keys.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``: a label's share of the votes.

        Raises
        ------
        ValueError
            If X is not valid, the memory is empty, or the result would take more than
            ``sklearn.get_config()["working_memory"]``. `predict_top_k` names the likeliest alone.
        """
        found = self._ask(X)
        refuse_large_table(found.slots.shape[0], len(self._labels))
        return table_of(found, self.temperature, self._labels.places)

    def predict_top_k(self, X: MatrixLike, k: int = 5) -> tuple[np.ndarray, np.ndarray]:
        """Find the likeliest labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        k : int, default=5
            How many to find for each sample, at most as many as labels have slots.

        Returns
        -------
        labels : ndarray of shape (n_samples, k)
            Labels, the likeliest first.
        scores : ndarray of shape (n_samples, k), dtype=float32
            Their shares of the votes: of ``n_neighbors`` keys, or of as many as have `k` labels.

        Raises
        ------
        ValueError
            If `k` is not an integer from 1 to the number of labels that have slots, X is not valid,
            or the memory is empty.
        """
        rows = self._check_queries(X)
        n_labels = self._store.n_labels
        if not isinstance(k, Integral) or isinstance(k, bool) or not 1 <= int(k) <= n_labels:
            raise ValueError(
                f"k must be an integer from 1 to {n_labels}, the number of labels that have "
                f"slots, got {k!r}."
            )
        n_asked = max(int(self.n_neighbors), int(k))
        while True:
            found = self._search(rows, min(n_asked, self._store.slots.n_used))
            labels, weights = rank_labels(found, self.temperature)
            if labels.shape[1] >= k and (labels[:, int(k) - 1] != NONE).all():
                break
            n_asked *= 2
        names = self._labels.names_of(labels[:, : int(k)])
        return names, weights[:, : int(k)].astype(np.float32)

    def kneighbors(
        self, X: MatrixLike, n_neighbors: int | None = None, return_distance: bool = True
    ) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Find the nearest keys.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        n_neighbors : int, default=None
            How many for each sample. By default that of the constructor, or all if there are fewer.
        return_distance : bool, default=True
            Whether distances are returned.

        Returns
        -------
        distances : ndarray of shape (n_samples, n_neighbors), dtype=float32
            Only where they are wanted: 1 less the cosine, in ascending order.
        indices : ndarray of shape (n_samples, n_neighbors)
            Which of ``keys_``.

        Raises
        ------
        ValueError
            If X is not valid, the memory is empty, or has fewer keys.
        """
        rows = self._check_queries(X)
        n_used = self._store.slots.n_used
        k = min(self.n_neighbors, n_used) if n_neighbors is None else n_neighbors
        if not isinstance(k, Integral) or isinstance(k, bool) or not 1 <= int(k) <= n_used:
            raise ValueError(
                f"n_neighbors must be an integer from 1 to {n_used}, the number of keys, got {k!r}."
            )
        found = self._search(rows, int(k))
        indices = found.slots.astype(np.intp)
        return (1 - found.scores, indices) if return_distance else indices

    def _check_queries(self, X):
        check_is_fitted(self)
        self._validate_params()
        rows = check_vectors(self, X, reset=False)
        self._check_width(rows)
        if self._store.slots.n_used == 0:
            raise ValueError("The memory is empty (n_used_ is 0): all was forgotten.")
        return rows

    def _ask(self, X) -> Found:
        rows = self._check_queries(X)
        return self._search(rows, min(int(self.n_neighbors), self._store.slots.n_used))

    def _search(self, X, k) -> Found:
        return self._store.nearest(unit_rows(X, slice(None)), k, self.n_jobs)
