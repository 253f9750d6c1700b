"""Queries against ragged lists of rows: how far apart they are, how much they have in common."""

import numpy as np


# pythran export score_distances(uint32[], uint32[], float32[:,:] order(C), float32[:,:] order(C), float32[])
def score_distances(indptr, indices, queries, rows, out):
    """Squared distances of each query from its list of rows, negative: the nearest score most."""
    width = rows.shape[1]
    for s in range(indptr.shape[0] - 1):
        for p in range(indptr[s], indptr[s + 1]):
            i = indices[p]
            total = np.float32(0)
            for j in range(width):
                apart = queries[s, j] - rows[i, j]
                total -= apart * apart
            out[p] = total


# pythran export score_coarse_distances(uint32[], uint32[], int8[:,:] order(C), int8[:,:] order(C), float32[])
def score_coarse_distances(indptr, indices, queries, rows, out):
    """As `score_distances`, of vectors in whole numbers."""
    width = rows.shape[1]
    for s in range(indptr.shape[0] - 1):
        for p in range(indptr[s], indptr[s + 1]):
            i = indices[p]
            total = np.int32(0)
            for j in range(width):
                apart = np.int16(np.int16(queries[s, j]) - np.int16(rows[i, j]))
                total += np.int32(apart) * np.int32(apart)
            out[p] = -np.float32(total)


# pythran export score_coarse_products(uint32[], uint32[], int8[:,:] order(C), int8[:,:] order(C), float32[])
def score_coarse_products(indptr, indices, queries, rows, out):
    """Inner products of queries with ragged lists of rows, all in whole numbers."""
    width = rows.shape[1]
    for s in range(indptr.shape[0] - 1):
        for p in range(indptr[s], indptr[s + 1]):
            i = indices[p]
            total = np.int32(0)
            for j in range(width):
                total += np.int32(np.int16(queries[s, j])) * np.int32(np.int16(rows[i, j]))
            out[p] = np.float32(total)


# pythran export score_sparse(uint32[], uint32[], uint32[], uint32[], float32[], uint32[], uint32[], float32[], int, float64[])
def score_sparse(
    indptr, indices, q_indptr, q_indices, q_data, x_indptr, x_indices, x_data, n_columns, out
):
    """Inner products of each sparse query with its list of sparse rows.

    The query lies in a dense row meanwhile.
    """
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


# pythran export rank_columns(float32[:,:] order(C), uint32[:,:] order(C))
def rank_columns(scores, columns):
    """Columns of each row's highest scores, the highest first, the lower column of equals.

    ``columns`` says how many. Few scores of a long row are among the best so far, and these are
    put in their place.
    """
    n_best = columns.shape[1]
    best = np.empty(n_best, np.float32)
    for s in range(scores.shape[0]):
        best[:] = np.float32(-np.inf)
        bar = np.float32(-np.inf)
        for j in range(scores.shape[1]):
            x = scores[s, j]
            if x > bar:
                place = n_best - 1
                while place > 0 and best[place - 1] < x:
                    best[place] = best[place - 1]
                    columns[s, place] = columns[s, place - 1]
                    place -= 1
                best[place] = x
                columns[s, place] = j
                bar = best[n_best - 1]
