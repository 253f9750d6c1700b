"""Hash tables on arrays of any library: built by stable sorts, searched by binary search.

Whatever order the compiled path gives, these give, too. Integers are of 32 bits and signed: all
libraries compute with these, and index by them. Tables are held as a `Pattern`, bucket -> members.
"""

from sklearn_lsh.csr import Pattern
from sklearn_lsh.hashing.arrays import device
from sklearn_lsh.hashing.priorities import priorities_of


def count(n, array, xp):
    """Numbers 0, ..., n - 1 beside an array."""
    return xp.arange(n, dtype=xp.int32, device=device(array))


def whole(array, xp):
    """The same numbers in signed integers of 32 bits."""
    return xp.astype(array, xp.int32)


def pick(array, places, xp):
    """Values at places of a one-dimensional array."""
    return xp.take(array, places, axis=0)


def check_codes(codes, n_buckets, xp):
    """Refuse codes that are no integers, or belong to no bucket."""
    if not xp.isdtype(codes.dtype, "integral"):
        raise TypeError(f"codes must be integers, got {codes.dtype}.")
    if 0 in codes.shape:
        return
    codes = whole(codes, xp)
    least, greatest = int(xp.min(codes)), int(xp.max(codes))
    if not 0 <= least <= greatest < n_buckets:
        raise ValueError(
            f"codes must be from 0 to {n_buckets - 1}, got codes from {least} to {greatest}."
        )


def places_of(codes, n_buckets, xp):
    """Buckets by their number: code c of table t is bucket ``t * n_buckets + c``."""
    return whole(codes, xp) + n_buckets * count(codes.shape[-1], codes, xp)


def build_tables(codes, owners, n_buckets, xp) -> Pattern:
    """Sort codes into buckets of their owners."""
    n_codes, n_tables = codes.shape
    buckets = xp.reshape(xp.permute_dims(places_of(codes, n_buckets, xp), (1, 0)), (-1,))
    order = xp.argsort(buckets, stable=True)
    members = whole(order % max(1, n_codes), xp)
    buckets = pick(buckets, order, xp)
    if owners is not None:
        members = pick(whole(owners, xp), members, xp)
        buckets, members = drop_repeats(buckets, members, xp)
    return Pattern(starts_of(buckets, n_tables * n_buckets, xp), members)


def starts_of(sorted_numbers, n_numbers, xp):
    """``indptr`` of a sorted list of numbers."""
    numbers = count(n_numbers + 1, sorted_numbers, xp)
    return whole(xp.searchsorted(sorted_numbers, numbers), xp)


def numbers_of(indptr, xp):
    """The opposite: for each place of a ragged list its row."""
    places = count(int(indptr[-1]), indptr, xp)
    return whole(xp.searchsorted(indptr, places, side="right"), xp) - 1


def group_pairs(first, second, xp):
    """Find equal pairs of numbers: an order that joins them, and where in it each group starts."""
    order = xp.argsort(second, stable=True)
    order = pick(order, xp.argsort(pick(first, order, xp), stable=True), xp)
    first, second = pick(first, order, xp), pick(second, order, xp)
    new = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
    new = xp.concat([xp.ones((1,), dtype=xp.bool, device=device(first)), new], axis=0)
    return order, xp.nonzero(new)[0]


def drop_repeats(buckets, members, xp):
    """Leave a member in a bucket only where it comes first."""
    if members.shape[0] == 0:
        return buckets, members
    order, starts = group_pairs(buckets, members, xp)
    kept = xp.sort(pick(order, starts, xp))
    return pick(buckets, kept, xp), pick(members, kept, xp)


def merge_tables(tables, leaving, new, xp) -> Pattern:
    """Bucket by bucket: the members that are not among ``leaving``, then the new ones.

    A row stays only where it comes first in a bucket.
    """
    buckets, members = numbers_of(tables.indptr, xp), tables.indices
    if leaving is not None and leaving.shape[0] > 0:
        leaving = xp.sort(whole(leaving, xp))
        places = xp.searchsorted(leaving, members)
        last = xp.full_like(places, leaving.shape[0] - 1)
        stays = xp.nonzero(pick(leaving, xp.minimum(places, last), xp) != members)[0]
        buckets, members = pick(buckets, stays, xp), pick(members, stays, xp)
    buckets = xp.concat([buckets, numbers_of(new.indptr, xp)], axis=0)
    order = xp.argsort(buckets, stable=True)
    members = pick(xp.concat([members, new.indices], axis=0), order, xp)
    buckets, members = drop_repeats(pick(buckets, order, xp), members, xp)
    return Pattern(starts_of(buckets, tables.n_rows, xp), members)


