"""scikit-learn's own checks, over dense, sparse-layered and hashed settings of both estimators."""

from inspect import signature

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.estimator_checks import (
    check_param_validation,
    estimator_checks_generator,
    parametrize_with_checks,
)

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor
from sklearn_lsh.estimators.automatic import OF_SMALL, Settings

# What scikit-learn 1.9 counts for its own MLP with SCIPY_ARRAY_API=1 and pandas installed.
N_CHECKS = {LSHMLPClassifier: 67, LSHMLPRegressor: 60}
TWIN = {LSHMLPClassifier: MLPClassifier, LSHMLPRegressor: MLPRegressor}

WEIGHT_CHECKS = {
    f"check_sample_weight_equivalence_on_{kind}_data": (
        "Stochastic gradient descent sees mini-batches: a sample of weight two in one of them is "
        "not the same as two samples, as for scikit-learn's MLP."
    )
    for kind in ("dense", "sparse")
}

# The checks make hundreds of fits: few epochs at a high rate learn their little tasks as well.
QUICK = {"random_state": 0, "max_iter": 40, "learning_rate_init": 0.01}
HIDDEN = {**QUICK, "hidden_layer_sizes": (20,), "density": 0.5}
OUTPUT = {**QUICK, "output_density": 0.7}
SETTINGS = {
    "dense": QUICK,
    "all": {**HIDDEN, "selection": "all"},
    "lsh": {**HIDDEN, "selection": "lsh"},
    "dwta": {**HIDDEN, "selection": "lsh", "hash_function": "dwta"},
    "topk": {**HIDDEN, "selection": "topk"},
    # Neurons at random are noise; with fewer of them the checks' little tasks are not learnt.
    "random": {**HIDDEN, "density": 0.9, "selection": "random"},
    # Two of the three classes of most checks are active: the many tables find the right two.
    "hashed output": {**OUTPUT, "n_tables": 100},
    "selected output": {**OUTPUT, "selection": "topk"},
}
ESTIMATORS = [estimator(**settings) for settings in SETTINGS.values() for estimator in N_CHECKS]


@pytest.mark.filterwarnings("ignore:Can't check dok sparse matrix:UserWarning")
@parametrize_with_checks(
    ESTIMATORS, expected_failed_checks=lambda estimator: WEIGHT_CHECKS, xfail_strict=False
)
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", N_CHECKS)
def test_no_check_is_missing(estimator):
    """Every check that scikit-learn's MLP gets, ours gets too."""
    pytest.importorskip("pandas")
    ours, theirs = (
        {check.func.__name__ for _, check in estimator_checks_generator(a())}
        for a in (estimator, TWIN[estimator])
    )
    assert theirs <= ours
    n_checks = len(list(estimator_checks_generator(estimator())))
    assert n_checks >= N_CHECKS[estimator]


@pytest.mark.parametrize("estimator", N_CHECKS)
def test_parameters_are_validated(estimator):
    check_param_validation(estimator.__name__, estimator(max_iter=2))


@pytest.mark.parametrize("estimator", N_CHECKS)
def test_parameters_are_those_of_scikit_learn(estimator):
    """Same names, order and defaults, if these are not left to the data; with new ones behind."""
    theirs = {
        name: value
        for name, value in signature(TWIN[estimator]).parameters.items()
        if name != "max_fun"
    }
    ours = {
        name: value.replace(annotation=value.empty)  # scikit-learn's have no hints
        for name, value in list(signature(estimator).parameters.items())[: len(theirs)]
    }
    assert list(ours) == list(theirs)
    left = {name for name, value in ours.items() if value.default == "auto"}
    assert left == set(Settings._fields) - {"n_neighbors"}
    assert {name: ours[name] for name in ours.keys() - left} == {
        name: theirs[name] for name in theirs.keys() - left
    }
    # To the values that scikit-learn has, where there are few data.
    defaults = {name: theirs[name].default for name in left - {"batch_size"}}
    assert defaults == {name: getattr(OF_SMALL, name) for name in defaults}


def test_positional_parameters():
    assert LSHMLPClassifier((5, 4), "tanh").activation == "tanh"
    assert LSHMLPRegressor("poisson", (5, 4), "tanh").loss == "poisson"
    assert np.array_equal(LSHMLPRegressor("poisson", (5, 4)).hidden_layer_sizes, (5, 4))
