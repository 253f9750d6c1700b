"""What users hand in, brought into the few forms that networks and hash functions read.

They read X as a C-ordered native ndarray or a canonical CSR array (sorted indices, no
duplicates, every index within the matrix), in float32 or float64. No float32 copy is made of
float64 data: a mini-batch is converted at a time. Kernels check no bounds, so whatever
could take them out of an array has to be found here.

Labels are read as canonical CSR arrays of ones, and classes as their places in sorted order.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array, issparse, sparray, spmatrix
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _check_sample_weight, validate_data

from sklearn_lsh.stored import check_array, refuse

MatrixLike: TypeAlias = ArrayLike | sparray | spmatrix
RandomState: TypeAlias = int | np.random.RandomState | None

FLOAT32_MAX = float(np.finfo(np.float32).max)
# Weights up to that, and from its inverse on, can be multiplied and summed in float32.
MOST_WEIGHT = 1e18
# Kinds of NumPy's types, by which labels may be told apart.
_NUMBERS = "biuf"
_STRINGS = "UT"
# Kernels number columns in 32 bits.
MOST_COLUMNS = 2**32 - 1


class Samples(NamedTuple):
    """What a user hands in to learn from, or to measure progress on, as it is.

    Attributes
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
    y : array-like or sparse matrix of shape (n_samples,) or (n_samples, n_outputs)
    sample_weight : array-like of shape (n_samples,) or None
    """

    X: MatrixLike
    y: MatrixLike
    sample_weight: ArrayLike | None


class Count(Interval):
    """Constraint of scikit-learn's form for a number of things: an integer, and no boolean.

    Parameters
    ----------
    least, most : int, default=1, None
        Bounds, both included. None is no bound.
    """

    def __init__(self, least: int = 1, most: int | None = None):
        super().__init__(Integral, least, most, closed="left" if most is None else "both")

    def is_satisfied_by(self, val) -> bool:
        """Tell whether a value is allowed."""
        return not isinstance(val, bool) and super().is_satisfied_by(val)


class Quantity(Interval):
    """Constraint of scikit-learn's form for a real number that float64 holds.

    Parameters
    ----------
    least : float
        Bound. There is none above.
    closed : {"left", "neither"}
        Whether it is included.
    """

    def __init__(self, least: float, *, closed: str) -> None:
        super().__init__(Real, least, None, closed=closed)

    def is_satisfied_by(self, val) -> bool:
        """Tell whether a value is allowed."""
        try:
            return super().is_satisfied_by(val) and isinstance(float(val), float)
        except OverflowError:  # an integer of hundreds of digits
            return False


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
    for name, matrix in (("X", X), ("y", y)):
        if issparse(matrix):
            check_sparse(matrix, name)
    if y_params.get("y_numeric"):
        check_numbers(y, "y")
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


def check_numbers(y, name: str) -> None:
    """Refuse strings, dates and whatever else is not a finite number where targets have to be.

    scikit-learn takes strings for numbers where there may be several targets, and looks for NaN
    before it turns objects into numbers.
    """
    if y is None or issparse(y):
        return
    try:
        values = np.asarray(y)
        if values.dtype.kind == "O":
            values = values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be an array of numbers: {error}.") from error
    if values.dtype.kind not in _NUMBERS + "c":
        raise ValueError(f"{name} must be an array of numbers, got an array of {values.dtype}.")
    if np.asarray(y).dtype.kind == "O" and not np.isfinite(values).all():
        raise ValueError(f"{name} contains NaN, None or infinity.")


def check_arrays(arrays, shapes: list[tuple[int, ...]], name: str) -> list[np.ndarray]:
    """Validate a list of arrays whose shapes are known.

    Parameters
    ----------
    arrays : list of array-like
    shapes : list of tuple of int
        What they have to be.
    name : str
        Of the parameter, for error messages.

    Returns
    -------
    arrays : list of ndarray, dtype=float32
        Copies.

    Raises
    ------
    ValueError
        If there are more or fewer, or one is of another shape, or has what is not a number that is
        finite in float32.
    """
    if not isinstance(arrays, list | tuple):
        kind = type(arrays).__name__
        raise ValueError(f"{name} must be a list of {len(shapes)} arrays, got a {kind}.")
    if len(arrays) != len(shapes):
        raise ValueError(f"{name} must be a list of {len(shapes)} arrays, got {len(arrays)}.")
    checked = []
    for i, (array, shape) in enumerate(zip(arrays, shapes, strict=True)):
        place = f"{name}[{i}]"
        if issparse(array):
            raise ValueError(f"{place} must be a dense array, got a sparse matrix.")
        check_numbers(array, place)
        values = np.asarray(array)
        if values.dtype.kind == "O":
            values = values.astype(np.float64)
        if values.dtype.kind not in _NUMBERS:
            raise ValueError(f"{place} must be an array of real numbers, got {values.dtype}.")
        if values.shape != shape:
            raise ValueError(f"{place} must have shape {shape}, got {values.shape}.")
        if not np.isfinite(values).all():
            raise ValueError(f"{place} contains NaN or infinity.")
        check_float32_range(values, place)
        checked.append(values.astype(np.float32))
    return checked


def check_sparse(X, name: str) -> None:
    """Refuse a sparse matrix that is not what it says, or larger than kernels can number.

    SciPy does not look at the indices of a matrix made from its parts, and converting such a
    matrix to another format reads and writes out of bounds.

    Parameters
    ----------
    X : sparse matrix
    name : str
        Of the parameter, for error messages.

    Raises
    ------
    ValueError
        If it has other than two dimensions, too many columns, indices outside of them, or parts
        that do not fit together.
    """
    if X.ndim != 2:
        raise ValueError(
            f"{name} must have two dimensions if it is sparse, got {X.ndim} (shape {X.shape})."
        )
    n_rows, n_columns = X.shape
    if n_columns > MOST_COLUMNS:
        raise ValueError(
            f"{name} has {n_columns} columns, but they are numbered in 32 bits: at most "
            f"{MOST_COLUMNS} are allowed."
        )
    if X.format in ("csr", "csc"):
        n_major, n_minor = (n_rows, n_columns) if X.format == "csr" else (n_columns, n_rows)
        _check_pointers(X.indptr, n_major, min(len(X.indices), len(X.data)), name)
        _check_index(X.indices[: X.indptr[-1]], n_minor, name)
    elif X.format == "bsr":
        n_entries = min(len(X.indices), len(X.data))
        _check_pointers(X.indptr, n_rows // X.blocksize[0], n_entries, name)
        _check_index(X.indices, n_columns // X.blocksize[1], name)
    elif X.format == "coo":
        for index, size in zip(X.coords, X.shape, strict=True):
            _check_index(index, size, name)
    elif X.format == "dia" and (X.data.ndim != 2 or len(X.offsets) != len(X.data)):
        raise ValueError(f"The sparse matrix {name} is not valid: each diagonal needs an offset.")
    elif X.format == "lil":
        check_sparse(X.tocsr(), name)
        return
    if X.format in ("csr", "csc", "coo") and X.data.ndim != 1:
        raise ValueError(f"The sparse matrix {name} is not valid: its data must be a list.")


def _check_pointers(indptr, n_major: int, n_entries: int, name: str) -> None:
    if (
        indptr.ndim != 1
        or indptr.dtype.kind not in "iu"
        or len(indptr) != n_major + 1
        or indptr[0] != 0
        or indptr[-1] > n_entries
        or (indptr[1:] < indptr[:-1]).any()
    ):
        raise ValueError(
            f"The sparse matrix {name} is not valid: its indptr must start at 0, never decrease, "
            f"and end at no more than the number of entries ({n_entries}), in {n_major + 1} steps."
        )


def _check_index(index, size: int, name: str) -> None:
    if index.ndim != 1 or index.dtype.kind not in "iu":
        raise ValueError(
            f"The sparse matrix {name} is not valid: its indices must be a list of integers, got "
            f"{index.dtype} of shape {index.shape}."
        )
    if len(index) and (index.min() < 0 or index.max() >= size):
        raise ValueError(
            f"The sparse matrix {name} is not valid: its indices must be from 0 to {size - 1}, but "
            f"they are from {index.min()} to {index.max()}."
        )


def check_stored_matrix(place, X, shape):
    """Return a loaded matrix as `check_data` returned it, float32 or float64.

    Parameters
    ----------
    place : str
        What messages call it.
    X : ndarray or csr_array
    shape : tuple of int

    Returns
    -------
    X : ndarray or csr_array

    Raises
    ------
    ValueError
        If it is anything else.
    """
    values = X.data if issparse(X) else X
    dtype = np.float32 if getattr(values, "dtype", None) == np.float32 else np.float64
    if not issparse(X):
        return check_array(place, X, dtype, shape, finite=True)
    if X.format != "csr" or X.shape != shape:
        refuse(place, f"a CSR array of shape {shape}", X)
    check_array(place, values, dtype, (None,), finite=True)
    check_sparse(X, place)
    return canonical_csr(X)


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


def moderate_weights(weights: np.ndarray | None) -> np.ndarray | None:
    """Bring weights of which only the ratios matter to where float32 has room for their sums."""
    if weights is None or 1 / MOST_WEIGHT <= (largest := weights.max()) <= MOST_WEIGHT:
        return weights
    return (weights.astype(np.float64) / float(largest)).astype(np.float32)


def read_labels(labels, name: str) -> np.ndarray:
    """Return labels, or rankings of them, as an array of numbers or of strings.

    Parameters
    ----------
    labels : array-like
    name : str
        Of the parameter, for error messages.

    Raises
    ------
    TypeError
        If there are labels of other or of several kinds.
    ValueError
        If rows have different lengths, or a label is NaN or infinite.
    """
    try:
        array = np.asarray(labels)
    except ValueError as error:
        raise ValueError(f"{name} must be an array, whose rows have the same length.") from error
    if array.dtype.kind == "O":
        if all(isinstance(label, str) for label in array.flat):
            array = array.astype(str)
        elif all(isinstance(label, Real | np.bool_) for label in array.flat):
            array = np.array(array.tolist()).reshape(array.shape)
    if array.dtype.kind not in _NUMBERS + _STRINGS:
        raise TypeError(
            f"{name} must have labels that are all numbers or all strings, got an array of "
            f"{array.dtype}."
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{name} has labels that are NaN or infinite.")
    return array


def check_same_kind(labels: np.ndarray, name: str, others: np.ndarray, other_name: str) -> None:
    """Refuse to compare labels that are numbers with others that are strings.

    Raises
    ------
    TypeError
        If they are of different kinds: none would be found equal to another.
    """
    kinds = ["strings" if array.dtype.kind in _STRINGS else "numbers" for array in (labels, others)]
    if kinds[0] != kinds[1]:
        raise TypeError(
            f"{name} has labels that are {kinds[0]}, but those of {other_name} are {kinds[1]}."
        )


def check_label_numbers(classes, n_labels: int) -> None:
    """Refuse names for the columns of label indicators: these are known by their numbers.

    Parameters
    ----------
    classes : array-like or None
        None, or the numbers of all columns in any order.
    n_labels : int
        Number of columns.
    """
    if classes is None:
        return
    given = read_labels(classes, "classes")
    if not np.array_equal(np.unique(given), np.arange(n_labels)):
        raise ValueError(
            "classes of label indicators are the numbers of their columns: leave classes out, or "
            f"pass np.arange({n_labels}), got {classes!r}."
        )


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
