"""Matrices, labels and weights: in all layouts and types, right and wrong."""

import tempfile
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp


class Given(NamedTuple):
    """What is handed in.

    Attributes
    ----------
    value : object
    plain : ndarray, csr_array or None
        The same numbers without anything strange about them; None where that has no meaning.
    bad : bool
        Whether it has to be refused.
    """

    value: Any
    plain: Any = None
    bad: bool = False


def pick(rng, values):
    """One of several values, or of a table's."""
    values = list(values.values() if isinstance(values, dict) else values)
    return values[rng.integers(len(values))]


# -- numbers --------------------------------------------------------------------------------


NUMBERS = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "small integers": lambda rng, shape: rng.integers(-2, 3, size=shape),
    "mostly zeros": lambda rng, shape: rng.normal(size=shape) * (rng.random(shape) < 0.3),
    "zeros": lambda rng, shape: np.zeros(shape),
    "the same": lambda rng, shape: np.full(shape, rng.normal()),
    "of all sizes": lambda rng, shape: (
        rng.normal(size=shape) * 10.0 ** rng.integers(-45, 20, shape)
    ),
    "huge": lambda rng, shape: rng.uniform(-3e38, 3e38, size=shape),
    "far from zero": lambda rng, shape: 1e4 + rng.normal(size=shape),
}


def numbers(rng, shape):
    """Draw numbers, most often normal ones."""
    kind = NUMBERS["normal"] if rng.random() < 0.5 else pick(rng, NUMBERS)
    return kind(rng, shape)


# -- dense arrays ---------------------------------------------------------------------------


def _strided(array):
    for axis in range(array.ndim):
        array = np.repeat(array, 2 + axis, axis)
    return array[tuple(slice(None, None, 2 + axis) for axis in range(array.ndim))]


def _backwards(array):
    turn = (slice(None, None, -1),) * array.ndim
    return array[turn].copy()[turn]


def _read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def _mapped(array, mode="r"):
    if array.dtype.hasobject or array.size == 0:
        return array
    with tempfile.TemporaryFile() as file:
        file.write(array.tobytes())
        file.flush()
        return np.memmap(file, array.dtype, mode, shape=array.shape)


def _unaligned(array):
    if array.dtype.hasobject:
        return array
    buffer = np.zeros(array.nbytes + 1, np.uint8)
    moved = buffer[1:].view(array.dtype).reshape(array.shape)
    moved[...] = array
    return moved


LAYOUTS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "strided": _strided,
    "backwards": _backwards,
    "read-only": _read_only,
    "memory-mapped": _mapped,
    "copied on write": lambda array: _mapped(array, "c"),
    "big-endian": lambda array: array.astype(array.dtype.newbyteorder(">")),
    "unaligned": _unaligned,
    "list": np.ndarray.tolist,
    "list of arrays": list,
    "frame": pd.DataFrame,
    "masked, without a mask": np.ma.masked_array,
}
TYPES = ["f8", "f4", "f2", "g", "i8", "i4", "i2", "u8", "u1", "?", "O"]


def layout(rng, array, p_strange=0.4):
    """The same array, in another layout."""
    if rng.random() > p_strange:
        return np.ascontiguousarray(array)
    change = pick(rng, LAYOUTS)
    return array if change is pd.DataFrame and array.ndim > 2 else change(array)


def dense(rng, shape):
    """A dense matrix of finite numbers."""
    kind = pick(rng, ["f8", "f4"]) if rng.random() < 0.7 else pick(rng, TYPES)
    with np.errstate(over="ignore", invalid="ignore"):
        array = numbers(rng, shape).astype(kind)
    if kind == "f2":
        array[~np.isfinite(array)] = 1
    value = layout(rng, array)
    is_single = not isinstance(value, list) and kind == "f4"
    return Given(value, np.array(array, np.float32 if is_single else np.float64))


# -- sparse matrices ------------------------------------------------------------------------


FORMATS = ["csr", "csc", "coo", "bsr", "dia", "lil", "dok"]


def _shuffle(rng, matrix):
    for start, stop in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        order = start + rng.permutation(stop - start)
        matrix.indices[start:stop] = matrix.indices[order]
        matrix.data[start:stop] = matrix.data[order]


def _double(rng, matrix):
    for name in ("indices", "data"):
        setattr(matrix, name, np.repeat(getattr(matrix, name), 2))
    if matrix.data.dtype.kind == "f":
        matrix.data = matrix.data / 2
    else:
        matrix.data[1::2] = 0
    matrix.indptr = matrix.indptr * 2


