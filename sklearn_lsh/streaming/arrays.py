"""Blocks of arrays, in memory or in files, and of anything that has a length and slices."""

from __future__ import annotations

import math
import zipfile
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array, issparse

from sklearn_lsh.inputs import Count, MatrixLike, check_sparse
from sklearn_lsh.streaming.blocks import BLOCK_SIZE, Blocks

# Bytes of a local header of a ZIP file before its name, ...
LOCAL_HEADER = 30
# ... and where in it the lengths are of the name and of what follows it.
LENGTHS = slice(26, 30)


class SequenceBlocks(Blocks):
    """Blocks of anything that has a length and slices: datasets of h5py or zarr, for example.

    Parameters
    ----------
    X : sequence
        ``X[a:b]`` gives the rows from a to b as a matrix, or as what NumPy makes one of.
    y : sequence
        Of the same length.
    sample_weight : sequence, default=None
        Of the same length.
    block_size : int, default=8192
        Rows of a block; the last one may have fewer.

    Attributes
    ----------
    n_blocks, n_features, n_rows : int
        Number of blocks, of columns and of rows.

    Examples
    --------
    >>> from sklearn_lsh.streaming import SequenceBlocks
    >>> source = SequenceBlocks([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], ["a", "b", "a"], block_size=2)
    >>> X, y = source.read(1)
    >>> X
    array([[5., 6.]])
    """

    def __init__(
        self, X: Any, y: Any, sample_weight: Any = None, *, block_size: int = BLOCK_SIZE
    ) -> None:
        if not Count().is_satisfied_by(block_size):
            raise ValueError(f"block_size must be an integer >= 1, got {block_size!r}.")
        parts = {"X": _rowwise(X, "X"), "y": _rowwise(y, "y"), "sample_weight": sample_weight}
        self._parts = [part for part in parts.values() if part is not None]
        lengths = {name: _length(part, name) for name, part in parts.items() if part is not None}
        for name in ("X", "y"):
            if parts[name] is None:
                raise ValueError(f"{name} must be given, got None.")
        if len(set(lengths.values())) > 1:
            raise ValueError(f"X, y and sample_weight must be of the same length, got {lengths}.")
        self.block_size = int(block_size)
        self.n_rows = lengths["X"]
        self.n_blocks = math.ceil(self.n_rows / self.block_size)
        self.n_features = self._count_features()

    def _count_features(self) -> int:
        shape = getattr(self._parts[0], "shape", None)
        if shape is None:
            shape = _as_matrix(self._parts[0], slice(0, 1)).shape
        if len(shape) != 2:
            raise ValueError(f"X must have rows and columns, got shape {tuple(shape)}.")
        return int(shape[1])

    def _read(self, number: int) -> tuple:
        """See `Blocks._read`."""
        rows = slice(number * self.block_size, min((number + 1) * self.block_size, self.n_rows))
        return tuple(_as_matrix(part, rows) for part in self._parts)

    def _name(self) -> str:
        return f"{self.n_rows} rows"


class ArrayBlocks(SequenceBlocks):
    """Blocks of arrays: in memory, mapped into it, or in a file.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features), or str or path
        Samples; or the name of an ``.npz`` file with all the rest, which then is not given: ``X``,
        or the ``data``, ``indices``, ``indptr`` and ``shape`` of a CSR matrix, with ``y`` and, if
        there are any, ``sample_weight``, as ``np.savez`` writes them. Of it only the block is
        read that is asked for.
    y : array-like or sparse matrix of shape (n_samples,) or (n_samples, n_outputs)
        Labels, label indicators or target values.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the samples.
    block_size : int, default=8192
        Rows of a block; the last one may have fewer.

    Attributes
    ----------
    n_blocks, n_features, n_rows : int
        Number of blocks, of columns and of rows.

    Raises
    ------
    ValueError
        If the parts do not belong together, or the file is compressed, as by
        ``np.savez_compressed``: then no block is found without unpacking all before it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_lsh import LSHMLPClassifier
    >>> from sklearn_lsh.streaming import ArrayBlocks
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> source = ArrayBlocks(X, X[:, 0] > 0, block_size=50)
    >>> network = LSHMLPClassifier(learning_rate_init=0.01, max_iter=20, tol=1, random_state=0)
    >>> network = network.fit_batches(source)
    >>> network.score(X, X[:, 0] > 0) > 0.8
    True
    """

    def __init__(
        self,
        X: MatrixLike | str | PathLike,
        y: MatrixLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        block_size: int = BLOCK_SIZE,
    ) -> None:
        self._path = None
        if isinstance(X, str | PathLike):
            if y is not None or sample_weight is not None:
                raise ValueError("y and sample_weight are in the file: give only its name.")
            self._path = X
            X, y, sample_weight = _open_npz(X)
        super().__init__(
            _as_array(X, "X"),
            _as_array(y, "y"),
            _as_array(sample_weight, "sample_weight"),
            block_size=block_size,
        )

    @property
    def classes(self) -> np.ndarray | None:
        """The labels, if they are in memory, and one for each sample."""
        y = self._parts[1]
        if isinstance(y, np.ndarray) and y.ndim == 1 and y.dtype.kind != "f":
            return np.unique(y)
        return None

    def _name(self) -> str:
        return repr(str(self._path)) if self._path is not None else super()._name()


