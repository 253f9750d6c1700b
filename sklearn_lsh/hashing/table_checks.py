"""What users hand over to hash tables, checked: kernels check nothing."""

from __future__ import annotations

from numbers import Integral

import numpy as np

from sklearn_lsh.hashing.arrays import Array, namespace

CODE_TYPES = (np.dtype(np.uint8), np.dtype(np.uint16))
# Members of all tables, buckets, and numbers of rows: all are counted in 32 bits, signed in other
# libraries.
MOST_MEMBERS = 2**31 - 1
# Buckets that a query looks into: a row may have a vote of each, and votes are counted in 16 bits.
MOST_LOOKUPS = 2**16 - 1


def check_count(name: str, value: int, least: int | None, most: int | None = None) -> None:
    """Refuse what is no integer, or out of bounds.

    Raises
    ------
    TypeError, ValueError
        That name it.
    """
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, got {value!r}.")
    if (least is not None and value < least) or (most is not None and value > most):
        bounds = f"at least {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name} must be {bounds}, got {value}.")


def check_sizes(n_buckets: int, n_tables: int, n_rows: int | None) -> None:
    """Refuse numbers of buckets, tables and rows that 32 bits do not hold."""
    check_count("n_buckets", n_buckets, 1, MOST_MEMBERS)
    if n_buckets * n_tables > MOST_MEMBERS:
        raise ValueError(
            f"Tables have at most {MOST_MEMBERS} buckets together, but would have more with "
            f"n_tables={n_tables} and n_buckets={n_buckets}, which is 2**n_bits of most families."
        )
    check_count("codes.shape[1]", n_tables, 1)
    if n_rows is not None:
        check_count("n_rows", n_rows, 0, MOST_MEMBERS)


def check_n_members(n_members: int) -> None:
    """Refuse tables of more members than 32 bits number."""
    if n_members > MOST_MEMBERS:
        raise ValueError(f"Tables hold at most {MOST_MEMBERS} members, but would have {n_members}.")


def as_codes(codes: Array) -> Array:
    """Codes as an array: lists as NumPy's."""
    if namespace(codes) is None:
        codes = np.asarray(codes)
    if codes.ndim == 0:
        raise ValueError(f"codes must be an array of codes, one for each table, got {codes!r}.")
    return codes


def check_row_numbers(rows: Array, name: str) -> Array:
    """Return numbers of rows as an array: NumPy's, unless it is another library's."""
    xp = namespace(rows)
    if xp is None:
        rows = np.asarray(rows)
        is_whole = rows.dtype.kind in "iu" or rows.size == 0
    else:
        is_whole = xp.isdtype(rows.dtype, "integral")
    if rows.ndim != 1 or not is_whole:
        raise ValueError(f"{name} must be a list of integers, got {rows!r}.")
    if rows.shape[0]:
        least, greatest = (int(find(rows)) for find in ((xp or np).min, (xp or np).max))
        if not 0 <= least <= greatest < MOST_MEMBERS:
            raise ValueError(
                f"{name} must be numbers from 0 to {MOST_MEMBERS - 1}, got numbers from {least} "
                f"to {greatest}."
            )
    return rows
