"""Ragged batches for the tests of the kernels, and how these are run and compared."""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from hypothesis import settings
from hypothesis import strategies as st

from sklearn_lsh import kernels

FUNCTIONS = {variant: kernels.load(variant) for variant in kernels.USABLE}

# Reproducible, and quick: the same source runs as plain Python in every example.
quick = settings(max_examples=30, deadline=None, derandomize=True, database=None)

seeds = st.integers(0, 2**32 - 1)
# Both sides of the lengths of vector registers.
widths = st.integers(1, 40)

CODE_TYPES = [np.uint8, np.uint16]


class Ragged(NamedTuple):
    """A CSR batch as kernels take it."""

    indptr: np.ndarray
    indices: np.ndarray
    data: np.ndarray
    n_columns: int

    @property
    def pattern(self):
        return self.indptr, self.indices

    @property
    def n_rows(self):
        return self.indptr.size - 1

    def matrix(self):
        """The same as a dense array of float64, duplicates added."""
        arrays = self.data.astype(float), self.indices.astype(int), self.indptr.astype(int)
        return sp.csr_array(arrays, shape=(self.n_rows, self.n_columns)).toarray()

    def row(self, s):
        return self.indices[self.indptr[s] : self.indptr[s + 1]]


@st.composite
def ragged(draw, duplicates=True, most=6, rows=None, columns=None):
    """Batches with empty rows, single rows, none at all; with zeros among their values."""
    n_rows = draw(st.integers(0, 6)) if rows is None else rows
    n_columns = draw(st.integers(1, 9)) if columns is None else columns
    longest = most if duplicates else min(most, n_columns)
    lengths = draw(st.lists(st.integers(0, longest), min_size=n_rows, max_size=n_rows))
    rng = np.random.default_rng(draw(seeds))
    indices = [rng.choice(n_columns, n, replace=duplicates) for n in lengths]
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.uint32)
    data = rng.normal(size=indptr[-1]) * (rng.random(indptr[-1]) < 0.8)
    return Ragged(
        indptr,
        np.concatenate([*indices, []]).astype(np.uint32),
        data.astype(np.float32),
        n_columns,
    )


def normal(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


def column_groups(batch):
    """The pairs by column, as `sklearn_lsh.csr.group` names them, in a way of its own."""
    order = np.argsort(batch.indices, kind="stable")
    rows, counts = np.unique(batch.indices, return_counts=True)
    samples = np.repeat(np.arange(batch.n_rows), np.diff(batch.indptr))[order]
    starts = np.concatenate([[0], np.cumsum(counts)])
    return tuple(array.astype(np.uint32) for array in (rows, starts, order, samples))


def empty_best(n_rows, n_pairs):
    """Room for so many pairs and their scores: ``indptr, indices, scores``."""
    return (
        np.empty(n_rows + 1, np.uint32),
        np.empty(n_pairs, np.uint32),
        np.empty(n_pairs, np.float32),
    )


# Room around every array, which kernels have to leave alone.
MARGIN = 32


def put_between_margins(array):
    """Return a copy of an array, and the buffer around it."""
    buffer = np.zeros(array.size + 2 * MARGIN, array.dtype)
    buffer[:MARGIN] = buffer[-MARGIN:] = 77
    inside = buffer[MARGIN:-MARGIN].reshape(array.shape)
    inside[...] = array
    return inside, buffer


def run(variant, name, *arguments):
    """Run a kernel on copies; return its result and the copies, changed as they are.

    Arrays may be in tuples, and so are their copies.

    Plain Python has to agree: whole numbers exactly, others up to the order of sums.
    """
    __tracebackhide__ = True
    ours, result = _run(variant, name, arguments)
    theirs, expected = _run("python", name, arguments)
    assert result == expected
    for given, other in zip(_arrays_of(ours), _arrays_of(theirs), strict=True):
        assert given.dtype == other.dtype
        if given.dtype.kind == "f":
            np.testing.assert_allclose(given, other, rtol=1e-4, atol=1e-5)
        else:
            np.testing.assert_array_equal(given, other)
    return result, ours


def _arrays_of(value):
    """All arrays in a value, as they stand in its tuples."""
    if isinstance(value, tuple):
        return [array for part in value for array in _arrays_of(part)]
    return [value] if isinstance(value, np.ndarray) else []


def _run(variant, name, arguments):
    buffers = []

    def copied(value):
        if isinstance(value, tuple):
            return tuple(map(copied, value))
        if not isinstance(value, np.ndarray):
            return value
        copy, buffer = put_between_margins(value)
        buffers.append(buffer)
        return copy

    copies = copied(arguments)
    with np.errstate(all="ignore"):
        result = FUNCTIONS[variant][name](*copies)
    for buffer in buffers:
        assert (buffer[:MARGIN] == 77).all()
        assert (buffer[-MARGIN:] == 77).all()
    return copies, result
