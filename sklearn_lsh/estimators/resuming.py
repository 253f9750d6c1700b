"""What a checkpoint has of a training on blocks, and what it must agree with to go on with it."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, field

import numpy as np
from numpy.random import RandomState

from sklearn_lsh.estimators.history import MOST_SAMPLES
from sklearn_lsh.estimators.rounds import Position
from sklearn_lsh.estimators.training import Course
from sklearn_lsh.network.layers import Snapshot
from sklearn_lsh.stored import Attributes, check_array, check_generator, refuse
from sklearn_lsh.streaming.blocks import fingerprint
from sklearn_lsh.streaming.checkpoints import N_KEPT, Checkpoints

# What training gives an estimator.
FITTED = (
    *("_network", "_history", "_settings", "_target", "_description", "_blend", "_is_closed"),
    *("_class_weights", "classes_", "n_features_in_", "feature_names_in_"),
    *("n_layers_", "n_outputs_", "out_activation_"),
)
# Parameters that may be others when a training goes on.
FREE = ("n_jobs", "verbose")


@dataclass
class StreamState:
    """A training on blocks: what it takes to go on with it, beside the estimator.

    Attributes
    ----------
    random_state : RandomState
    seed : int or None
        Of the order of blocks and rows; None where one round has all.
    position : Position
    course : Course
    n_rows : int
        Of an epoch, as far as was known in the beginning.
    work : list
        What the network has noted of this epoch's work.
    is_prepared, is_finished : bool
        Whether there is a network, and whether training has ended.
    """

    random_state: RandomState
    seed: int | None
    position: Position = field(default_factory=Position)
    course: Course = field(default_factory=Course)
    n_rows: int = 0
    work: list = field(default_factory=list)
    is_prepared: bool = False
    is_finished: bool = False


class Saver:
    """In place of checkpoints where there are none."""

    def read(self, draft) -> StreamState | None:
        """Restore an estimator from the latest checkpoint, if there is one."""
        return None

    def begin(self, draft, state: StreamState) -> None:
        """Write a checkpoint before training begins."""

    def is_due(self, *, stopping: bool) -> bool:
        """Whether it is time for a checkpoint, or training is being stopped."""
        return False

    def save_if_due(self, draft, state: StreamState, *, stopping: bool) -> None:
        """Write a checkpoint if one is due."""
        if self.is_due(stopping=stopping):
            self.save(draft, state)

    def save(self, draft, state: StreamState) -> None:
        """Write a checkpoint; what cannot be written is warned of, and training goes on."""


class CheckpointSaver(Saver):
    """Writes checkpoints of an estimator's training, and reads them.

    Parameters
    ----------
    checkpoints : Checkpoints
    facts : dict
        What must be the same to go on.
    seconds : float
        Between two of them.
    resumes : bool
        Whether to go on with what there is.

    Attributes
    ----------
    facts : dict
        As given.
    """

    def __init__(self, checkpoints: Checkpoints, facts: dict, seconds: float, *, resumes: bool):
        self.facts = facts
        self._checkpoints, self._seconds = checkpoints, seconds
        self._resumes = resumes
        self._last = time.monotonic()

    def read(self, draft) -> StreamState | None:
        """See `Saver.read`."""
        if not self._resumes:
            return None
        if (found := self._checkpoints.read()) is None:
            return None
        self._check_facts(found.facts)
        fitted, state = found.state["fitted"], found.state["training"]
        for name in FITTED:
            vars(draft).pop(name, None)
        vars(draft).update(fitted)
        draft._check_stored()
        check_state(state, draft._network)
        draft._network.log.batches = state.work
        return state

    def refuse_longer(self, n_given: int) -> None:
        """Refuse to begin where a loop that had more samples is to be gone on with."""
        if not self._resumes or (found := self._checkpoints.read()) is None:
            return
        self._check_facts(found.facts)
        if found.state["fitted"]["_history"].n_given >= n_given:
            raise ValueError(
                f"The checkpoint in {self._checkpoints.folder} is of a training that is longer: "
                "go on with it by Checkpoint.restore(network), or give resume=False, which removes "
                "it, or another folder."
            )

    def _check_facts(self, facts: dict) -> None:
        for name, value in self.facts.items():
            if facts.get(name) != value:
                raise ValueError(
                    f"The checkpoint in {self._checkpoints.folder} is of another training: {name} "
                    f"was {facts.get(name)!r}, and is {value!r} now. To begin anew give "
                    "resume=False, which removes it, or another folder."
                )

    def is_due(self, *, stopping: bool) -> bool:
        """See `Saver.is_due`."""
        return stopping or time.monotonic() - self._last >= self._seconds

    def save(self, draft, state: StreamState) -> None:
        """See `Saver.save`."""
        try:
            self.begin(draft, state)
        except (OSError, ValueError) as error:
            warnings.warn(f"No checkpoint could be written: {error}", RuntimeWarning, stacklevel=2)
        self._last = time.monotonic()

    def begin(self, draft, state: StreamState) -> None:
        """See `Saver.begin`. A checkpoint of another training is not replaced."""
        if self._resumes and (found := self._checkpoints.read(whole=False)) is not None:
            self._check_facts(found.facts)
        network = draft._network
        network.log.compact(len(network.layers))
        state.work = network.log.batches
        fitted = {name: vars(draft)[name] for name in FITTED if name in vars(draft)}
        # Those of another training go when there is one of this.
        n_kept = N_KEPT if self._resumes else 1
        self._checkpoints.write(self.facts, {"fitted": fitted, "training": state}, n_kept=n_kept)
        self._resumes = True


def facts_of(estimator) -> dict:
    """Collect what must be the same of an estimator for a training to go on, as JSON has it."""
    parameters = estimator.get_params(deep=False)
    facts = {name: told(value) for name, value in parameters.items() if name not in FREE}
    return {"estimator": type(estimator).__name__, **facts}


def facts_of_plan(estimator, plan) -> dict:
    """Collect what must be the same for a training on blocks to go on."""
    return {
        **facts_of(estimator),
        "source": fingerprint(plan.source),
        "validation": None if plan.validation is None else fingerprint(plan.validation),
        "classes": None if plan.classes is None else told(np.unique(plan.classes).tolist()),
        "n_epochs": None if plan.n_epochs is None else int(plan.n_epochs),
        "shuffle_blocks": int(plan.shuffle_blocks),
        "training before": earlier_training(estimator),
    }


def earlier_training(estimator) -> str:
    """Tell what a warm start goes on from."""
    goes_on = estimator.warm_start and estimator.__sklearn_is_fitted__()
    curve = estimator._history.loss_curve if goes_on else []
    return f"{len(curve)} epochs" + "".join(f", loss {loss!r}" for loss in curve[-1:])


def told(value) -> str:
    """Tell a parameter's value, whatever object it is."""
    if isinstance(value, RandomState):
        return "RandomState"
    if callable(value) and not hasattr(value, "get_params"):
        return getattr(value, "__qualname__", type(value).__qualname__)
    return repr(value.tolist() if isinstance(value, np.ndarray | np.generic) else value)


