"""The outputs that respond most, in order."""

from typing import NamedTuple

import numpy as np

from sklearn_lsh.csr import CSR, Pattern, keep_best, ragged_rows


class Ranking(NamedTuple):
    """The highest outputs of each row, the highest first.

    Attributes
    ----------
    places, columns : ndarray of shape (n_rows, k), dtype=int64
        Where they stand among all values, and in which columns.
    """

    places: np.ndarray
    columns: np.ndarray


def best_outputs(outputs, k) -> Ranking:
    """Find the ``k`` highest outputs of each row, the highest first, the lower column of equals.

    Pre-activations are ranked, not predictions: many of these may be equal, as probabilities near 1
    are in float32.

    Parameters
    ----------
    outputs : ndarray of shape (n_rows, n_columns) or CSR
        Each row has at least ``k`` values.
    k : int
    """
    indptr, scores = ragged_rows(outputs)
    everything = np.arange(scores.shape[0], dtype=np.uint32)
    best = keep_best(Pattern(indptr, everything), scores, k)
    places = best.indices.reshape(-1, k).astype(np.int64)
    if isinstance(outputs, CSR):
        columns = outputs.indices[places].astype(np.int64)
    else:
        columns = places % outputs.shape[1]
    order = np.lexsort((columns, -best.scores.reshape(-1, k)))
    return Ranking(
        np.take_along_axis(places, order, axis=1), np.take_along_axis(columns, order, axis=1)
    )
