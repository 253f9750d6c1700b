"""Files of samples with many labels, in svmlight's format or the extreme-classification one."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import zlib
from collections.abc import Iterator
from contextlib import nullcontext
from os import PathLike
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from scipy.sparse import csr_array
from sklearn.utils._param_validation import HasMethods, validate_params

from sklearn_lsh import kernels
from sklearn_lsh.inputs import Count

# Bytes that are read at a time.
CHUNK = 1 << 24
# What ends a line, and separates labels, and an index from its value: as numbers of bytes.
NEWLINE = ord("\n")
COMMA = ord(",")
COLON = ord(":")
# Most features or labels: their indices have 32 bits, signed ones in SciPy.
MOST_NUMBERS = 2**31
# Digits of a number in a header, to which it is read.
MOST_DIGITS = 30
# What is said of values that add up to infinity.
TOO_LARGE = "a value too large for float32"
# What opens a file, by the ending of its name.
OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_INTEGER = re.compile(rb"\d+")
_LABELS = re.compile(rb"\d+(,\d+)*")
_FEATURE = re.compile(rb"\d+:[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


class _Rows(NamedTuple):
    """Some rows of a file; `lines` are their numbers in it, from 1."""

    lines: np.ndarray
    label_indptr: np.ndarray
    labels: np.ndarray
    indptr: np.ndarray
    indices: np.ndarray
    data: np.ndarray


@validate_params(
    {
        "file": [str, PathLike, HasMethods("read")],
        "label_file": [str, PathLike, HasMethods("read"), None],
        "header": ["boolean"],
        "n_features": [Count(0, MOST_NUMBERS), None],
        "n_labels": [Count(0, MOST_NUMBERS), None],
        "zero_based": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def load_multilabel_file(
    file: str | PathLike | BinaryIO,
    label_file: str | PathLike | BinaryIO | None = None,
    *,
    header: bool = True,
    n_features: int | None = None,
    n_labels: int | None = None,
    zero_based: bool = True,
) -> tuple[csr_array, csr_array]:
    r"""Load sparse samples with any number of labels each, from a text file or two.

    A line is a sample: its labels, separated by commas, then its features, as in
    ``3,17 0:0.5 21:1.25``. A line without labels starts with a space, or with the first feature.
    What follows a ``#`` is a comment, and a line that starts with it no sample. The files of the
    extreme-classification repository [1]_ start with a line of three numbers, those of samples,
    features and labels; files in svmlight's format have no such line.

    The repository also has data sets in two files, one of features (``trn_X_Xf.txt``) and one of
    labels (``trn_X_Y.txt``), with a line for each sample in both, as in ``0:0.5 21:1.25`` and
    ``3:1 17:1``, after a line of two numbers, those of samples and columns.

    Parameters
    ----------
    file : str, path or binary file object
        Where to read from. A name that ends in ``.gz``, ``.bz2`` or ``.xz`` is decompressed.
    label_file : str, path or binary file object, default=None
        Where the labels are, if they are in a file of their own. What has a value other than zero
        there is a label.
    header : bool, default=True
        Whether the first line says how many samples, features and labels there are. Then an
        empty line is a sample without anything; without a header it is skipped, but for two files,
        of which the lines belong together.
    n_features, n_labels : int or None, default=None
        Without a header: how many there are. None is as many as the file has, which may be
        fewer in a test set than in the training set.
    zero_based : bool, default=True
        Whether the first feature has index 0, rather than 1. Labels always count from 0.

    Returns
    -------
    X : csr_array of shape (n_samples, n_features), dtype=float32
        Features. Those that a line has twice are added.
    Y : csr_array of shape (n_samples, n_labels), dtype=uint8
        Label indicators, of ones.

    Raises
    ------
    ValueError
        If a line cannot be read, or has labels, indices or values out of range, or the file has
        not as many lines as its header says, or cannot be decompressed. The message names the
        line.
    OSError
        If the file cannot be opened.

    See Also
    --------
    sklearn.datasets.load_svmlight_file : Labels as lists of tuples.

    References
    ----------
    .. [1] K. Bhatia et al., "The extreme classification repository: multi-label datasets and
       code", 2016. http://manikvarma.org/downloads/XC/XMLRepository.html

    Examples
    --------
    >>> from io import BytesIO
    >>> from sklearn_lsh.datasets import load_multilabel_file
    >>> X, Y = load_multilabel_file(BytesIO(b"2 4 3\n0,2 1:0.5 3:2\n1 0:1\n"))
    >>> X.toarray()
    array([[0. , 0.5, 0. , 2. ],
           [1. , 0. , 0. , 0. ]], dtype=float32)
    >>> Y.toarray()
    array([[1, 0, 1],
           [0, 1, 0]], dtype=uint8)
    """
    if header and (n_features is not None or n_labels is not None):
        raise ValueError("n_features and n_labels are in the header: give them only without one.")
    if label_file is None:
        sizes = _Sizes(None, n_features, n_labels)
        rows, sizes = _read_file(file, sizes, header=header, keep_empty=header)
        labels = rows.labels, rows.label_indptr
    else:
        rows, sizes = _read_pairs(file, "file", n_features, header)
        label_rows, label_sizes = _read_pairs(label_file, "label_file", n_labels, header)
        if len(rows.lines) != len(label_rows.lines):
            raise ValueError(
                f"file has {len(rows.lines)} samples, but label_file has {len(label_rows.lines)}."
            )
        most = _bound(
            label_rows, label_rows.indptr, label_rows.indices, label_sizes.n_features, "label"
        )
        sizes = sizes._replace(n_labels=most)
        labels = _without_zeros(label_rows)
    if not zero_based:
        _check(rows, rows.indptr, rows.indices == 0, "index 0, but the first is 1")
        rows.indices[...] -= np.uint32(1)
    n_features = _bound(rows, rows.indptr, rows.indices, sizes.n_features, "feature index")
    _check(rows, rows.indptr, ~np.isfinite(rows.data), TOO_LARGE)
    X = _csr(rows.data, rows.indices, rows.indptr, n_features)
    # Duplicates may add up to what single values are not.
    _check(rows, X.indptr, ~np.isfinite(X.data), TOO_LARGE)
    columns, indptr = labels
    most = sizes.n_labels
    if label_file is None:
        most = _bound(rows, indptr, columns, most, "label")
    Y = _csr(np.ones(len(columns), bool), columns, indptr, most)
    return X, Y.astype(np.uint8)


class _Sizes(NamedTuple):
    """How many there are, as far as a header or the user says."""

    n_samples: int | None
    n_features: int | None
    n_labels: int | None


def _read_file(file, sizes, *, header: bool, keep_empty: bool, n_numbers: int = 3):
    """Read the rows of a file, and the sizes that its header says."""
    try:
        with _open(file) as source:
            if header:
                sizes = _Sizes(*_read_header(source.readline(), n_numbers))
            rows = _join(list(_read(source, 1 + header, keep_empty=keep_empty)), sizes.n_samples)
    except (EOFError, zlib.error, lzma.LZMAError) as error:
        raise ValueError(f"{file} cannot be decompressed: {error}.") from error
    return rows, sizes


def _read_pairs(file, name: str, n_columns: int | None, header: bool):
    """Read one of two files, of which lines have indices and values alone."""
    sizes = _Sizes(None, n_columns, None)
    try:
        rows, sizes = _read_file(file, sizes, header=header, keep_empty=True, n_numbers=2)
        has_labels = np.ones(len(rows.labels), bool)
        _check(rows, rows.label_indptr, has_labels, "labels, which label_file has")
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    return rows, sizes


def _without_zeros(rows):
    """Indices of what is not zero, and where each row of them starts."""
    kept = rows.data != 0
    ends = np.concatenate([[0], np.cumsum(kept)])
    return rows.indices[kept], ends[rows.indptr]


def _open(file):
    """Open a file by name; leave to its owner one that is open."""
    if hasattr(file, "read"):
        return nullcontext(file)
    return OPENERS.get(Path(file).suffix, open)(file, "rb")


def _read_header(line: bytes, n_numbers: int) -> list[int | None]:
    if isinstance(line, str):
        raise TypeError("file must be opened in binary mode, such as open(name, 'rb').")
    numbers = line.partition(b"#")[0].split()
    if len(numbers) != n_numbers or not all(map(_INTEGER.fullmatch, numbers)):
        which = {
            3: "three numbers (samples, features, labels)",
            2: "two numbers (samples, columns)",
        }
        raise ValueError(
            f"Line 1 must be a header of {which[n_numbers]}, but it is {_excerpt(line)}. Files "
            "without a header need header=False."
        )
    n_samples, *n_columns = map(_to_integer, numbers)
    if max(n_columns) > MOST_NUMBERS:
        raise ValueError(
            f"Line 1 must be a header with at most {MOST_NUMBERS} features and labels, but it is "
            f"{_excerpt(line)}."
        )
    return [n_samples, *n_columns, None][:3]


def _to_integer(digits: bytes) -> int:
    """Read a number; what has more digits than Python converts is too large for anything."""
    return int(digits) if len(digits) <= MOST_DIGITS else 10**MOST_DIGITS


def _read(source, line: int, *, keep_empty: bool) -> Iterator[_Rows]:
    """Read some whole lines at a time."""
    rest = b""
    while text := source.read(CHUNK):
        if isinstance(text, str):
            raise TypeError("file must be opened in binary mode, such as open(name, 'rb').")
        whole, newline, rest = (rest + text).rpartition(b"\n")
        if newline:
            yield _read_lines(whole + newline, line, keep_empty)
            line += whole.count(b"\n") + 1
    if rest:
        yield _read_lines(rest + b"\n", line, keep_empty)


def _read_lines(lines: bytes, first_line: int, keep_empty: bool) -> _Rows:
    text = np.frombuffer(lines, np.uint8)
    # No more than that: there may be others in comments.
    n_rows, n_commas, n_colons = (lines.count(mark) for mark in (NEWLINE, COMMA, COLON))
    rows = _Rows(
        lines=np.empty(n_rows, np.int64),
        label_indptr=np.empty(n_rows + 1, np.int64),
        labels=np.empty(n_rows + n_commas, np.uint32),
        indptr=np.empty(n_rows + 1, np.int64),
        indices=np.empty(n_colons, np.uint32),
        data=np.empty(n_colons, np.float32),
    )
    n_rows = kernels.read_multilabel(text, keep_empty, rows)
    if n_rows < 0:
        line = -1 - n_rows
        wrong = _explain(lines.split(b"\n")[line])
        raise ValueError(f"Line {first_line + line}{wrong}")
    n_labels, n_pairs = rows.label_indptr[n_rows], rows.indptr[n_rows]
    return _Rows(
        rows.lines[:n_rows] + first_line,
        rows.label_indptr[: n_rows + 1],
        rows.labels[:n_labels],
        rows.indptr[: n_rows + 1],
        rows.indices[:n_pairs],
        rows.data[:n_pairs],
    )


def _explain(line: bytes) -> str:
    """Say what is wrong with a line that the kernel could not read."""
    content = line.partition(b"#")[0]
    # Not `content.split()`, to which other control characters are spaces, too.
    fields = [field for field in re.split(rb"[ \t\r]", content) if field]
    if content[:1] not in b" \t\r" and b":" not in fields[0]:
        if not _LABELS.fullmatch(fields[0]):
            return f": labels must be integers, separated by commas, but got {_excerpt(fields[0])}."
        fields = fields[1:]
    for field in fields:
        if not _FEATURE.fullmatch(field):
            return f": a feature must be 'index:value', but got {_excerpt(field)}."
    return " has a number that is too large: labels and indices must be below 2**31."


def _excerpt(text: bytes) -> str:
    shown = text.decode("utf-8", errors="backslashreplace").strip()
    return repr(shown if len(shown) <= 40 else f"{shown[:37]}...")


def _join(parts: list[_Rows], n_samples: int | None) -> _Rows:
    """Join rows that follow each other, as many as the header says."""
    if not parts:
        parts = [_read_lines(b"", 1, True)]
    pointers = []
    for name in ("label_indptr", "indptr"):
        lengths = [np.diff(getattr(part, name)) for part in parts]
        pointers.append(np.concatenate([[0], np.cumsum(np.concatenate(lengths))]))
    lines, labels, indices, data = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("lines", "labels", "indices", "data")
    )
    rows = _Rows(lines, pointers[0], labels, pointers[1], indices, data)
    if n_samples is None:
        return rows
    if len(lines) < n_samples:
        raise ValueError(
            f"The header (line 1) says that there are {n_samples} samples, but only {len(lines)} "
            "lines follow."
        )
    # Empty lines at the end are no samples.
    if rows.label_indptr[n_samples] < len(labels) or rows.indptr[n_samples] < len(indices):
        raise ValueError(
            f"Line {lines[n_samples]} is one too many: the header (line 1) says that there are "
            f"{n_samples} samples."
        )
    return rows._replace(
        lines=lines[:n_samples],
        label_indptr=rows.label_indptr[: n_samples + 1],
        indptr=rows.indptr[: n_samples + 1],
    )


def _check(rows: _Rows, indptr, bad, what: str) -> None:
    """Refuse the first row that has something bad."""
    if bad.any():
        row = np.searchsorted(indptr, np.argmax(bad), side="right") - 1
        raise ValueError(f"Line {rows.lines[row]} has {what}.")


def _bound(rows: _Rows, indptr, numbers, size: int | None, name: str) -> int:
    """Return how many there are: as was said, if none is larger, or as the largest says."""
    if size is None:
        return int(numbers.max()) + 1 if len(numbers) else 0
    beyond = numbers >= size
    if beyond.any():
        _check(rows, indptr, beyond, f"{name} {numbers[beyond.argmax()]}, but must be below {size}")
    return size


def _csr(data, indices, indptr, n_columns: int) -> csr_array:
    """Make a canonical CSR array."""
    shape = (len(indptr) - 1, n_columns)
    matrix = csr_array((data, indices.astype(np.int32), indptr), shape=shape)
    matrix.sum_duplicates()
    return matrix
