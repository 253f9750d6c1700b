"""The validation set: where it comes from, and how a network is scored on it after each epoch."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from sklearn.metrics import check_scoring
from sklearn.model_selection import train_test_split


class Measured(NamedTuple):
    """How a network does on the validation set."""

    score: float
    """The higher, the better; that of ``scoring="loss"`` is the negative loss."""
    loss: float
    """Mean loss, without penalty."""


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
    score : callable or None
        ``score(X, y, sample_weight=...)``, weights only where there are any; None scores by the
        loss.
    """

    X: np.ndarray | csr_array
    y: object
    target: csr_array
    sample_weight: np.ndarray | None
    score: Callable | None

    def measure(self, network) -> Measured:
        """Measure the network, and what scores it, as they are."""
        loss = self.find_loss(network)
        return Measured(self.find_score(loss), loss)

    def find_loss(self, network) -> float:
        """Compute the network's mean loss."""
        return network.evaluate_loss(self.X, self.target, self.sample_weight)

    def find_score(self, loss: float) -> float:
        """Score the estimator, whose network has this loss."""
        if self.score is None:
            return -loss
        weights = {} if self.sample_weight is None else {"sample_weight": self.sample_weight}
        return self.score(self.X, self.y, **weights)


def make_score(estimator) -> Callable | None:
    """Make the function that scores an estimator as its `scoring` asks for; None for "loss"."""
    if estimator.scoring == "loss":
        return None
    scorer = check_scoring(estimator, estimator.scoring)

    def score(X, y, **weights) -> float:
        try:
            found = scorer(_without_feature_names(estimator), X, y, **weights)
        except AttributeError as error:
            raise ValueError(
                f"scoring={estimator.scoring!r} does not suit {type(estimator).__name__}: {error}"
            ) from error
        try:
            return float(found)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"scoring must be a scorer that returns a number, but {estimator.scoring!r} "
                f"returned {found!r}."
            ) from error

    return score


def _without_feature_names(estimator):
    """Copy an estimator, not deeply, without the feature names that the validated X has lost."""
    view = copy.copy(estimator)
    view.__dict__.pop("feature_names_in_", None)
    return view


class Split(NamedTuple):
    """Rows that are trained and validated on."""

    training: np.ndarray
    validation: np.ndarray


def split_rows(rows, strata, fraction: float, random_state) -> Split:
    """Split rows at random into training and validation rows.

    Parameters
    ----------
    rows : int ndarray
    strata : array-like of shape (n_samples,) or None
        Label of every sample. The split keeps the shares of the labels where it can, that is
        where each has two rows or more and both parts have room for all.
    fraction : float
        Share of the validation rows.
    random_state : RandomState

    Returns
    -------
    split : Split

    Raises
    ------
    ValueError
        If less than two rows would be left for validation, or none for training.
    """
    n_validation = int(np.ceil(fraction * len(rows)))
    codes, counts = None, np.array([2])
    if strata is not None:
        codes, counts = np.unique(strata[rows], return_inverse=True, return_counts=True)[1:]
    if n_validation < 2:
        if counts.min() < 2:  # which is refused, and says more
            train_test_split(strata[rows], test_size=fraction, stratify=strata[rows])
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' "
            f"({fraction}) or the size of your dataset ({len(rows)} rows with a weight above 0)."
        )
    if n_validation >= len(rows):
        raise ValueError(
            f"Nothing would be left to train on. Decrease 'validation_fraction' ({fraction}) or "
            f"increase the size of your dataset ({len(rows)} rows with a weight above 0)."
        )
    has_room = counts.min() >= 2 and len(counts) <= min(n_validation, len(rows) - n_validation)
    stratify = codes if has_room else None
    parts = train_test_split(rows, test_size=fraction, stratify=stratify, random_state=random_state)
    return Split(*parts)
