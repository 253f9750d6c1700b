"""An inverted index, feature -> rows that have it: which rows queries meet, and their products."""

import numpy as np

from .neighbors import put_best_first

# Scores that are looked at together: most often none of them is among the best so far.
N_TOGETHER = 32


# pythran export count_postings((uint32[], uint32[], float32[], int), uint32[], int64[])
def count_postings(queries, indptr, out):
    """Sum of the lengths of the lists of each query's features."""
    q_indptr, q_indices, _, _ = queries
    for s in range(q_indptr.shape[0] - 1):
        n = 0
        for j in range(q_indptr[s], q_indptr[s + 1]):
            f = q_indices[j]
            n += int(indptr[f + 1] - indptr[f])
        out[s] = n


# pythran export meet_rows((uint32[], uint32[], float32[], int), uint32[], (uint32[], uint32[], float32[]), uint32[], int, (float32[], uint32[], uint32[], uint32[], float32[]))
def meet_rows(queries, chosen, lists, order, n_others, out):
    """Inner products of chosen queries with the rows that share a feature with them.

    ``lists`` are ``indptr, rows, values`` of each feature. The first ``n_others`` rows of an order
    that share none follow. Fills ``out``, which is ``sums, counts, indptr, rows, products``: zeros
    that are left as such, how many rows each query meets, and these rows and the others.
    """
    q_indptr, q_indices, q_data, _ = queries
    indptr, rows, values = lists
    sums, counts, out_indptr, met, products = out
    nothing = np.float32(0)
    infinite = np.float32(np.inf)
    start = 0
    out_indptr[0] = 0
    for i in range(chosen.shape[0]):
        s = chosen[i]
        n = start
        for j in range(q_indptr[s], q_indptr[s + 1]):
            f = q_indices[j]
            x = q_data[j]
            for p in range(indptr[f], indptr[f + 1]):
                r = rows[p]
                product = sums[r]
                met[n] = r
                n += 1 if product == nothing else 0
                sums[r] = product + x * values[p]
        # Terms that cancel out leave nothing, or are met twice.
        stop = start
        for t in range(start, n):
            r = met[t]
            product = sums[r]
            met[stop] = r
            products[stop] = product
            is_new = 1 if product != nothing else 0
            is_new = is_new if product < infinite else 0
            sums[r] = infinite if is_new == 1 else product
            stop += is_new
        counts[i] = stop - start
        n = stop
        t = 0
        while t < order.shape[0] and n < stop + n_others:
            r = order[t]
            met[n] = r
            products[n] = nothing
            n += 1 if sums[r] == nothing else 0
            t += 1
        for t in range(start, stop):
            sums[met[t]] = nothing
        start = n
        out_indptr[i + 1] = n


def find_end(rows, start, stop, end):
    """Where those of ``rows[start:stop]`` end, in ascending order, that are less than ``end``."""
    if start < stop and rows[stop - 1] < end:
        return stop
    while start < stop:
        middle = (start + stop) // 2
        if rows[middle] < end:
            start = middle + 1
        else:
            stop = middle
    return start


# pythran export best_in_blocks((uint32[], uint32[], float32[], int), uint32[], (uint32[], uint32[], float32[]), (float32[], float32[]), (int, int), (uint32[], float32[], uint32[:,:] order(C), float32[:,:] order(C)))
def best_in_blocks(queries, chosen, lists, norms, sizes, best):
    """Find the rows of the highest scores for chosen queries, as `keep_highest` does.

    ``norms`` are those of rows and of queries. A score is a product less the row's norm or, where
    the query's is not negative, Jaccard's similarity of sets of these sizes, less one. ``sizes``
    are how many rows make a block, whose lists and products stay in the processor's cache, and
    ``n_best``.
    """
    q_indptr, q_indices, q_data, _ = queries
    indptr, rows, values = lists
    row_norms, query_norms = norms
    block, n_best = sizes
    counts, thresholds, columns, scores = best
    nothing = np.float32(0)
    one = np.float32(1)
    two = np.float32(2)
    products = np.zeros(row_norms.shape[0], np.float32)
    cursors = np.empty(q_indices.shape[0], np.uint32)
    for j in range(q_indices.shape[0]):
        cursors[j] = indptr[q_indices[j]]
    for start in range(0, row_norms.shape[0], block):
        end = min(start + block, row_norms.shape[0])
        for i in range(chosen.shape[0]):
            s = chosen[i]
            for j in range(q_indptr[s], q_indptr[s + 1]):
                x = q_data[j]
                p = int(cursors[j])
                stop = int(indptr[q_indices[j] + 1])
                stop = find_end(rows, p, stop, end)
                for t in range(p, stop):
                    products[rows[t]] += x * values[t]
                cursors[j] = stop
            size = query_norms[s]
            if size < nothing:
                for r in range(start, end):
                    products[r] = products[r] - row_norms[r]
            else:
                for r in range(start, end):
                    both = size + row_norms[r]
                    products[r] = (two * products[r] - both) / max(both - products[r], one)
            threshold = thresholds[i]
            n = int(counts[i])
            first = start
            while first < end:
                last = min(first + N_TOGETHER, end)
                n_above = np.int32(0)
                for r in range(first, last):
                    n_above += np.int32(products[r] > threshold)
                if n_above > 0:
                    for r in range(first, last):
                        score = products[r]
                        if score > threshold:
                            columns[i, n] = r
                            scores[i, n] = score
                            n += 1
                            if n == columns.shape[1]:
                                put_best_first(i, n_best, columns, scores)
                                n = n_best
                                threshold = scores[i, 0]
                                for k in range(n_best):
                                    threshold = min(threshold, scores[i, k])
                first = last
            counts[i] = n
            thresholds[i] = threshold
            for r in range(start, end):
                products[r] = nothing
