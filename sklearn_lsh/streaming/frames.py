"""Blocks of tables: data frames whose categories are hashed, and Parquet files."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from sklearn.utils import murmurhash3_32

from sklearn_lsh.inputs import Count
from sklearn_lsh.streaming.blocks import Blocks

# An odd number with digits as good as drawn: of the golden ratio, as in D. Knuth, "The art of
# computer programming", volume 3, section 6.4.
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class FrameBlocks(Blocks):
    """Blocks of data frames: categories, pairs of them and numbers become columns by hashing.

    A category becomes a 1 in the column that its name and its value are hashed to, and a cross, as
    ``("city", "hour")``, one for the values of all its columns together: what linear models do not
    see by themselves [1]_. Nothing has to be learnt from the data before, and new values need no
    place. Missing categories have no column.

    Parameters
    ----------
    frames : sequence of data frames
        A block each: a list, or anything that has a length and ``frames[i]``, which may read a
        file. Frames are of pandas or polars, tables of pyarrow, or dictionaries of arrays.
    target : str
        Name of the column of labels or target values.
    categorical : sequence of str, default=()
        Names of columns of categories: strings or numbers.
    numeric : sequence of str, default=()
        Names of columns of numbers, which are taken as they are. Scale them beforehand.
    crosses : sequence of tuple of str, default=()
        Names of two columns of categories or more each, of any in the frames.
    sample_weight : str, default=None
        Name of the column of weights.
    n_features : int, default=2**20
        Number of columns to hash to.

    Attributes
    ----------
    n_blocks, n_features : int
        Number of blocks and of columns.

    References
    ----------
    .. [1] K. Weinberger et al., "Feature hashing for large scale multitask learning", Proceedings
       of ICML 2009. :arxiv:`0902.2206`

    Examples
    --------
    >>> from sklearn_lsh.streaming import FrameBlocks
    >>> frame = {"city": ["Graz", "Wien", None], "hour": [7, 7, 8], "paid": [2.5, 0, 1]}
    >>> frame["y"] = [1, 0, 1]
    >>> source = FrameBlocks(
    ...     [frame], "y", categorical=["city", "hour"], numeric=["paid"], crosses=[("city", "hour")]
    ... )
    >>> X, y = source.read(0)
    >>> X.shape, X.sum(axis=1)
    ((3, 1048576), array([5.5, 3. , 2. ], dtype=float32))
    """

    def __init__(
        self,
        frames: Sequence[Any],
        target: str,
        *,
        categorical: Sequence[str] = (),
        numeric: Sequence[str] = (),
        crosses: Sequence[tuple[str, ...]] = (),
        sample_weight: str | None = None,
        n_features: int = 2**20,
    ) -> None:
        if not Count().is_satisfied_by(n_features):
            raise ValueError(f"n_features must be an integer >= 1, got {n_features!r}.")
        if isinstance(crosses, str) or not isinstance(crosses, Sequence):
            raise TypeError(f"crosses must be a list of tuples of names, got {crosses!r}.")
        self.crosses = [tuple(_names(cross, "crosses")) for cross in crosses]
        if any(len(cross) < 2 for cross in self.crosses):
            raise ValueError(f"crosses must be tuples of two names or more, got {crosses!r}.")
        self.categorical = _names(categorical, "categorical")
        self.numeric = _names(numeric, "numeric")
        if not (self.categorical or self.numeric or self.crosses):
            raise ValueError("categorical, numeric or crosses must name a column.")
        self._frames, self.target, self.sample_weight = frames, target, sample_weight
        self.n_features = int(n_features)
        self.n_blocks = len(frames)

    def _read(self, number: int) -> tuple:
        """See `Blocks._read`."""
        frame = self._frames[number]
        y = _column(frame, self.target)
        X = self._hash(frame, len(y))
        if self.sample_weight is None:
            return X, y
        return X, y, _column(frame, self.sample_weight)

    def _hash(self, frame, n_rows: int) -> csr_array:
        names = {*self.categorical, *(name for cross in self.crosses for name in cross)}
        hashes = {name: hash_categories(_column(frame, name), name) for name in names}
        fields = [hashes[name] for name in self.categorical]
        fields += [cross_hashes([hashes[name] for name in cross]) for cross in self.crosses]
        columns = [field % np.uint64(self.n_features) for field, _ in fields]
        values = [is_there.astype(np.float32) for _, is_there in fields]
        for name in self.numeric:
            place = murmurhash3_32(name, positive=True) % self.n_features
            columns.append(np.full(n_rows, place, np.uint64))
            values.append(np.asarray(_column(frame, name), np.float32))
        kept = np.ones((n_rows, len(columns)), bool)
        kept[:, : len(fields)] = np.column_stack([here for _, here in fields]) if fields else True
        indptr = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
        indices = np.column_stack(columns)[kept].astype(np.int32)
        X = csr_array((np.column_stack(values)[kept], indices, indptr), (n_rows, self.n_features))
        X.sum_duplicates()
        return X


def hash_categories(values, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Hash values of a column, and tell which of them are there.

    Equal values have equal hashes in all blocks and processes, if they are written alike.
    """
    distinct: dict[Any, int] = {}
    codes = np.array([distinct.setdefault(value, len(distinct)) for value in values.tolist()], int)
    is_there = np.array([value is not None and value == value for value in distinct], bool)
    hashes = np.array(
        [murmurhash3_32(f"{name}={value}", positive=True) for value in distinct], np.uint64
    )
    return hashes[codes], is_there[codes]


