"""The estimators: sequences of fits, predictions and changes of parameters."""

import copy
import pickle

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor

from . import parameters
from .arrays import arrays, matrix, weights
from .judge import REFUSED, expect
from .labels import Classes, Indicators, Values

KINDS = [
    (LSHMLPClassifier, Classes),
    (LSHMLPClassifier, Indicators),
    (LSHMLPRegressor, Values),
]


class Task:
    """What the calls of a case have in common."""

    def __init__(self, rng, make_labels):
        self.rng, self.labels = rng, make_labels(rng)
        self.n_features = int(rng.integers(1, 6) if rng.random() < 0.9 else rng.integers(20, 50))

    def X(self, n=None):
        """Draw samples; now and then with another number of features."""
        n = int(self.rng.integers(1, 16)) if n is None else n
        n_features = self.n_features + (self.rng.random() < 0.05)
        return matrix(self.rng, n, n_features)

    def Xyw(self):
        """Draw samples, what belongs to them, and weights."""
        n = int(self.rng.integers(1, 16))
        return self.X(n), self.labels.draw(self.rng, n), weights(self.rng, n)


def play(call):
    """Make a case's calls."""
    make, make_labels = KINDS[call.rng.choice(3, p=[0.4, 0.3, 0.3])]
    task = Task(call.rng, make_labels)
    known = make().get_params()
    given = parameters.QUICK | parameters.draw(
        call, parameters.ESTIMATOR, known, call.rng.integers(6)
    )
    estimator = make(**given)
    for _ in range(call.rng.integers(5, 16)):
        action = call.pick(ACTIONS if is_fitted(estimator) or call.chance(0.2) else FITS)
        estimator = action(call, estimator, task) or estimator


def is_fitted(estimator):
    return estimator.__sklearn_is_fitted__()


def features_differ(estimator, X):
    """Whether X has another number of features than the estimator was fitted with."""
    return (
        X.plain is not None
        and is_fitted(estimator)
        and X.plain.shape[1] != estimator.n_features_in_
    )


# -- calls that train -----------------------------------------------------------------------


def fit(call, estimator, task):
    X, y, w = task.Xyw()
    args = [X.value, y.value] + ([] if w.value is None else [w.value])
    extra = {}
    if call.chance(0.15):
        X_val, y_val, w_val = task.Xyw()
        extra = {"X_val": X_val.value, "y_val": y_val.value, "sample_weight_val": w_val.value}
        extra = {name: value for name, value in extra.items() if call.chance(0.95)}
    refuse = X.bad or y.bad or w.bad
    if call(estimator.fit, *args, refuse=refuse, **extra) is REFUSED:
        return
    check_fitted(estimator)
    can_repeat = estimator.random_state is not None and estimator.n_jobs != 2
    if can_repeat and X.plain is not None and not estimator.warm_start and call.chance(0.3):
        again = clone(estimator).fit(X.plain, *args[1:], **extra)
        same = np.array_equal(again.loss_curve_, estimator.loss_curve_, equal_nan=True)
        expect(same, "training on the same numbers in another layout ends otherwise")


def partial_fit(call, estimator, task):
    X, y, w = task.Xyw()
    args, extra = [X.value, y.value, w.value], {}
    if task.labels.all is not None and not call.chance(0.1):
        extra["classes"] = task.labels.all
    if "classes" in extra and call.chance(0.05):
        extra["classes"] = call.pick([[], [[1, 2]], "abc", 3, [np.nan], [None, "a"], [0, 0]])
    refuse = X.bad or y.bad or w.bad or features_differ(estimator, X)
    if call(estimator.partial_fit, *args, refuse=refuse, **extra) is not REFUSED:
        check_fitted(estimator)


def fit_with_a_wrong_parameter(call, estimator, task):
    name, wrong = parameters.draw_wrong(call, parameters.ESTIMATOR, estimator.get_params())
    right = getattr(estimator, name)
    estimator.set_params(**{name: wrong})
    X, y, _ = task.Xyw()
    # What has no part in this fit may be looked at later.
    call(call.pick([estimator.fit, estimator.fit, estimator.partial_fit]), X.value, y.value)
    estimator.set_params(**{name: right})


def check_fitted(estimator):
    for array in (*estimator.coefs_, *estimator.intercepts_):
        expect(np.isfinite(array).all(), "weights are not finite")
    if isinstance(estimator, LSHMLPClassifier):
        n_outputs, n_classes = estimator.coefs_[-1].shape[1], len(estimator.classes_)
        expect(n_outputs == n_classes or n_outputs == 1 >= n_classes - 1, "other outputs")
        expect((np.diff(np.unique(estimator.classes_, return_index=True)[1]) > 0).all(), "order")
    expect(estimator.coefs_[0].shape[0] == estimator.n_features_in_, "weights have another shape")
    losses = np.array(estimator.loss_curve_)
    # With early stopping an epoch that diverged is noted, and its weights are taken back.
    noted = np.isnan(losses) & (estimator.validation_scores_ is not None)
    expect((np.isfinite(losses) | noted).all(), "losses are not finite")
    last = np.array_equal(estimator.loss_, losses[-1], equal_nan=True)
    expect(estimator.n_iter_ >= 1 and last, "no epochs")
    if estimator.validation_scores_ is not None:
        n_scores = len(estimator.validation_scores_)
        expect(n_scores == len(estimator.validation_loss_curve_), "curves of different lengths")


