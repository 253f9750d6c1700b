"""Weights of classes, which become part of the weights of their samples."""

from __future__ import annotations

import numpy as np
from sklearn.utils.class_weight import compute_class_weight


def weights_of_classes(class_weight, classes, y, sample_weight) -> np.ndarray:
    """Compute the weight of each class.

    Parameters
    ----------
    class_weight : dict or "balanced"
    classes : ndarray of shape (n_classes,)
    y : ndarray of shape (n_samples,)
        Classes of the training samples, which "balanced" counts.
    sample_weight : ndarray of shape (n_samples,) or None

    Returns
    -------
    weights : ndarray of shape (n_classes,), dtype=float32

    Raises
    ------
    ValueError
        If a weight is negative or not finite.
    """
    weights = compute_class_weight(
        class_weight, classes=classes, y=y, sample_weight=sample_weight
    ).astype(np.float32)
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError(
            f"class_weight must have finite weights that are not negative. Got {class_weight!r}."
        )
    return weights
