"""What users hand in, brought into the few forms that networks and hash functions read.

They read X as a C-ordered native ndarray or a canonical CSR array (sorted indices, no
duplicates, every index within the matrix), in float32 or float64. No float32 copy is made of
float64 data: a mini-batch is converted at a time. Kernels check no bounds, so whatever
could take them out of an array has to be found here.

Labels are read as canonical CSR arrays of ones, and classes as their places in sorted order.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array, issparse, sparray, spmatrix
from sklearn.utils.validation import _check_sample_weight, validate_data

MatrixLike: TypeAlias = ArrayLike | sparray | spmatrix
RandomState: TypeAlias = int | np.random.RandomState | None

FLOAT32_MAX = float(np.finfo(np.float32).max)


def check_data(estimator, X, y="no_validation", *, reset: bool, **y_params):
    """Validate X, and y where it is given, for training or prediction.

    Parameters
    ----------
    estimator : estimator
        For ``n_features_in_``, ``feature_names_in_`` and error messages.
    X : array-like or sparse matrix of shape (n_samples, n_features)
    y : array-like, optional
    reset : bool
        Whether number and names of features are learnt from X, or checked against it.
    **y_params
        How y is validated: `multi_output`, `y_numeric`.

    Returns
    -------
    X : ndarray or csr_array, or a pair of it and y

    Raises
    ------
    ValueError
        For NaN, infinity, values that overflow float32, sparse indices outside the matrix, and
        all that scikit-learn refuses.
    """
    for matrix in (X, y):
        if issparse(matrix):
            check_sparse_indices(matrix)
    checked = validate_data(
        estimator,
        X,
        y,
        accept_sparse="csr",
        dtype=[np.float64, np.float32],
        order="C",
        reset=reset,
        **y_params,
    )
    X, *rest = checked if isinstance(checked, tuple) else (checked,)
    X = canonical_csr(X) if issparse(X) else plain(X)
    check_float32_range(X.data if issparse(X) else X, "X")
    return (X, *rest) if rest else X


def check_sparse_indices(X) -> None:
    """Refuse a sparse matrix whose indices lie outside of it.

    SciPy does not look at the indices of a matrix made from its parts, and converting such a
    matrix to another format reads and writes out of bounds.
    """
    n_rows, n_columns = X.shape
    if X.format in ("csr", "csc"):
        n_major, n_minor = (n_rows, n_columns) if X.format == "csr" else (n_columns, n_rows)
        _check_pointers(X.indptr, n_major, min(len(X.indices), len(X.data)))
        _check_index_range(X.indices[: X.indptr[-1]], n_minor)
    elif X.format == "bsr":
        _check_pointers(X.indptr, n_rows // X.blocksize[0], len(X.indices))
        _check_index_range(X.indices, n_columns // X.blocksize[1])
    elif X.format == "coo":
        for index, size in zip(X.coords, X.shape, strict=True):
            _check_index_range(index, size)


def _check_pointers(indptr, n_major: int, n_entries: int) -> None:
    if (
        len(indptr) != n_major + 1
        or indptr[0] != 0
        or indptr[-1] > n_entries
        or (np.diff(indptr) < 0).any()
    ):
        raise ValueError(
            "The sparse matrix is not valid: its indptr must start at 0, never decrease, and end "
            f"at no more than the number of entries ({n_entries}), in {n_major + 1} steps."
        )


def _check_index_range(index, size: int) -> None:
    if len(index) and (index.min() < 0 or index.max() >= size):
        raise ValueError(
            f"The sparse matrix is not valid: its indices must be from 0 to {size - 1}, but they "
            f"are from {index.min()} to {index.max()}."
        )


def plain(array: np.ndarray) -> np.ndarray:
    """Return an array as kernels read it: contiguous and aligned; a copy only if it is not."""
    return np.require(array, requirements=["C_CONTIGUOUS", "ALIGNED"])


def canonical_csr(X) -> csr_array:
    """Return X as a CSR array with sorted indices and no duplicates.

    The arrays of X are shared where they are canonical already, and never changed.
    """
    # A wrapper of our own: SciPy caches on the matrix what it finds out about the order, and
    # what a caller's matrix has cached may no longer be true.
    parts = (plain(part) for part in (X.data, X.indices, X.indptr))
    view = csr_array(tuple(parts), shape=X.shape)
    if not view.has_canonical_format:
        view = view.copy()
        view.sum_duplicates()
    return view


def check_float32_range(values: np.ndarray, name: str) -> None:
    """Refuse finite values that are infinite in float32, in which all is computed."""
    if values.dtype == np.float32 or values.size == 0:
        return
    largest = max(float(values.max()), -float(values.min()))
    if largest > FLOAT32_MAX:
        raise ValueError(
            f"{name} has values too large for float32, in which all is computed: the "
            f"largest magnitude is {largest:.3g}, at most {FLOAT32_MAX:.3g} is allowed. "
            "Scale the data, for example with StandardScaler or MaxAbsScaler."
        )


def check_weights(sample_weight, X) -> np.ndarray | None:
    """Validate sample weights.

    Returns
    -------
    sample_weight : float32 ndarray of shape (n_samples,), or None where None was given

    Raises
    ------
    ValueError
        If a weight is negative or not finite, if there is not one for each sample, or if all
        are zero.
    """
    if sample_weight is None:
        return None
    weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    check_float32_range(weights, "sample_weight")
    weights = weights.astype(np.float32)
    if not weights.any():
        raise ValueError("sample_weight is zero in float32 for all samples.")
    return weights


class Places(NamedTuple):
    """Where labels stand among the sorted classes."""

    codes: np.ndarray
    """The places, arbitrary for labels that are no classes."""
    unknown: np.ndarray
    """The labels that are no classes."""


def find_places(labels: np.ndarray, classes: np.ndarray) -> Places:
    """Look labels up among the sorted classes."""
    codes = np.minimum(np.searchsorted(classes, labels), len(classes) - 1)
    return Places(codes, labels[classes[codes] != labels])


def indicator(y) -> csr_array:
    """Return a label indicator matrix, dense or sparse, as a canonical CSR array of ones.

    Parameters
    ----------
    y : ndarray or sparse matrix of shape (n_samples, n_labels)
        A label is what has an entry other than zero, however often. Left as it is.

    Returns
    -------
    labels : csr_array of shape (n_samples, n_labels), dtype=float32
    """
    if not issparse(y):
        y = csr_array(y != 0)
        return csr_of_ones(y.indices, y.indptr, y.shape[1])
    # As booleans, duplicates cannot add up to zero.
    labels = csr_array(y, dtype=bool, copy=True)
    labels.sum_duplicates()
    labels.eliminate_zeros()
    return csr_of_ones(labels.indices, labels.indptr, y.shape[1])


def csr_of_ones(indices, indptr, n_columns: int) -> csr_array:
    """Make a CSR array that is 1, as float32, wherever it has an entry."""
    data = np.ones(len(indices), np.float32)
    return csr_array((data, indices, indptr), shape=(len(indptr) - 1, n_columns))
