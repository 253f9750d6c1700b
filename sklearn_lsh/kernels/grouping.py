"""Reorder the pairs of a ragged batch: take its rows, or order it column by column."""

import numpy as np


# pythran export take_rows(int32[], uint32[], float32[], int64[], uint32[], uint32[], float32[])
# pythran export take_rows(int32[], uint32[], float64[], int64[], uint32[], uint32[], float32[])
# pythran export take_rows(int64[], uint64[], float32[], int64[], uint32[], uint32[], float32[])
# pythran export take_rows(int64[], uint64[], float64[], int64[], uint32[], uint32[], float32[])
def take_rows(indptr, indices, data, rows, out_indptr, out_indices, out_data):
    """Copy the named rows of a CSR matrix into a CSR batch whose ``out_indptr`` is known."""
    for k in range(rows.shape[0]):
        start = indptr[rows[k]]
        first = out_indptr[k]
        for p in range(out_indptr[k + 1] - first):
            out_indices[first + p] = indices[start + p]
            out_data[first + p] = data[start + p]


# pythran export group_by_column(uint32[], uint32[], int, uint32[], uint32[], uint32[], uint32[])
def group_by_column(indptr, indices, n_columns, columns, starts, pairs, samples):
    """Order the pairs of a CSR batch by column: a counting sort.

    Fills ``columns`` with the ``n`` distinct columns, ascending (rows of a large matrix are read
    much faster in their order), ``starts[:n + 1]`` with where each one's pairs begin, and for
    every pair in that order its position in the batch and its row (sample). Returns ``n``.
    """
    places = np.zeros(n_columns, np.uint32)
    for q in range(indices.shape[0]):
        places[indices[q]] += 1
    starts[0] = 0
    n = 0
    place = 0
    for i in range(n_columns):
        count = int(places[i])
        if count > 0:
            places[i] = place  # from here on where the column's next pair goes
            place += count
            columns[n] = i
            n += 1
            starts[n] = place
    for s in range(indptr.shape[0] - 1):
        for q in range(indptr[s], indptr[s + 1]):
            place = int(places[indices[q]])
            pairs[place] = q
            samples[place] = s
            places[indices[q]] += 1
    return n


# pythran export put_first(uint32[], uint32[], uint32[], uint32[], int, uint32[], uint32[])
def put_first(first_indptr, first, indptr, indices, n_columns, out_indptr, out_indices):
    """Join two ragged lists row by row, without the second's repetitions of the first.

    Returns the number of pairs.
    """
    present = np.zeros(n_columns, np.uint8)
    n = 0
    out_indptr[0] = 0
    for s in range(indptr.shape[0] - 1):
        for p in range(first_indptr[s], first_indptr[s + 1]):
            out_indices[n] = first[p]
            n += 1
            present[first[p]] = 1
        for p in range(indptr[s], indptr[s + 1]):
            if present[indices[p]] == 0:
                out_indices[n] = indices[p]
                n += 1
        for p in range(first_indptr[s], first_indptr[s + 1]):
            present[first[p]] = 0
        out_indptr[s + 1] = n
    return n
