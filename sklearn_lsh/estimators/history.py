"""What training has come to: curves, counts and best values, epoch by epoch."""

from __future__ import annotations

import numpy as np

from sklearn_lsh.estimators.stopping import Plateau
from sklearn_lsh.stored import Attributes

# Samples that may be counted: what integers of 64 bits hold.
MOST_SAMPLES = 2**63 - 1

# Share of the first epoch's loss below which there is nothing more to learn of the rows: on shapes
# that are told apart without error it is there after a fifth of the epochs that are planned.
BY_HEART = 0.005


class History:
    """The record of an estimator's training, from which its fitted attributes are read.

    Lives as long as the network that is trained, so that ``partial_fit`` and ``warm_start`` go on
    with the curves and with the watch for progress. Attributes have the names of the estimator's,
    without the underscore at the end.

    Attributes
    ----------
    t : int
        Number of training samples seen, those seen again included.
    n_given : int
        Number of samples that ``partial_fit`` was given, whether or not it learnt from them.
    n_iter : int
        Number of epochs of the current or last call of ``fit`` or ``partial_fit``.
    loss_curve : list of float
        Training loss in each epoch.
    work : list of dict
        What training computed: a row for each epoch and layer of the current or last call, lest it
        grows for ever. Epochs are numbered as in `loss_curve`.
    validation_scores, validation_loss_curve : list of float or None
        Score and loss on the validation set after each epoch; None without such a set.
    early_stopping : bool
        Whether it is by the validation score that progress is told, rather than by the loss.
    plateau : Plateau
        Watches for progress, and has the best value.
    """

    def __init__(self):
        self.t = 0
        self.n_given = 0
        self.n_iter = 0
        self.loss_curve = []
        self.work = []
        self.validation_scores = None
        self.validation_loss_curve = None
        self.early_stopping = False
        self.plateau = Plateau()

    def check_stored(self) -> None:
        """Check what was loaded."""
        stored = Attributes(self)
        for name in ("t", "n_given", "n_iter"):
            stored.integer(name, most=MOST_SAMPLES)
        for name in ("loss_curve", "work"):
            stored.part(name, list)
        for name in ("validation_scores", "validation_loss_curve"):
            stored.part(name, list, type(None))
        stored.flag("early_stopping")
        stored.part("plateau", Plateau)

    def restart_watch(self) -> None:
        """Watch for progress anew: weights were replaced, and with them what is to be beaten.

        With early stopping a fit begins with measuring that, whatever it was.
        """
        if not self.early_stopping:
            self.plateau = Plateau()

    def begin(self, *, early_stopping: bool, validates: bool) -> None:
        """Begin with a call of ``fit`` or ``partial_fit``.

        Parameters
        ----------
        early_stopping : bool
            Where that changes, the best value and the epochs without progress are forgotten.
        validates : bool
            Whether the call has a validation set.
        """
        self.n_iter = 0
        self.work = []
        if early_stopping != self.early_stopping:
            self.early_stopping = early_stopping
            self.plateau = Plateau()
        if validates and self.validation_scores is None:
            self.validation_scores = []
            self.validation_loss_curve = []

    def add_epoch(self, loss: float, n_samples: int, work: list[dict]) -> None:
        """Add what an epoch of training came to."""
        self.n_iter += 1
        self.t += n_samples
        self.loss_curve.append(float(loss))
        self.work += [{"epoch": len(self.loss_curve), **row} for row in work]

    def add_validation(self, score: float, loss: float) -> None:
        """Add how the epoch's network does on the validation set."""
        self.validation_scores.append(score)
        self.validation_loss_curve.append(loss)

    def update_best(self, tol: float) -> bool:
        """Compare the last epoch with those before; True if it is the best of all."""
        value = self.validation_scores[-1] if self.early_stopping else -self.loss
        return self.plateau.update(value, tol)

    @property
    def loss(self) -> float:
        """Training loss in the last epoch."""
        return self.loss_curve[-1] if self.loss_curve else np.nan

    @property
    def knows_by_heart(self) -> bool:
        """Whether next to nothing is left of the first epoch's loss."""
        return self.loss <= BY_HEART * self.loss_curve[0]

    @property
    def best_loss(self) -> float | None:
        """Lowest training loss; None with early stopping."""
        return None if self.early_stopping else float(np.nanmin([*self.loss_curve, np.inf]))

    @property
    def best_validation_score(self) -> float | None:
        """Highest validation score; None without a validation set."""
        if self.validation_scores is None:
            return None
        if self.early_stopping:
            return self.plateau.best
        return max(self.validation_scores, default=-np.inf)
