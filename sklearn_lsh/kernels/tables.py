"""Hash tables in CSR form: bucket -> members. Bucket ``t * n_buckets + code`` is table t's."""

import numpy as np

# Members in a line of a processor's cache, which has 64 bytes.
LINE = 16


# pythran export build_tables(uint8[:,:] order(C), uint32[], int, (uint32[], uint32[]))
# pythran export build_tables(uint16[:,:] order(C), uint32[], int, (uint32[], uint32[]))
def build_tables(codes, owners, n_buckets, tables):
    """Counting sort of codes into ``codes.shape[1] * n_buckets`` buckets of their owners.

    Fills ``tables``, which are ``indptr, members``. Table by table, so that only one table's
    buckets are written to at a time. Codes are read once: other threads may be changing them
    meanwhile, and what is counted has to be what is filled in.
    """
    indptr, members = tables
    n_codes, n_tables = codes.shape
    counts = np.zeros(n_buckets, np.uint32)
    column = np.empty(n_codes, np.uint32)
    place = 0
    for t in range(n_tables):
        counts[:] = np.uint32(0)
        for i in range(n_codes):
            column[i] = codes[i, t]
            counts[column[i]] += 1
        for b in range(n_buckets):
            n = int(counts[b])
            indptr[t * n_buckets + b] = place
            counts[b] = place  # from here on where the bucket's next member goes
            place += n
        for i in range(n_codes):
            b = column[i]
            members[counts[b]] = owners[i]
            counts[b] += 1
    indptr[n_tables * n_buckets] = place


# pythran export drop_repeats((uint32[], uint32[]), int)
def drop_repeats(tables, n_rows):
    """Leave each of ``n_rows`` in a bucket only where it comes first. Returns the members left."""
    indptr, members = tables
    last_met = np.zeros(n_rows, np.uint32)  # 1 + the bucket
    n = 0
    start = 0
    for b in range(indptr.shape[0] - 1):
        stop = int(indptr[b + 1])
        for p in range(start, stop):
            i = members[p]
            if last_met[i] != b + 1:
                last_met[i] = b + 1
                members[n] = i
                n += 1
        indptr[b + 1] = n
        start = stop
    return n


# pythran export merge_tables((uint32[], uint32[]), uint8[], (uint32[], uint32[]), (uint32[], uint32[]))
def merge_tables(tables, leaving, new, out):
    """Bucket by bucket: the members that are not ``leaving`` (by row), then the new ones.

    Returns the number of members.
    """
    indptr, members = tables
    new_indptr, new_members = new
    out_indptr, out_members = out
    n = 0
    out_indptr[0] = 0
    for b in range(indptr.shape[0] - 1):
        for p in range(indptr[b], indptr[b + 1]):
            i = members[p]
            out_members[n] = i
            n += 1 if leaving[i] == 0 else 0
        for p in range(new_indptr[b], new_indptr[b + 1]):
            out_members[n] = new_members[p]
            n += 1
        out_indptr[b + 1] = n
    return n


def count_above(counts, n, bar):
    """How many of the first ``n`` counts are above a bar."""
    bar = np.uint16(bar)
    total = np.uint32(0)
    for q in range(n):
        total += np.uint32(1) if counts[q] > bar else np.uint32(0)
    return int(total)


def touch(starts, stops, members):
    """Read a member in each line of cache of some buckets. Returns something of them all.

    Buckets lie anywhere in memory. All of a query's are touched first, in loads that do not wait
    for each other, so that none is waited for while votes are counted.
    """
    touched = np.uint32(0)
    for c in range(starts.shape[0]):
        for p in range(int(starts[c]), int(stops[c]), LINE):
            touched ^= members[p]
    return touched


def find_vote_bar(counts, n_met, n_wanted, min_shared):
    """Find how many votes a row has to have to be among those wanted.

    Returns a bar, above which all are taken, and how many of those with just so many.
    """
    bar = min_shared - 1
    spare = 0
    n_more = n_met if bar == 0 else count_above(counts, n_met, bar)
    while n_more > n_wanted:
        bar += 1
        n_more = count_above(counts, n_met, bar)
        spare = n_wanted - n_more
    return bar, spare


