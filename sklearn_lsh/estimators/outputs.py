"""Reading a network's outputs: an ndarray of them all, or a `CSR` of the active ones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn import get_config


def to_dense(outputs, out: np.ndarray, inactive: float = 0.0) -> np.ndarray:
    """Write all outputs into one array, and `inactive` where an output was not active.

    Parameters
    ----------
    outputs : iterable of (slice, ndarray or CSR)
        Rows and their outputs, as `Network.outputs` yields them.
    out : ndarray of shape (n_samples, n_outputs)
    inactive : float, default=0.0

    Returns
    -------
    out : ndarray
    """
    for rows, values in outputs:
        if isinstance(values, np.ndarray):
            out[rows] = values
        else:
            chunk = out[rows]
            chunk.fill(inactive)
            chunk[_rows_of_entries(values), values.indices] = values.data
    return out


def refuse_large_table(n_samples: int, n_classes: int) -> None:
    """Refuse to write the active outputs into one array that would be large and nearly empty.

    Raises
    ------
    ValueError
        If it would take more than scikit-learn's working memory.
    """
    mebibytes = n_samples * n_classes * np.dtype(np.float32).itemsize / 2**20
    limit = get_config()["working_memory"]
    if mebibytes > limit:
        raise ValueError(
            f"The probabilities of {n_classes} classes for {n_samples} samples would take "
            f"{mebibytes:.0f} MiB, and nearly all of them are not even computed. Use "
            "predict_top_k for the likeliest classes, or hand over fewer samples at a time. "
            f"The limit is scikit-learn's working_memory ({limit} MiB): "
            "sklearn.set_config(working_memory=...) changes it."
        )


def argmax(values) -> np.ndarray:
    """Column of the highest output in each row; the first of equal ones; 0 in an empty row.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_outputs) or CSR

    Returns
    -------
    columns : ndarray of shape (n_rows,), dtype=intp

    Raises
    ------
    ValueError
        If all outputs of a row are NaN.
    """
    if isinstance(values, np.ndarray):
        return values.argmax(axis=1)
    counts = np.diff(values.indptr.astype(np.intp))
    columns = np.zeros(len(counts), np.intp)
    filled = counts > 0
    if filled.any():
        # `reduceat` would take an empty row for one of the next row's values: leave them out.
        starts = values.indptr[:-1][filled].astype(np.intp)
        highest = np.maximum.reduceat(values.data, starts)
        is_highest = values.data == np.repeat(highest, counts[filled])
        last = np.iinfo(values.indices.dtype).max
        columns[filled] = np.minimum.reduceat(np.where(is_highest, values.indices, last), starts)
        if (columns == last).any():
            raise ValueError("The network's outputs are not numbers: its weights are too large.")
    return columns


class LikelyLabels(NamedTuple):
    """The labels of some rows, one row's after the other's."""

    counts: np.ndarray
    """How many each row has."""
    columns: np.ndarray
    """Which they are, in each row from low to high."""


def likely_labels(values, *, relative: bool = False) -> LikelyLabels:
    """Find the labels of each row with more than half a probability.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_outputs) or CSR
        Probabilities.
    relative : bool, default=False
        Whether that is half of the row's highest probability, rather than of 1.

    Returns
    -------
    labels : LikelyLabels
    """
    if isinstance(values, np.ndarray):
        highest = values.max(axis=1, keepdims=True) if relative else 1
        rows, columns = np.nonzero(values > highest / 2)
        return LikelyLabels(np.bincount(rows, minlength=len(values)), columns)
    rows = _rows_of_entries(values)
    highest = np.ones(values.n_rows, np.float32)
    if relative:
        highest[:] = 0
        np.maximum.at(highest, rows, values.data)
    likely = values.data > highest[rows] / 2
    rows, columns = rows[likely], values.indices[likely].astype(np.intp)
    order = np.lexsort((columns, rows))
    return LikelyLabels(np.bincount(rows, minlength=values.n_rows), columns[order])


def _rows_of_entries(values) -> np.ndarray:
    """Number of the row that each entry of a `CSR` stands in."""
    return np.repeat(np.arange(values.n_rows), np.diff(values.indptr))
