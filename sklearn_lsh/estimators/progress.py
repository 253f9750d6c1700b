"""Telling others how training goes: scikit-learn's callbacks, and a line of text an epoch."""

from __future__ import annotations

import copy

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
