"""Predictions of block after block, written to a file without having all of them in memory."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Iterable
from contextlib import ExitStack
from os import PathLike
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from scipy.sparse import issparse

# Names of what is written, by how much a part has.
NAMES = {1: ("predictions",), 2: ("labels", "scores")}


def write_predictions(path: str | PathLike, parts: Iterable) -> int:
    """Write predictions to a file, part by part.

    Parameters
    ----------
    path : str or path
        A name that ends in ``.npz`` or in ``.parquet``, for which pyarrow is needed. The file gets
        it when all is written.
    parts : iterable
        What `predict_batches` yields: arrays, written as ``predictions``, or pairs of arrays,
        ``labels`` and ``scores``. Sparse label indicators become the ``data``, ``indices``,
        ``indptr`` and ``shape`` of one CSR matrix, in ``.npz`` alone.

    Returns
    -------
    n_rows : int
        How many rows were written.

    Raises
    ------
    ValueError
        If the file's name ends otherwise, or parts differ in their shapes or types.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sklearn_lsh.streaming import write_predictions
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     n_rows = write_predictions(f"{folder}/found.npz", iter([np.zeros(3), np.ones(2)]))
    ...     with np.load(f"{folder}/found.npz") as found:
    ...         predictions = found["predictions"]
    >>> n_rows, predictions
    (5, array([0., 0., 0., 1., 1.]))
    """
    path = Path(path)
    writers: dict[str, Any] = {".npz": NpzWriter, ".parquet": ParquetWriter}
    if path.suffix not in writers:
        raise ValueError(f"path must end in {' or '.join(writers)}, got {str(path)!r}.")
    n_rows = 0
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        with writers[path.suffix](temporary) as writer:
            for part in parts:
                arrays = part if isinstance(part, tuple) else (part,)
                if len(arrays) not in NAMES:
                    raise ValueError(f"parts must be arrays or pairs of them, got {len(arrays)}.")
                n_rows += arrays[0].shape[0]
                writer.write(dict(zip(NAMES[len(arrays)], arrays, strict=True)))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return n_rows


class StoredColumn:
    """An array of which rows are appended, in a file of its own."""

    def __init__(self, first: np.ndarray, file):
        if first.dtype.hasobject:
            raise ValueError(f"Labels of type {first.dtype} cannot be written without pickle.")
        self._file, self._dtype = file, first.dtype
        self._shape, self.n_rows = first.shape[1:], 0

    def append(self, array: np.ndarray) -> None:
        """Append rows."""
        if (array.dtype, array.shape[1:]) != (self._dtype, self._shape):
            raise ValueError(
                f"parts must be alike: got {array.dtype} of shape {array.shape} after "
                f"{self._dtype} of shape (..., {', '.join(map(str, self._shape))})."
            )
        self._file.write(np.ascontiguousarray(array).tobytes())
        self.n_rows += len(array)

    def copy_to(self, member) -> None:
        """Copy all to an open file, as ``np.save`` does."""
        header = {
            "descr": np.lib.format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": (self.n_rows, *self._shape),
        }
        np.lib.format.write_array_header_2_0(member, header)
        self._file.seek(0)
        shutil.copyfileobj(self._file, member, 1 << 20)


class NpzWriter:
    """Writes an ``.npz`` file."""

    def __init__(self, path: Path):
        self._path = path
        self._columns: dict[str, StoredColumn] = {}
        self._stack = ExitStack()
        self._end = 0
        self._width: int | None = None

    def __enter__(self) -> NpzWriter:
        return self

    def write(self, arrays: dict[str, Any]) -> None:
        """Write some rows."""
        if issparse(arrays.get("predictions")):
            arrays = self._parts_of(arrays["predictions"].tocsr())
        for name, array in arrays.items():
            array = np.asarray(array)
            if name not in self._columns:
                file = TemporaryFile()  # noqa: SIM115  it is open until all is written
                self._columns[name] = StoredColumn(array, self._stack.enter_context(file))
            self._columns[name].append(array)

    def _parts_of(self, matrix) -> dict[str, np.ndarray]:
        """Take a matrix apart, with pointers that go on where those before it end."""
        indptr = matrix.indptr[1:].astype(np.int64) + self._end
        if self._width is None:
            self._width, indptr = matrix.shape[1], np.concatenate([[0], indptr])
        self._end += matrix.nnz
        indices = matrix.indices.astype(np.int64)
        return {"data": matrix.data, "indices": indices, "indptr": indptr}

    def __exit__(self, kind, error, trace) -> None:
        with self._stack:
            if kind is None:
                self._write_archive()

    def _write_archive(self) -> None:
        with zipfile.ZipFile(self._path, "w") as archive:
            for name, column in self._columns.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    column.copy_to(member)
            if self._width is not None:
                shape = np.array([self._columns["indptr"].n_rows - 1, self._width])
                with archive.open("shape.npy", "w") as member:
                    np.lib.format.write_array(member, shape)


class ParquetWriter:
    """Writes a Parquet file, of which a part is a row group."""

    def __init__(self, path: Path):
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._pa, self._pq, self._path = pa, pq, path
        self._stack = ExitStack()
        self._writer: Any = None

    def __enter__(self) -> ParquetWriter:
        return self

    def write(self, arrays: dict[str, Any]) -> None:
        """Write some rows."""
        if any(issparse(array) for array in arrays.values()):
            raise ValueError("Sparse label indicators are written to .npz files alone.")
        columns = {name: self._column(np.asarray(array)) for name, array in arrays.items()}
        table = self._pa.table(columns)
        if self._writer is None:
            writer = self._pq.ParquetWriter(os.fspath(self._path), table.schema)
            self._writer = self._stack.enter_context(writer)
        self._writer.write_table(table)

    def _column(self, array: np.ndarray):
        if array.ndim == 1:
            return self._pa.array(array)
        values = self._pa.array(array.ravel())
        return self._pa.FixedSizeListArray.from_arrays(values, array.shape[1])

    def __exit__(self, *error) -> None:
        self._stack.close()
