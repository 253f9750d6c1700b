"""Hash tables that change, against lists of lists."""

import copy
from itertools import pairwise

import numpy as np

from sklearn_lsh.hashing import LSHTables

from .arrays import Given, layout
from .judge import REFUSED, expect


class Plain:
    """The same tables as lists: bucket -> members, in the order in which they came."""

    def __init__(self, codes, n_buckets, owners=None, n_rows=None):
        self.n_buckets, self.n_tables = n_buckets, codes.shape[1]
        self.buckets = [[[] for _ in range(n_buckets)] for _ in range(self.n_tables)]
        self.n_rows = n_rows or 0
        self.insert(codes, np.arange(len(codes)) if owners is None else owners)
        self.n_rows = len(codes) if owners is None else n_rows

    def insert(self, codes, rows):
        self.n_rows = max([self.n_rows, *(int(row) + 1 for row in rows)])
        for row, own in zip(rows, codes, strict=True):
            for table, code in zip(self.buckets, own, strict=True):
                if row not in table[code]:
                    table[code].append(int(row))

    def delete(self, rows):
        gone = set(map(int, rows))
        for table in self.buckets:
            table[:] = [[row for row in bucket if row not in gone] for bucket in table]

    def votes(self, query):
        """Rows that share buckets with a query, and how many."""
        votes = {}
        for probe in np.atleast_2d(query):
            for table, code in zip(self.buckets, probe, strict=True):
                for row in table[code]:
                    votes[row] = votes.get(row, 0) + 1
        return votes

    def members(self):
        return [bucket for table in self.buckets for bucket in table]


class Case:
    """What the calls of a case have in common."""

    def __init__(self, call):
        rng = call.rng
        self.n_buckets = int(call.pick([1, 2, 3, 8, 200, 256, 257]))
        self.n_tables = int(rng.integers(1, 5))
        self.capacity = call.pick([None, None, 1, 3])

    def codes(self, call, n=None, probes=False, p_wrong=0.12):
        """Draw codes: most often right ones."""
        rng = call.rng
        n = int(rng.integers(0, 12)) if n is None else n
        shape = (n, int(rng.integers(1, 4)), self.n_tables) if probes else (n, self.n_tables)
        kind = "u2" if self.n_buckets > 256 or call.chance(0.5) else "u1"
        codes = rng.integers(self.n_buckets, size=shape).astype(kind)
        if rng.random() < p_wrong:
            return Given(call.pick(WRONG_CODES)(codes, self), bad=True)
        value = layout(rng, codes, 0.2)
        # Lists, and other bytes, may be refused: kernels want arrays of unsigned integers.
        return Given(value, codes)

    def rows(self, call, n, n_rows, p_wrong=0.12):
        """Draw numbers of rows."""
        rng = call.rng
        rows = rng.integers(max(1, n_rows), size=n)
        if rng.random() < p_wrong and n:
            return Given(call.pick(WRONG_ROWS)(rows), bad=True)
        return Given(call.pick(ROW_LAYOUTS)(rows), rows)


WRONG_CODES = [
    lambda codes, case: codes.astype(float),
    lambda codes, case: codes.astype("i8"),
    lambda codes, case: codes[..., :0],
    lambda codes, case: codes[:, :, np.newaxis, np.newaxis],
    lambda codes, case: np.full((1, case.n_tables), case.n_buckets, "u2"),
    lambda codes, case: np.full((2, case.n_tables), 65535, "u2"),
    lambda codes, case: np.float64(1),
    lambda codes, case: None,
    lambda codes, case: "text",
    lambda codes, case: np.zeros(case.n_tables, "u1"),
    lambda codes, case: np.full((1, case.n_tables), "a"),
]
WRONG_ROWS = [
    lambda rows: rows + 0.5,
    lambda rows: -1 - rows,
    lambda rows: rows + 2**32,
    lambda rows: rows + 2**40,
    lambda rows: rows[:, np.newaxis],
    lambda rows: rows.astype(str),
    lambda rows: np.full(len(rows), 2**64 - 1, "u8"),
    lambda rows: [None] * len(rows),
    lambda rows: "text",
    lambda rows: np.full(len(rows), np.nan),
]
ROW_LAYOUTS = [
    lambda rows: rows,
    lambda rows: rows.astype("u4"),
    lambda rows: rows.astype(">i4"),
    lambda rows: np.repeat(rows, 2)[::2],
    lambda rows: rows.tolist(),
]


