"""Row by row through the outputs of a batch: what losses need besides functions of single ones."""

import numpy as np


# pythran export subtract_highest(uint32[], float32[])
def subtract_highest(indptr, data):
    """Subtract from each ragged row the highest of its values."""
    for s in range(indptr.shape[0] - 1):
        highest = np.float32(-np.inf)
        for p in range(indptr[s], indptr[s + 1]):
            highest = max(highest, data[p])
        for p in range(indptr[s], indptr[s + 1]):
            data[p] -= highest


# pythran export divide_by_sum(uint32[], float32[])
def divide_by_sum(indptr, data):
    """Divide each ragged row by the sum of its values."""
    for s in range(indptr.shape[0] - 1):
        total = np.float32(0)
        for p in range(indptr[s], indptr[s + 1]):
            total += data[p]
        for p in range(indptr[s], indptr[s + 1]):
            data[p] /= total


# pythran export weigh_rows(uint32[], float32[], float32[], float32)
def weigh_rows(indptr, data, weight, negligible):
    """Multiply each ragged row by its weight; values of magnitudes below ``negligible`` become 0."""
    for s in range(indptr.shape[0] - 1):
        w = weight[s]
        for p in range(indptr[s], indptr[s + 1]):
            x = data[p]
            data[p] = np.float32(0) if abs(x) < negligible else w * x


# pythran export subtract_targets(uint32[], (uint32[], uint32[], float32[], int), int, float32[], uint32[])
def subtract_targets(indptr, targets, targets_first, predictions, places):
    """Subtract each sample's targets, a CSR batch, from its ragged row of predictions.

    They stand at their columns or, if ``targets_first`` is 1, in their own order before all others.
    Fills ``places`` with where they stand among all predictions.
    """
    target_indptr, columns, values, _ = targets
    for s in range(target_indptr.shape[0] - 1):
        start = int(target_indptr[s])
        for p in range(start, int(target_indptr[s + 1])):
            place = int(indptr[s]) + (p - start if targets_first == 1 else int(columns[p]))
            places[p] = place
            predictions[place] -= values[p]
