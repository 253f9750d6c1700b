"""Checkpoints that users ask for: by a callback, of `fit` and `partial_fit`, or of `fit_batches`.

``fit`` does once more what comes before and after training, which follows from its data and
parameters. Between the two it goes on with the network, the random numbers and the place among the
mini-batches that were saved.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from itertools import takewhile
from os import PathLike
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from numpy.random import RandomState

from sklearn_lsh.draft import draft_of
from sklearn_lsh.estimators.resuming import (
    CheckpointSaver,
    Saver,
    StreamState,
    earlier_training,
    facts_of,
    facts_of_plan,
    told,
)
from sklearn_lsh.estimators.rounds import InMemory, Stream, StreamPasses
from sklearn_lsh.estimators.training import TrainingSet, TrainingSettings
from sklearn_lsh.inputs import Count
from sklearn_lsh.streaming.blocks import digest_of
from sklearn_lsh.streaming.checkpoints import Checkpoints, seconds_of

# In a folder's name: a digest of what the training is of.
TRAINING = "{training}"


class Checkpoint:
    """Callback: training writes checkpoints, and goes on after a crash as if nothing had happened.

    It is for the networks here, not for searches and pipelines around them: `set_callbacks` of the
    network takes it. A call of `fit` with the same data and parameters goes on at the mini-batch
    that was saved last, and comes to the same bits, with one thread; with several it goes on with
    the epoch. A training that has ended is not repeated. `fit_batches` takes it in place of its own
    parameters.

    `partial_fit` is a step of the user's own loop: its state is written after the first call, and
    then after a call when it is time, unless Ctrl-C ended the call. `restore` gives it to another
    network, and says how many samples to leave out.

    Parameters
    ----------
    folder : str or path
        Where checkpoints are written, of which the last two are kept. It is made if it is not
        there. ``{training}`` in it becomes a digest of the estimator, its parameters and its data:
        so each fit of a search has a folder of its own, and a search goes on, too. A loop of
        `partial_fit` has no data that are known beforehand: there it is a digest of the rest.
    every : float or str, default="10min"
        Time between two checkpoints: seconds, or a text such as "30s", "10min" or "1h".
    resume : bool, default=True
        Whether to go on with what is there. Otherwise it is removed when something new is.

    Raises
    ------
    ValueError
        If a parameter is not valid. In `fit`: if the checkpoint is of other data, of another
        estimator or of other parameters, or if `random_state` is no integer: `fit` draws by it what
        it sets aside, and has to draw the same again.
    OSError
        In `fit`, before training begins, if nothing can be written.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_lsh import Checkpoint, LSHMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     network = LSHMLPClassifier(max_iter=5, tol=1, random_state=0)
    ...     network = network.set_callbacks(Checkpoint(folder, every="1min")).fit(X, y)
    ...     again = LSHMLPClassifier(max_iter=5, tol=1, random_state=0)
    ...     again = again.set_callbacks(Checkpoint(folder)).fit(X, y)  # which returns at once
    >>> again.loss_curve_ == network.loss_curve_
    True
    """

    def __init__(
        self, folder: str | PathLike, *, every: float | str = "10min", resume: bool = True
    ) -> None:
        check_folder(folder, "folder")
        seconds_of(every, "every")
        if not isinstance(resume, bool):
            raise ValueError(f"resume must be True or False, got {resume!r}.")
        self.folder, self.every, self.resume = folder, every, resume
        # What saves the loops of `partial_fit`, by their networks.
        self._savers: WeakKeyDictionary[Any, CheckpointSaver] = WeakKeyDictionary()

    def __getstate__(self) -> dict:
        return {"folder": self.folder, "every": self.every, "resume": self.resume}

    def __setstate__(self, state: dict) -> None:
        Checkpoint.__init__(self, **state)

    def setup(self, estimator: Any, context: Any) -> None:
        """Refuse estimators that know nothing of it.

        Parameters
        ----------
        estimator : object
            That is fitted.
        context : sklearn.callback.CallbackContext
            Of its fit.

        Raises
        ------
        TypeError
            If it is none of the networks here.
        """
        if not hasattr(estimator, "fit_batches"):
            raise TypeError(
                f"Checkpoint is a callback of networks, not of {type(estimator).__name__}: let the "
                "network in it have it, by network.set_callbacks(...)."
            )

    def teardown(self, estimator: Any, context: Any) -> None:
        """Do nothing, nor when tasks begin and end: between two mini-batches there are none.

        Parameters
        ----------
        estimator : object
            That is fitted.
        context : sklearn.callback.CallbackContext
            Of its fit, or of a task in it.
        """

    on_fit_task_begin = on_fit_task_end = teardown

    def restore(self, network: Any) -> int:
        """Give a network what `partial_fit` had taught one of the same parameters.

        Parameters
        ----------
        network : LSHMLPClassifier or LSHMLPRegressor
            Becomes as it was at the checkpoint; stays as it is, if there is none.

        Returns
        -------
        n_samples : int
            How many samples `partial_fit` was given, those of weight 0 and those of calls that
            Ctrl-C ended included: the loop goes on after those.

        Raises
        ------
        TypeError
            If it is none of the networks here.
        ValueError
            If the checkpoint is of another estimator or of other parameters.
        OSError
            If nothing can be written there.
        """
        if isinstance(network, type) or not hasattr(network, "fit_batches"):
            raise TypeError(
                f"network must be an LSHMLPClassifier or LSHMLPRegressor, got {network!r}."
            )
        with draft_of(network) as draft:
            state = saver_of(self, facts_of_parts(network)).read(draft)
        return 0 if state is None else network._history.n_given


def check_folder(folder, name: str) -> None:
    """Raise a ValueError unless a folder is a text, or a path that is one."""
    if not (isinstance(folder, str | PathLike) and isinstance(os.fspath(folder), str)):
        raise ValueError(f"{name} must be a str or a path, got {folder!r}.")


def probe(callback: Checkpoint) -> None:
    """Raise an OSError unless something can be written in the folder."""
    parts = takewhile(lambda part: TRAINING not in part, Path(callback.folder).parts)
    Checkpoints(Path(*parts))


def saver_of(callback: Checkpoint, facts: dict) -> CheckpointSaver:
    """Make what saves a training, of which these facts must be the same to go on."""
    text = json.dumps(facts, sort_keys=True).encode()
    name = hashlib.blake2b(text, digest_size=8).hexdigest()
    folder = str(callback.folder).replace(TRAINING, name)
    seconds = seconds_of(callback.every, "every")
    return CheckpointSaver(Checkpoints(folder), facts, seconds, resumes=callback.resume)


def checkpoint_of(estimator) -> Checkpoint | None:
    """Find the callback among those of an estimator."""
    callbacks = getattr(estimator, "_skl_callbacks", [])
    return next((each for each in callbacks if isinstance(each, Checkpoint)), None)


def save_part(network, draft, *, interrupted: bool) -> None:
    """Save what a call of `partial_fit` comes to, if that is asked for and it is time.

    A part that was interrupted is not saved: whoever ends the process then does it once more.
    """
    if (callback := checkpoint_of(draft)) is None or interrupted:
        return
    state = StreamState(RandomState(0), None, n_rows=1, is_prepared=True, is_finished=True)
    saver = callback._savers.get(network)
    if saver is None:
        saver = saver_of(callback, facts_of_parts(draft))
        saver.refuse_longer(draft._history.n_given)
        saver.begin(draft, state)
        callback._savers[network] = saver
    elif saver.is_due(stopping=False):
        saver.facts = facts_of_parts(draft)  # parameters may have been set since
        saver.save(draft, state)


def make_saver(estimator, plan, folder, every, *, resume: bool, **more) -> Saver:
    """Make what saves a training on blocks in a folder, or as the callback says, if there is one.

    What must be the same to go on is in the estimator and the plan, and whatever ``more`` there is.

    Raises
    ------
    OSError
        If nothing can be written there.
    """
    seconds_of(every, "checkpoint_every")
    given = checkpoint_of(estimator)
    if folder is not None:
        check_folder(folder, "checkpoint")
        given = Checkpoint(folder, every=every, resume=resume)
    if given is None:
        return Saver()
    probe(given)  # before blocks are read, by which trainings are told apart
    return saver_of(given, facts_of_plan(estimator, plan) | more)


def facts_of_parts(estimator) -> dict:
    """Collect what must be the same for a loop of `partial_fit` to go on."""
    return facts_of(estimator) | {"data": "parts"}


def facts_of_fit(draft, data: TrainingSet, validation) -> dict:
    """Collect what must be the same for a `fit` to go on, when all but training is done."""
    own = None
    if validation is not None:
        own = digest_of([validation.X, validation.target, validation.sample_weight])
    return facts_of(draft) | {
        "data": digest_of([data.X, data.target, data.sample_weight, data.rows]),
        "names of columns": digest_of([getattr(draft, "feature_names_in_", None)]),
        "validation": own,
        "classes": told(draft._target.classes) if draft._has_classes else None,
        "training before": earlier_training(draft),
    }


class Saving:
    """In place of a `SavedFit` where no checkpoints are asked for.

    Parameters
    ----------
    data : TrainingSet
    random_state : RandomState

    Attributes
    ----------
    data : TrainingSet
        What to train on.
    random_state : RandomState
        What to shuffle by: the network may have the same.
    is_finished : bool
        Whether training has ended before.
    """

    is_finished = False

    def __init__(self, data: TrainingSet, random_state: RandomState):
        self.data, self.random_state = data, random_state

    def end(self, *, interrupted: bool) -> None:
        """Save what training came to."""


class SavedFit(Saving):
    """A `fit` with checkpoints.

    Parameters
    ----------
    draft : BaseLSHMLP
    data : TrainingSet
    saver : CheckpointSaver
    state : StreamState
    """

    def __init__(self, draft, data: TrainingSet, saver: CheckpointSaver, state: StreamState):
        super().__init__(SavedSet(data, state, self._before_batch), state.random_state)
        self._draft, self._saver, self._state = draft, saver, state
        self.is_finished = state.is_finished

    def _before_batch(self, data, n_batches: int, stopping: bool) -> None:
        self._saver.save_if_due(self._draft, self._state, stopping=stopping)

    def end(self, *, interrupted: bool) -> None:
        """See `Saving.end`. An interrupted training was saved at once."""
        if not (interrupted or self.is_finished):
            self._state.is_finished = True
            self._saver.save(self._draft, self._state)


class SavedSet(TrainingSet):
    """Rows that are learnt from as those of a stream that has one block.

    Parameters
    ----------
    data : TrainingSet
    state : StreamState
    before_batch : callable
        See `Stream`.
    """

    def __init__(self, data: TrainingSet, state: StreamState, before_batch: Callable):
        super().__init__(data.X, data.target, data.sample_weight, data.rows, state.course)
        self._state, self._before_batch = state, before_batch

    def passes(self, settings: TrainingSettings, random_state) -> StreamPasses:
        """See `TrainingSet.passes`."""
        n_rows, position = len(self.rows), self._state.position
        stream = Stream(InMemory(self), position, self, self.course, n_rows, self._before_batch)
        return stream.passes(settings, random_state)


def check_saving(estimator) -> None:
    """Check all that can be, before anything is done, if checkpoints are asked for.

    Raises
    ------
    ValueError
        If `random_state` is no integer.
    OSError
        If no checkpoint can be written.
    """
    if (callback := checkpoint_of(estimator)) is None:
        return
    if not Count(0).is_satisfied_by(estimator.random_state):
        raise ValueError(
            "random_state must be an integer for Checkpoint, got "
            f"{told(estimator.random_state)}: fit has to draw once more what it drew before."
        )
    probe(callback)


def begin_saving(draft, data: TrainingSet, validation, random_state: RandomState) -> Saving:
    """Begin with a draft's training, or go on with one that was saved.

    Raises
    ------
    ValueError
        If there is one of other data or parameters.
    OSError
        If no checkpoint can be written.
    """
    if (callback := checkpoint_of(draft)) is None:
        return Saving(data, random_state)
    saver = saver_of(callback, facts_of_fit(draft, data, validation))
    state = saver.read(draft)
    if state is None:
        state = StreamState(random_state, None, n_rows=len(data.rows), is_prepared=True)
        saver.begin(draft, state)
    return SavedFit(draft, data, saver, state)