def play(call):
    """Make a case's calls."""
    case = Case(call)
    tables = plain = REFUSED
    while tables is REFUSED:
        tables, plain = construct(call, case)
    check_members(case, tables, plain)
    for _ in range(call.rng.integers(5, 20)):
        call.pick(ACTIONS)(call, case, tables, plain)
        check_members(case, tables, plain)


def construct(call, case):
    codes = case.codes(call)
    n_buckets, extra, bad = case.n_buckets, {"capacity": case.capacity}, codes.bad
    n = 0 if codes.plain is None else len(codes.plain)
    owners = Given(None)
    if call.chance(0.4):
        owners = case.rows(call, n, n)
        extra |= {"owners": owners.value, "n_rows": n + 2}
    name = None
    if call.chance(0.2):
        name = call.pick(WRONG_ARGUMENTS)
        extra[name], bad = call.pick(WRONG_ARGUMENTS[name]), True
    arguments = {"codes": codes.value, "n_buckets": n_buckets, **extra}
    tables = call(LSHTables, **arguments, refuse=bad or owners.bad)
    if tables is REFUSED:
        return REFUSED, None
    return tables, Plain(codes.plain, n_buckets, owners.plain, n + 2)


WRONG_ARGUMENTS = {
    "n_buckets": [0, -1, 2.5, "foo", None, 2**40],
    "capacity": [0, -1, 1.5, "foo"],
    "seed": ["foo", None, 1.5],
}


def check_members(case, tables, plain):
    """The members of all buckets are those that came and did not go."""
    expect(tables.n_rows == plain.n_rows, f"{tables.n_rows} rows, not {plain.n_rows}")
    indptr, members = tables.indptr.tolist(), tables.members.tolist()
    buckets = plain.members()
    expect(len(indptr) == len(buckets) + 1 and indptr[-1] == len(members), "indptr is wrong")
    for b, bucket in enumerate(buckets):
        found = members[indptr[b] : indptr[b + 1]]
        if case.capacity is None:
            expect(found == bucket, f"bucket {b} has {found}, not {bucket}")
        else:
            expect(
                len(found) <= case.capacity and set(found) <= set(bucket), f"bucket {b}: {found}"
            )
    if case.capacity is not None:
        # Who stays is the tables' affair; from now on it is these.
        pieces = [members[indptr[b] : indptr[b + 1]] for b in range(len(buckets))]
        plain.buckets = [
            pieces[t * case.n_buckets : (t + 1) * case.n_buckets] for t in range(case.n_tables)
        ]


def insert(call, case, tables, plain):
    codes = case.codes(call)
    n = int(call.rng.integers(0, 5)) if codes.plain is None else len(codes.plain)
    if call.chance(0.5):
        if call(tables.insert, codes.value, refuse=codes.bad) is not REFUSED:
            plain.insert(codes.plain, plain.n_rows + np.arange(n))
        return
    rows = case.rows(call, n + call.chance(0.05), plain.n_rows + 3)
    refuse = codes.bad or rows.bad or len(rows.plain) != n
    if call(tables.insert, codes.value, rows.value, refuse=refuse) is not REFUSED:
        plain.insert(codes.plain, rows.plain)


def delete(call, case, tables, plain):
    rows = case.rows(call, int(call.rng.integers(0, 6)), plain.n_rows + 3)
    if call(tables.delete, rows.value, refuse=rows.bad) is not REFUSED:
        plain.delete(rows.plain)


