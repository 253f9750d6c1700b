"""Splits into training and test samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

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
    ValueError
        If `test_size` is not in (0, 1).

    Examples
    --------
    Only the first class has a sample to spare:

    >>> from sklearn_lsh.datasets import split_keeping_classes
    >>> split_keeping_classes(["cat", "cat", "dog", "emu"], test_size=0.5, random_state=0)
    (array([1, 2, 3]), array([0]))
    """
    if not 0 < test_size < 1:
        raise ValueError(f"test_size must be between 0 and 1, got {test_size!r}.")
    y = np.asarray(y)
    order = check_random_state(random_state).permutation(len(y))
    _, kept = np.unique(y[order], return_index=True)  # the first of each class
    test = np.sort(np.delete(order, kept)[: int(test_size * len(y))])
    return np.setdiff1d(np.arange(len(y)), test), test
