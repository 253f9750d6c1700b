"""The best of many scores: quickselects that copy instead of branching."""

import numpy as np

# Scores of a row from which a sample of them is worth its time: it foretells how high the last
# place is.
LONG = 256
# Scores of a long row of which the sample has one.
STRIDE = 16


def find_place(values, n_values, place):
    """The score of a place among ``values[:n_values]``, and how many of exactly it are not above it.

    A quickselect that only copies forwards: what is on which side of a pivot cannot be foretold,
    so nothing branches on it. Equal scores cost nothing. What is not a number must not be among
    the values, whose order is lost.
    """
    pivot = np.float32(-np.inf)
    while n_values > 0:
        pivot = values[n_values // 2]
        above = 0
        equal = 0
        for p in range(n_values):
            above += 1 if values[p] > pivot else 0
            equal += 1 if values[p] == pivot else 0
        n = 0
        if place <= above:
            for p in range(n_values):
                x = values[p]
                values[n] = x
                n += 1 if x > pivot else 0
        elif place <= above + equal:
            place -= above
        else:
            place -= above + equal
            for p in range(n_values):
                x = values[p]
                values[n] = x
                n += 1 if x < pivot else 0
        n_values = n
    return pivot, place


def find_bar(scores, start, stop, n_best, places, values):
    """Find the lowest of the ``n_best`` highest of ``scores[start:stop]``.

    Leaves in ``places``, in their order, those of some scores that have all these among them.
    Returns how many places, the lowest score, and how many of exactly it are among the best.
    """
    lowest = np.float32(-np.inf)
    n_scores = stop - start
    guess = lowest
    if n_scores > LONG:
        # A score that some more than `n_best` exceed: by two standard deviations of the number
        # that a random sample of its size would have of them.
        n = 0
        for p in range(start, stop, STRIDE):
            values[n] = scores[p] if scores[p] == scores[p] else lowest
            n += 1
        expected = n * (n_best / n_scores)
        guess = find_place(values, n, min(n, int(expected + 2 * np.sqrt(expected) + 2)))[0]
    n = 0
    for p in range(start, stop):
        places[n] = p
        n += 1 if scores[p] >= guess else 0
    if n < n_best or guess == lowest:
        n = n_scores
        for p in range(n_scores):
            places[p] = start + p
    for q in range(n):
        x = scores[places[q]]
        values[q] = x if x == x else lowest
    bar, ties = find_place(values, n, n_best)
    return n, bar, ties


# pythran export keep_best((uint32[], uint32[]), float32[], int, (uint32[], uint32[], float32[]))
def keep_best(pattern, scores, n_best, best):
    """Keep each row's ``n_best`` pairs of highest score, in their order. Returns how many.

    Fills ``best``, which is ``indptr, indices, scores``. Ties go to the pair met first; a score
    that is not a number counts as the lowest.
    """
    indptr, indices = pattern
    out_indptr, out_indices, out_scores = best
    places = np.empty(scores.shape[0] + 1, np.uint32)
    values = np.empty(scores.shape[0] + 1, np.float32)
    lowest = np.float32(-np.inf)
    n = 0
    out_indptr[0] = 0
    for s in range(indptr.shape[0] - 1):
        start = int(indptr[s])
        stop = int(indptr[s + 1])
        if stop - start <= n_best:
            for p in range(start, stop):
                out_indices[n] = indices[p]
                out_scores[n] = scores[p]
                n += 1
        else:
            n_places, bar, ties = find_bar(scores, start, stop, n_best, places, values)
            end = n + n_best
            for q in range(n_places):
                p = places[q]
                x = scores[p] if scores[p] == scores[p] else lowest
                if n < end:
                    out_indices[n] = indices[p]
                    out_scores[n] = scores[p]
                tie = 1 if x == bar else 0
                tie = min(tie, ties)
                ties -= tie
                n += tie
                n += 1 if x > bar else 0
        out_indptr[s + 1] = n
    return n


# pythran export best_columns(float32[], int, uint32[:,:] order(C), float32[:,:] order(C))
def best_columns(scores, n_columns, columns, best):
    """Find as many of each row's highest scores as ``best`` has columns, as `keep_best` does.

    ``scores`` are rows of ``n_columns`` one after the other.
    """
    n_best = columns.shape[1]
    places = np.empty(n_columns + 1, np.uint32)
    values = np.empty(n_columns + 1, np.float32)
    lowest = np.float32(-np.inf)
    for s in range(columns.shape[0]):
        start = s * n_columns
        n_places, bar, ties = find_bar(scores, start, start + n_columns, n_best, places, values)
        n = 0
        for q in range(n_places):
            p = places[q]
            x = scores[p] if scores[p] == scores[p] else lowest
            if n < n_best:
                columns[s, n] = p - start
                best[s, n] = scores[p]
            tie = 1 if x == bar else 0
            tie = min(tie, ties)
            ties -= tie
            n += tie
            n += 1 if x > bar else 0
