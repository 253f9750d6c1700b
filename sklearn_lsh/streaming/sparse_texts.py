"""Blocks of sparse samples in text files: svmlight's format, and the extreme-classification one."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from typing import Any

import numpy as np
from sklearn.utils._param_validation import StrOptions, validate_parameter_constraints

from sklearn_lsh.inputs import Count
from sklearn_lsh.streaming.blocks import BLOCK_SIZE, Blocks, naming
from sklearn_lsh.streaming.lines import (
    MOST_NUMBERS,
    BadLine,
    bound,
    csr_of,
    features_of,
    read_header,
    read_labelled,
    read_targets,
)
from sklearn_lsh.streaming.texts import TextBlocks

_CONSTRAINTS = {
    "path": [str, PathLike],
    "block_size": [Count()],
    "n_features": [Count(0, MOST_NUMBERS), None],
    "n_labels": [Count(0, MOST_NUMBERS), None],
    "header": ["boolean"],
    "zero_based": ["boolean"],
    "on_error": [StrOptions({"raise", "skip"})],
}


class SparseTextBlocks(Blocks):
    """Base: blocks of lines, those that cannot be read left out where that is asked for."""

    n_features: int
    path: str | PathLike
    on_error: str
    _text: TextBlocks

    def _open(self, given: dict, skip: int = 0) -> None:
        """Check the parameters and look through the file."""
        constraints = {name: _CONSTRAINTS[name] for name in given}
        validate_parameter_constraints(constraints, given, caller_name=type(self).__name__)
        self.path, self.on_error = given["path"], given["on_error"]
        self.zero_based, self.block_size = given["zero_based"], given["block_size"]
        self._text = TextBlocks(self.path, self.block_size, skip)
        self.n_blocks = len(self._text.places)
        self._skipped: dict[int, int] = {}

    @property
    def n_skipped(self) -> int:
        """How many lines of the blocks read so far could not be read and were left out."""
        return sum(self._skipped.values())

    def _read_lines(self, number: int, parse: Callable) -> tuple:
        """Parse a block: ``parse(text, first_line)``."""
        text, first_line = self._text.read(number), self._text.places[number].first_line
        if self.on_error == "raise":
            return parse(text, first_line)
        try:
            return parse(text, first_line)
        except BadLine:
            lines = text.split(b"\n")[:-1]
            good = [self._is_good(line, parse) for line in lines]
            self._skipped[number] = good.count(False)
            # What is a comment takes the place of a line that cannot be read.
            kept = [line if good else b"#" for line, good in zip(lines, good, strict=True)]
            return parse(b"\n".join(kept) + b"\n", first_line)

    @staticmethod
    def _is_good(line: bytes, parse: Callable) -> bool:
        try:
            parse(line + b"\n", 1)
        except BadLine:
            return False
        return True

    def _name(self) -> str:
        return repr(str(self.path))


class SvmlightBlocks(SparseTextBlocks):
    r"""Blocks of a file in svmlight's format.

    A line is a sample: a number, which is its label or target value, and its features, as in
    ``-1 3:0.5 17:1.25``. What follows a ``#`` is a comment, and ``qid:number`` is left out. The
    file is looked through once for its lines; then a block is found without what is before it.

    Parameters
    ----------
    path : str or path
        Name of the file. If it ends in ``.gz``, it is decompressed, and some 50 kB are kept for
        each block to do so from there on.
    block_size : int, default=8192
        Lines of a block; the last one may have fewer.
    n_features : int or None, default=None
        Number of features. None reads all of the file to find it.
    zero_based : bool, default=True
        Whether the first feature has index 0, rather than 1.
    on_error : {"raise", "skip"}, default="raise"
        What to do about a line that is not of the format, or has an index that is too large:
        raise an error that names it, or leave it out, and count it.

    Attributes
    ----------
    n_blocks, n_features : int
        Number of blocks and of columns.
    n_skipped : int
        How many lines of the blocks read so far were left out.

    Raises
    ------
    ValueError
        If a parameter is not valid, or the file is compressed in another way. Reading raises it for
        a line that cannot be read, and where the file has changed meanwhile.

    See Also
    --------
    sklearn.datasets.dump_svmlight_file : Writes such files.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn_lsh.streaming import SvmlightBlocks
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "train.svm")
    ...     _ = path.write_text("1 0:0.5 2:1\n-1 1:2\n1 2:3\n")
    ...     source = SvmlightBlocks(path, block_size=2)
    ...     X, y = source.read(0)
    >>> source.n_blocks, source.n_features, y
    (2, 3, array([ 1., -1.]))
    """

    def __init__(
        self,
        path: str | PathLike,
        *,
        block_size: int = BLOCK_SIZE,
        n_features: int | None = None,
        zero_based: bool = True,
        on_error: str = "raise",
    ) -> None:
        self._open(
            {
                "path": path,
                "block_size": block_size,
                "n_features": n_features,
                "zero_based": zero_based,
                "on_error": on_error,
            }
        )
        self._width: int | None = n_features
        if n_features is None:
            self._width = max(map(self._width_of, range(self.n_blocks)), default=0)
        self.n_features = int(self._width or 0)

    def _width_of(self, number: int) -> int:
        with naming(self, number):
            return self.read(number)[0].shape[1]

    def _parse(self, text: bytes, first_line: int) -> tuple:
        rows = read_targets(text, first_line)
        return features_of(rows, self._width, zero_based=self.zero_based), rows.targets

    def _read(self, number: int) -> tuple:
        """See `Blocks._read`."""
        return self._read_lines(number, self._parse)


class MultilabelBlocks(SparseTextBlocks):
    r"""Blocks of a file of samples with many labels, in the extreme-classification format.

    A line is a sample: its labels, separated by commas, then its features, as in
    ``3,17 0:0.5 21:1.25``; see `sklearn_lsh.datasets.load_multilabel_file`, which reads whole
    files.

    Parameters
    ----------
    path : str or path
        Name of the file. If it ends in ``.gz``, it is decompressed.
    block_size : int, default=8192
        Lines of a block; the last one may have fewer.
    header : bool, default=True
        Whether the first line says how many samples, features and labels there are.
    n_features, n_labels : int or None, default=None
        How many there are, needed without a header.
    zero_based : bool, default=True
        Whether the first feature has index 0, rather than 1. Labels always count from 0.
    on_error : {"raise", "skip"}, default="raise"
        What to do about a line that is not of the format, or has an index that is too large:
        raise an error that names it, or leave it out, and count it.

    Attributes
    ----------
    n_blocks, n_features, n_labels : int
        Number of blocks, of columns and of labels.
    n_skipped : int
        How many lines of the blocks read so far were left out.

    Raises
    ------
    ValueError
        As of `SvmlightBlocks`, and if the header is none, or says that there are more lines.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn_lsh.streaming import MultilabelBlocks
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "train.txt")
    ...     _ = path.write_text("3 4 2\n0,1 1:0.5 3:2\n1 0:1\n0 2:1\n")
    ...     X, Y = MultilabelBlocks(path).read(0)
    >>> Y.toarray()
    array([[1, 1],
           [0, 1],
           [1, 0]], dtype=uint8)
    """

    def __init__(
        self,
        path: str | PathLike,
        *,
        block_size: int = BLOCK_SIZE,
        header: bool = True,
        n_features: int | None = None,
        n_labels: int | None = None,
        zero_based: bool = True,
        on_error: str = "raise",
    ) -> None:
        given = {
            "path": path,
            "block_size": block_size,
            "header": header,
            "n_features": n_features,
            "n_labels": n_labels,
            "zero_based": zero_based,
            "on_error": on_error,
        }
        sizes: Any = [n_features, n_labels]
        if header == any(size is not None for size in sizes) or (not header and None in sizes):
            raise ValueError(
                "n_features and n_labels are in the header, and needed without one: got "
                f"header={header!r}, n_features={n_features!r}, n_labels={n_labels!r}."
            )
        self._open(given, skip=int(header))
        self.header = header
        self._n_samples = None
        if header:
            self._n_samples, *sizes = read_header(self._text.head, 3)
            self._check_n_samples()
        self.n_features, self.n_labels = map(int, sizes)

    def _check_n_samples(self) -> None:
        n_most = self.n_blocks * self.block_size
        if n_most < self._n_samples:
            raise ValueError(
                f"The header of {self.path} says that there are {self._n_samples} samples, but "
                f"there are at most {n_most} lines."
            )

    def _parse(self, text: bytes, first_line: int) -> tuple:
        rows = read_labelled(text, first_line, keep_empty=self.header)
        X = features_of(rows, self.n_features, zero_based=self.zero_based)
        bound(rows, rows.label_indptr, rows.labels, self.n_labels, "label")
        n_labels = len(rows.labels)
        Y = csr_of(np.ones(n_labels, bool), rows.labels, rows.label_indptr, self.n_labels)
        return X, Y.astype(np.uint8)

    def _read(self, number: int) -> tuple:
        """See `Blocks._read`."""
        X, Y = self._read_lines(number, self._parse)
        if self._n_samples is None:
            return X, Y
        # Empty lines at the end are no samples.
        n_rows = max(0, min(X.shape[0], self._n_samples - number * self.block_size))
        if X[n_rows:].nnz or Y[n_rows:].nnz:
            raise ValueError(
                f"{self.path} has more samples than its header says: {self._n_samples}."
            )
        return X[:n_rows], Y[:n_rows]
