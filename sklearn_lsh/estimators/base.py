"""What the classifier and the regressor have in common: fitting and predicting.

No arithmetic is done here. Inputs are validated (`sklearn_lsh.inputs`), y becomes a target
(`targets`), parameters a `Network` (`architecture`), which is trained epoch by epoch
(`training`), watched on a validation set (`validation`), recorded (`history`) and reported on
(`progress`). Fitted attributes are read from the network and from that record (`fitted`).
"""

from __future__ import annotations

import copy
import warnings
from abc import ABC, abstractmethod
from functools import partial
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array, issparse
from sklearn.base import BaseEstimator, _fit_context
from sklearn.callback import CallbackSupportMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.validation import check_is_fitted

from sklearn_lsh.draft import draft_of
from sklearn_lsh.estimators.architecture import (
    OUT_ACTIVATIONS,
    build_network,
    build_optimizer,
    check_unchanged,
    describe_network,
    refuse_unaffordable,
)
from sklearn_lsh.estimators.automatic import Facts, Settings, choose, is_auto
from sklearn_lsh.estimators.blending import Blend, begin_blending, grown_blend
from sklearn_lsh.estimators.checkpoint import begin_saving, check_saving, save_part
from sklearn_lsh.estimators.density import all_neurons
from sklearn_lsh.estimators.draft import TRAINED, Interrupts
from sklearn_lsh.estimators.fitted import FittedAttributes
from sklearn_lsh.estimators.growth import grow_network, starts_like_new_ones, take_in
from sklearn_lsh.estimators.history import History
from sklearn_lsh.estimators.parameters import (
    CONSTRAINTS,
    check_hash_function,
    check_set_since_fit,
    refuse_lbfgs,
)
from sklearn_lsh.estimators.progress import FitCallbacks, NoCallbacks, print_settings
from sklearn_lsh.estimators.schedules import make_schedule
from sklearn_lsh.estimators.targets import Target
from sklearn_lsh.estimators.training import TrainingSet, TrainingSettings, train
from sklearn_lsh.estimators.validation import ValidationSet, make_score, split_rows
from sklearn_lsh.inputs import MatrixLike, Samples, check_data, check_weights, moderate_weights
from sklearn_lsh.network import Network
from sklearn_lsh.network.growth import remember_mean
from sklearn_lsh.stored import Attributes, Stored


