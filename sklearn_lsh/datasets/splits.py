"""Splits into training and test samples."""

from __future__ import annotations

from numbers import Real

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array, check_random_state

from sklearn_lsh.inputs import RandomState


def split_keeping_classes(
    y: ArrayLike, *, test_size: float = 0.1, random_state: RandomState = None
) -> tuple[np.ndarray, np.ndarray]:
    """Split samples at random, but leave every class at least one sample to be learnt from.

    For many classes of few samples, where neither a random nor a stratified split will do.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Classes.
    test_size : float, default=0.1
        Share of the samples to hold out; fewer are, where the classes do not have as many to
        spare.
    random_state : int, RandomState instance or None, default=None
        Source of the choice.

    Returns
    -------
    train, test : ndarray of int
        Indices of the samples, in ascending order.

    Raises
    ------
    ValueError, TypeError
        If `test_size` is not a number in (0, 1), or `y` not an array of one dimension.

    Examples
    --------
    Only the first class has a sample to spare:

    >>> from sklearn_lsh.datasets import split_keeping_classes
    >>> split_keeping_classes(["cat", "cat", "dog", "emu"], test_size=0.5, random_state=0)
    (array([1, 2, 3]), array([0]))
    """
    if not isinstance(test_size, Real) or not 0 < test_size < 1:
        raise ValueError(f"test_size must be between 0 and 1, got {test_size!r}.")
    y = check_array(y, ensure_2d=False, dtype=None, ensure_min_samples=0, input_name="y")
    if y.ndim != 1:
        raise ValueError(f"y must have one dimension, got shape {y.shape}.")
    order = check_random_state(random_state).permutation(len(y))
    _, kept = np.unique(y[order], return_index=True)  # the first of each class
    test = np.sort(np.delete(order, kept)[: int(test_size * len(y))])
    return np.setdiff1d(np.arange(len(y)), test), test
