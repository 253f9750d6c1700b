"""Lines of text become rows: the two formats of sparse samples, parsed by kernels.

A line of svmlight's format has a number first, the target; one of the extreme-classification format
has labels, separated by commas. Both go on with ``index:value``.
"""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn

import numpy as np
from scipy.sparse import csr_array

from sklearn_lsh import kernels

# Most features or labels: their indices have 32 bits, signed ones in SciPy.
MOST_NUMBERS = 2**31
# Digits of a number in a header, to which it is read.
MOST_DIGITS = 30
# What is said of values that add up to infinity.
TOO_LARGE = "a value too large for float32"
_INTEGER = re.compile(rb"\d+")
_NUMBER = rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
_TARGET = re.compile(_NUMBER)
_LABELS = re.compile(rb"\d+(,\d+)*")
_FEATURE = re.compile(rb"\d+:" + _NUMBER)


class LabelledRows(NamedTuple):
    """Some rows of a file of labels; `lines` are their numbers in it, from 1."""

    lines: np.ndarray
    label_indptr: np.ndarray
    labels: np.ndarray
    indptr: np.ndarray
    indices: np.ndarray
    data: np.ndarray


class TargetRows(NamedTuple):
    """Some rows of a file of targets; `lines` are their numbers in it, from 1."""

    lines: np.ndarray
    targets: np.ndarray
    indptr: np.ndarray
    indices: np.ndarray
    data: np.ndarray


Rows = LabelledRows | TargetRows


class BadLine(ValueError):
    """A line that is not of the format.

    Attributes
    ----------
    line : int
        Its number, from 1.
    """

    def __init__(self, line: int, wrong: str):
        super().__init__(f"Line {line}{wrong}")
        self.line = line


def read_labelled(text: bytes, first_line: int, keep_empty: bool) -> LabelledRows:
    """Read whole lines of the extreme-classification format.

    Parameters
    ----------
    text : bytes
        Ends with a newline, or is empty.
    first_line : int
        Number of the first line.
    keep_empty : bool
        Whether an empty line is a row without anything.

    Raises
    ------
    BadLine
        If a line is not of the format.
    """
    n_lines, n_commas, n_colons = (text.count(mark) for mark in (b"\n", b",", b":"))
    rows = LabelledRows(
        lines=np.empty(n_lines, np.int64),
        label_indptr=np.empty(n_lines + 1, np.int64),
        labels=np.empty(n_lines + n_commas, np.uint32),  # no more: there may be some in comments
        indptr=np.empty(n_lines + 1, np.int64),
        indices=np.empty(n_colons, np.uint32),
        data=np.empty(n_colons, np.float32),
    )
    n_rows = kernels.read_multilabel(np.frombuffer(text, np.uint8), keep_empty, rows)
    if n_rows < 0:
        _refuse(text, first_line, -1 - n_rows, _explain_labelled)
    n_labels, n_pairs = rows.label_indptr[n_rows], rows.indptr[n_rows]
    return LabelledRows(
        rows.lines[:n_rows] + first_line,
        rows.label_indptr[: n_rows + 1],
        rows.labels[:n_labels],
        rows.indptr[: n_rows + 1],
        rows.indices[:n_pairs],
        rows.data[:n_pairs],
    )


def read_targets(text: bytes, first_line: int) -> TargetRows:
    """Read whole lines of svmlight's format, of which empty ones are no rows.

    Parameters
    ----------
    text, first_line
        See `read_labelled`.

    Raises
    ------
    BadLine
        If a line is not of the format.
    """
    n_lines, n_colons = (text.count(mark) for mark in (b"\n", b":"))
    rows = TargetRows(
        lines=np.empty(n_lines, np.int64),
        targets=np.empty(n_lines, np.float64),
        indptr=np.empty(n_lines + 1, np.int64),
        indices=np.empty(n_colons, np.uint32),
        data=np.empty(n_colons, np.float32),
    )
    n_rows = kernels.read_svmlight(np.frombuffer(text, np.uint8), rows)
    if n_rows < 0:
        _refuse(text, first_line, -1 - n_rows, _explain_targets)
    n_pairs = rows.indptr[n_rows]
    return TargetRows(
        rows.lines[:n_rows] + first_line,
        rows.targets[:n_rows],
        rows.indptr[: n_rows + 1],
        rows.indices[:n_pairs],
        rows.data[:n_pairs],
    )


