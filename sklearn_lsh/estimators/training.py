"""The training loop: epoch by epoch, until a rule, a callback or the user ends it."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning

from sklearn_lsh.estimators.automatic import is_auto
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

INTERRUPTED = "Training interrupted by user: what was learnt so far is kept."

DIVERGED = (
    "Training diverged in epoch {}: the weights of the best epoch before are kept. The input data "
    "may contain large values and need to be preprocessed, or learning_rate_init be smaller."
)


class Diverged(Exception):
    """Loss, weights or what the optimizer remembers of them are not finite."""


@dataclass
class Course:
    """What a training has to know of its earlier epochs, beside the history.

    Attributes
    ----------
    has_begun : bool
        Whether the learning rate and the value to be beaten are set.
    best_weights : list, default=None
        With early stopping, of the epoch that scored best (`Network.get_weights`).
    """

    has_begun: bool = False
    best_weights: list | None = None


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
    course : Course
        Of the training on them.
    """

    X: np.ndarray | csr_array
    target: csr_array
    sample_weight: np.ndarray | None
    rows: np.ndarray
    course: Course = field(default_factory=Course)

    def passes(self, settings: TrainingSettings, random_state) -> Passes:
        """Make the passes of a training over these rows."""
        return RowPasses(self, settings, random_state)


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
    has_planned_end: bool = False
    """Whether training goes on without progress, unless the rows are known by heart."""

    @classmethod
    def of(cls, estimator, n_epochs: int, n_rows: int) -> TrainingSettings:
        """How an estimator trains on so many rows."""
        chosen = estimator._settings
        # The number of epochs is known, then, and the loss too noisy to tell more.
        is_planned = is_auto(estimator.max_iter) and chosen.ends_as_planned
        return cls(
            n_epochs=int(n_epochs),
            batch_size=batch_size_for(estimator, n_rows),
            shuffle=estimator.shuffle,
            n_jobs=estimator.n_jobs,
            tol=estimator.tol,
            n_iter_no_change=estimator.n_iter_no_change,
            verbose=estimator.verbose,
            has_planned_end=is_planned and not estimator.early_stopping,
        )


def batch_size_for(estimator, n_rows: int) -> int:
    """How many samples a mini-batch has: no more than there are."""
    batch_size = int(estimator._settings.batch_size)
    if batch_size > n_rows and not is_auto(estimator.batch_size):
        warnings.warn(
            f"batch_size={batch_size} is larger than the number of training rows, "
            f"{n_rows}: it is clipped to that.",
            stacklevel=7,
        )
    return min(batch_size, n_rows)


class Passes(Protocol):
    """Passes over rows to learn from.

    Attributes
    ----------
    n_rows, n_batches : int
        Of one pass, as far as is known.
    """

    n_rows: int
    n_batches: int

    def train(self, network: Network, is_stopped: Callable[[], bool]) -> float:
        """Train on all rows once, unless it is stopped; returns the mean loss."""


class Passable(Protocol):
    """What can be passed over as often as there are epochs, as a `TrainingSet` can.

    Attributes
    ----------
    course : Course
    """

    course: Course

    def passes(self, settings: TrainingSettings, random_state) -> Passes:
        """Make the passes of a training."""


class RowPasses:
    """`Passes` over rows in memory, each in a new order."""

    def __init__(self, data: TrainingSet, settings: TrainingSettings, random_state):
        self.n_rows = len(data.rows)
        self.n_batches = -(-self.n_rows // settings.batch_size)
        self._data, self._settings, self._random_state = data, settings, random_state
        self._order = data.rows.copy()

    def train(self, network: Network, is_stopped: Callable[[], bool]) -> float:
        """See `Passes.train`."""
        data, settings = self._data, self._settings
        if settings.shuffle:
            self._random_state.shuffle(self._order)
        return network.train_epoch(
            data.X,
            data.target,
            data.sample_weight,
            self._order,
            settings.batch_size,
            settings.n_jobs,
            is_stopped=is_stopped,
        )


def never() -> bool:
    """Do not end."""
    return False


def train(
    network: Network,
    data: TrainingSet | Passable,
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
    data : TrainingSet or Passable
        Its training may go on where it was left, in the middle of an epoch or between two.
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
    passes, course = data.passes(settings, random_state), data.course
    if not course.has_begun:
        if history.early_stopping and history.plateau.best > -np.inf:
            set_bar(network, history, validation)
            course.best_weights = network.get_weights()
        schedule.begin(network.optimizer, n_epochs * passes.n_batches)
        course.has_begun = True
    interrupts.hold()
    try:
        while history.n_iter < n_epochs:
            callbacks.begin_epoch()
            epoch = train_epoch(network, passes, history, interrupts, validation)
            if validation is not None:
                loss = epoch.validation_loss
                history.add_validation(validation.find_score(loss), loss)
            if settings.verbose:
                print_epoch(history, passes.n_rows / epoch.seconds, validation is not None)
            if history.update_best(settings.tol) and history.early_stopping:
                course.best_weights = network.get_weights()
            schedule.after_epoch(network.optimizer, history.t, history.n_iter / n_epochs)
            stopped = ends_on_plateau(network.optimizer, history, schedule, settings)
            if callbacks.end_epoch() or stopped:
                return True
            if history.n_iter < n_epochs and has_enough():
                return True
    except Diverged:
        if course.best_weights is None:
            raise ValueError(NOT_FINITE) from None
        history.add_epoch(np.nan, passes.n_rows, network.drain_work())
        history.add_validation(np.nan, np.nan)
        network.forget_steps()
        warnings.warn(DIVERGED.format(history.n_iter), ConvergenceWarning, stacklevel=6)
        return True
    except KeyboardInterrupt:
        interrupts.ended = True
        network.drain_work()  # of an epoch that is in no curve
        if not network.is_finite():
            raise ValueError(NOT_FINITE) from None
        warnings.warn(INTERRUPTED, stacklevel=6)
        return True
    finally:
        if course.best_weights is not None:
            network.set_weights(course.best_weights)
    if interrupts.requested:  # after the last mini-batch
        warnings.warn(INTERRUPTED, stacklevel=6)
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


def train_epoch(network, passes, history, interrupts, validation) -> Epoch:
    """Train on all rows once, and tell the history.

    Raises
    ------
    Diverged
        If weights or losses are not finite: no scorer is to see what is predicted then.
    """
    start = time.perf_counter()
    loss = passes.train(network, is_stopped=lambda: interrupts.requested)
    seconds = time.perf_counter() - start
    interrupts.check()
    if not (np.isfinite(loss) and network.is_finite()):
        raise Diverged
    validation_loss = np.nan if validation is None else validation.find_loss(network)
    judges = validation is not None and (history.early_stopping or validation.score is not None)
    if judges and not np.isfinite(validation_loss):
        raise Diverged
    history.add_epoch(loss, passes.n_rows, network.drain_work())
    return Epoch(seconds, validation_loss)


def ends_on_plateau(optimizer, history, schedule, settings) -> bool:
    """Whether training ends for want of progress; the schedule may give it another chance."""
    plateau = history.plateau
    if plateau.n_no_improvement <= settings.n_iter_no_change:
        return False
    if settings.has_planned_end and not history.knows_by_heart:
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
