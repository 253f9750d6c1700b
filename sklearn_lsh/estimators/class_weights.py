"""Weights of classes, which become part of the weights of their samples."""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.utils.class_weight import compute_class_weight


def weights_of_classes(
    class_weight, classes, y, sample_weight, others_may_come: bool = False
) -> np.ndarray:
    """Compute the weight of each class.

    Parameters
    ----------
    class_weight : dict or "balanced"
    classes : ndarray of shape (n_classes,)
    y : ndarray of shape (n_samples,)
        Classes of the training samples, which "balanced" counts.
    sample_weight : ndarray of shape (n_samples,) or None
    others_may_come : bool, default=False
        Whether labels that are no classes yet may have weights.

    Returns
    -------
    weights : ndarray of shape (n_classes,), dtype=float32

    Raises
    ------
    ValueError
        If a weight is negative or not finite.
    TypeError
        If a weight is not a number.
    """
    if isinstance(class_weight, dict):
        for label, weight in class_weight.items():
            if not isinstance(weight, Real):
                raise TypeError(f"class_weight[{label!r}] must be a number, got {weight!r}.")
        if others_may_come:
            known = set(classes.tolist())
            class_weight = {label: class_weight[label] for label in class_weight if label in known}
    weights = compute_class_weight(
        class_weight, classes=classes, y=y, sample_weight=sample_weight
    ).astype(np.float32)
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError(
            f"class_weight must have finite weights that are not negative. Got {class_weight!r}."
        )
    return weights


def multiply_weights(sample_weight: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Multiply the samples' own weights by those of their classes.

    Raises
    ------
    ValueError
        If a product is too large for float32.
    """
    with np.errstate(over="ignore"):
        products = weights * sample_weight
    if not np.isfinite(products).all():
        raise ValueError(
            "sample_weight times class_weight must be finite in float32, in which all is computed: "
            f"the largest are {sample_weight.max():.3g} and {weights.max():.3g}."
        )
    return products
