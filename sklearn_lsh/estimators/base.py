"""What the classifier and the regressor have in common: parameters, fitting, fitted attributes.

No arithmetic is done here. Inputs are validated (`inputs`), y becomes a target (`targets`), a
`Network` is built with so many active neurons a layer (`density`), trained epoch by epoch
(`training`), watched on a validation set (`validation`), and reported on (`progress`).
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from functools import partial, wraps
from numbers import Integral, Real
from typing import ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.callback import CallbackSupportMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import get_scorer_names
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    Options,
    RealNotInt,
    StrOptions,
)
from sklearn.utils.validation import check_is_fitted

from sklearn_lsh.estimators.density import (
    all_neurons,
    auto_hidden,
    count_active,
    count_hidden,
)
from sklearn_lsh.estimators.inputs import active_inputs, check_data, check_weights
from sklearn_lsh.estimators.progress import FitCallbacks, NoCallbacks
from sklearn_lsh.estimators.schedules import SCHEDULES
from sklearn_lsh.estimators.stopping import Plateau
from sklearn_lsh.estimators.targets import without_rows
from sklearn_lsh.estimators.training import NOT_FINITE, TrainingSet, train
from sklearn_lsh.estimators.validation import ValidationSet, make_scorer, split_rows
from sklearn_lsh.hashing import FAMILIES, HashFamily
from sklearn_lsh.network import Network, make_optimizer

OUT_ACTIVATIONS = {
    "softmax": "softmax",
    "logistic": "logistic",
    "squared_error": "identity",
    "poisson": "exp",
}

NO_LBFGS = (
    "it is a batch method, which needs the full dense gradient of all weights over all samples "
    "for each step, and that is what hashed layers avoid computing"
)

NO_MAX_FUN = f"it limits the function calls of solver='lbfgs', which is left out: {NO_LBFGS}"

_DENSITY = [
    StrOptions({"auto"}),
    Interval(RealNotInt, 0, 1, closed="right"),
    Interval(Integral, 1, None, closed="left"),
]
_AUTO_OR_COUNT = [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")]


def left_out(**reasons: str):
    """Decorate a constructor: refuse parameters that scikit-learn's MLP has, and say why."""

    def decorate(init):
        @wraps(init)
        def checked_init(self, *args, **parameters):
            for name in reasons.keys() & parameters.keys():
                raise TypeError(
                    f"{type(self).__name__} has no parameter {name!r} (got {parameters[name]!r}): "
                    f"{reasons[name]}."
                )
            init(self, *args, **parameters)

        return checked_init

    return decorate