def cross_hashes(parts) -> tuple[np.ndarray, np.ndarray]:
    """Hash the values of several columns together, where all are there."""
    total = np.zeros_like(parts[0][0])
    for hashes, _ in parts:
        total = (total + hashes) * GOLDEN
        total ^= total >> np.uint64(29)
    return total >> np.uint64(16), np.logical_and.reduce([is_there for _, is_there in parts])


def _names(given, name: str) -> list[str]:
    """Check names of columns."""
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise TypeError(f"{name} must be a list of names of columns, got {given!r}.")
    if not all(isinstance(each, str) for each in given):
        raise TypeError(f"{name} must be names of columns, got {given!r}.")
    return list(given)


def _parquet_file(path) -> Any:
    """Open a file of which nothing is read but what is asked for."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path, pre_buffer=False)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path}: {error}") from error


def _column(frame, name: str) -> np.ndarray:
    """Return a column of a frame as an array."""
    try:
        return np.asarray(frame[name])
    except Exception as error:  # libraries have errors of their own for it
        raise ValueError(f"the frame has no column {name!r}: {error}") from error


class ParquetBlocks(Blocks):
    """Blocks of Parquet files: a row group is a block.

    Needs pyarrow: ``pip install "sklearn-lsh[parquet]"``.

    Parameters
    ----------
    path : str, path, or sequence of them
        Names of the files.
    target : str
        Name of the column of labels or target values.
    columns : sequence of str, default=None
        Names of columns of numbers, which are the features. None takes all but the others named.
    indices : str, default=None
        Name of a column of lists: the columns in which a row of a sparse X has values.
    values : str, default=None
        Name of the column of these values, lists as long. None makes all of them 1.
    sample_weight : str, default=None
        Name of the column of weights.
    n_features : int, default=None
        Number of columns of a sparse X, needed with `indices`.

    Attributes
    ----------
    n_blocks, n_features : int
        Number of blocks and of columns.

    Examples
    --------
    >>> import tempfile
    >>> import pyarrow as pa
    >>> import pyarrow.parquet as pq
    >>> from sklearn_lsh.streaming import ParquetBlocks
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = pa.table({"a": [1.0, 2.0, 3.0], "b": [0.0, 1.0, 0.0], "y": [0, 1, 1]})
    ...     pq.write_table(table, f"{folder}/a.parquet", row_group_size=2)
    ...     source = ParquetBlocks(f"{folder}/a.parquet", "y")
    ...     X, y = source.read(0)
    >>> X
    array([[1., 0.],
           [2., 1.]])
    """

    def __init__(
        self,
        path: str | PathLike | Sequence[str | PathLike],
        target: str,
        *,
        columns: Sequence[str] | None = None,
        indices: str | None = None,
        values: str | None = None,
        sample_weight: str | None = None,
        n_features: int | None = None,
    ) -> None:
        if (indices is None) != (n_features is None) or (indices and columns is not None):
            raise ValueError(
                "indices and n_features belong together, and columns need neither: got "
                f"columns={columns!r}, indices={indices!r}, n_features={n_features!r}."
            )
        if values is not None and indices is None:
            raise ValueError(f"values={values!r} need indices.")
        paths = [path] if isinstance(path, str | PathLike) else list(path)
        self.path = path
        self._groups = [
            (name, group)
            for name in paths
            for group in range(_parquet_file(name).metadata.num_row_groups)
        ]
        self.n_blocks = len(self._groups)
        others = [name for name in (target, sample_weight) if name is not None]
        if indices is None and columns is None:
            names = _parquet_file(paths[0]).schema_arrow.names if paths else []
            columns = [name for name in names if name not in others]
        columns = None if columns is None else _names(columns, "columns")
        self.target, self.sample_weight = target, sample_weight
        self.columns, self.indices, self.values = columns, indices, values
        self.n_features = int(n_features) if n_features is not None else len(columns or ())
        features = list(columns or ()) if indices is None else [indices, values]
        self._wanted = [name for name in (*features, *others) if name is not None]

    def _read(self, number: int) -> tuple:
        """See `Blocks._read`."""
        path, group = self._groups[number]
        file = _parquet_file(path)
        table = file.read_row_group(group, columns=self._wanted, use_threads=False)
        if self.indices is None:
            X = np.column_stack([_column(table, name) for name in self.columns or ()])
        else:
            X = self._sparse(table)
        y = _column(table, self.target)
        if self.sample_weight is None:
            return X, y
        return X, y, _column(table, self.sample_weight)

    def _sparse(self, table) -> csr_array:
        lists = table[self.indices].combine_chunks()
        columns = np.asarray(lists.flatten())
        indptr = np.concatenate([[0], np.cumsum(np.asarray(lists.value_lengths()))])
        data = np.ones(len(columns), np.float32)
        if self.values is not None:
            data = np.asarray(table[self.values].combine_chunks().flatten())
        if len(data) != len(columns):
            raise ValueError(f"there are {len(columns)} indices, but {len(data)} values.")
        if len(columns) and not 0 <= columns.min() <= columns.max() < self.n_features:
            raise ValueError(f"indices must be from 0 to n_features - 1 = {self.n_features - 1}.")
        X = csr_array((data, columns, indptr), shape=(table.num_rows, self.n_features))
        X.sum_duplicates()
        return X

    def _name(self) -> str:
        return repr(str(self.path))
