"""What the parameters of both estimators may be, and which of scikit-learn's are left out."""

from __future__ import annotations

from functools import wraps
from numbers import Integral, Real

import numpy as np
from sklearn.metrics import get_scorer_names
from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    Options,
    RealNotInt,
    StrOptions,
)

from sklearn_lsh.estimators.schedules import SCHEDULES
from sklearn_lsh.hashing import FAMILIES, HashFamily

_DENSITY = [
    StrOptions({"auto"}),
    Interval(RealNotInt, 0, 1, closed="right"),
    Interval(Integral, 1, None, closed="left"),
]
_AUTO_OR_COUNT = [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")]

CONSTRAINTS = {
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
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
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
    if estimator.solver == "lbfgs":
        raise InvalidParameterError(
            f"The 'solver' parameter of {type(estimator).__name__} must be 'adam', 'adagrad', "
            f"'rowwise_adagrad' or 'sgd'. 'lbfgs' is left out: {_NO_LBFGS}. Got 'lbfgs' instead."
        )