class StoredArray:
    """An array in a file, of which slices of rows are read.

    Parameters
    ----------
    path : str or path
    offset : int
        Where its numbers begin.
    shape : tuple of int
    dtype : dtype
    """

    def __init__(self, path, offset: int, shape: tuple, dtype: np.dtype) -> None:
        self.path, self.offset, self.shape, self.dtype = path, offset, shape, dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> np.ndarray:
        start, stop, _ = rows.indices(len(self))
        width = math.prod(self.shape[1:])
        n = max(0, stop - start) * width
        offset = self.offset + start * width * self.dtype.itemsize
        numbers = np.fromfile(self.path, self.dtype, count=n, offset=offset)
        if len(numbers) < n:
            raise ValueError(f"{self.path} is shorter than it was.")
        return numbers.reshape(-1, *self.shape[1:])


class StoredCSR:
    """A CSR matrix of arrays or of what is in a file, of which slices of rows are read."""

    def __init__(self, data, indices, indptr, shape) -> None:
        self.shape = shape
        self._data, self._indices, self._indptr = data, indices, indptr

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> csr_array:
        start, stop, _ = rows.indices(len(self))
        indptr = self._indptr[start : stop + 1]
        pairs = slice(int(indptr[0]), int(indptr[-1]))
        parts = self._data[pairs], self._indices[pairs], indptr - indptr[0]
        return csr_array(parts, shape=(stop - start, self.shape[1]))


def _length(part, name: str) -> int:
    try:
        return int(part.shape[0]) if hasattr(part, "shape") else len(part)
    except (TypeError, IndexError) as error:
        raise TypeError(f"{name} must have a length and slices, got {part!r:.100}.") from error


def _as_matrix(part, rows: slice):
    """Copy a slice out of what it is a part of, but not out of a CSR matrix, which takes longer.

    A mask, say, stays what it is.
    """
    if issparse(part):
        return StoredCSR(part.data, part.indices, part.indptr, part.shape)[rows]
    found = part[rows]
    return found if issparse(found) else np.array(found, subok=not isinstance(found, np.memmap))


def _rowwise(part, name: str):
    """Make a sparse matrix one of which rows can be sliced; leave others as they are."""
    if not issparse(part):
        return part
    check_sparse(part, name)
    return part.tocsr()


def _as_array(part, name: str):
    """Make an array of an array-like that is not to be read from a file."""
    if part is None or issparse(part) or isinstance(part, np.ndarray | StoredArray | StoredCSR):
        return part
    try:
        return np.asarray(part)
    except ValueError as error:  # of rows of different lengths
        raise ValueError(f"{name} must be an array-like: {error}") from error


def _open_npz(path):
    """Find the arrays of an ``.npz`` file: X, y and weights, if there are any."""
    arrays = {}
    with open(path, "rb") as file:
        try:
            members = zipfile.ZipFile(file).infolist()
        except zipfile.BadZipFile as error:
            raise ValueError(f"{path} is no .npz file: {error}.") from error
        for member in members:
            arrays[member.filename.removesuffix(".npy")] = _find_array(path, file, member)
    if "X" not in arrays and arrays.keys() >= {"data", "indices", "indptr", "shape"}:
        shape = tuple(int(size) for size in arrays.pop("shape")[:])
        parts = (arrays.pop(name) for name in ("data", "indices", "indptr"))
        arrays["X"] = StoredCSR(*parts, shape)
    missing = [name for name in ("X", "y") if name not in arrays]
    if missing:
        raise ValueError(
            f"{path} must have y, and X, or data, indices, indptr and shape of a CSR matrix: it "
            f"has no {missing[0]}, but {sorted(arrays)}."
        )
    return arrays["X"], arrays["y"], arrays.get("sample_weight")


def _find_array(path, file, member) -> StoredArray:
    """Find where the numbers of an array are in a file of many."""
    if member.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{path} is compressed: save it with np.savez, so that blocks are found.")
    file.seek(member.header_offset)
    lengths = file.read(LOCAL_HEADER)[LENGTHS]
    file.seek(int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little"), 1)
    version = np.lib.format.read_magic(file)
    reader = {(1, 0): np.lib.format.read_array_header_1_0}.get(
        version, np.lib.format.read_array_header_2_0
    )
    shape, is_fortran, dtype = reader(file)
    if (is_fortran and len(shape) > 1) or dtype.hasobject:
        raise ValueError(
            f"{path} has the array {member.filename!r}, which is not of numbers row by row."
        )
    return StoredArray(path, file.tell(), shape, dtype)
