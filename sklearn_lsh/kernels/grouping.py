"""Reorder the pairs of a ragged batch: take its rows, or order it column by column."""

import numpy as np


# pythran export start_rows(int32[], int64[], uint32[])
# pythran export start_rows(int64[], int64[], uint32[])
def start_rows(indptr, rows, out_indptr):
    """Fill in where the named rows of a CSR matrix begin in a batch. Returns its number of pairs."""
    n = 0
    out_indptr[0] = 0
    for k in range(rows.shape[0]):
        n += int(indptr[rows[k] + 1] - indptr[rows[k]])
        out_indptr[k + 1] = n
    return n


# pythran export take_rows((int32[], uint32[], float32[]), int64[], (uint32[], uint32[], float32[]))
# pythran export take_rows((int32[], uint32[], float64[]), int64[], (uint32[], uint32[], float32[]))
# pythran export take_rows((int64[], uint64[], float32[]), int64[], (uint32[], uint32[], float32[]))
# pythran export take_rows((int64[], uint64[], float64[]), int64[], (uint32[], uint32[], float32[]))
def take_rows(X, rows, out):
    """Copy the named rows of a CSR matrix to where they begin in a CSR batch.

    Both are ``indptr, indices, data``; of the batch's ``indptr`` only these places are read.
    """
    indptr, indices, data = X
    starts, out_indices, out_data = out
    for k in range(rows.shape[0]):
        start = int(indptr[rows[k]])
        stop = int(indptr[rows[k] + 1])
        first = int(starts[k])
        last = first + stop - start
        out_indices[first:last] = indices[start:stop]  # three times as fast as a loop over pairs
        out_data[first:last] = data[start:stop]


# pythran export count_products(uint32[], uint32[])
def count_products(indptr, other):
    """Sum over rows of the products of their lengths in two ragged batches."""
    n = 0
    for s in range(indptr.shape[0] - 1):
        n += int(indptr[s + 1] - indptr[s]) * int(other[s + 1] - other[s])
    return n


# Columns for each pair from which pairs are few: where a radix sort of the pairs takes less time
# than a look at every column.
SPARSE = 8


def sort_by_digit(order, indices, shift, n_digits, out):
    """Order pairs by a digit of their columns; those of the same digit stay in ``order``."""
    places = np.zeros(n_digits, np.uint32)
    for p in range(order.shape[0]):
        places[(indices[order[p]] >> shift) % n_digits] += 1
    place = 0
    for d in range(n_digits):
        count = int(places[d])
        places[d] = place
        place += count
    for p in range(order.shape[0]):
        d = (indices[order[p]] >> shift) % n_digits
        out[places[d]] = order[p]
        places[d] += 1


def group_few(pattern, n_columns, groups):
    """As `group_by_column`, without a look at each column: a radix sort by two digits."""
    indptr, indices = pattern
    rows, starts, pairs, samples = groups
    n_pairs = indices.shape[0]
    order = np.empty(n_pairs, np.uint32)
    by_last = np.empty(n_pairs, np.uint32)
    row_of = np.empty(n_pairs, np.uint32)
    for s in range(indptr.shape[0] - 1):
        for q in range(indptr[s], indptr[s + 1]):
            order[q] = q
            row_of[q] = s
    shift = 1
    while 1 << 2 * shift < n_columns:
        shift += 1
    sort_by_digit(order, indices, 0, 1 << shift, by_last)
    sort_by_digit(by_last, indices, shift, 1 << shift, pairs)
    starts[0] = 0
    n = 0
    for p in range(n_pairs):
        i = indices[pairs[p]]
        if n == 0 or rows[n - 1] != i:
            rows[n] = i
            n += 1
        starts[n] = p + 1
        samples[p] = row_of[pairs[p]]
    return n


def group_many(pattern, n_columns, groups):
    """As `group_by_column`: a counting sort."""
    indptr, indices = pattern
    rows, starts, pairs, samples = groups
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
            rows[n] = i
            n += 1
            starts[n] = place
    for s in range(indptr.shape[0] - 1):
        for q in range(indptr[s], indptr[s + 1]):
            place = int(places[indices[q]])
            pairs[place] = q
            samples[place] = s
            places[indices[q]] += 1
    return n


