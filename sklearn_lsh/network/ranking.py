"""The outputs that respond most, in order."""

import numpy as np

from sklearn_lsh.csr import CSR, Pattern, keep_best, ragged_rows


def best_outputs(outputs, k):
    """Find the ``k`` highest outputs of each row, the highest first, the lower column of equals.

    Responses are ranked, not predictions: many of these may be equal, as probabilities near 1
    are in float32.

    Parameters
    ----------
    outputs : ndarray of shape (n_rows, n_columns) or CSR
        Each row has at least ``k`` values.
    k : int

    Returns
    -------
    places, columns : ndarray of shape (n_rows, k), dtype=int64
        Where they stand among all values, and in which columns.
    """
    indptr, scores = ragged_rows(outputs)
    everything = np.arange(scores.shape[0], dtype=np.uint32)
    _, places, best = keep_best(Pattern(indptr, everything), scores, k)
    places, best = places.reshape(-1, k).astype(np.int64), best.reshape(-1, k)
    if isinstance(outputs, CSR):
        columns = outputs.indices[places].astype(np.int64)
    else:
        columns = places % outputs.shape[1]
    order = np.lexsort((columns, -best))
    return np.take_along_axis(places, order, axis=1), np.take_along_axis(columns, order, axis=1)
