"""What the labels of the nearest keys say together."""

from __future__ import annotations

import numpy as np

from sklearn_lsh.memory.slots import NONE, Found


def weights_of(found: Found, temperature: float) -> np.ndarray:
    """Softmax of ``temperature`` times the cosines: float64 ndarray of shape (n_rows, k)."""
    is_there = found.slots != NONE
    logits = temperature * np.where(is_there, found.scores, -np.inf).astype(np.float64)
    highest = logits.max(axis=1, keepdims=True)
    weights = np.exp(logits - np.where(np.isfinite(highest), highest, 0))
    return weights / np.maximum(weights.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)


def rank_labels(found: Found, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Order the labels of each row's neighbours by their weights.

    Returns
    -------
    labels : ndarray of shape (n_rows, k), dtype=int32
        Each label once, the weightiest first, of equal ones that of the nearest; then `NONE`.
    weights : ndarray of shape (n_rows, k), dtype=float64
    """
    n_rows, k = found.slots.shape
    weights = weights_of(found, temperature)
    rows, columns = np.nonzero(found.labels != NONE)
    votes = np.stack([rows, found.labels[rows, columns]])
    # Rows by rows, so that what is first of a label is the nearest.
    pairs, first, own = np.unique(votes, axis=1, return_index=True, return_inverse=True)
    sums = np.bincount(own.reshape(-1), weights[rows, columns], minlength=pairs.shape[1])
    order = np.lexsort((first, -sums, pairs[0]))
    rows, names = pairs[:, order]
    places = np.arange(len(rows)) - np.searchsorted(rows, rows)
    labels, ranked = np.full((n_rows, k), NONE, np.int32), np.zeros((n_rows, k))
    labels[rows, places], ranked[rows, places] = names, sums[order]
    return labels, ranked


def table_of(found: Found, temperature: float, places: np.ndarray) -> np.ndarray:
    """Weights of all labels: ndarray of shape (n_rows, n_labels), each in the column it has."""
    weights = weights_of(found, temperature)
    table = np.zeros((found.slots.shape[0], len(places)))
    rows, columns = np.nonzero(found.labels != NONE)
    np.add.at(table, (rows, places[found.labels[rows, columns]]), weights[rows, columns])
    return table
