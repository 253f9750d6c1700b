"""Hash tables of rows, searched by the buckets that a query shares with them."""

from __future__ import annotations

import math
from typing import NamedTuple, Self

import numpy as np

from sklearn_lsh import kernels
from sklearn_lsh.csr import Best, Pattern, check_n_pairs
from sklearn_lsh.draft import draft_of
from sklearn_lsh.hashing import array_tables
from sklearn_lsh.hashing.arrays import Array, namespace, put_beside, to_numpy
from sklearn_lsh.hashing.priorities import priorities_of
from sklearn_lsh.hashing.stored_tables import check_stored_tables
from sklearn_lsh.hashing.table_checks import (
    CODE_TYPES,
    MOST_LOOKUPS,
    as_codes,
    check_count,
    check_n_members,
    check_row_numbers,
    check_sizes,
)
from sklearn_lsh.inputs import plain
from sklearn_lsh.stored import Stored


class TableStatistics(NamedTuple):
    """How full the buckets of each table are: ndarrays of shape (n_tables,).

    Attributes
    ----------
    n_members : ndarray of int
        Members of all its buckets.
    occupancy : ndarray of float
        Mean number of members of the buckets that are not empty.
    largest : ndarray of int
        Members of the fullest bucket.
    empty_rate : ndarray of float
        Share of the buckets that are empty.
    load_balance : ndarray of float
        Members that a bucket would have on average, divided by those that the bucket of a member
        has on average: 1 where all buckets are equally full, ``1 / n_buckets`` where one has all.
    """

    n_members: np.ndarray
    occupancy: np.ndarray
    largest: np.ndarray
    empty_rate: np.ndarray
    load_balance: np.ndarray


