"""Hash tables in CSR form: bucket -> members. Bucket ``t * 2**n_bits + code`` is table t's."""

import numpy as np


# pythran export pack_signs(float32[:,:] order(C), int, uint16[:,:] order(C))
def pack_signs(projections, n_bits, codes):
    """Join the signs of ``n_bits`` neighbouring projections into one code for each table."""
    for i in range(codes.shape[0]):
        for t in range(codes.shape[1]):
            code = 0
            for b in range(n_bits):
                code = 2 * code + (1 if projections[i, t * n_bits + b] > 0 else 0)
            codes[i, t] = code


# pythran export build_tables(uint16[:,:] order(C), int, uint32[], uint32[])
def build_tables(codes, n_buckets, indptr, members):
    """Counting sort of the rows of ``codes`` into ``codes.shape[1] * n_buckets`` buckets."""
    n_rows, n_tables = codes.shape
    indptr[:] = np.uint32(0)
    for i in range(n_rows):
        for t in range(n_tables):
            indptr[t * n_buckets + int(codes[i, t]) + 1] += 1
    for b in range(indptr.shape[0] - 1):
        indptr[b + 1] += indptr[b]
    # Filling moves every start to where the next one was; the last loop moves them back.
    for i in range(n_rows):
        for t in range(n_tables):
            b = t * n_buckets + int(codes[i, t])
            members[indptr[b]] = i
            indptr[b] += 1
    for b in range(indptr.shape[0] - 1, 0, -1):
        indptr[b] = indptr[b - 1]
    indptr[0] = 0


# pythran export count_votes(uint16[:,:] order(C), int, uint32[], uint32[], int, int, int, uint32[], uint32[])
def count_votes(codes, n_buckets, indptr, members, n_rows, n_wanted, fill_from, out_indptr, out_indices):
    """Choose for each query the ``n_wanted`` rows that share most buckets with it.

    Ties go to the row met first. A query whose buckets hold too few is topped up with the rows
    ``fill_from, fill_from + 1, ...`` (unless negative). Returns the number of pairs.
    """
    n_tables = codes.shape[1]
    votes = np.zeros(n_rows, np.uint16)
    met = np.empty(n_rows, np.uint32)
    histogram = np.zeros(n_tables + 1, np.uint32)
    n = 0
    out_indptr[0] = 0
    for s in range(codes.shape[0]):
        first = n
        n_met = 0
        for t in range(n_tables):
            b = t * n_buckets + int(codes[s, t])
            for p in range(indptr[b], indptr[b + 1]):
                i = members[p]
                if votes[i] == 0:
                    met[n_met] = i
                    n_met += 1
                votes[i] += 1
        # All rows with more than `least` votes are taken, and `spare` of those with exactly so many.
        histogram[:] = np.uint32(0)
        for q in range(n_met):
            histogram[votes[met[q]]] += 1
        spare = n_wanted
        least = n_tables
        while least > 0 and spare >= histogram[least]:
            spare -= histogram[least]
            least -= 1
        for q in range(n_met):
            i = met[q]
            if votes[i] > least:
                out_indices[n] = i
                n += 1
            elif votes[i] == least and least > 0 and spare > 0:
                out_indices[n] = i
                n += 1
                spare -= 1
        # Fewer than wanted means that all which were met were chosen, and still have their votes.
        i = fill_from
        while fill_from >= 0 and n - first < n_wanted:
            if votes[i] == 0:
                out_indices[n] = i
                n += 1
            i = i + 1 if i + 1 < n_rows else 0
        for q in range(n_met):
            votes[met[q]] = 0
        out_indptr[s + 1] = n
    return n


# pythran export score_pairs(uint32[], uint32[], float32[:,:] order(C), float32[:,:] order(C), float32[])
def score_pairs(indptr, indices, queries, rows, out):
    """Inner products of each query with its ragged list of rows."""
    width = rows.shape[1]
    for s in range(indptr.shape[0] - 1):
        for p in range(indptr[s], indptr[s + 1]):
            i = indices[p]
            total = np.float32(0)
            for j in range(width):
                total += queries[s, j] * rows[i, j]
            out[p] = total


# pythran export keep_best(uint32[], uint32[], float32[], int, uint32[], uint32[])
def keep_best(indptr, indices, scores, n_best, out_indptr, out_indices):
    """Keep each row's ``n_best`` pairs of highest score, in their order. Returns how many.

    Hoare's quickselect, with a three-way partition so that equal scores cost nothing. Ties go to
    the pair met first; a score that is not a number counts as the lowest.
    """
    scratch = np.empty(scores.shape[0], np.float32)
    n = 0
    out_indptr[0] = 0
    for s in range(indptr.shape[0] - 1):
        start = indptr[s]
        stop = indptr[s + 1]
        bar = np.float32(-np.inf)  # the lowest score that is kept, and how many of exactly it
        ties = stop - start
        if stop - start > n_best:
            for p in range(start, stop):
                scratch[p] = scores[p] if scores[p] == scores[p] else bar
            low = start
            high = stop
            place = start + n_best
            found = False
            while not found:
                pivot = scratch[(low + high) // 2]
                above = low  # scratch[low:above] > pivot, scratch[above:p] == pivot
                below = high  # scratch[below:high] < pivot
                p = low
                while p < below:
                    x = scratch[p]
                    if x > pivot:
                        scratch[p] = scratch[above]
                        scratch[above] = x
                        above += 1
                        p += 1
                    elif x < pivot:
                        below -= 1
                        scratch[p] = scratch[below]
                        scratch[below] = x
                    else:
                        p += 1
                if place <= above:
                    high = above
                elif place <= below:
                    found = True
                    bar = pivot
                    ties = place - above
                else:
                    low = below
        for p in range(start, stop):
            x = scores[p] if scores[p] == scores[p] else np.float32(-np.inf)
            if x > bar:
                out_indices[n] = indices[p]
                n += 1
            elif x == bar and ties > 0:
                out_indices[n] = indices[p]
                n += 1
                ties -= 1
        out_indptr[s + 1] = n
    return n


# pythran export pick_winners(float32[:,:] order(C), uint32[:,:] order(C), int, uint16[:,:] order(C))
def pick_winners(values, windows, n_bits, codes):
    """Join the places of the largest values of windows of coordinates into codes.

    ``windows`` (n_digits, width) names each window's coordinates; a table's code is made of
    ``windows.shape[0] // codes.shape[1]`` digits of ``n_bits`` each. A window whose values are
    all zero says nothing: it borrows the digit of the next one that does.
    """
    n_windows, width = windows.shape
    n_digits = n_windows // codes.shape[1]
    for i in range(values.shape[0]):
        for t in range(codes.shape[1]):
            code = 0
            for d in range(n_digits):
                w = t * n_digits + d
                tries = 0
                empty = True
                best = 0
                while empty and tries < n_windows:
                    best = 0
                    for c in range(width):
                        x = values[i, windows[w, c]]
                        if x != 0:
                            empty = False
                        if x > values[i, windows[w, best]]:
                            best = c
                    w = w + 1 if w + 1 < n_windows else 0
                    tries += 1
                code = (code << n_bits) | best
            codes[i, t] = code