def limit_tables(tables, capacity, seed, xp) -> Pattern:
    """Leave in a bucket the ``capacity`` members of the lowest priorities."""
    buckets = numbers_of(tables.indptr, xp)
    kept = keep_best(buckets, -priorities_of(buckets, tables.indices, seed), capacity, xp)
    starts = starts_of(pick(buckets, kept, xp), tables.n_rows, xp)
    return Pattern(starts, pick(tables.indices, kept, xp))


def keep_best(numbers, scores, n_best, xp):
    """Places of the ``n_best`` entries of each number that score highest, first ones first.

    Numbers are sorted, and scores integers.
    """
    order = xp.argsort(-scores, stable=True)
    order = pick(order, xp.argsort(pick(numbers, order, xp), stable=True), xp)
    ranks = count(numbers.shape[0], numbers, xp) - whole(xp.searchsorted(numbers, numbers), xp)
    return xp.sort(pick(order, xp.nonzero(ranks < n_best)[0], xp))


def count_votes(tables, codes, n_wanted, min_shared, fill_from, xp) -> Pattern:
    """Choose for each query the rows that share most buckets with it.

    ``tables`` are `LSHTables`; see `LSHTables.most_collisions`.
    """
    n_queries = codes.shape[0]
    queries, rows, votes = _candidates(tables, codes, xp)
    if fill_from >= 0 and n_wanted > 0:  # candidates without votes, behind the others
        filled = count(n_queries * n_wanted, codes, xp)
        filling = (fill_from + filled % n_wanted) % tables.n_rows
        queries = xp.concat([queries, filled // n_wanted], axis=0)
        rows = xp.concat([rows, filling], axis=0)
        votes = xp.concat([votes, xp.zeros_like(filling)], axis=0)
        order = xp.argsort(queries, stable=True)
        queries, rows, votes = (pick(array, order, xp) for array in (queries, rows, votes))
    if rows.shape[0] == 0 or n_wanted == 0:
        return Pattern(xp.zeros_like(count(n_queries + 1, codes, xp)), rows[:0])
    order, starts = group_pairs(queries, rows, xp)
    totals = xp.cumulative_sum(pick(votes, order, xp), axis=0, include_initial=True)
    stops = xp.concat([starts[1:], xp.full_like(starts[:1], rows.shape[0])], axis=0)
    votes = pick(totals, stops, xp) - pick(totals, starts, xp)
    firsts = pick(order, starts, xp)
    by_place = xp.argsort(firsts)
    firsts, votes = pick(firsts, by_place, xp), whole(pick(votes, by_place, xp), xp)
    queries = pick(queries, firsts, xp)
    if min_shared > 1:
        enough = xp.nonzero(votes >= min_shared)[0]
        queries, firsts, votes = (pick(array, enough, xp) for array in (queries, firsts, votes))
    best = keep_best(queries, votes, n_wanted, xp)
    rows = pick(rows, pick(firsts, best, xp), xp)
    return Pattern(starts_of(pick(queries, best, xp), n_queries, xp), rows)


def _candidates(tables, codes, xp):
    """All members of the queries' buckets: their queries, rows and votes."""
    n_queries = codes.shape[0]
    starts, stops = (xp.reshape(array, (-1,)) for array in tables.buckets(codes))
    ends = xp.cumulative_sum(stops - starts, axis=0, dtype=xp.int32, include_initial=True)
    lookups = numbers_of(ends, xp)
    places = count(lookups.shape[0], codes, xp) - pick(ends, lookups, xp)
    rows = pick(tables.members, places + pick(starts, lookups, xp), xp)
    n_lookups = starts.shape[0] // max(1, n_queries)
    return lookups // max(1, n_lookups), rows, xp.ones_like(rows)