class LSHTables(Stored):
    """``n_tables`` hash tables over numbered rows, held as one CSR: bucket -> members.

    Bucket ``t * n_buckets + code`` belongs to table ``t``. Members are in the order in which they
    came. NumPy arrays take the compiled path; arrays of another library that follows the array
    API standard give the same tables and answers in that library, on their device.

    Parameters
    ----------
    codes : array of shape (n_codes, n_tables), dtype=uint8 or uint16
        Where the rows go, see `HashFamily.transform`.
    n_buckets : int
        Number of different codes: ``n_buckets_`` of the family.
    owners : array of shape (n_codes,), dtype=uint32, default=None
        Which row each code is of, so that a row may be in several buckets of a table. By
        default code ``i`` is row ``i``'s. In other libraries they may be any integers.
    n_rows : int, default=None
        Number of rows, if ``owners`` is given.
    capacity : int, default=None
        Most members of a bucket. A fuller one keeps a random sample of its members: those of the
        lowest pseudo-random priority, which depends on the bucket, the row and ``seed`` alone.
        So every member stays with the same probability, whenever it came, as in a reservoir.
    seed : int, default=0
        Of the priorities.

    Attributes
    ----------
    indptr : array of shape (n_tables * n_buckets + 1,), dtype=uint32
        Bucket ``b`` holds ``members[indptr[b]:indptr[b + 1]]``. In other libraries int32, with
        which they compute and index.
    members : array of shape (n_members,), dtype=uint32
        Rows. In other libraries int32.
    n_rows : int
        One more than the greatest number a row may have; rows that were deleted count.
    n_tables, n_buckets : int

    Raises
    ------
    ValueError, TypeError
        If codes or owners do not fit together, or are out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_lsh.hashing import LSHTables
    >>> tables = LSHTables(np.array([[0, 1], [0, 0], [1, 1]], np.uint8), n_buckets=2)
    >>> indptr, rows = tables.query(np.array([[0, 1]], np.uint8))
    >>> rows
    array([0, 1, 2], dtype=uint32)
    """

    def __init__(
        self,
        codes: Array,
        n_buckets: int,
        owners: Array | None = None,
        n_rows: int | None = None,
        *,
        capacity: int | None = None,
        seed: int = 0,
    ) -> None:
        codes = as_codes(codes)
        check_sizes(n_buckets, codes.shape[-1], n_rows)
        if capacity is not None:
            check_count("capacity", capacity, 1)
        check_count("seed", seed, None)
        self.n_buckets, self.n_tables = n_buckets, codes.shape[-1]
        # Codes of no row, which tell the library: its module itself could not be pickled.
        self._none = put_beside(np.empty((0, self.n_tables), np.uint8), codes)
        self.capacity, self.seed = capacity, seed
        codes, owners = self._check(codes, 2), self._check_rows(owners, "owners")
        # None where it is missing, which the check of the owners finds.
        self.n_rows: int = codes.shape[0] if owners is None else n_rows  # type: ignore[assignment]
        if owners is not None:
            self._check_owners(codes, owners)
        self.indptr, self.members = self._build(codes, owners)
        self._limit()

    # Search

    def query(self, codes: Array) -> Pattern:
        """Find all rows that share a bucket with each query.

        Parameters
        ----------
        codes : array of shape (n_queries, n_tables) or (n_queries, n_probes, n_tables)
            Codes of the queries, by the same functions as the rows'; several for each table to
            look into several of its buckets.

        Returns
        -------
        indptr, indices : array of dtype=uint32
            Ragged lists of rows, in the order in which they are met: query i's rows are
            ``indices[indptr[i]:indptr[i + 1]]``. In other libraries int32.
        """
        codes = self._check(codes, 2, 3)
        room = None
        if self._xp is None:
            starts, stops = self.buckets(codes)
            room = int((stops - starts).sum(dtype=np.int64))
            check_n_pairs(room)
        return self._search(codes, self.n_rows, room)

    def most_collisions(
        self, codes: Array, n_wanted: int, fill_from: int = -1, min_shared: int = 1
    ) -> Pattern:
        """Find for each query the rows that share most buckets with it.

        Parameters
        ----------
        codes : array of shape (n_queries, n_tables) or (n_queries, n_probes, n_tables)
            See `query`.
        n_wanted : int
            How many rows to find for each query, at most ``n_rows``.
        fill_from : int, default=-1
            Unless negative: queries that find too few get the rows from this one onwards.
        min_shared : int, default=1
            Rows that share fewer buckets are left out: to share one of many may be chance. More
            than 1 cannot be had together with ``fill_from``.

        Returns
        -------
        indptr, indices : array of dtype=uint32
            See `query`. Of rows that share as many buckets those win that are met first.
        """
        codes = self._check(codes, 2, 3)
        check_count("n_wanted", n_wanted, None)
        check_count("fill_from", fill_from, None)
        check_count("min_shared", min_shared, None)
        if not 0 <= n_wanted <= self.n_rows or fill_from >= self.n_rows > 0:
            raise ValueError(
                f"n_wanted must be from 0 to the number of rows, {self.n_rows}, and fill_from "
                f"less than it, got {n_wanted} and {fill_from}."
            )
        if min_shared < 1 or (min_shared > 1 and fill_from >= 0):
            raise ValueError(
                f"min_shared must be at least 1, and 1 with fill_from, got {min_shared}."
            )
        room = codes.shape[0] * n_wanted
        check_n_pairs(room)
        # Numbers of any size are right where there are no rows, and no row shares more than all.
        fill_from = min(max(int(fill_from), -1), self.n_rows)
        min_shared = min(int(min_shared), self.n_tables + 1)
        return self._search(codes, n_wanted, room, fill_from=fill_from, min_shared=min_shared)

    def buckets(self, codes: Array) -> tuple[Array, Array]:
        """Where the members of each query's buckets lie.

        Parameters
        ----------
        codes : array of shape (..., n_tables)
            See `query`.

        Returns
        -------
        starts, stops : array of the same shape
            The members are ``members[starts[...]:stops[...]]``.
        """
        codes = self._check(codes)
        xp = self._xp
        if xp is None:
            places = codes + np.arange(self.n_tables, dtype=np.uint32) * np.uint32(self.n_buckets)
            return self.indptr[places], self.indptr[places + np.uint32(1)]
        places = xp.reshape(array_tables.places_of(codes, self.n_buckets, xp), (-1,))
        return tuple(
            xp.reshape(array_tables.pick(self.indptr, places + after, xp), codes.shape)
            for after in (0, 1)
        )

    # Change

    def insert(self, codes: Array, rows: Array | None = None) -> Self:
        """Put rows into the tables.

        Parameters
        ----------
        codes : array of shape (n_codes, n_tables)
            Where they go.
        rows : array of shape (n_codes,), default=None
            Their numbers; by default new ones, from ``n_rows`` onwards. A row that is in the
            tables already gets another code beside those it has, see also `update`.

        Returns
        -------
        self : LSHTables
            Changed.

        Notes
        -----
        `insert`, `delete` and `update` take one pass over all members. Change many rows at once.
        """
        if rows is None:
            codes = self._check(codes, 2)
            rows = np.arange(self.n_rows, self.n_rows + codes.shape[0])
        return self._change(codes, rows, leaving=None)

    def delete(self, rows: Array) -> Self:
        """Take rows out of the tables. The others keep their numbers.

        Parameters
        ----------
        rows : array of shape (n_deleted,)
            Their numbers. Those that are not in the tables are passed over.

        Returns
        -------
        self : LSHTables
            Changed.
        """
        return self._change(None, None, leaving=rows)

    def update(self, codes: Array, rows: Array) -> Self:
        """Move rows to other buckets.

        Parameters
        ----------
        codes : array of shape (n_codes, n_tables)
            Their new codes; old ones are forgotten.
        rows : array of shape (n_codes,)
            Their numbers.

        Returns
        -------
        self : LSHTables
            Changed.
        """
        return self._change(codes, rows, leaving=rows)

    # What is in it

    def statistics(self) -> TableStatistics:
        """Describe how full the buckets are.

        Returns
        -------
        statistics : TableStatistics
            Of each table.
        """
        indptr = to_numpy(self.indptr).astype(np.int64)
        sizes = np.diff(indptr).reshape(self.n_tables, self.n_buckets)
        n_members, n_filled = sizes.sum(axis=1), np.count_nonzero(sizes, axis=1)
        with np.errstate(invalid="ignore"):
            balance = n_members.astype(float) ** 2 / self.n_buckets / (sizes**2).sum(axis=1)
        return TableStatistics(
            n_members,
            n_members / np.maximum(n_filled, 1),
            sizes.max(axis=1),
            1 - n_filled / self.n_buckets,
            np.where(n_members > 0, balance, 1.0),
        )

    # How it is done

    def _check_stored(self):
        check_stored_tables(self)

    @property
    def _xp(self):
        return namespace(self._none)

    @property
    def _pattern(self):
        """The tables as ragged lists: bucket -> members."""
        return Pattern(self.indptr, self.members)

    def _build(self, codes, owners) -> Pattern:
        """Build tables of codes."""
        check_n_members(codes.shape[0] * self.n_tables)
        if self._xp is not None:
            return array_tables.build_tables(codes, owners, self.n_buckets, self._xp)
        indptr = np.empty(self.n_tables * self.n_buckets + 1, np.uint32)
        tables = Pattern(indptr, np.empty(codes.size, np.uint32))
        rows = np.arange(codes.shape[0], dtype=np.uint32) if owners is None else owners
        kernels.build_tables(codes, rows, self.n_buckets, tables)
        return tables if owners is None else self._drop_repeats(tables)

    def _drop_repeats(self, tables) -> Pattern:
        n = kernels.drop_repeats(tables, self.n_rows)
        return Pattern(tables.indptr, tables.indices[:n])

    def _search(self, codes, n_wanted, room, *, fill_from=-1, min_shared=1) -> Pattern:
        if self._xp is not None:
            return array_tables.count_votes(self, codes, n_wanted, min_shared, fill_from, self._xp)
        n_queries, n_lookups = codes.shape[0], math.prod(codes.shape[1:])
        if n_lookups > MOST_LOOKUPS:
            raise ValueError(
                f"A query may look into at most {MOST_LOOKUPS} buckets, got codes of {n_lookups}."
            )
        found = Pattern(np.empty(n_queries + 1, np.uint32), np.empty(room, np.uint32))
        n = kernels.count_votes(
            codes.reshape(n_queries, n_lookups),
            self.n_buckets,
            self._pattern,
            self.n_rows,
            n_wanted,
            min_shared,
            fill_from,
            found,
        )
        return Pattern(found.indptr, found.indices[:n])

    def _change(self, codes, rows, leaving):
        """Take rows out, then put others in: on a draft, lest an error leaves half of it."""
        with draft_of(self) as draft:
            rows, leaving = (draft._check_rows(array) for array in (rows, leaving))
            if rows is None:
                new = draft._build(draft._none, None)
            else:
                codes = draft._check(codes, 2)
                if rows.shape[0] != codes.shape[0]:
                    raise ValueError(f"{codes.shape[0]} codes are given for {rows.shape[0]} rows.")
                draft.n_rows = max(draft.n_rows, draft._greatest(rows) + 1)
                new = draft._build(codes, rows)
            draft.indptr, draft.members = draft._merge(leaving, new)
            draft._limit()
        return self

    def _merge(self, leaving, new) -> Pattern:
        if self._xp is not None:
            return array_tables.merge_tables(self._pattern, leaving, new, self._xp)
        flags = np.zeros(self.n_rows, np.uint8)
        if leaving is not None:
            flags[leaving[leaving < self.n_rows]] = 1
        room = self.members.size + new.n_pairs
        check_n_members(room)
        merged = Pattern(np.empty_like(new.indptr), np.empty(room, np.uint32))
        n = kernels.merge_tables(self._pattern, flags, new, merged)
        merged = Pattern(merged.indptr, merged.indices[:n])
        # Rows that left cannot be there twice.
        return merged if leaving is not None else self._drop_repeats(merged)

    def _limit(self):
        """Leave no more than ``capacity`` members in a bucket."""
        xp = self._xp
        if self.capacity is None or self.members.shape[0] == 0:
            return
        if xp is not None:
            limited = array_tables.limit_tables(self._pattern, self.capacity, self.seed, xp)
            self.indptr, self.members = limited
            return
        sizes = np.diff(self.indptr)
        is_crowded = sizes > self.capacity
        if not is_crowded.any():
            return
        # Members of other buckets all stay, whatever their score.
        scores = np.zeros(self.members.shape[0], np.float32)
        buckets = np.repeat(np.flatnonzero(is_crowded).astype(np.int32), sizes[is_crowded])
        places = np.flatnonzero(np.repeat(is_crowded, sizes))
        scores[places] = -priorities_of(buckets, self.members[places].view(np.int32), self.seed)
        most = np.minimum(sizes, self.capacity).sum(dtype=np.int64)
        indptr = np.empty_like(self.indptr)
        kept = Best(indptr, np.empty(most, np.uint32), np.empty(most, np.float32))
        kernels.keep_best(self._pattern, scores, self.capacity, kept)
        self.indptr, self.members = kept.pattern

    def _check(self, codes, *n_dimensions):
        """Refuse codes of another form, and those that would lead kernels out of the tables."""
        codes = as_codes(codes)
        if namespace(codes) is not self._xp:
            raise TypeError(
                f"The tables hold arrays of {_name(self._xp)}, but codes are of "
                f"{_name(namespace(codes))}."
            )
        if codes.shape[-1] != self.n_tables or (n_dimensions and codes.ndim not in n_dimensions):
            raise ValueError(
                f"codes must have {self.n_tables} columns, one for each table, and "
                f"{' or '.join(map(str, n_dimensions))} dimensions, got {tuple(codes.shape)}."
            )
        if self._xp is not None:
            array_tables.check_codes(codes, self.n_buckets, self._xp)
            return codes
        if codes.dtype not in CODE_TYPES:
            raise TypeError(f"codes must be of type uint8 or uint16, got {codes.dtype}.")
        if codes.size and codes.max() >= self.n_buckets:
            raise ValueError(f"codes must be less than {self.n_buckets}, got {codes.max()}.")
        return plain(codes)

    def _check_owners(self, codes, owners):
        if self.n_rows is None or owners.shape[0] != codes.shape[0]:
            raise ValueError("owners need n_rows, and there must be one of them for each code.")
        if self._greatest(owners) >= self.n_rows:
            raise ValueError(
                f"owners must be less than n_rows={self.n_rows}, got {self._greatest(owners)}."
            )

    def _greatest(self, rows):
        return int((self._xp or np).max(rows)) if rows.shape[0] else -1

    def _check_rows(self, rows, name="rows"):
        """Row numbers as kernels read them."""
        if rows is None:
            return None
        rows = check_row_numbers(rows, name)
        if namespace(rows) is not None:
            return rows
        if self._xp is not None:
            return put_beside(rows.astype(np.int32), self._none)
        return plain(rows.astype(np.uint32, copy=False))


def _name(xp):
    return "NumPy" if xp is None else xp.__name__