def update(call, case, tables, plain):
    codes = case.codes(call)
    n = int(call.rng.integers(0, 5)) if codes.plain is None else len(codes.plain)
    rows = case.rows(call, n, plain.n_rows + 3)
    if call(tables.update, codes.value, rows.value, refuse=codes.bad or rows.bad) is not REFUSED:
        plain.delete(rows.plain)
        plain.insert(codes.plain, rows.plain)


def ragged(pattern):
    """A list for each query."""
    indptr = pattern.indptr.tolist()
    return [pattern.indices[start:stop].tolist() for start, stop in pairwise(indptr)]


def query(call, case, tables, plain):
    codes = case.codes(call, probes=call.chance(0.3))
    answer = call(tables.query, codes.value, refuse=codes.bad)
    if answer is REFUSED:
        return
    for own, found in zip(codes.plain, ragged(answer), strict=True):
        right = sorted(plain.votes(own))
        expect(sorted(found) == right, f"found {found}, not {right}")


def most_collisions(call, case, tables, plain):
    codes = case.codes(call, probes=call.chance(0.3))
    rng, n_rows = call.rng, plain.n_rows
    n_wanted, fill_from = (
        int(rng.integers(0, n_rows + 1)),
        call.pick([-1, -1, 0, max(0, n_rows - 1)]),
    )
    min_shared = call.pick([1, 1, 2]) if fill_from < 0 else 1
    given = {"n_wanted": n_wanted, "fill_from": fill_from, "min_shared": min_shared}
    wrong = call.chance(0.15)
    if wrong:
        given[call.pick(given)] = call.pick([1.5, "foo", None, n_rows + 10**6, 10**20, np.nan, []])
        # Of no rows any may be asked for, and so many shared buckets of any.
        is_any = given["min_shared"] in (n_rows + 10**6, 10**20)
        wrong = not is_any and not (n_rows == 0 and given["fill_from"] in (10**6, 10**20))
    answer = call(tables.most_collisions, codes.value, **given, refuse=codes.bad or wrong)
    if answer is REFUSED:
        return
    for own, found in zip(codes.plain, ragged(answer), strict=True):
        check_votes(plain.votes(own), found, given)


def check_votes(votes, found, given):
    expect(len(set(found)) == len(found), "a row comes twice")
    most = sorted((n for n in votes.values() if n >= given["min_shared"]), reverse=True)
    most = most[: given["n_wanted"]]
    own = sorted((votes[row] for row in found if row in votes), reverse=True)
    expect(own[: len(most)] == most, f"rows with {own} votes were found, not with {most}")
    if given["fill_from"] >= 0:
        expect(len(found) == given["n_wanted"], f"{len(found)} rows were found")
    else:
        expect(len(own) == len(most) == len(found), f"{len(found)} rows, not {len(most)}")


def buckets(call, case, tables, plain):
    codes = case.codes(call, probes=call.chance(0.3))
    answer = call(tables.buckets, codes.value)
    if answer is REFUSED or codes.plain is None:
        return
    starts, stops = answer
    sizes = [
        len(plain.buckets[t][c])
        for own in codes.plain.reshape(-1, case.n_tables)
        for t, c in enumerate(own)
    ]
    expect((np.ravel(stops).astype(int) - np.ravel(starts)).tolist() == sizes, "other sizes")


def statistics(call, case, tables, plain):
    found = call(tables.statistics)
    n_members = [sum(map(len, table)) for table in plain.buckets]
    expect(found.n_members.tolist() == n_members, "another number of members")
    expect(all(np.isfinite(values).all() for values in found), "not finite")


def copied(call, case, tables, plain):
    other = copy.deepcopy(tables)
    other.delete(np.arange(plain.n_rows))  # which does not matter to the first


ACTIONS = [
    insert,
    delete,
    update,
    query,
    query,
    most_collisions,
    most_collisions,
    buckets,
    statistics,
    copied,
]
