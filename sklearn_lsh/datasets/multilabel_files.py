"""Files of samples with many labels, in svmlight's format or the extreme-classification one."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator
from contextlib import nullcontext
from os import PathLike
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from scipy.sparse import csr_array
from sklearn.utils._param_validation import HasMethods, validate_params

from sklearn_lsh.inputs import Count
from sklearn_lsh.streaming.lines import (
    MOST_NUMBERS,
    LabelledRows,
    bound,
    check_rows,
    csr_of,
    features_of,
    read_header,
    read_labelled,
)

# Bytes that are read at a time.
CHUNK = 1 << 24
# What opens a file, by the ending of its name.
OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


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
        most = bound(
            label_rows, label_rows.indptr, label_rows.indices, label_sizes.n_features, "label"
        )
        sizes = sizes._replace(n_labels=most)
        labels = _without_zeros(label_rows)
    X = features_of(rows, sizes.n_features, zero_based=zero_based)
    columns, indptr = labels
    most = sizes.n_labels
    if label_file is None:
        most = bound(rows, indptr, columns, most, "label")
    Y = csr_of(np.ones(len(columns), bool), columns, indptr, most)
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
                sizes = _Sizes(*read_header(source.readline(), n_numbers))
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
        check_rows(rows, rows.label_indptr, has_labels, "labels, which label_file has")
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


def _read(source, line: int, *, keep_empty: bool) -> Iterator[LabelledRows]:
    """Read some whole lines at a time."""
    rest = b""
    while text := source.read(CHUNK):
        if isinstance(text, str):
            raise TypeError("file must be opened in binary mode, such as open(name, 'rb').")
        whole, newline, rest = (rest + text).rpartition(b"\n")
        if newline:
            yield read_labelled(whole + newline, line, keep_empty)
            line += whole.count(b"\n") + 1
    if rest:
        yield read_labelled(rest + b"\n", line, keep_empty)


def _join(parts: list[LabelledRows], n_samples: int | None) -> LabelledRows:
    """Join rows that follow each other, as many as the header says."""
    if not parts:
        parts = [read_labelled(b"", 1, True)]
    pointers = []
    for name in ("label_indptr", "indptr"):
        lengths = [np.diff(getattr(part, name)) for part in parts]
        pointers.append(np.concatenate([[0], np.cumsum(np.concatenate(lengths))]))
    lines, labels, indices, data = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("lines", "labels", "indices", "data")
    )
    rows = LabelledRows(lines, pointers[0], labels, pointers[1], indices, data)
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
