"""Weights that users hand in, beside the data (`sklearn_lsh.inputs`)."""

from __future__ import annotations

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import _check_sample_weight

from sklearn_lsh.inputs import check_data, check_float32_range

__all__ = ["active_inputs", "check_data", "check_weights"]


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


def active_inputs(X) -> float:
    """Mean number of non-zero features of a sample: all of them where X is dense."""
    return X.nnz / X.shape[0] if issparse(X) else float(X.shape[1])
