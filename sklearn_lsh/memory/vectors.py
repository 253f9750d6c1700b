"""What users hand in, as unit vectors."""

from __future__ import annotations

import numpy as np
from scipy.sparse import issparse
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from sklearn_lsh import kernels
from sklearn_lsh.csr import take
from sklearn_lsh.inputs import canonical_csr, check_data, check_float32_range, check_sparse, plain

# What an embedding says of its inputs, which are ours then.
OF_INPUTS = ("n_features_in_", "feature_names_in_")


def check_vectors(estimator, X, *, reset: bool):
    """Validate X, apply the estimator's embedding, if it has one, and look for rows of zeros.

    Parameters
    ----------
    estimator : estimator
        With ``embedding``.
    X : array-like or sparse matrix, or whatever the embedding takes
    reset : bool
        See `sklearn_lsh.inputs.check_data`.

    Returns
    -------
    X : ndarray or csr_array of shape (n_samples, n_dimensions), float32 or float64

    Raises
    ------
    ValueError
        If a row has no direction, or is not finite.
    sklearn.exceptions.NotFittedError
        If the embedding is not fitted.
    """
    if estimator.embedding is None:
        X = check_data(estimator, X, reset=reset)
    else:
        X = _embed(estimator, X, reset)
    filled = abs(X).max(axis=1) if issparse(X) else X.any(axis=1)
    filled = filled.toarray().reshape(-1) if issparse(filled) else filled
    # What is zero in float32 has no direction there.
    empty = np.flatnonzero(filled.astype(np.float32) == 0)
    if empty.size:
        where = "X" if estimator.embedding is None else "what embedding makes of X"
        raise ValueError(
            f"Row {empty[0]} of {where} is zero ({empty.size} rows are): keys are compared by "
            "their directions, and it has none."
        )
    return X


def _embed(estimator, X, reset):
    embedding = estimator.embedding
    try:
        check_is_fitted(embedding)
    except NotFittedError as error:
        raise NotFittedError(
            f"embedding={embedding!r} is not fitted, and is not fitted here: fit it first. Copies "
            "that scikit-learn makes (clone, cross-validation) keep what is fitted of "
            "sklearn.frozen.FrozenEstimator(embedding) alone."
        ) from error
    made = embedding.transform(X)
    if issparse(made):
        check_sparse(made, "what embedding makes of X")
    made = check_array(
        made,
        accept_sparse="csr",
        dtype=[np.float64, np.float32],
        order="C",
        input_name="what embedding makes of X",
    )
    made = canonical_csr(made) if issparse(made) else plain(made)
    check_float32_range(made.data if issparse(made) else made, "what embedding makes of X")
    if reset:
        for name in OF_INPUTS:
            vars(estimator).pop(name, None)
            if hasattr(embedding, name):
                setattr(estimator, name, getattr(embedding, name))
    return made


def unit_rows(X, rows: slice) -> np.ndarray:
    """Rows that were checked, divided by their lengths: ndarray of dtype float32."""
    some = take(X, rows).toarray() if issparse(X) else np.ascontiguousarray(X[rows])
    out = np.empty(some.shape, np.float32)
    kernels.unit_rows(some, out)
    return out
