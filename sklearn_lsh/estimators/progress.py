"""Telling others how training goes: scikit-learn's callbacks, and a line of text an epoch."""

from __future__ import annotations

import copy
import time
from datetime import timedelta

from scipy.sparse import issparse

from sklearn_lsh.estimators.automatic import is_auto
from sklearn_lsh.estimators.draft import TRAINED
from sklearn_lsh.inputs import Samples


class FitCallbacks:
    """The callbacks of one call of ``fit``: a root task with one subtask an epoch.

    Parameters
    ----------
    estimator : estimator with `CallbackSupportMixin`
        Whose callbacks they are.
    draft : estimator
        The copy of it that is fitted.
    given : Samples
        As they were given to ``fit``: callbacks get them unchanged, so that a scorer finds
        the feature names and labels that the user knows.
    """

    def __init__(self, estimator, draft, given: Samples):
        self.estimator, self.draft = estimator, draft
        weight = given.sample_weight
        metadata = {} if weight is None else {"sample_weight": weight}
        self.data = {"X": given.X, "y": given.y, "metadata": metadata}

    def begin(self) -> None:
        """Tell the callbacks that the fit begins."""
        estimator = self.estimator
        self.context = estimator._init_callback_context(max_subtasks=self.draft._settings.max_iter)
        self.context.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def begin_epoch(self) -> None:
        """Tell the callbacks that an epoch begins."""
        self.epoch = self.context.subcontext(task_name="epoch")
        self.epoch.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def end_epoch(self) -> bool:
        """Tell the callbacks that an epoch is over; True if one of them wants to stop."""
        return self.epoch.call_on_fit_task_end(
            estimator=self.estimator,
            # Called only if a callback asks for the fitted estimator: it costs a copy.
            reconstruction_attributes=lambda: attributes_of(self.draft),
            **self.data,
        )

    def end(self) -> None:
        """Tell the callbacks that the fit is over."""
        self.context.call_on_fit_task_end(
            estimator=self.estimator,
            reconstruction_attributes=lambda: attributes_of(self.draft),
            **self.data,
        )


class NoCallbacks:
    """In place of `FitCallbacks` in ``partial_fit``, which is a single step of the user's loop."""

    def begin_epoch(self) -> None:
        """Do nothing."""

    def end_epoch(self) -> bool:
        """Do not stop."""
        return False


def attributes_of(draft) -> dict:
    """Copy what is fitted: an estimator with these attributes is as the draft is now."""
    changing = {name: copy.deepcopy(getattr(draft, name)) for name in TRAINED}
    return {**vars(draft), **changing}


def print_epoch(history, samples_per_second: float, validated: bool) -> None:
    """Print one line for an epoch: its number, loss, throughput and validation score."""
    line = f"Iteration {history.n_iter}, loss = {history.loss:.8f}"
    line += f", {samples_per_second:,.0f} samples/s"
    if validated:
        line += f", validation score = {history.validation_scores[-1]:.6f}"
    print(line)


def print_settings(estimator) -> None:
    """Print what parameters became that are left to the data."""
    settings = estimator.settings_.items()
    chosen = [f"{name}={value!r}" for name, value in settings if is_auto(getattr(estimator, name))]
    if chosen:
        print("Automatic:", ", ".join(chosen))


class StreamProgress:
    """Prints how far a training on blocks is: now and then, and only if it is to be seen.

    Parameters
    ----------
    estimator : estimator
        The draft that is trained.
    position : Position
        Where its training is.
    n_rows : int or None
        Rows of an epoch, as far as is known; None if nothing is.
    """

    SECONDS = 10

    def __init__(self, estimator, position, n_rows: int | None):
        self._estimator, self._position, self._n_rows = estimator, position, n_rows
        self._last: tuple[float, float] | None = (
            None  # when a line was printed, and rows until then
        )

    def note(self, data, n_batches: int) -> None:
        """Note that the next mini-batch is due, of so many that a round's data are split into."""
        if not self._estimator.verbose:
            return
        history, position, now = self._estimator._history, self._position, time.monotonic()
        if self._last is not None and now - self._last[0] < self.SECONDS:
            return
        in_round = len(data.rows) * len(position.losses) / n_batches
        in_epoch = position.n_rows + in_round
        seen = history.t + in_epoch
        if self._last is not None:
            speed = (seen - self._last[1]) / (now - self._last[0])
            loss = (position.loss + sum(position.losses)) / max(1, in_epoch)
            width = n_nonzero_mean(data.X)
            parts = [
                f"loss = {loss:.6f}",
                f"{speed:,.0f} samples/s",
                f"{speed * width:,.0f} non-zeros/s",
            ]
            if self._n_rows is not None:
                n_epochs = self._estimator._settings.max_iter - history.n_iter
                n_left = max(0, n_epochs * self._n_rows - in_epoch)
                parts.insert(0, f"{min(1, in_epoch / self._n_rows):.0%}")
                parts.append(f"{timedelta(seconds=round(n_left / max(1, speed)))} left")
            print(f"Epoch {history.n_iter + 1}: {', '.join(parts)}")
        self._last = now, seen


def n_nonzero_mean(X) -> float:
    """Mean number of a row's values, without zeros if X is sparse."""
    return X.nnz / X.shape[0] if issparse(X) else X.shape[1]