def _widen(rng, matrix):
    matrix.indices, matrix.indptr = (a.astype(np.int64) for a in (matrix.indices, matrix.indptr))


def _lengthen(rng, matrix):
    matrix.indices = np.append(matrix.indices, matrix.indices.dtype.type(2**30))
    matrix.data = np.append(matrix.data, matrix.data[:1])


def _lay_out(rng, matrix):
    for name in ("indices", "indptr", "data"):
        change = pick(rng, [_read_only, _strided, _unaligned, _mapped, _backwards])
        setattr(matrix, name, change(getattr(matrix, name)))


UNTIDY = [_shuffle, _double, _widen, _lengthen, _lay_out]


def _set(name, place, value):
    def change(rng, matrix):
        array = getattr(matrix, name).copy()
        array[place] = value(matrix)
        setattr(matrix, name, array)

    return change


def _cut(name, n):
    def change(rng, matrix):
        setattr(matrix, name, getattr(matrix, name)[:n])

    return change


# Of CSR and CSC matrices that have entries.
LIES = [
    _set("indices", -1, lambda matrix: max(matrix.shape)),
    _set("indices", 0, lambda matrix: -1),
    _set("indices", 0, lambda matrix: 2**31 - 1),
    _set("indptr", -1, lambda matrix: matrix.nnz + 1),
    _set("indptr", -1, lambda matrix: 2**31 - 1),
    _set("indptr", -1, lambda matrix: -1),
    _set("indptr", 0, lambda matrix: 1),
    _set("indptr", 0, lambda matrix: -1),
    _cut("indptr", -1),
    _cut("indices", -1),
    _cut("data", -1),
]


def sparse(rng, shape, values=None):
    """A sparse matrix of finite numbers, tidy or not."""
    array = values
    if values is None:
        kind = pick(rng, ["f8", "f4"]) if rng.random() < 0.7 else pick(rng, ["i8", "i4", "u1", "?"])
        array = (numbers(rng, shape) * (rng.random(shape) < 0.6)).astype(kind)
    make = pick(rng, [sp.csr_array, sp.csr_matrix])
    matrix = make(array).asformat(pick(rng, FORMATS) if rng.random() < 0.5 else "csr")
    # With the zeros that a format stores, which take part in training.
    kind = np.float32 if array.dtype == np.float32 else np.float64
    plain = sp.csr_array(matrix.copy(), dtype=kind)
    plain.sum_duplicates()
    if matrix.format in ("csr", "csc") and matrix.nnz and rng.random() < 0.5:
        matrix.has_canonical_format  # noqa: B018  SciPy remembers what will not be true any more
        pick(rng, UNTIDY)(rng, matrix)
    return Given(matrix, plain)


def lying_sparse(rng, shape):
    """A sparse matrix whose parts do not fit together."""
    matrix = sp.csr_array(rng.normal(size=shape)).asformat(pick(rng, ["csr", "csc", "coo", "bsr"]))
    if matrix.format == "coo":
        axis = rng.integers(2)
        coords = [index.copy() for index in matrix.coords]
        coords[axis][rng.integers(matrix.nnz)] = pick(rng, [-1, shape[axis], 2**31 - 1])
        matrix.coords = tuple(coords)
    elif matrix.format == "bsr":
        pick(rng, LIES[:3])(rng, matrix)
    else:
        pick(rng, LIES)(rng, matrix)
    return Given(matrix, bad=True)


# -- what is no matrix of finite numbers ----------------------------------------------------


def _with(value, kind="f8"):
    def make(rng, shape):
        array = rng.normal(size=shape).astype(kind)
        array[tuple(rng.integers(n) for n in shape)] = value
        return array

    return make


def _ragged(rng, shape):
    return [[0.0] * (shape[1] + i % 2) for i in range(shape[0] + 1)]


def _sparse_with(value):
    return lambda rng, shape: sp.csr_array(_with(value)(rng, shape)).asformat(
        pick(rng, FORMATS[:3])
    )


