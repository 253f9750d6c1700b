"""What is checked of hash tables that were loaded."""

from __future__ import annotations

from numbers import Integral

import numpy as np

from sklearn_lsh import kernels
from sklearn_lsh.csr import Pattern
from sklearn_lsh.hashing.arrays import namespace, to_numpy
from sklearn_lsh.stored import Attributes, check_array, check_pointers, refuse


def check_stored_tables(tables) -> None:
    """Check all attributes of `LSHTables`."""
    stored = Attributes(tables)
    n_buckets, n_tables = stored.integer("n_buckets", 1), stored.integer("n_tables", 1)
    n_rows = stored.integer("n_rows")
    stored.part("seed", Integral)
    if stored.get("capacity") is not None:
        stored.integer("capacity", 1)
    pattern = Pattern(stored.get("indptr"), stored.get("members"))
    foreign = namespace(stored.get("_none"))
    if foreign is None:
        stored.array("_none", np.uint8, (0, n_tables))
    else:
        arrays = (np.asarray(to_numpy(array)) for array in pattern)
        pattern = Pattern(*(array.astype(np.uint32) for array in arrays))
    pattern = check_members("LSHTables", pattern, n_tables * n_buckets, n_rows)
    if foreign is None:
        tables.indptr, tables.members = pattern


def check_fit(tables, family, n_rows: int) -> None:
    """Refuse tables that are not of a family's codes, or not of so many rows."""
    stored, drawn = Attributes(tables), vars(family)
    stored.require(tables.n_tables == drawn.get("_n_features_out"), "n_tables", "the family's")
    stored.require(tables.n_buckets == drawn.get("n_buckets_"), "n_buckets", "the family's")
    stored.require(tables.n_rows == n_rows, "n_rows", str(n_rows))


def check_members(place, tables, n_buckets, n_rows) -> Pattern:
    """Check tables that were loaded: rows in buckets, in each at most once.

    Parameters
    ----------
    place : str
        What messages call them.
    tables : Pattern
    n_buckets : int
        Of all tables.
    n_rows : int

    Returns
    -------
    tables : Pattern
        As kernels read it.
    """
    members = check_array(f"{place}.members", tables.indices, np.uint32, (None,), below=n_rows)
    n_members = members.shape[0]
    indptr = check_pointers(f"{place}.indptr", tables.indptr, n_buckets, n_members)
    n_different = kernels.drop_repeats(Pattern(indptr.copy(), members.copy()), n_rows)
    if n_different < n_members:
        refuse(f"{place}.members", "once in a bucket", f"{n_members - n_different} repeated")
    return Pattern(indptr, members)