class BaseLSHMLP(CallbackSupportMixin, BaseEstimator, ABC):
    """Base of the multilayer perceptrons with hashed layers; not to be used directly."""

    _parameter_constraints: ClassVar[dict] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions({"identity", "logistic", "tanh", "relu"})],
        "solver": [StrOptions({"adam", "adagrad", "rowwise_adagrad", "sgd"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": _AUTO_OR_COUNT,
        "learning_rate": [StrOptions(set(SCHEDULES))],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "density": [*_DENSITY, "array-like"],
        "output_density": _DENSITY,
        "selection": [StrOptions({"lsh", "topk", "random", "all"})],
        "predict_selection": [StrOptions({"topk"}), None],
        "hash_function": [StrOptions(set(FAMILIES)), HashFamily],
        "n_bits": _AUTO_OR_COUNT,
        "n_tables": _AUTO_OR_COUNT,
        "scoring": [StrOptions({"loss", *get_scorer_names()}), callable, None],
        "n_jobs": [Integral, None],
    }

    # -- what the two estimators differ in ------------------------------------------------

    @abstractmethod
    def _check_data(self, X, y, *, reset: bool):
        """Validate X and y."""

    @abstractmethod
    def _choose_target(self, y, classes=None):
        """Make the object that turns y into a target, before a network is built for it."""

    def _check_target(self, y) -> None:
        """Check that a warm start may go on with this y."""

    def _weigh(self, sample_weight, y, *, training: bool):
        """Put all that weighs a sample into its weight."""
        return sample_weight

    def _scorable(self, y):
        """Return y as scorers take it."""
        return y

    _auto_output = staticmethod(all_neurons)
    _starts_at_centroids = False

    # -- fitting --------------------------------------------------------------------------

    def _validate_params(self):
        if self.solver == "lbfgs":
            raise InvalidParameterError(
                f"The 'solver' parameter of {type(self).__name__} must be 'adam', 'adagrad', "
                f"'rowwise_adagrad' or 'sgd'. 'lbfgs' is left out: {NO_LBFGS}. Got 'lbfgs' instead."
            )
        super()._validate_params()

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None
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
        fresh = not (self.warm_start and self.__sklearn_is_fitted__())
        given = (X, y, sample_weight)
        X, y = self._check_data(X, y, reset=fresh)
        sample_weight = check_weights(sample_weight, X)
        if fresh:
            self._target = self._choose_target(y)
        else:
            self._check_target(y)
        rng = check_random_state(self.random_state)
        data = self._training_set(X, y, sample_weight)
        n_targets = np.bincount(data.target.indices, minlength=data.target.shape[1])
        self._prepare_network(X, rng, fresh=fresh, n_targets=n_targets)
        validation = self._validation_set(data, y, rng, X_val, y_val, sample_weight_val)
        if fresh and self._starts_at_centroids:
            self._start_at_centroids(data)
        self._prepare_history(validation, fresh=fresh)
        callbacks = FitCallbacks(self, *given)
        if not train(self, data, validation, callbacks, rng, self.max_iter):
            warnings.warn(
                f"Maximum iterations ({self.max_iter}) reached and the optimization hasn't "
                "converged yet.",
                ConvergenceWarning,
                stacklevel=3,
            )
        self._check_finite()
        callbacks.end()
        return self

    def _partial_fit(self, X, y, sample_weight, classes=None):
        """Train one epoch on the rows given, with the network there is, if any."""
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        if self.learning_rate == "linear":
            raise ValueError(
                "partial_fit does not support learning_rate='linear': it cannot know how many "
                "epochs will follow."
            )
        fresh = not self.__sklearn_is_fitted__()
        X, y = self._check_data(X, y, reset=fresh)
        sample_weight = check_weights(sample_weight, X)
        if fresh:
            self._target = self._choose_target(y, classes)
        rng = check_random_state(self.random_state)
        data = self._training_set(X, y, sample_weight)
        self._prepare_network(X, rng, fresh=fresh, keep_optimizer=True)
        self._prepare_history(None, fresh=fresh)
        train(self, data, None, NoCallbacks(), rng, n_epochs=1)
        self._check_finite()
        return self

    def _training_set(self, X, y, sample_weight) -> TrainingSet:
        target = self._target.encode(y)
        weights = self._weigh(sample_weight, y, training=True)
        if weights is None:
            return TrainingSet(X, target, None, np.arange(X.shape[0]))
        # A sample of weight 0 is no sample: left out, it cannot make up a mini-batch without
        # any weight.
        rows = np.flatnonzero(weights)
        if len(rows) == 0:
            raise ValueError("The weights of all samples are zero.")
        return TrainingSet(X, target, weights, rows)

    def _validation_set(self, data, y, rng, X_val, y_val, weight_val) -> ValidationSet | None:
        """Take the user's own validation rows, or split some off from the training rows."""
        if X_val is None and y_val is None:
            if weight_val is not None:
                raise ValueError("sample_weight_val is given, but X_val and y_val are not.")
            if not self.early_stopping:
                return None
            data.rows, rows = split_rows(
                data.rows, self._target.strata(y), self.validation_fraction, rng
            )
            weights = None if data.sample_weight is None else data.sample_weight[rows]
            y = self._scorable(y[rows])
            return ValidationSet(data.X[rows], y, data.target[rows], weights, make_scorer(self))
        for name, other, value in (("X_val", "y_val", X_val), ("y_val", "X_val", y_val)):
            if value is None:
                raise ValueError(f"{other} is given, but {name} is not: both are needed.")
        X_val, y_val = self._check_data(X_val, y_val, reset=False)
        weights = self._weigh(check_weights(weight_val, X_val), y_val, training=False)
        target = self._target.encode(y_val)
        return ValidationSet(X_val, self._scorable(y_val), target, weights, make_scorer(self))

    def _prepare_network(
        self, X, rng, *, fresh: bool, n_targets=None, keep_optimizer: bool = False
    ) -> None:
        """Build the network, or check that the one there is, is the one asked for."""
        settings = self._network_settings(X.shape[1])
        if fresh:
            self.__dict__.pop("_network", None)  # its memory, before another is taken
            self._network = Network(
                **settings,
                alpha=self.alpha,
                optimizer=self._make_optimizer(),
                sparse_input=not isinstance(X, np.ndarray),
                active_inputs=active_inputs(X),
                n_targets=n_targets,
                random_state=rng,
            )
            self._settings = settings
            self.n_layers_ = len(settings["n_units"])
            self.n_outputs_ = self._target.n_outputs
            self.out_activation_ = OUT_ACTIVATIONS[self._target.loss]
            self.t_ = 0
            return
        changed = [name for name, value in settings.items() if self._settings[name] != value]
        if changed:
            raise ValueError(
                "The network cannot change while it is trained further (by warm_start or "
                "partial_fit), but these of its properties would: "
                + ", ".join(f"{name}={settings[name]!r}" for name in changed)
                + " in place of "
                + ", ".join(f"{name}={self._settings[name]!r}" for name in changed)
                + "."
            )
        self._network.alpha = self.alpha
        if not keep_optimizer:
            self._network.set_optimizer(self._make_optimizer())

    def _network_settings(self, n_features: int) -> dict:
        """Collect what the shape of a network depends on, by its names in `Network`."""
        sizes = self._hidden_sizes()
        n_outputs = self._target.n_outputs
        if self.selection == "all":
            n_active = [None] * (len(sizes) + 1)
        else:
            active_outputs = count_active(
                self.output_density, n_outputs, name="output_density", auto=self._auto_output
            )
            auto = partial(auto_hidden, outputs_selected=active_outputs is not None)
            n_active = [*count_hidden(self.density, sizes, auto=auto), active_outputs]
        return {
            "n_units": [n_features, *sizes, n_outputs],
            "activation": self.activation,
            "loss": self._target.loss,
            "n_active": n_active,
            "selection": self.selection,
            "hash_function": self.hash_function,
            "n_bits": self.n_bits,
            "n_tables": self.n_tables,
        }

    def _hidden_sizes(self) -> list[int]:
        sizes = self.hidden_layer_sizes
        sizes = [sizes] if isinstance(sizes, Integral) else list(sizes)
        if not all(isinstance(size, Integral) and size > 0 for size in sizes):
            raise ValueError(f"hidden_layer_sizes must be integers > 0, got {sizes}.")
        return [int(size) for size in sizes]

    def _make_optimizer(self):
        return make_optimizer(
            self.solver,
            learning_rate_init=self.learning_rate_init,
            momentum=self.momentum,
            nesterovs_momentum=self.nesterovs_momentum,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
        )

    def _start_at_centroids(self, data: TrainingSet) -> None:
        """Start a hashed output layer at the centroids of its classes' training rows."""
        if self._settings["n_active"][-1] is None:
            return
        unused = np.ones(data.X.shape[0], dtype=bool)
        unused[data.rows] = False
        target = without_rows(data.target, unused)
        if target.nnz:
            self._network.start_at_centroids(data.X, target)

    def _prepare_history(self, validation, *, fresh: bool) -> None:
        """Start the curves and the watch on progress, or go on with them."""
        watches = "Validation score" if self.early_stopping else "Training loss"
        if fresh:
            self.loss_curve_ = []
            self.work_ = []
            self.validation_scores_ = self.validation_loss_curve_ = None
            self.best_validation_score_ = None
            self.loss_ = np.nan
        if fresh or self._plateau.watches != watches:
            self._plateau = Plateau(watches)
            self.best_loss_ = None if self.early_stopping else np.inf
        if validation is not None and self.validation_scores_ is None:
            self.validation_scores_ = []
            self.validation_loss_curve_ = []
            self.best_validation_score_ = -np.inf

    def _check_finite(self) -> None:
        for weights in (*self._network.coefs, *self._network.intercepts):
            # Extremes instead of `isfinite(weights)`, which is an array of the same shape.
            if weights.size and not np.isfinite([weights.min(), weights.max()]).all():
                raise ValueError(NOT_FINITE)

    # -- prediction -----------------------------------------------------------------------

    def _outputs(self, X):
        """Check X and start computing: pairs of rows and outputs, and the number of samples."""
        check_is_fitted(self)
        X = check_data(self, X, reset=False)
        outputs = self._network.outputs(X, selection=self.predict_selection, n_jobs=self.n_jobs)
        return outputs, X.shape[0]

    def predict(self, X):
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
        outputs, n_samples = self._outputs(X)
        return self._target.predict(outputs, n_samples)

    def count_work(self, X) -> list[dict]:
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
        check_is_fitted(self)
        X = check_data(self, X, reset=False)
        return self._network.count_work(X, selection=self.predict_selection)

    # -- fitted attributes ----------------------------------------------------------------

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_network") and hasattr(self, "n_iter_")

    def _fitted_network(self, attribute: str) -> Network:
        try:
            return self.__dict__["_network"]
        except KeyError:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {attribute!r} before it is fitted"
            ) from None

    @property
    def coefs_(self) -> list[np.ndarray]:
        """Weights of each layer, float32 of shape (fan_in, fan_out), as the network holds them."""
        return self._fitted_network("coefs_").coefs

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """Biases of each layer, float32 of shape (fan_out,), as the network holds them."""
        return self._fitted_network("intercepts_").intercepts

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