WRONG_MATRICES = [
    _with(np.nan),
    _with(np.inf),
    _with(-np.inf, "f4"),
    _with(1e39),
    _with(np.nan, "O"),
    _with("a", "O"),
    _with(None, "O"),
    _with(1j, "c16"),
    _sparse_with(np.nan),
    _sparse_with(1e39),
    _ragged,
    lambda rng, shape: rng.normal(size=(*shape, 1)),
    lambda rng, shape: rng.normal(size=shape[:1]),
    lambda rng, shape: np.zeros((0, shape[1])),
    lambda rng, shape: np.zeros((shape[0], 0)),
    lambda rng, shape: sp.csr_array((0, shape[1])),
    lambda rng, shape: sp.csr_array((shape[0], 0)),
    lambda rng, shape: sp.coo_array(np.ones(shape[0])),
    lambda rng, shape: np.full(shape, "a"),
    lambda rng, shape: np.matrix(np.zeros(shape)),
    lambda rng, shape: np.float64(1),
    lambda rng, shape: None,
    lambda rng, shape: "text",
    lambda rng, shape: {},
    lambda rng, shape: [],
    lambda rng, shape: object(),
]


def wrong_matrix(rng, shape):
    """What no X may be."""
    return Given(pick(rng, WRONG_MATRICES)(rng, shape), bad=True)


def matrix(rng, n_rows, n_columns, *, p_wrong=0.15):
    """Draw an X."""
    shape = n_rows, n_columns
    if rng.random() < p_wrong:
        return pick(rng, [wrong_matrix, wrong_matrix, lying_sparse])(rng, shape)
    return (dense if rng.random() < 0.6 else sparse)(rng, shape)


# -- arrays of which shapes are known -------------------------------------------------------


WRONG_LISTS = [
    lambda rng, shapes: None,
    lambda rng, shapes: "text",
    lambda rng, shapes: 3.0,
    lambda rng, shapes: {},
    lambda rng, shapes: np.zeros(shapes[0]),
    lambda rng, shapes: [np.zeros(shape) for shape in shapes[:-1]],
    lambda rng, shapes: [np.zeros(shape) for shape in [*shapes, shapes[0]]],
    lambda rng, shapes: [np.zeros((*shape, 1)) for shape in shapes],
    lambda rng, shapes: [np.zeros((shape[0] + 1, *shape[1:])) for shape in shapes],
    lambda rng, shapes: [sp.csr_array(np.zeros((2, 2)))] * len(shapes),
    lambda rng, shapes: [object()] * len(shapes),
    *(
        lambda rng, shapes, wrong=wrong: [wrong(rng, shape) for shape in shapes]
        for wrong in WRONG_MATRICES[:8]
    ),
]


def arrays(rng, shapes, *, p_wrong=0.2):
    """Draw a list of arrays of these shapes."""
    if rng.random() < p_wrong:
        return Given(pick(rng, WRONG_LISTS)(rng, shapes), bad=True)
    drawn = [dense(rng, shape) for shape in shapes]
    bad = any(np.shape(given.value) != shape for given, shape in zip(drawn, shapes, strict=True))
    return Given([given.value for given in drawn], [given.plain for given in drawn], bad)


# -- weights --------------------------------------------------------------------------------


WEIGHTS = [
    lambda rng, n: rng.uniform(0.1, 3, n),
    lambda rng, n: rng.integers(0, 3, n),
    lambda rng, n: np.ones(n, "f4"),
    lambda rng, n: np.arange(n) == 0,
    lambda rng, n: rng.uniform(0, 1, n) * 10.0 ** rng.integers(-45, 38, n),
    lambda rng, n: np.full(n, 3e38),
    lambda rng, n: np.full(n, 1e-45),
]
WRONG_WEIGHTS = [
    lambda rng, n: np.zeros(n),
    lambda rng, n: -np.ones(n),
    lambda rng, n: np.full(n, np.nan),
    lambda rng, n: np.full(n, np.inf),
    lambda rng, n: np.ones(n + 1),
    lambda rng, n: np.ones((n, 2)),
    lambda rng, n: np.full(n, "a"),
    lambda rng, n: np.full(n, 1j),
    lambda rng, n: [None] * n,
    lambda rng, n: "text",
    lambda rng, n: [],
]


# Metrics compute in float64.
TOO_WIDE = [lambda rng, n: np.full(n, 1e39), lambda rng, n: np.full(n, 1e-60)]


def weights(rng, n_rows, *, p_wrong=0.1, wrong=WRONG_WEIGHTS + TOO_WIDE):
    """Draw a sample_weight."""
    if rng.random() < 0.5:
        return Given(None)
    if rng.random() < p_wrong:
        return Given(pick(rng, wrong)(rng, n_rows), bad=True)
    array = pick(rng, WEIGHTS[:4] if rng.random() < 0.8 else WEIGHTS)(rng, n_rows)
    return Given(layout(rng, array) if array.dtype != bool else array, array)