# pythran export group_by_column((uint32[], uint32[]), int, (uint32[], uint32[], uint32[], uint32[]))
def group_by_column(pattern, n_columns, groups):
    """Order the pairs of a ragged batch by column.

    Fills ``groups``, which are ``rows, starts, pairs, samples``: ``rows[:n]`` with the ``n``
    distinct columns, ascending (rows of a large matrix are read much faster in their order),
    ``starts[:n + 1]`` with where each one's pairs begin, and for every pair in that order its
    position in the batch and its sample (row of the batch). Returns ``n``.
    """
    _, indices = pattern
    if indices.shape[0] * SPARSE < n_columns:
        return group_few(pattern, n_columns, groups)
    return group_many(pattern, n_columns, groups)


def number_columns(indices, columns, numbers):
    """Number the distinct columns of pairs in the order in which they come: 1, 2, and so on.

    Fills ``columns[number]``, and the number of each pair's column. Returns how many there are. They
    are looked up in a table of twice as many places as pairs, which is small beside all columns.
    """
    n_places = 2
    while n_places < 2 * indices.shape[0]:
        n_places *= 2
    last = np.uint32(n_places - 1)
    table = np.zeros(n_places, np.uint32)  # number 0 is a free place
    n = np.uint32(0)
    for p in range(indices.shape[0]):
        i = indices[p]
        place = (i ^ (i >> 10)) & last
        number = table[place]
        while number > 0 and columns[number] != i:
            place = (place + np.uint32(1)) & last
            number = table[place]
        if number == 0:
            n += np.uint32(1)
            number = n
            columns[number] = i
            table[place] = number
        numbers[p] = number
    return int(n)


# pythran export sum_by_column((uint32[], uint32[], float32[], int), float32[:,:] order(C), uint32[], float32[:,:] order(C))
def sum_by_column(inputs, deltas, columns, sums):
    """Sum up a CSR batch's products with a few numbers of each sample: ``inputs.T @ deltas``.

    Fills ``columns[1:n + 1]`` with the distinct columns and these rows of ``sums`` with their sums;
    returns ``n``. Rows of the transposed product that are zero are left out.
    """
    indptr, indices, data, _ = inputs
    width = deltas.shape[1]
    numbers = np.empty(indices.shape[0], np.uint32)
    n = number_columns(indices, columns, numbers)
    for k in range(n + 1):
        for j in range(width):
            sums[k, j] = np.float32(0)
    for s in range(indptr.shape[0] - 1):
        if width == 1:  # without the inner loop, which takes longer than what is in it
            delta = deltas[s, 0]
            for p in range(indptr[s], indptr[s + 1]):
                sums[numbers[p], 0] += data[p] * delta
        else:
            for p in range(indptr[s], indptr[s + 1]):
                for j in range(width):
                    sums[numbers[p], j] += data[p] * deltas[s, j]
    return n


# pythran export put_first((uint32[], uint32[]), (uint32[], uint32[]), int, (uint32[], uint32[]))
def put_first(first, others, n_columns, out):
    """Join ragged lists row by row: the first ones, then those others that are not among them.

    Returns the number of pairs.
    """
    first_indptr, first_indices = first
    indptr, indices = others
    out_indptr, out_indices = out
    present = np.zeros(n_columns, np.uint8)
    n = 0
    out_indptr[0] = 0
    for s in range(indptr.shape[0] - 1):
        for p in range(first_indptr[s], first_indptr[s + 1]):
            out_indices[n] = first_indices[p]
            n += 1
            present[first_indices[p]] = 1
        for p in range(indptr[s], indptr[s + 1]):
            if present[indices[p]] == 0:
                out_indices[n] = indices[p]
                n += 1
        for p in range(first_indptr[s], first_indptr[s + 1]):
            present[first_indices[p]] = 0
        out_indptr[s + 1] = n
    return n