# pythran export count_votes(uint8[:,:] order(C), int, (uint32[], uint32[]), int, int, int, int, (uint32[], uint32[]))
# pythran export count_votes(uint16[:,:] order(C), int, (uint32[], uint32[]), int, int, int, int, (uint32[], uint32[]))
def count_votes(codes, n_buckets, tables, n_rows, n_wanted, min_shared, fill_from, out):
    """Choose for each query the ``n_wanted`` rows that share most buckets with it.

    A query has one code or several for each table: column ``c`` belongs to table
    ``c % n_tables``. Ties go to the row met first, and rows that share fewer than ``min_shared``
    (1 or more) are left out. If that is 1, a query whose buckets hold too few is topped up with the
    rows ``fill_from, fill_from + 1, ...`` (unless negative). Returns the number of pairs.
    """
    indptr, members = tables
    out_indptr, out_indices = out
    n_columns = codes.shape[1]
    n_tables = (indptr.shape[0] - 1) // n_buckets
    votes = np.zeros(n_rows, np.uint16)
    met = np.empty(n_rows + 1, np.uint32)
    counts = np.empty(n_rows + 1, np.uint16)
    starts = np.empty(n_columns, np.uint32)
    stops = np.empty(n_columns, np.uint32)
    touched = np.uint32(0)
    n = 0
    out_indptr[0] = 0
    for s in range(codes.shape[0]):
        first = n
        n_met = 0
        for c in range(n_columns):
            b = (c % n_tables) * n_buckets + int(codes[s, c])
            starts[c] = indptr[b]
            stops[c] = indptr[b + 1]
        touched ^= touch(starts, stops, members)
        # Whether a row was met before cannot be foretold, so nothing branches on it: it is
        # written down in any case, and overwritten by the next unless it was new.
        for c in range(n_columns):
            for p in range(starts[c], stops[c]):
                i = members[p]
                met[n_met] = i
                n_met += 1 if votes[i] == 0 else 0
                votes[i] += 1
        for q in range(n_met):
            counts[q] = votes[met[q]]
        bar, spare = find_vote_bar(counts, n_met, n_wanted, min_shared)
        for q in range(n_met):
            if n - first < n_wanted:
                out_indices[n] = met[q]
            tie = 1 if counts[q] == bar else 0
            tie = min(tie, spare)
            n += tie
            n += 1 if counts[q] > bar else 0
            spare -= tie
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
    met[0] = touched  # lest the compiler leaves the touching out
    return n


def score_others(n_first, indptr, indices, queries, rows, out):
    """Inner products of each query with its list of rows, but for the first ones."""
    width = rows.shape[1]
    for s in range(queries.shape[0]):
        for p in range(int(indptr[s]) + n_first, int(indptr[s + 1])):
            i = indices[p]
            total = np.float32(0)
            for j in range(width):
                total += queries[s, j] * rows[i, j]
            out[p] = total


# pythran export score_pairs((uint32[], uint32[]), float32[:,:] order(C), float32[:,:] order(C), float32[])
def score_pairs(pattern, queries, rows, out):
    """Inner products of each query with its ragged list of rows."""
    indptr, indices = pattern
    score_others(0, indptr, indices, queries, rows, out)


def list_candidates(shared, is_shared, pattern, out_indptr, out):
    """Put a list that all queries share before those of each, whose repetitions are left out."""
    indptr, indices = pattern
    n = 0
    out_indptr[0] = 0
    for s in range(indptr.shape[0] - 1):
        for p in range(shared.shape[0]):
            out[n] = shared[p]
            n += 1
        for p in range(indptr[s], indptr[s + 1]):
            out[n] = indices[p]
            n += 1 if is_shared[indices[p]] == 0 else 0
        out_indptr[s + 1] = n
    return n


def score_shared(columns, indptr, queries, out):
    """Inner products of each query with rows, given as columns, which come first in its list."""
    width, n_shared = columns.shape
    for s in range(queries.shape[0]):
        start = int(indptr[s])
        for p in range(n_shared):
            out[start + p] = np.float32(0)
        for j in range(width):
            x = queries[s, j]
            for p in range(n_shared):
                out[start + p] += x * columns[j, p]


# pythran export score_candidates(uint32[], (uint32[], uint32[]), float32[:,:] order(C), float32[:,:] order(C), (uint32[], uint32[], float32[]))
def score_candidates(shared, pattern, queries, rows, candidates):
    """Join a list of rows that all queries share with each one's own, and score them as `score_pairs`.

    What is in both counts once. Fills ``candidates``, which are ``indptr, indices, scores``, and
    returns the number of pairs. The shared rows are read as columns: many products at a time, none
    of which is a sum.
    """
    out_indptr, out_indices, scores = candidates
    is_shared = np.zeros(rows.shape[0], np.uint8)
    columns = np.empty((rows.shape[1], shared.shape[0]), np.float32)
    for p in range(shared.shape[0]):
        is_shared[shared[p]] = 1
        for j in range(rows.shape[1]):
            columns[j, p] = rows[shared[p], j]
    n = list_candidates(shared, is_shared, pattern, out_indptr, out_indices)
    score_shared(columns, out_indptr, queries, scores)
    score_others(shared.shape[0], out_indptr, out_indices, queries, rows, scores)
    return n