def _refuse(text: bytes, first_line: int, line: int, explain) -> NoReturn:
    content = text.split(b"\n")[line].partition(b"#")[0]
    # Not `content.split()`, to which other control characters are spaces, too.
    fields = [field for field in re.split(rb"[ \t\r]", content) if field]
    raise BadLine(first_line + line, explain(content, fields))


def _explain_labelled(content: bytes, fields: list[bytes]) -> str:
    if content[:1] not in b" \t\r" and b":" not in fields[0]:
        if not _LABELS.fullmatch(fields[0]):
            return f": labels must be integers, separated by commas, but got {excerpt(fields[0])}."
        fields = fields[1:]
    return _explain_pairs(fields)


def _explain_targets(content: bytes, fields: list[bytes]) -> str:
    if not _TARGET.fullmatch(fields[0]):
        return f": the target must be a number, but got {excerpt(fields[0])}."
    has_query = len(fields) > 1 and re.fullmatch(rb"qid:\d+", fields[1])
    return _explain_pairs(fields[2 if has_query else 1 :])


def _explain_pairs(fields: list[bytes]) -> str:
    for field in fields:
        if not _FEATURE.fullmatch(field):
            return f": a feature must be 'index:value', but got {excerpt(field)}."
    return " has a number that is too large: labels and indices must be below 2**31."


def excerpt(text: bytes) -> str:
    """Show the beginning of a text."""
    shown = text.decode("utf-8", errors="backslashreplace").strip()
    return repr(shown if len(shown) <= 40 else f"{shown[:37]}...")


def read_header(line: bytes, n_numbers: int) -> list[int | None]:
    """Read how many samples, features and labels a file says that it has.

    Of two numbers, as files without labels have, the third is None.
    """
    if isinstance(line, str):
        raise TypeError("file must be opened in binary mode, such as open(name, 'rb').")
    numbers = line.partition(b"#")[0].split()
    if len(numbers) != n_numbers or not all(map(_INTEGER.fullmatch, numbers)):
        which = {
            3: "three numbers (samples, features, labels)",
            2: "two numbers (samples, columns)",
        }
        raise ValueError(
            f"Line 1 must be a header of {which[n_numbers]}, but it is {excerpt(line)}. Files "
            "without a header need header=False."
        )
    n_samples, *n_columns = map(_to_integer, numbers)
    if max(n_columns) > MOST_NUMBERS:
        raise ValueError(
            f"Line 1 must be a header with at most {MOST_NUMBERS} features and labels, but it is "
            f"{excerpt(line)}."
        )
    return [n_samples, *n_columns, None][:3]


def _to_integer(digits: bytes) -> int:
    """Read a number; what has more digits than Python converts is too large for anything."""
    return int(digits) if len(digits) <= MOST_DIGITS else 10**MOST_DIGITS


def check_rows(rows: Rows, indptr, bad, what: str) -> None:
    """Refuse the first row that has something bad."""
    if bad.any():
        row = np.searchsorted(indptr, np.argmax(bad), side="right") - 1
        raise BadLine(rows.lines[row], f" has {what}.")


def bound(rows: Rows, indptr, numbers, size: int | None, name: str) -> int:
    """Return how many there are: as was said, if none is larger, or as the largest says."""
    if size is None:
        return int(numbers.max()) + 1 if len(numbers) else 0
    beyond = numbers >= size
    if beyond.any():
        number = numbers[beyond.argmax()]
        check_rows(rows, indptr, beyond, f"{name} {number}, but must be below {size}")
    return size


def features_of(rows: Rows, n_features: int | None, *, zero_based: bool) -> csr_array:
    """Make the features of rows a matrix, whose values are finite."""
    if not zero_based:
        check_rows(rows, rows.indptr, rows.indices == 0, "index 0, but the first is 1")
        rows.indices[...] -= np.uint32(1)
    n_features = bound(rows, rows.indptr, rows.indices, n_features, "feature index")
    check_rows(rows, rows.indptr, ~np.isfinite(rows.data), TOO_LARGE)
    X = csr_of(rows.data, rows.indices, rows.indptr, n_features)
    # Duplicates may add up to what single values are not.
    check_rows(rows, X.indptr, ~np.isfinite(X.data), TOO_LARGE)
    return X


def csr_of(data, indices, indptr, n_columns: int) -> csr_array:
    """Make a canonical CSR array."""
    shape = (len(indptr) - 1, n_columns)
    # SciPy makes both of the larger type, and half of the memory is that of indices.
    kind = np.int32 if len(indices) < MOST_NUMBERS else np.int64
    matrix = csr_array((data, indices.astype(kind), indptr.astype(kind)), shape=shape)
    matrix.sum_duplicates()
    return matrix
