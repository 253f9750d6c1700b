"""The training loop: epoch by epoch, until a rule, a callback or the user ends it."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning

from sklearn_lsh.estimators.draft import Interrupts
from sklearn_lsh.estimators.history import History
from sklearn_lsh.estimators.progress import FitCallbacks, NoCallbacks, print_epoch
from sklearn_lsh.estimators.schedules import Constant
from sklearn_lsh.estimators.validation import ValidationSet
from sklearn_lsh.network import Network

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed, or learning_rate_init be smaller."
)


DIVERGED = (
    "Training diverged in epoch {}: the weights of the best epoch before are kept. The input data "
    "may contain large values and need to be preprocessed, or learning_rate_init be smaller."
)


class Diverged(Exception):
    """Loss, weights or what the optimizer remembers of them are not finite."""


@dataclass
class TrainingSet:
    """Rows to learn from.

    Attributes
    ----------
    X : ndarray or csr_array of shape (n_samples, n_features)
    target : csr_array of shape (n_samples, n_outputs)
    sample_weight : float32 ndarray of shape (n_samples,) or None
    rows : int ndarray of shape (n_rows,)
        The rows that are used: not those set aside for validation, nor those of weight 0.
    """

    X: np.ndarray | csr_array
    target: csr_array
    sample_weight: np.ndarray | None
    rows: np.ndarray


class TrainingSettings(NamedTuple):
    """How one call of ``fit`` or ``partial_fit`` trains: parameters of the estimator."""

    n_epochs: int
    """Highest number of epochs."""
    batch_size: int
    """Samples in a mini-batch."""
    shuffle: bool
    n_jobs: int | None
    tol: float
    n_iter_no_change: float
    verbose: bool | int


def never() -> bool:
    """Do not end."""
    return False


def train(
    network: Network,
    data: TrainingSet,
    history: History,
    schedule: Constant,
    settings: TrainingSettings,
    *,
    validation: ValidationSet | None = None,
    has_enough: Callable[[], bool] = never,
    callbacks: FitCallbacks | NoCallbacks,
    interrupts: Interrupts,
    random_state: np.random.RandomState,
) -> bool:
    """Train for a number of epochs, or until a rule, a callback or the user stops it.

    Parameters
    ----------
    network : Network
        What is trained. With early stopping it ends with the weights that scored best.
    data : TrainingSet
    history : History
        Is told of every epoch, after `History.begin`.
    schedule : Constant
        Changes the learning rate.
    settings : TrainingSettings
    validation : ValidationSet, default=None
    has_enough : callable, default=never
        Asked after each epoch but the last whether to leave out the rest.
    callbacks : FitCallbacks or NoCallbacks
    interrupts : Interrupts
        Ends the training between two mini-batches; what was learnt is kept.
    random_state : RandomState
        Shuffles the rows.

    Returns
    -------
    stopped : bool
        False if all epochs were used up.

    Raises
    ------
    ValueError
        If training diverges; with early stopping only if no epoch went well before.
    """
    n_epochs = settings.n_epochs
    order = data.rows.copy()
    n_batches = -(-len(order) // settings.batch_size)
    best_weights = None
    if history.early_stopping and history.plateau.best > -np.inf:
        set_bar(network, history, validation)
        best_weights = network.get_weights()
    schedule.begin(network.optimizer, n_epochs * n_batches)
    interrupts.hold()
    try:
        while history.n_iter < n_epochs:
            callbacks.begin_epoch()
            if settings.shuffle:
                random_state.shuffle(order)
            epoch = train_epoch(network, data, order, history, settings, interrupts, validation)
            if validation is not None:
                loss = epoch.validation_loss
                history.add_validation(validation.find_score(loss), loss)
            if settings.verbose:
                print_epoch(history, len(order) / epoch.seconds, validation is not None)
            if history.update_best(settings.tol) and history.early_stopping:
                best_weights = network.get_weights()
            schedule.after_epoch(network.optimizer, history.t, history.n_iter / n_epochs)
            stopped = ends_on_plateau(network.optimizer, history, schedule, settings)
            if callbacks.end_epoch() or stopped:
                return True
            if history.n_iter < n_epochs and has_enough():
                return True
            interrupts.check()
    except Diverged:
        if best_weights is None:
            raise ValueError(NOT_FINITE) from None
        history.add_epoch(np.nan, len(order), network.drain_work())
        history.add_validation(np.nan, np.nan)
        network.forget_steps()
        warnings.warn(DIVERGED.format(history.n_iter), ConvergenceWarning, stacklevel=6)
        return True
    except KeyboardInterrupt:
        network.drain_work()  # of an epoch that is in no curve
        if not network.is_finite():
            raise ValueError(NOT_FINITE) from None
        warnings.warn("Training interrupted by user: what was learnt so far is kept.", stacklevel=6)
        return True
    finally:
        if best_weights is not None:
            network.set_weights(best_weights)
    return False


def set_bar(network, history, validation) -> None:
    """Let the network that there is be what is to be beaten, on this validation set."""
    loss = validation.find_loss(network)
    history.plateau.best = validation.find_score(loss) if np.isfinite(loss) else -np.inf
    history.plateau.n_no_improvement = 0  # or one epoch would end what has ended once


class Epoch(NamedTuple):
    """What an epoch took, and came to."""

    seconds: float
    """Of training alone."""
    validation_loss: float
    """Not a number without a validation set."""


def train_epoch(network, data, order, history, settings, interrupts, validation) -> Epoch:
    """Train on all rows once, and tell the history.

    Raises
    ------
    Diverged
        If weights or losses are not finite: no scorer is to see what is predicted then.
    """
    start = time.perf_counter()
    loss = network.train_epoch(
        data.X,
        data.target,
        data.sample_weight,
        order,
        settings.batch_size,
        settings.n_jobs,
        is_stopped=lambda: interrupts.requested,
    )
    seconds = time.perf_counter() - start
    interrupts.check()
    if not (np.isfinite(loss) and network.is_finite()):
        raise Diverged
    validation_loss = np.nan if validation is None else validation.find_loss(network)
    judges = validation is not None and (history.early_stopping or validation.score is not None)
    if judges and not np.isfinite(validation_loss):
        raise Diverged
    history.add_epoch(loss, len(order), network.drain_work())
    return Epoch(seconds, validation_loss)


def ends_on_plateau(optimizer, history, schedule, settings) -> bool:
    """Whether training ends for want of progress; the schedule may give it another chance."""
    plateau = history.plateau
    if plateau.n_no_improvement <= settings.n_iter_no_change:
        return False
    reaction = schedule.on_plateau(optimizer)
    if not reaction.stops:
        plateau.n_no_improvement = 0
    if settings.verbose:
        monitored = "Validation score" if history.early_stopping else "Training loss"
        print(
            f"{monitored} did not improve more than tol={settings.tol:f} for "
            f"{settings.n_iter_no_change} consecutive epochs. {reaction.message}"
        )
    return reaction.stops