# -- calls that predict ---------------------------------------------------------------------


def predict_by(name):
    """Make the action of predicting by a method."""

    def predict(call, estimator, task):
        method = getattr(estimator, name, None)
        if method is None:
            return
        X = task.X()
        result = call(method, X.value, refuse=X.bad or features_differ(estimator, X))
        if result is REFUSED:
            return
        expect(result.shape[0] == X.plain.shape[0], "another number of samples")
        values = result.data if sp.issparse(result) else result
        if values.dtype.kind == "f":
            expect(np.isfinite(values).all() or name == "predict_log_proba", "not finite")
        CHECKS.get(name, lambda *_: None)(estimator, result)
        if estimator.selection != "random":
            plain = getattr(estimator, name)(X.plain)
            expect(equal(result, plain), "the same numbers in another layout get another answer")

    return predict


def equal(a, b):
    if sp.issparse(a):
        return (a != b).nnz == 0
    return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def check_labels(estimator, labels):
    if isinstance(estimator, LSHMLPClassifier) and labels.ndim == 1:
        expect(np.isin(labels, estimator.classes_).all(), "labels that are no classes")


def check_probabilities(estimator, p):
    expect(p.shape[1] == len(estimator.classes_), "another number of classes")
    expect(((p >= 0) & (p <= 1)).all(), "no probabilities")
    if estimator.out_activation_ == "softmax" or estimator.n_outputs_ < len(estimator.classes_):
        expect(np.allclose(p.sum(axis=1), 1, atol=1e-3), "probabilities do not sum to 1")


CHECKS = {"predict": check_labels, "predict_proba": check_probabilities}


def predict_top_k(call, estimator, task):
    if isinstance(estimator, LSHMLPRegressor):
        return
    X = task.X()
    k = int(call.rng.integers(1, 7))
    right = not call.chance(0.1)
    if not right:
        k = call.pick([0, -1, 1.5, "foo", None, True, np.nan, 10**20, []])
    result = call(estimator.predict_top_k, X.value, k, refuse=X.bad or not right)
    if result is REFUSED:
        return
    labels, scores = result
    expect(labels.shape == scores.shape == (X.plain.shape[0], k), "another shape")
    expect((np.diff(scores, axis=1) <= 0).all(), "not the likeliest first")
    expect(np.isfinite(scores).all(), "not finite")
    expect(all(len(set(row)) == k for row in labels.tolist()), "a label comes twice")


def score(call, estimator, task):
    X, y, w = task.Xyw()
    result = call(estimator.score, X.value, y.value, w.value, refuse=X.bad)
    if result is not REFUSED and w.value is None:
        # Squares may overflow in scikit-learn's own arithmetic.
        expect(np.isscalar(result) and not result > 1, f"no score: {result!r}")


def count_work(call, estimator, task):
    X = task.X()
    work = call(estimator.count_work, X.value, refuse=X.bad or features_differ(estimator, X))
    if work is not REFUSED:
        expect(len(work) == len(estimator.coefs_), "not a dictionary for each layer")
        expect(all(layer["multiply_adds"] >= 0 for layer in work), "negative work")


# -- changes between calls ------------------------------------------------------------------


def set_weights(call, estimator, task):
    name = call.pick(["coefs_", "intercepts_"])
    known = is_fitted(estimator)
    shapes = [array.shape for array in getattr(estimator, name)] if known else [(2, 3), (3, 1)]
    given = arrays(call.rng, shapes)
    setter = getattr(type(estimator), name).fset.__get__(estimator)
    if call(setter, given.value, refuse=given.bad or not known) is not REFUSED:
        for array, plain in zip(getattr(estimator, name), given.plain, strict=True):
            expect(np.array_equal(array, plain.astype(np.float32)), "other weights than were set")
        check_fitted(estimator)


def set_params(call, estimator, task):
    drawn = parameters.draw(call, parameters.ESTIMATOR, estimator.get_params(), 1)
    call(estimator.set_params, **drawn)


def predict_with_a_wrong_parameter(call, estimator, task):
    name, wrong = parameters.draw_wrong(call, parameters.ESTIMATOR, estimator.get_params())
    name = call.pick([name, "predict_selection", "n_jobs"])
    wrong = {"predict_selection": "foo", "n_jobs": "foo"}.get(name, wrong)
    right = getattr(estimator, name)
    estimator.set_params(**{name: wrong})
    call(estimator.predict, task.X().value)
    estimator.set_params(**{name: right})


def store(call, estimator, task):
    return pickle.loads(pickle.dumps(estimator))


def copied(call, estimator, task):
    return copy.deepcopy(estimator)


FITS = [fit, fit, partial_fit]
PREDICTIONS = [
    *map(predict_by, ["predict", "predict_proba", "predict_log_proba"]),
    predict_top_k,
    score,
    count_work,
]
ACTIONS = [
    *PREDICTIONS * 2,
    *FITS * 2,
    fit_with_a_wrong_parameter,
    predict_with_a_wrong_parameter,
    set_params,
    set_params,
    set_weights,
    store,
    copied,
]
