"""The validation set: where it comes from, and how a network is scored on it after each epoch."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from sklearn.metrics import check_scoring
from sklearn.model_selection import train_test_split


@dataclass
class ValidationSet:
    """Rows to measure progress on.

    Attributes
    ----------
    X : ndarray or csr_array of shape (n_samples, n_features)
    y : array of shape (n_samples,) or (n_samples, n_outputs)
        As the user has it.
    target : csr_array of shape (n_samples, n_outputs)
        As the network has it.
    sample_weight : float32 ndarray of shape (n_samples,) or None
    scorer : callable or None
        Scorer of scikit-learn's form; None scores by the loss.
    """

    X: np.ndarray | csr_array
    y: object
    target: csr_array
    sample_weight: np.ndarray | None
    scorer: Callable | None

    def measure(self, estimator) -> tuple[float, float]:
        """Score and loss of the estimator as it is; with ``scoring="loss"`` the score is -loss."""
        loss = estimator._network.evaluate_loss(self.X, self.target, self.sample_weight)
        if self.scorer is None:
            return -loss, loss
        weights = {} if self.sample_weight is None else {"sample_weight": self.sample_weight}
        return float(self.scorer(_nameless(estimator), self.X, self.y, **weights)), loss


def make_scorer(estimator) -> Callable | None:
    """Make the scorer that `scoring` asks for; None for "loss"."""
    return None if estimator.scoring == "loss" else check_scoring(estimator, estimator.scoring)


def _nameless(estimator):
    """Copy an estimator, not deeply, without the feature names that the validated X has lost."""
    view = copy.copy(estimator)
    view.__dict__.pop("feature_names_in_", None)
    return view


def split_rows(rows, strata, fraction: float, rng) -> tuple[np.ndarray, np.ndarray]:
    """Split rows at random into training and validation rows.

    Parameters
    ----------
    rows : int ndarray
    strata : array-like of shape (n_samples,) or None
        Label of every sample. The split keeps the shares of the labels where it can, that is
        where each has two rows or more and both parts have room for all.
    fraction : float
        Share of the validation rows.
    rng : RandomState

    Returns
    -------
    train, validation : int ndarray

    Raises
    ------
    ValueError
        If less than two rows would be left for validation.
    """
    n_validation = int(np.ceil(fraction * len(rows)))
    if n_validation < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' "
            f"({fraction}) or the size of your dataset ({len(rows)} rows with a weight above 0)."
        )
    stratify = None
    if strata is not None:
        codes, counts = np.unique(strata[rows], return_inverse=True, return_counts=True)[1:]
        if counts.min() >= 2 and len(counts) <= min(n_validation, len(rows) - n_validation):
            stratify = codes
    return train_test_split(rows, test_size=fraction, stratify=stratify, random_state=rng)
