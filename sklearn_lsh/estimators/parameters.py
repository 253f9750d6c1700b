"""What the parameters of both estimators may be, and which of scikit-learn's are left out."""

from __future__ import annotations

from functools import wraps
from numbers import Integral, Real

import numpy as np
from sklearn.base import clone
from sklearn.metrics import get_scorer_names
from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    Options,
    RealNotInt,
    StrOptions,
    validate_parameter_constraints,
)

from sklearn_lsh.estimators.schedules import SCHEDULES
from sklearn_lsh.hashing import FAMILIES, HashFamily
from sklearn_lsh.inputs import Count, Quantity

AUTO = StrOptions({"auto"})
_DENSITY = [AUTO, Interval(RealNotInt, 0, 1, closed="right"), Count()]
# Those of a family, which gets them.
_OF_FAMILY = HashFamily._parameter_constraints

CONSTRAINTS = {
    "hidden_layer_sizes": [AUTO, "array-like", Count()],
    "activation": [StrOptions({"identity", "logistic", "tanh", "relu"})],
    "solver": [StrOptions({"adam", "adagrad", "rowwise_adagrad", "sgd"})],
    "alpha": [Quantity(0, closed="left")],
    "batch_size": [AUTO, Count()],
    "learning_rate": [AUTO, StrOptions(set(SCHEDULES))],
    "learning_rate_init": [AUTO, Quantity(0, closed="neither")],
    "power_t": [Quantity(0, closed="left")],
    "max_iter": [AUTO, Count()],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Quantity(0, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Quantity(0, closed="neither")],
    "n_iter_no_change": [Count(), Options(Real, {np.inf})],
    "density": [*_DENSITY, "array-like"],
    "output_density": _DENSITY,
    "selection": [StrOptions({"lsh", "topk", "random", "all"})],
    "predict_selection": [StrOptions({"auto", "topk"}), None],
    "hash_function": [StrOptions(set(FAMILIES)), HashFamily],
    "n_bits": [AUTO, *_OF_FAMILY["n_bits"]],
    "n_tables": [AUTO, *_OF_FAMILY["n_tables"]],
    "scoring": [StrOptions({"loss", *get_scorer_names()}), callable, None],
    "n_jobs": [Integral, None],
}

_NO_LBFGS = (
    "it is a batch method, which needs the full dense gradient of all weights over all samples "
    "for each step, and that is what hashed layers avoid computing"
)
# Parameters of scikit-learn's networks that have no meaning here, and why.
_LEFT_OUT = {
    "max_fun": f"it limits the function calls of solver='lbfgs', which is left out: {_NO_LBFGS}"
}


def says_what_is_left_out(init):
    """Decorate a constructor: refuse parameters that scikit-learn's MLP has, and say why."""

    @wraps(init)
    def checked_init(self, *args, **parameters):
        for name in _LEFT_OUT.keys() & parameters.keys():
            raise TypeError(
                f"{type(self).__name__} has no parameter {name!r} (got {parameters[name]!r}): "
                f"{_LEFT_OUT[name]}."
            )
        init(self, *args, **parameters)

    return checked_init


def refuse_lbfgs(estimator) -> None:
    """Refuse the solver that scikit-learn's MLP has besides, and say why."""
    if isinstance(estimator.solver, str) and estimator.solver == "lbfgs":
        raise InvalidParameterError(
            f"The 'solver' parameter of {type(estimator).__name__} must be 'adam', 'adagrad', "
            f"'rowwise_adagrad' or 'sgd'. 'lbfgs' is left out: {_NO_LBFGS}. Got 'lbfgs' instead."
        )


def check_hash_function(estimator) -> None:
    """Refuse a hash family whose parameters are not valid, before anything else happens.

    The family inside a network is not asked by scikit-learn: what is nested is left out there.
    """
    given = estimator.hash_function
    if not isinstance(given, HashFamily):
        return
    family = clone(given)
    for name in ("n_bits", "n_tables"):
        if getattr(estimator, name) != "auto":
            family.set_params(**{name: getattr(estimator, name)})
    try:
        family._validate_params()
    except InvalidParameterError as error:
        raise InvalidParameterError(f"hash_function={given!r} is not valid. {error}") from error


# What may be set on a fitted estimator to change how it predicts.
_FOR_PREDICTIONS = ("predict_selection", "n_jobs")


def check_set_since_fit(estimator) -> None:
    """Refuse parameters of predictions that were set after the fit and are not valid."""
    validate_parameter_constraints(
        {name: CONSTRAINTS[name] for name in _FOR_PREDICTIONS},
        {name: getattr(estimator, name) for name in _FOR_PREDICTIONS},
        caller_name=type(estimator).__name__,
    )
