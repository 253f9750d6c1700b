"""Queries against ragged lists of rows: how far apart they are, how much they have in common."""

import numpy as np


# pythran export score_distances((uint32[], uint32[]), float32[:,:] order(C), float32[:,:] order(C), float32[])
def score_distances(pattern, queries, rows, out):
    """Squared distances of each query from its list of rows, negative: the nearest score most."""
    indptr, indices = pattern
    width = rows.shape[1]
    for s in range(indptr.shape[0] - 1):
        for p in range(indptr[s], indptr[s + 1]):
            i = indices[p]
            total = np.float32(0)
            for j in range(width):
                apart = queries[s, j] - rows[i, j]
                total -= apart * apart
            out[p] = total


# pythran export score_quantized_distances((uint32[], uint32[]), int8[:,:] order(C), int8[:,:] order(C), float32[])
def score_quantized_distances(pattern, queries, rows, out):
    """As `score_distances`, of integers."""
    indptr, indices = pattern
    width = rows.shape[1]
    for s in range(indptr.shape[0] - 1):
        for p in range(indptr[s], indptr[s + 1]):
            i = indices[p]
            total = np.int32(0)
            for j in range(width):
                apart = np.int16(np.int16(queries[s, j]) - np.int16(rows[i, j]))
                total += np.int32(apart) * np.int32(apart)
            out[p] = -np.float32(total)


# pythran export score_quantized_products((uint32[], uint32[]), int8[:,:] order(C), int8[:,:] order(C), float32[])
def score_quantized_products(pattern, queries, rows, out):
    """Inner products of each query with its list of rows, of integers."""
    indptr, indices = pattern
    width = rows.shape[1]
    for s in range(indptr.shape[0] - 1):
        for p in range(indptr[s], indptr[s + 1]):
            i = indices[p]
            total = np.int32(0)
            for j in range(width):
                total += np.int32(np.int16(queries[s, j])) * np.int32(np.int16(rows[i, j]))
            out[p] = np.float32(total)


# pythran export score_sparse((uint32[], uint32[]), (uint32[], uint32[], float32[], int), (uint32[], uint32[], float32[], int), float64[])
def score_sparse(pattern, queries, rows, out):
    """Inner products of each sparse query with its list of sparse rows.

    The query lies in a dense row meanwhile.
    """
    indptr, indices = pattern
    q_indptr, q_indices, q_data, n_columns = queries
    x_indptr, x_indices, x_data, _ = rows
    query = np.zeros(n_columns, np.float32)
    for s in range(indptr.shape[0] - 1):
        for p in range(q_indptr[s], q_indptr[s + 1]):
            query[q_indices[p]] = q_data[p]
        for p in range(indptr[s], indptr[s + 1]):
            i = indices[p]
            total = 0.0
            for r in range(x_indptr[i], x_indptr[i + 1]):
                total += float(query[x_indices[r]]) * float(x_data[r])
            out[p] = total
        for p in range(q_indptr[s], q_indptr[s + 1]):
            query[q_indices[p]] = np.float32(0)


def put_best_first(s, n_best, columns, scores):
    """Hoare's quickselect: the ``n_best`` highest scores of a row, and their columns, come first."""
    left = 0
    right = scores.shape[1]
    while right - left > 1:
        pivot = scores[s, (left + right) // 2]
        i = left
        j = right - 1
        while i <= j:
            while scores[s, i] > pivot:
                i += 1
            while scores[s, j] < pivot:
                j -= 1
            if i <= j:
                score = scores[s, i]
                scores[s, i] = scores[s, j]
                scores[s, j] = score
                column = columns[s, i]
                columns[s, i] = columns[s, j]
                columns[s, j] = column
                i += 1
                j -= 1
        if n_best <= j + 1:
            right = j + 1
        elif n_best > i:
            left = i
        else:
            left = right


# Scores that are looked at together: most often none of them is among the best so far.
N_TOGETHER = 32


# pythran export keep_highest(float32[:,:] order(C), float32[], int, int, (uint32[], float32[], uint32[:,:] order(C), float32[:,:] order(C)))
def keep_highest(products, offsets, first, n_best, best):
    """Go on looking for the ``n_best`` highest scores, products less offsets, of each row.

    The products are those of columns ``first, first + 1, ...``; others may follow in other calls.
    ``best`` is (counts, thresholds, columns, scores). The last two have room for more than
    ``n_best`` and hold ``counts`` of each row: all that were higher than its threshold when they
    were met. When there is no more room, only the best stay, and the lowest is the threshold.
    """
    counts, thresholds, columns, scores = best
    for s in range(products.shape[0]):
        threshold = thresholds[s]
        n = int(counts[s])
        start = 0
        while start < products.shape[1]:
            stop = min(start + N_TOGETHER, products.shape[1])
            n_above = np.int32(0)
            for j in range(start, stop):
                n_above += np.int32(products[s, j] - offsets[j] > threshold)
            if n_above > 0:
                for j in range(start, stop):
                    score = products[s, j] - offsets[j]
                    if score > threshold:
                        columns[s, n] = first + j
                        scores[s, n] = score
                        n += 1
                        if n == columns.shape[1]:
                            put_best_first(s, n_best, columns, scores)
                            n = n_best
                            threshold = scores[s, 0]
                            for k in range(n_best):
                                threshold = min(threshold, scores[s, k])
            start = stop
        counts[s] = n
        thresholds[s] = threshold
