"""``fit_batches`` and ``predict_batches``: estimators on data that do not fit into memory."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count, takewhile
from os import PathLike
from typing import Any, NamedTuple, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike
from sklearn.base import _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.validation import check_is_fitted

from sklearn_lsh.draft import draft_of
from sklearn_lsh.estimators.architecture import refuse_unaffordable
from sklearn_lsh.estimators.automatic import Facts, choose, is_auto
from sklearn_lsh.estimators.checkpoint import checkpoint_of, make_saver
from sklearn_lsh.estimators.draft import TRAINED, Interrupts
from sklearn_lsh.estimators.labels import check_one_class_each, distinct
from sklearn_lsh.estimators.progress import FitCallbacks, StreamProgress, print_settings
from sklearn_lsh.estimators.resuming import Saver, StreamState
from sklearn_lsh.estimators.rounds import (
    NO_ROWS,
    Rounds,
    Stream,
    fetch_first,
    read_encoded,
    stack,
)
from sklearn_lsh.estimators.schedules import make_schedule
from sklearn_lsh.estimators.training import TrainingSettings, train
from sklearn_lsh.inputs import Count, Samples, check_weights
from sklearn_lsh.network.centroids import CentroidSums
from sklearn_lsh.streaming.blocks import Source, check_source, naming, read_block, shown
from sklearn_lsh.streaming.iterables import ComingBlocks, expected_length, is_iterable
from sklearn_lsh.streaming.order import ComingOrder, EpochOrder
from sklearn_lsh.streaming.reader import Reader

# Seeds of the order of blocks and rows.
MOST_SEED = 2**31 - 1
# Where a window has but a part of the rows, selected outputs start from so many for each class ...
ROWS_OF_A_CLASS = 10
# ... and so many blocks, because each may have few classes.
FEWEST_BLOCKS = 64


class StreamMixin:
    """Mixin: training and predicting block by block."""

    warm_start: bool

    __sklearn_is_fitted__: Callable[[], bool]
    predict: Callable

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_batches(
        self,
        source: Source | Iterable,
        *,
        classes: ArrayLike | None = None,
        n_epochs: int | None = None,
        shuffle_blocks: int = 16,
        validation: Source | None = None,
        checkpoint: str | PathLike | None = None,
        checkpoint_every: float | str = "10min",
        resume: bool = True,
    ) -> Self:
        """Train the network on data that are read block by block.

        What `fit` does, on more data than fit into memory: a thread reads the next block while the
        network learns from those before it. An epoch visits each row once. Blocks come in a random
        order, and so do rows among those of `shuffle_blocks` blocks. If there are not more, they
        are read once, and the network becomes the same, bit for bit, as by `fit`.

        Parameters
        ----------
        source : source of blocks
            What to learn from: an object of `sklearn_lsh.streaming`, or any other that has
            ``n_blocks``, ``n_features`` and ``read(i)``, which returns ``X, y`` or
            ``X, y, sample_weight`` of a block, as `fit` takes them. An iterable of such tuples, as
            a generator is, serves for one epoch, in which blocks come in its order. It needs
            `classes`, and has no checkpoints. How many blocks will come is asked of its length
            (``__len__`` or ``__length_hint__``), if it has one: a falling learning rate needs it.
        classes : array-like of shape (n_classes,), default=None
            All labels that y has. None asks the source, or reads all of it once to find them. Not
            for label indicators, target values and networks that `warm_start` goes on with.
        n_epochs : int or None, default=None
            Highest number of epochs. None is `max_iter`, and 1 for an iterable.
        shuffle_blocks : int, default=16
            Blocks of which rows are mixed. As many and a few more are in memory.
        validation : source of blocks, default=None
            Rows to measure progress on after each epoch. They are read once, and kept in memory.
            Early stopping needs them.
        checkpoint : str or path, default=None
            Folder for checkpoints, of which the last two are kept. It is made if it is not there.
        checkpoint_every : float or str, default="10min"
            Time between two checkpoints: seconds, or a text such as "30s", "10min" or "1h". With
            several threads, at the next round of rows, when all have ended.
        resume : bool, default=True
            Whether to go on with the training of which there is a checkpoint, at the mini-batch
            at which it was left; with one thread the network becomes the same, bit for bit, as
            without interruption. A training that had ended is not repeated.

        Returns
        -------
        self : object
            The trained estimator.

        Raises
        ------
        ValueError
            If a parameter or a block is not valid (it is named), if ``y`` has labels that are not
            in `classes`, for ``class_weight="balanced"`` and for neighbours, which need all rows
            at once; if an iterable is to do what takes blocks that can be read again; if the
            checkpoint is of other data, of another estimator or of other parameters; or if the
            weights of the network end up not finite.
        OSError
            If no checkpoint can be written, before training begins.

        Warns
        -----
        ConvergenceWarning
            If training used up its epochs.
        """
        goes_on = self.warm_start and self.__sklearn_is_fitted__()
        plan = Plan(source, classes, n_epochs, shuffle_blocks, validation)
        check_plan(self, plan)
        if is_iterable(source):
            plan = plan_of_iterable(self, plan, checkpoint or checkpoint_of(self))
        saver = make_saver(self, plan, checkpoint, checkpoint_every, resume=resume)
        with Interrupts() as interrupts, draft_of(self, TRAINED if goes_on else ()) as draft:
            callbacks = FitCallbacks(self, draft, Samples(None, None, None))
            StreamFit(draft, plan, interrupts).run(callbacks, saver, fresh=not goes_on)
        return self

    def predict_batches(self, source: Source | Iterable, *, k: int | None = None) -> Iterator:
        """Predict for data that are read block by block.

        Parameters
        ----------
        source : source of blocks
            See `fit_batches`. ``read(i)`` may return X alone, and an iterable consist of such.
        k : int or None, default=None
            How many of the likeliest classes or labels to find of each sample, see `predict_top_k`.
            None predicts as `predict` does.

        Returns
        -------
        predictions : iterator of ndarray, sparse matrix, or (labels, scores)
            Of each block, in their order: what `predict` or `predict_top_k` returns for its X.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If a block is not valid: it is named.
        """
        check_is_fitted(self)
        view = copy.copy(self)
        blocks = ComingBlocks(source, 0) if is_iterable(source) else check_source(source, "source")
        if k is None:
            return predict_blocks(view.predict, blocks)
        if not hasattr(view, "predict_top_k"):
            raise ValueError(f"k={k!r} has no meaning for a regressor: leave it at None.")
        return predict_blocks(partial(view.predict_top_k, k=k), blocks)


def predict_blocks(predict: Callable, source: Source) -> Iterator:
    """Yield predictions of each block, while the next one is read."""

    def read(number: int):
        with naming(source, number):
            block = source.read(number)
            return block[0] if isinstance(block, tuple) else block

    numbers = takewhile(lambda number: number < source.n_blocks, count())
    with Reader(numbers, read) as reader:
        for number, X in enumerate(reader):
            if number == source.n_blocks:  # which is how an iterable ends
                return
            with naming(source, number):
                predictions = predict(X)
            yield predictions


class Plan(NamedTuple):
    """What ``fit_batches`` was asked for."""

    source: Any
    classes: Any
    n_epochs: int | None
    shuffle_blocks: int
    validation: Source | None


def check_plan(estimator, plan: Plan) -> None:
    """Check what ``fit_batches`` is asked for, before anything is read."""
    if not is_iterable(plan.source):
        check_source(plan.source, "source")
    if plan.validation is not None:
        check_source(plan.validation, "validation")
    for name in ("n_epochs", "shuffle_blocks"):
        value = getattr(plan, name)
        if not (Count().is_satisfied_by(value) or (name == "n_epochs" and value is None)):
            raise ValueError(f"{name} must be an integer >= 1, got {value!r}.")
    if estimator.early_stopping and plan.validation is None:
        raise ValueError(
            "early_stopping=True needs a source of rows to measure progress on: give validation=."
        )
    if plan.classes is not None and not estimator._has_classes:
        raise ValueError("classes has no meaning for a regressor.")
    if getattr(estimator, "class_weight", None) == "balanced":
        raise ValueError(
            "class_weight='balanced' is not supported by fit_batches, which does not see all "
            "samples at once. Give the weights as a dict."
        )
    if getattr(estimator, "n_neighbors", None) not in (None, "auto"):
        raise ValueError(
            f"n_neighbors={estimator.n_neighbors!r} is not supported by fit_batches: neighbours "
            "need all rows in memory. Leave it at 'auto', which asks none here, or set it to None."
        )


def plan_of_iterable(estimator, plan: Plan, checkpoint) -> Plan:
    """Let blocks that come only once be a source, unless they are to be read again."""
    for name, asked in {
        f"n_epochs={plan.n_epochs!r}": plan.n_epochs not in (None, 1),
        f"checkpoint={checkpoint!r}": checkpoint is not None,
    }.items():
        if asked:
            raise ValueError(
                f"{name} needs a source of which blocks can be read again: the blocks of "
                f"{shown(plan.source)}, an iterable, come only once. Sources have n_blocks, "
                "n_features and read(i), see sklearn_lsh.streaming."
            )
    if estimator.learning_rate == "linear" and expected_length(plan.source) is None:
        raise ValueError(
            "learning_rate='linear' needs to know how many blocks will come: let the iterable have "
            "a length (__len__ or __length_hint__), or choose another schedule."
        )
    blocks = ComingBlocks(plan.source, plan.shuffle_blocks)
    return plan._replace(source=blocks, n_epochs=1)


class StreamFit:
    """One call of ``fit_batches``, on a draft of the estimator.

    Parameters
    ----------
    draft : BaseLSHMLP
    plan : Plan
    interrupts : Interrupts
    """

    def __init__(self, draft, plan: Plan, interrupts: Interrupts):
        self.draft, self.plan, self.interrupts = draft, plan, interrupts

    def run(self, callbacks: FitCallbacks, saver: Saver, *, fresh: bool) -> None:
        """Train, or go on with a training that was saved."""
        draft = self.draft
        state = saver.read(draft)
        known = None if state else self._choose_target(fresh=fresh)
        if state is not None and state.is_finished:
            return
        state = state or self._begin()
        validation = self._read_validation()
        with self._open(state) as stream:
            if not state.is_prepared:
                self._prepare(state, stream, known=known)
                draft._begin_history(fresh=fresh, validates=validation is not None)
                saver.begin(draft, state)
            self._watch(stream, state, saver)
            callbacks.begin()
            self._train(state, stream, validation, callbacks)
            draft._remember(stream.data)
        if not self.interrupts.ended:  # if so, it was saved at once
            state.is_finished = True
            saver.save(draft, state)
        callbacks.end()
        self._warn_of_skipped()

    def _watch(self, stream: Stream, state: StreamState, saver: Saver) -> None:
        """Report on the training, and save it, between mini-batches."""
        n_rows = state.n_rows if self._n_expected else None
        report = StreamProgress(self.draft, state.position, n_rows)

        def before_batch(data, n_batches: int, stopping: bool) -> None:
            report.note(data, n_batches)
            saver.save_if_due(self.draft, state, stopping=stopping)

        stream.n_rows, stream.before_batch = state.n_rows, before_batch
        stream.rounds.n_epochs = min(stream.rounds.n_epochs, self.draft._settings.max_iter)

    def _choose_target(self, *, fresh: bool):
        """Let the draft have a target; returns the one that its network has been built for."""
        draft, source = self.draft, self.plan.source
        number, X, y = self._first_rows()
        with naming(source, number):
            X, y = draft._check_X_y(X, y, reset=fresh)
            if X.shape[1] != source.n_features:
                raise ValueError(f"X has {X.shape[1]} columns, but n_features={source.n_features}.")
        if not fresh:
            return draft._target
        classes = self._find_classes(number, y)
        with naming(source, number):
            refuse_unaffordable(draft, X.shape[1], y)
            draft._check_classes(y, classes, first=True)
            draft._target = draft._choose_target(y, classes)
            if draft._has_classes:
                draft._is_closed = self.plan.classes is not None
        return None

    def _first_rows(self):
        """Read the first block that has rows."""
        source = self.plan.source
        for number in range(source.n_blocks):
            with naming(source, number):
                X, y, _ = read_block(source, number)
            if np.shape(X)[0] > 0:
                return number, X, y
        raise ValueError(NO_ROWS)

    def _find_classes(self, number: int, y):
        """Find all labels, unless y, of this block, says how many columns there are."""
        source = self.plan.source
        if self.plan.classes is not None or not self.draft._has_classes or y.ndim == 2:
            return self.plan.classes
        with naming(source, number):
            check_one_class_each(y)
            labels = distinct(y)
        if (classes := getattr(source, "classes", None)) is not None:
            return classes
        if isinstance(source, ComingBlocks):
            raise ValueError(
                "classes must be given: blocks that come only once cannot be looked through for "
                "all labels."
            )
        for number in range(source.n_blocks):
            with naming(source, number):
                more = column_or_1d(read_block(source, number).y)
                labels = np.union1d(labels, distinct(more))
        return labels

    def _begin(self) -> StreamState:
        """Begin anew."""
        draft, plan = self.draft, self.plan
        rng = check_random_state(draft.random_state)
        # Where one round has all rows they are shuffled as by ``fit``, by the same numbers.
        draws = draft.shuffle and plan.source.n_blocks > plan.shuffle_blocks
        return StreamState(rng, int(rng.randint(MOST_SEED)) if draws else None)

    @contextmanager
    def _open(self, state: StreamState) -> Iterator[Any]:
        """Begin to read, up to the first rows."""
        encode = partial(read_encoded, self.draft, self.plan.source)
        order, n_epochs = self._order_of(state.seed), self.plan.n_epochs or np.inf
        with Rounds(order, encode, state.position, n_epochs) as rounds:
            data = fetch_first(rounds, state.position)
            yield Stream(rounds, state.position, data, state.course)

    def _order_of(self, seed: int | None):
        source = self.plan.source
        window = self.plan.shuffle_blocks if self.draft.shuffle else 1
        if self._comes_once:
            return lambda epoch: ComingOrder(source, window, seed)
        return lambda epoch: EpochOrder(source.n_blocks, window, seed, epoch)

    @property
    def _comes_once(self) -> bool:
        """Whether no block can be read again."""
        return isinstance(self.plan.source, ComingBlocks) and not self.plan.source.is_whole

    @property
    def _n_expected(self) -> int | None:
        """How many blocks there are, as far as the source knows."""
        return getattr(self.plan.source, "n_expected", self.plan.source.n_blocks)

    def _read_validation(self):
        """Read the validation set as a whole."""
        draft, source = self.draft, self.plan.validation
        if source is None:
            return None
        blocks = []
        for number in range(source.n_blocks):
            with naming(source, number):
                X, y, sample_weight = read_block(source, number)
                if np.shape(X)[0] > 0:
                    X, y = draft._check_X_y(X, y, reset=False)
                    blocks.append((X, y, check_weights(sample_weight, X)))
        if not blocks:
            raise ValueError("validation has no rows.")
        X, y, weights = zip(*blocks, strict=True)
        has_weights = all(weight is not None for weight in weights)
        joined = sp.vstack(y, format="csr") if sp.issparse(y[0]) else np.concatenate(y)
        weight = np.concatenate(weights) if has_weights else None
        return draft._given_validation_set(Samples(stack(list(X)), joined, weight))

    def _prepare(self, state: StreamState, stream: Stream, *, known) -> None:
        """Choose settings and build the network, by the rows of the first round."""
        draft, plan, data, rounds = self.draft, self.plan, stream.data, stream.rounds
        if data is None:
            raise ValueError(NO_ROWS)
        n_blocks = self._n_expected or rounds.n_blocks_read
        state.n_rows = round(rounds.n_rows_read * n_blocks / rounds.n_blocks_read)
        facts = Facts.of(data, draft._target)._replace(n_rows=state.n_rows)
        settings = choose(draft, facts, streams=self._n_expected is None)
        settings = settings._replace(n_neighbors=None)
        if known is not None and is_auto(draft.hidden_layer_sizes):
            sizes = draft._settings.hidden_layer_sizes
            settings = settings._replace(hidden_layer_sizes=sizes)
        draft._settings = settings._replace(max_iter=int(plan.n_epochs or settings.max_iter))
        if draft.verbose:
            print_settings(draft)
        draft._blend = None
        draft._prepare_network(data, state.random_state, known=known)
        if known is None:
            draft._network.count_targets(data.target, data.rows)
            is_all = rounds.n_rounds == 1 or self._comes_once
            if draft._has_classes and draft._selects_outputs and not is_all:
                self._start_at_centroids(state, data)
            else:
                draft._start_at_centroids(data)
        state.is_prepared = True

    def _start_at_centroids(self, state: StreamState, data) -> None:
        """Start outputs that are selected at the centroids of more rows than those of a window."""
        network = self.draft._network
        network.prepare(data.X, data.rows, data.sample_weight)
        self._sum_classes(state).start(network)
        network.prepare(data.X, data.rows, data.sample_weight)

    def _sum_classes(self, state: StreamState) -> CentroidSums:
        """Sum up rows for the start at class centroids: of random blocks, until they are enough."""
        draft, source = self.draft, self.plan.source
        sums = CentroidSums(draft._network)
        order = EpochOrder(source.n_blocks, 1, state.seed, epoch=0)
        with Reader(order.blocks.tolist(), partial(read_encoded, draft, source)) as reader:
            for n_blocks, block in enumerate(reader, 1):
                if block is not None and block.n_rows > 0:
                    rows = np.arange(block.n_rows)
                    sums.add(block.X, block.target, block.sample_weight, rows)
                has_enough = sums.n_rows >= ROWS_OF_A_CLASS * draft._target.n_outputs
                if has_enough and n_blocks >= FEWEST_BLOCKS:
                    break
        return sums

    def _train(self, state: StreamState, stream: Stream, validation, callbacks) -> None:
        draft, plan, settings = self.draft, self.plan, self.draft._settings
        rate, power = settings.learning_rate_init, draft.power_t
        stopped = train(
            draft._network,
            stream,
            draft._history,
            make_schedule(settings.learning_rate, draft.solver, rate, power),
            TrainingSettings.of(draft, settings.max_iter, state.n_rows),
            validation=validation,
            callbacks=callbacks,
            interrupts=self.interrupts,
            random_state=state.random_state,
        )
        if not (stopped or settings.ends_as_planned or isinstance(plan.source, ComingBlocks)):
            warnings.warn(
                f"Maximum iterations ({settings.max_iter}) reached and the optimization hasn't "
                "converged yet.",
                ConvergenceWarning,
                stacklevel=5,
            )

    def _warn_of_skipped(self) -> None:
        n_skipped = getattr(self.plan.source, "n_skipped", 0)
        if n_skipped:
            warnings.warn(
                f"{n_skipped} lines of {shown(self.plan.source)} could not be read and were left "
                "out.",
                stacklevel=5,
            )
