"""Calls that fail leave an estimator as it was: fitted or not, dense or hashed, whatever fails."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor

from ..support.states import state_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 12)).astype(np.float32)
Y = np.arange(90) % 30
LETTERS = np.array(list("abc"))
COMMON = {"max_iter": 2, "random_state": 0}
CLASSIFIERS = {
    "dense": LSHMLPClassifier((20,), **COMMON),
    "hashed": LSHMLPClassifier((60,), density=0.1, output_density=4, n_bits=4, **COMMON),
    "early stopping": LSHMLPClassifier((20,), early_stopping=True, **COMMON),
    "threads": LSHMLPClassifier((60,), density=0.1, n_jobs=2, **COMMON),
}


class Stop:
    """A callback that raises an error."""

    def setup(self, estimator, context):
        """Do nothing."""

    def teardown(self, estimator, context):
        """Do nothing."""

    def on_fit_task_begin(self, estimator, context):
        """Do nothing."""

    def on_fit_task_end(self, estimator, context):
        """Fail in the middle of training."""
        raise RuntimeError("a callback failed")


def failing_scorer(estimator, X, y):
    raise RuntimeError("a scorer failed")


def with_nan():
    spoilt = X.copy()
    spoilt[5, 5] = np.nan
    return spoilt


def lying():
    """A sparse matrix with an index outside of it."""
    matrix = sp.csr_array(X)
    matrix.indices = matrix.indices.copy()
    matrix.indices[3] = 99
    return matrix


# What fails, by the call and by what is set before.
FITS = {
    "NaN": (lambda e: e.fit(with_nan(), Y), {}),
    "other rows": (lambda e: e.fit(X, Y[:5]), {}),
    "lying sparse": (lambda e: e.fit(lying(), Y), {}),
    "negative weights": (lambda e: e.fit(X[:, :5], Y % 3, -np.ones(90)), {}),
    "weights of another length": (lambda e: e.fit(X[:, :5], Y, np.ones(3)), {}),
    "zero weights": (lambda e: e.fit(X[:, :5], Y, np.zeros(90)), {}),
    "class weight": (
        lambda e: e.fit(X, np.array(list("abc"))[Y % 3]),
        {"class_weight": {"a": -1.0}},
    ),
    "density": (lambda e: e.fit(X[:, :4], Y % 4), {"density": 10_000}),
    "parameter": (lambda e: e.fit(X[:, :4], Y % 4), {"alpha": -1}),
    "divergence": (lambda e: e.fit(X * 1e15, Y), {"learning_rate_init": 1e30}),
    "scorer": (lambda e: e.fit(X, Y), {"scoring": failing_scorer, "early_stopping": True}),
    "other features to validate": (lambda e: e.fit(X[:, :6], Y, X_val=X, y_val=Y), {}),
    "callback": (lambda e: e.set_callbacks(Stop()).fit(X, Y), {}),
    "warm start": (lambda e: e.set_params(warm_start=True).fit(X, Y % 2), {"max_iter": -1}),
}
PARTIAL_FITS = {
    "unknown class": (lambda e: e.partial_fit(X, Y + 1, classes=np.arange(30)), {}),
    "other features": (lambda e: e.partial_fit(with_nan()[:, :6], Y, classes=np.arange(30)), {}),
    "divergence": (
        lambda e: e.partial_fit(X * np.float32(1e30), Y, classes=np.arange(30)),
        {"solver": "sgd", "learning_rate_init": 1e30},
    ),
}
FAILURES = {**FITS, **{f"partial fit: {name}": call for name, call in PARTIAL_FITS.items()}}


@pytest.mark.parametrize("fitted", [False, True], ids=["new", "fitted"])
@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_are_as_before(name, failure, fitted):
    estimator = clone(CLASSIFIERS[name])
    if fitted:
        estimator.fit(X, Y % 29)
        expected = estimator.predict_proba(X)
    before = state_of(estimator)
    call, settings = FAILURES[failure]
    # Partial fits do not stop early.
    changes = {"early_stopping": False} if "partial" in failure else {}
    estimator.set_params(**{**changes, **settings})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", (RuntimeWarning, ConvergenceWarning))
        with pytest.raises((ValueError, TypeError, RuntimeError)):
            call(estimator)
    assert state_of(estimator) == before
    if fitted:
        np.testing.assert_array_equal(estimator.predict_proba(X), expected)
    else:
        with pytest.raises(NotFittedError):
            estimator.predict(X)


@pytest.mark.parametrize("solver", ["adam", "adagrad", "rowwise_adagrad", "sgd"])
def test_a_refused_partial_fit_does_not_stop_learning(solver):
    estimator = LSHMLPRegressor(
        hidden_layer_sizes=(20,), solver=solver, learning_rate_init=0.01, random_state=0
    )
    estimator.partial_fit(X, X[:, 0])
    twin = clone(estimator).partial_fit(X, X[:, 0])
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="non-finite"):
        estimator.partial_fit(X, X[:, 0] * 1e25)
    for _ in range(30):
        estimator.partial_fit(X, X[:, 0])
        twin.partial_fit(X, X[:, 0])
    np.testing.assert_array_equal(estimator.predict(X), twin.predict(X))


def test_weights_overflow_before_losses_do():
    # Gradients of which float32 does not hold the square: steps would be zero ever after.
    huge = X * np.float32(1e25)
    estimator = LSHMLPClassifier((20,), random_state=0, max_iter=1)
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="non-finite"):
        estimator.fit(huge, Y % 2)