class BaseLSHMLP(Stored, FittedAttributes, CallbackSupportMixin, BaseEstimator, ABC):
    """Base of the multilayer perceptrons with hashed layers; not to be used directly."""

    _parameter_constraints: ClassVar[dict] = CONSTRAINTS

    # -- what the two estimators differ in ------------------------------------------------

    _y_checks: ClassVar[dict] = {"multi_output": True}
    """How y is validated, see `check_data`."""

    _targets: ClassVar[tuple] = (Target,)
    """What `_choose_target` makes."""

    _settings: Settings
    _description: dict
    _blend: Blend | None

    _auto_output = staticmethod(all_neurons)
    """The rule for ``output_density="auto"``."""

    _has_classes = False
    """Whether outputs are classes or labels, which start at centroids, and may become more."""

    _is_closed = True
    """Whether no outputs may come that are not there."""

    @abstractmethod
    def _choose_target(self, y, classes=None):
        """Make the `Target` that y is turned into, before a network is built for it."""

    def _check_classes(self, y, classes, *, first: bool) -> None:
        """Check what ``partial_fit`` is told of the classes that any call will have."""

    def _check_target(self, y) -> None:
        """Check that a warm start may go on with this y."""

    def _weigh(self, sample_weight, y, *, training: bool, others_may_come: bool = False):
        """Put all that the parameters say of a sample's weight into it."""
        return sample_weight

    # -- fitting --------------------------------------------------------------------------

    def _validate_params(self):
        refuse_lbfgs(self)
        super()._validate_params()
        check_hash_function(self)

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: MatrixLike,
        y: MatrixLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: MatrixLike | None = None,
        y_val: MatrixLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples. C-ordered arrays and CSR matrices of float32 or float64 are not
            copied.
        y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_outputs)
            Their class labels, label indicators or target values.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, not negative. A sample of weight 0 is left out.
        X_val : {array-like, sparse matrix} of shape (n_validation, n_features), default=None
            Samples to measure progress on after each epoch, in place of a part of X. With
            ``early_stopping=False`` they are measured on all the same, but do not stop anything.
            In a `Pipeline` they are transformed like X with ``transform_input=["X_val"]``.
        y_val : {array-like, sparse matrix} of shape (n_validation,) or (n_validation, n_outputs), \
                default=None
            As y, for `X_val`.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Weights of the validation samples.

        Returns
        -------
        self : object
            The trained estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are not valid, or the weights of the network end up not
            finite.

        Warns
        -----
        ConvergenceWarning
            If training used up `max_iter` epochs.
        """
        goes_on = self.warm_start and self.__sklearn_is_fitted__()
        given = Samples(X, y, sample_weight)
        validation = Samples(X_val, y_val, sample_weight_val)
        changing = TRAINED if goes_on else ()
        with Interrupts() as interrupts, draft_of(self, changing) as draft:
            callbacks = FitCallbacks(self, draft, given)
            draft._fit(given, validation, callbacks, interrupts, fresh=not goes_on)
        return self

    def _fit(self, given, given_validation, callbacks, interrupts, *, fresh: bool) -> None:
        """As `fit`, on a draft of the estimator."""
        check_saving(self)
        X, y = self._check_X_y(given.X, given.y, reset=fresh)
        sample_weight = check_weights(given.sample_weight, X)
        if fresh:
            refuse_unaffordable(self, X.shape[1], y)
            known, self._target = None, self._choose_target(y)
        else:
            self._check_target(y)
            known = self._target
        rng = check_random_state(self.random_state)
        data = self._training_set(X, y, sample_weight)
        self._blend = None
        validation = None
        if any(part is not None for part in given_validation):
            validation = self._given_validation_set(given_validation)
        elif self.early_stopping:
            validation = self._set_aside(data, y, rng)
        self._choose_settings(data, fresh=fresh)
        blending = begin_blending(self, data, validation, rng)
        self._prepare_network(data, rng, known=known)
        if fresh:
            self._network.count_targets(data.target, data.rows)
            self._start_at_centroids(data)
        self._begin_history(fresh=fresh, validates=validation is not None)
        callbacks.begin()
        saving, max_iter = begin_saving(self, data, validation, rng), self._settings.max_iter
        data, rng = saving.data, saving.random_state
        stopped = saving.is_finished or self._train(
            data, validation, callbacks, interrupts, rng, max_iter, blending
        )
        saving.end(interrupted=interrupts.ended)
        if not stopped and not self._settings.ends_as_planned:
            warnings.warn(
                f"Maximum iterations ({max_iter}) reached and the optimization hasn't "
                "converged yet.",
                ConvergenceWarning,
                stacklevel=4,
            )
        self._remember(data)
        if blending is not None:
            self._blend = blending.finish()
        callbacks.end()

    def _partial_fit(self, X, y, sample_weight, classes=None):
        """Train one epoch on the rows given, with the network there is, if any."""
        goes_on = self.__sklearn_is_fitted__()
        if goes_on:  # scikit-learn does so only in the first call
            self._validate_params()
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        if self.learning_rate == "linear":
            raise ValueError(
                "partial_fit does not support learning_rate='linear': it cannot know how many "
                "epochs will follow."
            )
        changing = TRAINED if goes_on else ()
        with Interrupts() as interrupts, draft_of(self, changing) as draft:
            draft._fit_part(X, y, sample_weight, classes, interrupts, fresh=not goes_on)
            save_part(self, draft, interrupted=interrupts.ended)
        return self

    def _fit_part(self, X, y, sample_weight, classes, interrupts, *, fresh: bool) -> None:
        """As `_partial_fit`, on a draft of the estimator."""
        X, y = self._check_X_y(X, y, reset=fresh)
        sample_weight = check_weights(sample_weight, X)
        self._check_classes(y, classes, first=fresh)
        refuse_unaffordable(self, X.shape[1], y)
        known = None if fresh else self._target
        self._target = self._choose_target(y, classes) if fresh else take_in(self, y, classes)
        rng = check_random_state(self.random_state)
        data = self._training_set(X, y, sample_weight, others_may_come=not self._is_closed)
        self._choose_settings(data, fresh=fresh, streams=True)
        self._prepare_network(data, rng, known=known, keep_optimizer=True)
        if fresh:
            self._start_at_centroids(data, dense=starts_like_new_ones(self))
        self._begin_history(fresh=fresh, validates=False)
        self._history.n_given += X.shape[0]
        self._train(data, None, NoCallbacks(), interrupts, rng, n_epochs=1)
        self._remember(data)
        self._blend = None if fresh else grown_blend(self, known, data)

    def _check_X_y(self, X, y, *, reset: bool):
        """Validate samples and what belongs to them."""
        X, y = check_data(self, X, y, reset=reset, **self._y_checks)
        if y.ndim == 2 and y.shape[1] == 1:
            # Sparse data have no other form for a single column.
            y = y.toarray().ravel() if issparse(y) else column_or_1d(y, warn=True)
        return X, y

    def _training_set(self, X, y, sample_weight, *, others_may_come=False) -> TrainingSet:
        target = self._target.encode(y)
        weights = self._weigh(
            self._target.weigh(sample_weight, y), y, training=True, others_may_come=others_may_come
        )
        if weights is None:
            return TrainingSet(X, target, None, np.arange(X.shape[0]))
        # A sample of weight 0 is no sample: left out, it cannot make up a mini-batch without
        # any weight.
        rows = np.flatnonzero(weights)
        if len(rows) == 0:
            raise ValueError(
                "The weights of all samples are zero: they are sample_weight times class_weight."
            )
        return TrainingSet(X, target, weights, rows)

    def _set_aside(self, data, y, rng) -> ValidationSet:
        """Split validation rows off from the training rows."""
        split = split_rows(data.rows, self._target.strata(y), self.validation_fraction, rng)
        data.rows, rows = split.training, split.validation
        weights = None if data.sample_weight is None else data.sample_weight[rows]
        return ValidationSet(
            X=data.X[rows],
            y=self._target.for_scorers(y[rows]),
            target=data.target[rows],
            sample_weight=moderate_weights(weights),
            score=make_score(self),
        )

    def _given_validation_set(self, given: Samples) -> ValidationSet:
        """Take the user's own validation rows."""
        X_val, y_val, sample_weight_val = given
        if X_val is None and y_val is None:
            raise ValueError("sample_weight_val is given, but X_val and y_val are not.")
        for name, other, value in (("X_val", "y_val", X_val), ("y_val", "X_val", y_val)):
            if value is None:
                raise ValueError(f"{other} is given, but {name} is not: both are needed.")
        X_val, y_val = self._check_X_y(X_val, y_val, reset=False)
        weights = self._weigh(check_weights(sample_weight_val, X_val), y_val, training=False)
        return ValidationSet(
            X=X_val,
            y=self._target.for_scorers(y_val),
            target=self._target.encode(y_val),
            sample_weight=moderate_weights(weights),
            score=make_score(self),
        )

    def _choose_settings(self, data, *, fresh: bool, streams: bool = False) -> None:
        """Choose what the parameters leave to the data; a network that is there, stays as it is."""
        settings = choose(self, Facts.of(data, self._target), streams=streams)
        if not fresh and is_auto(self.hidden_layer_sizes):
            settings = settings._replace(hidden_layer_sizes=self._settings.hidden_layer_sizes)
        self._settings = settings
        if self.verbose:
            print_settings(self)

    def _prepare_network(self, data, rng, *, known, keep_optimizer: bool = False) -> None:
        """Build the network, or check that the one there is, is the one asked for.

        ``known`` is the target of the call before, if there was one: what the network has outputs
        for.
        """
        settings = self._settings
        if known is None:
            self._describe(self._target, None)
            self._network = build_network(self, settings, self._description, data.X, data.rows, rng)
            self.n_layers_ = len(self._description["n_units"])
            return
        built = self._description
        self._describe(known, built["selects_outputs"])
        check_unchanged(self._description, built)
        self._network.alpha = self.alpha
        if not keep_optimizer:
            self._network.set_optimizer(build_optimizer(self, settings))
        if self._target is not known:
            self._describe(self._target, built["selects_outputs"])
            grow_network(self, known, data, rng)

    def _describe(self, target, selects_outputs) -> None:
        """Describe the network that the parameters ask for, see `describe_network`."""
        self._description = describe_network(
            self, self._settings, self.n_features_in_, target, self._auto_output, selects_outputs
        )
        self.n_outputs_ = target.n_outputs
        self.out_activation_ = OUT_ACTIVATIONS[target.loss]

    def _check_stored(self) -> None:
        if not self.__sklearn_is_fitted__():
            return
        stored = Attributes(self)
        stored.part("_history", History).check_stored()
        network = stored.part("_network", Network)
        network.check_stored()
        stored.part("_settings", Settings)
        target = stored.part("_target", *self._targets)
        target.check_stored()
        if (blend := stored.part("_blend", Blend, type(None))) is not None:
            blend.check_stored(network)
        fits = (network.n_units[-1], network.loss) == (target.n_outputs, target.loss)
        stored.require(fits, "_target", "of the network's outputs and loss")
        stored.integer("n_features_in_", network.n_units[0], network.n_units[0])
        description = stored.part("_description", dict)
        n_active = description.get("n_active")
        is_last = isinstance(n_active, list) and len(n_active) == len(network.layers)
        fits = is_last and isinstance(description.get("selects_outputs"), bool)
        stored.require(fits, "_description", "of the network's layers")
        if "classes_" in vars(self):
            self.classes_ = target.classes
            stored.flag("_is_closed")
        if "_class_weights" in vars(self):
            stored.array("_class_weights", np.float32, self.classes_.shape, finite=True)

    @property
    def _selects_outputs(self) -> bool:
        """Whether only some outputs are computed for a sample."""
        return self._description["n_active"][-1] is not None

    def _start_at_centroids(self, data: TrainingSet, *, dense: bool = False) -> None:
        """Start outputs that are selected, or all, at the centroids of their training rows."""
        if self._has_classes and (self._selects_outputs or dense):
            weights, rows = data.sample_weight, np.sort(data.rows)
            self._network.start_at_centroids(data.X, data.target, weights, rows)

    def _remember(self, data: TrainingSet) -> None:
        """Remember of the rows what classes to come start from."""
        if self._has_classes:
            remember_mean(self._network, data.X, data.rows, data.sample_weight)

    def _begin_history(self, *, fresh: bool, validates: bool) -> None:
        """Start a record of training, or go on with the one there is."""
        if fresh:
            self._history = History()
        self._history.begin(early_stopping=self.early_stopping, validates=validates)

    def _train(
        self, data, validation, callbacks, interrupts, rng, n_epochs: int, blending=None
    ) -> bool:
        """Train the network; False if all epochs were used up."""
        settings, rate = self._settings, self._settings.learning_rate_init

        def has_enough() -> bool:
            """Whether neighbours know all that many mini-batches taught."""
            n_steps = self._history.n_iter * len(data.rows) / settings.batch_size
            may_end = blending is not None and is_auto(self.max_iter)
            return may_end and blending.leaves_out_network(n_steps)

        return train(
            self._network,
            data,
            self._history,
            make_schedule(settings.learning_rate, self.solver, rate, self.power_t),
            TrainingSettings.of(self, n_epochs, len(data.rows)),
            validation=validation,
            has_enough=has_enough,
            callbacks=callbacks,
            interrupts=interrupts,
            random_state=rng,
        )

    # -- prediction -----------------------------------------------------------------------

    def _to_predict(self, X) -> tuple[Self, np.ndarray | csr_array]:
        """Validate samples; hand over the estimator as it is now, whatever other threads do to it.

        Returns
        -------
        view : estimator
            A copy, not a deep one.
        X : ndarray or csr_array
        """
        view = copy.copy(self)
        check_is_fitted(view)
        check_set_since_fit(view)
        return view, check_data(view, X, reset=False)

    def _outputs(self, X):
        """Start computing: pairs of a slice of rows and their outputs."""
        network, blend = self._network, self._blend
        ask = network.outputs if blend is None else partial(blend.outputs, network)
        return ask(X, selection=self.predict_selection, n_jobs=self.n_jobs)

    def predict(self, X: MatrixLike) -> np.ndarray:
        """Predict for samples, in chunks.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, in float32 or float64.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions, of the kind that y was in `fit`: sparse for sparse label indicators.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If X has NaN, infinity, values too large for float32, or another number of features.
        """
        view, X = self._to_predict(X)
        return view._target.predict(view._outputs(X), X.shape[0])

    def count_work(self, X: MatrixLike) -> list[dict]:
        """Count the multiply-adds of predicting samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, in float32 or float64.

        Returns
        -------
        work : list of dict
            One for each layer, by the names of `work_` as far as they make sense for predictions:
            ``layer, n_neurons, n_active, multiply_adds, dense_multiply_adds, share``.
        """
        view, X = self._to_predict(X)
        return view._network.count_work(X, selection=view.predict_selection)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
