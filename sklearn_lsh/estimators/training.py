"""Training epoch by epoch: what happens around the network's own `train_epoch`."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from sklearn_lsh.estimators.progress import print_epoch
from sklearn_lsh.estimators.schedules import make_schedule

AUTO_BATCH_SIZE = 200
NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed, or learning_rate_init be smaller."
)


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


def train(estimator, data: TrainingSet, validation, callbacks, rng, n_epochs: int) -> bool:
    """Train for a number of epochs, or until a rule, a callback or the user stops it.

    Parameters
    ----------
    estimator : BaseLSHMLP
        Its network is trained, and its fitted attributes follow.
    data : TrainingSet
    validation : ValidationSet or None
    callbacks : FitCallbacks or NoCallbacks
    rng : RandomState
        Shuffles the rows.
    n_epochs : int

    Returns
    -------
    stopped : bool
        False if all epochs were used up.
    """
    schedule = make_schedule(estimator)
    network = estimator._network
    batch_size = _batch_size(estimator.batch_size, len(data.rows))
    order = data.rows.copy()
    # Weights that an earlier call found best stay the ones to beat.
    beaten = estimator.early_stopping and estimator._plateau.best > -np.inf
    best_weights = network.get_weights() if beaten else None
    estimator.n_iter_ = 0
    stopped = False
    schedule.begin(network.optimizer, n_epochs * -(-len(order) // batch_size))
    try:
        while not stopped and estimator.n_iter_ < n_epochs:
            callbacks.begin_epoch()
            if estimator.shuffle:
                rng.shuffle(order)
            _run_epoch(estimator, data, order, batch_size, validation)
            if _note_progress(estimator):
                best_weights = network.get_weights()
            schedule.after_epoch(network.optimizer, estimator.t_, estimator.n_iter_ / n_epochs)
            stopped = _ends_on_plateau(estimator, schedule)
            stopped |= callbacks.end_epoch()
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user: what was learnt so far is kept.", stacklevel=4)
        stopped = True
    finally:
        if best_weights is not None:
            network.set_weights(best_weights)
    return stopped


def _batch_size(batch_size, n_rows: int) -> int:
    if batch_size == "auto":
        return min(AUTO_BATCH_SIZE, n_rows)
    if batch_size > n_rows:
        warnings.warn(
            f"batch_size={batch_size} is larger than the number of training rows, {n_rows}: "
            "it is clipped to that.",
            stacklevel=5,
        )
    return min(int(batch_size), n_rows)


def _run_epoch(estimator, data: TrainingSet, order, batch_size: int, validation) -> None:
    """Train one epoch, measure it, and extend the estimator's curves by one point."""
    start = time.perf_counter()
    loss = estimator._network.train_epoch(
        data.X, data.target, data.sample_weight, order, batch_size, estimator.n_jobs
    )
    seconds = time.perf_counter() - start
    if not np.isfinite(loss):
        raise ValueError(NOT_FINITE)
    estimator.n_iter_ += 1
    estimator.t_ += len(order)
    estimator.loss_ = float(loss)
    estimator.loss_curve_.append(estimator.loss_)
    work = estimator._network.drain_work()
    estimator.work_ += [{"epoch": len(estimator.loss_curve_), **row} for row in work]
    score = None
    if validation is not None:
        score, validation_loss = validation.measure(estimator)
        estimator.validation_scores_.append(score)
        estimator.validation_loss_curve_.append(validation_loss)
    if estimator.verbose:
        print_epoch(estimator.n_iter_, estimator.loss_, len(order), seconds, score)


def _note_progress(estimator) -> bool:
    """Compare the last epoch with the best; True if its weights should be kept."""
    plateau = estimator._plateau
    if estimator.early_stopping:
        is_best = plateau.update(estimator.validation_scores_[-1], estimator.tol)
        estimator.best_validation_score_ = plateau.best
        return is_best
    plateau.update(-estimator.loss_, estimator.tol)
    estimator.best_loss_ = -plateau.best
    if estimator.validation_scores_:
        estimator.best_validation_score_ = max(estimator.validation_scores_)
    return False


def _ends_on_plateau(estimator, schedule) -> bool:
    """Whether training ends for want of progress; the schedule may give it another chance."""
    plateau = estimator._plateau
    if plateau.n_stale <= estimator.n_iter_no_change:
        return False
    stop, reaction = schedule.on_plateau(estimator._network.optimizer)
    if not stop:
        plateau.n_stale = 0
    if estimator.verbose:
        print(
            f"{plateau.watches} did not improve more than tol={estimator.tol:f} for "
            f"{estimator.n_iter_no_change} consecutive epochs. {reaction}"
        )
    return stop