def check_state(state, network) -> None:
    """Check what was loaded of a training."""
    if not isinstance(state, StreamState):
        refuse("training", "the state of a training", state)
    stored = Attributes(state)
    check_generator(stored.place("random_state"), stored.part("random_state", RandomState))
    if stored.get("seed") is not None:
        stored.integer("seed")
    stored.integer("n_rows", 1, MOST_SAMPLES)
    stored.part("work", list)
    for name in ("is_prepared", "is_finished"):
        stored.flag(name)
    stored.part("position", Position).check_stored()
    course = stored.part("course", Course)
    if course.best_weights is not None:
        check_snapshots(course.best_weights, network)


def check_snapshots(snapshots, network) -> None:
    """Check weights that were loaded beside a network, which may become its own."""
    place = "Course.best_weights"
    fits = isinstance(snapshots, list) and len(snapshots) == len(network.layers)
    if not (fits and all(isinstance(each, Snapshot) for each in snapshots)):
        refuse(place, f"those of {len(network.layers)} layers", snapshots)
    for snapshot, layer in zip(snapshots, network.layers, strict=True):
        weights, selection = layer.weights, snapshot.selection
        check_array(place, snapshot.rows, np.float32, weights.rows.shape, finite=True)
        check_array(place, snapshot.bias, np.float32, weights.bias.shape, finite=True)
        if type(selection) is not type(layer.selection):
            refuse(place, "with the network's selections", selection)
        if selection is not None:
            selection.check_stored(*weights.coef.shape)
