"""Weights and biases that are set: predictions, training that goes on from them, and refusals."""

import pickle

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor

from ..support.digits import SETTINGS, classifier
from ..support.states import state_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 12))
CODES = np.abs(X[:, :4]).argmax(axis=1)
# What is learnt, and whether by a classifier.
TARGETS = {
    "two classes": (CODES % 2, True),
    "classes": (np.array(list("abcd"))[CODES], True),
    "labels": ((X[:, :5] > 0.3).astype(int), True),
    "a number": (X[:, 0] - X[:, 1], False),
    "numbers": (X[:, :3] @ RNG.normal(size=(3, 2)), False),
}
HASHED = {
    **{name: SETTINGS[name] for name in ("lsh", "dwta", "topk", "two layers")},
    "output": {**SETTINGS["output"], "output_density": 4},
    "tables": {**SETTINGS["output"], "output_density": 4, "n_tables": 8, "n_bits": 4},
}


def copy_weights(source, target):
    target.coefs_, target.intercepts_ = source.coefs_, source.intercepts_
    return target


def assert_same_numbers(ours, theirs):
    if ours.dtype.kind == "f":
        assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    else:
        assert_array_equal(ours, theirs)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("target", TARGETS)
def test_weights_of_scikit_learn_predict_the_same(target, activation):
    y, has_classes = TARGETS[target]
    settings = {"hidden_layer_sizes": (9, 7), "activation": activation, "max_iter": 3}
    theirs = (MLPClassifier if has_classes else MLPRegressor)(**settings, random_state=0).fit(X, y)
    ours = (LSHMLPClassifier if has_classes else LSHMLPRegressor)(**settings)
    known = {"classes": theirs.classes_} if has_classes else {}
    copy_weights(theirs, ours.partial_fit(X[:20], y[:20], **known))
    assert_same_numbers(ours.predict(X), theirs.predict(X))
    if has_classes:
        assert_same_numbers(ours.predict_proba(X), theirs.predict_proba(X))


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("settings", HASHED.values(), ids=HASHED)
def test_hashed_layers_find_exactly_until_they_are_trained(settings, kind, digits):
    data = kind(digits.few.X)
    settings = {**settings, "learning_rate": "constant", "learning_rate_init": 0.003}
    network = classifier(**settings).fit(data, digits.few.y)
    copy_weights(clone(network).set_params(random_state=1).fit(data, digits.few.y), network)
    again = pickle.loads(pickle.dumps(network))
    p, best = network.predict_proba(data), network.predict_top_k(data, 7)[0]
    work = network.count_work(data)
    assert_array_equal(again.predict_proba(data), p)
    network.set_params(predict_selection="topk")
    assert_array_equal(network.predict_proba(data), p)
    assert_array_equal(network.predict_top_k(data, 7)[0], best)
    assert network.count_work(data) == work
    for estimator in (network, again):
        estimator.set_params(predict_selection=None)
        for _ in range(3):
            estimator.partial_fit(data, digits.few.y)
        assert estimator._network.is_prepared
    assert_array_equal(again.predict_proba(data), network.predict_proba(data))
    expected = classifier(**settings, max_iter=6).fit(data, digits.few.y).score(data, digits.few.y)
    assert network.score(data, digits.few.y) > expected - 0.1


def test_outputs_alone_stay_hashed(digits):
    """Tables of the classes are made anew at once, where the last hidden layer is as it was."""
    network = classifier(**HASHED["output"], max_iter=10).fit(*digits.few)
    score, index = network.score(*digits.few), network._network.layers[-1].selection.index
    *hidden, outputs = network.coefs_
    network.coefs_ = [*hidden, outputs[:, np.roll(np.arange(10), 1)]]
    network.intercepts_ = [network.intercepts_[0], np.roll(network.intercepts_[1], 1)]
    selection = network._network.layers[-1].selection
    assert selection.is_fitted
    assert selection.index is not index
    # Of one class are now the weights, of the next one the samples.
    assert network.score(digits.few.X, (digits.few.y + 1) % 10) > score / 2


def test_layers_below_a_change_stay_hashed(digits):
    network = classifier(**HASHED["two layers"]).fit(*digits.few)
    rows = [layer.selection.index.rows for layer in network._network.layers[:2]]
    first, second, outputs = network.coefs_
    network.coefs_ = [first, 2 * second, outputs]
    below, changed, _ = (layer.selection for layer in network._network.layers)
    assert_array_equal(below.index.rows, rows[0])
    assert not changed.is_fitted
    network.partial_fit(*digits.few)
    below, changed, _ = (layer.selection for layer in network._network.layers)
    assert below.is_fitted
    assert changed.is_fitted
    assert changed.index.rows.shape == rows[1].shape


def test_layers_above_a_change_have_other_inputs(digits):
    network = classifier(**HASHED["two layers"], output_density=4).fit(*digits.few)
    network.intercepts_ = [network.intercepts_[0] + 1, *network.intercepts_[1:]]
    assert not any(layer.selection.is_fitted for layer in network._network.layers)


@pytest.mark.parametrize("solver", ["adam", "adagrad", "rowwise_adagrad", "sgd"])
def test_the_optimizer_forgets(solver, digits):
    network = classifier(density=1.0, solver=solver).fit(*digits.few)
    anew = classifier(density=1.0, solver=solver, warm_start=True, max_iter=1).fit(*digits.few)
    for estimator in (network, anew):
        copy_weights(classifier(density=1.0, random_state=3).fit(*digits.few), estimator)
    network.partial_fit(*digits.few)
    anew.fit(*digits.few)
    assert_array_equal(network.loss_, anew.loss_)


def test_training_goes_on(digits):
    good = classifier(max_iter=20).fit(*digits.train)
    network = classifier(warm_start=True, max_iter=1).fit(*digits.train)
    loss, n_seen = network.loss_, network.t_
    copy_weights(good, network)
    assert network.loss_ == loss
    assert network.t_ == n_seen
    network.fit(*digits.train)
    assert network.loss_ < loss / 2
    assert network.score(*digits.test) > 0.9


def test_progress_is_watched_anew(digits):
    """Losses of weights that are gone are not what is to be beaten."""
    settings = {"density": 1.0, "n_iter_no_change": 2, "max_iter": 30}
    network = classifier(**settings, warm_start=True).fit(*digits.few)
    first = [np.zeros_like(array) for array in network.coefs_]
    best = network.best_loss_
    network.coefs_ = first
    assert network.best_loss_ == best == min(network.loss_curve_)
    network.set_params(max_iter=6).fit(*digits.few)
    assert network.n_iter_ == 6
    assert network.loss_ > best == network.best_loss_


def test_early_stopping_keeps_what_was_set(digits):
    good = classifier(max_iter=10).fit(*digits.train)
    network = classifier(early_stopping=True, warm_start=True, max_iter=1).fit(*digits.train)
    copy_weights(good, network).set_params(solver="sgd", learning_rate_init=1.0)
    network.set_params(max_iter=2).fit(*digits.train, X_val=digits.test.X, y_val=digits.test.y)
    score = good.set_params(predict_selection="topk").score(*digits.test)
    assert network.best_validation_score_ >= score


def test_what_is_set_is_copied(digits):
    network = classifier().fit(*digits.few)
    coefs = [array.astype(float) for array in network.coefs_]
    network.coefs_ = tuple(coefs)
    before = state_of(network)
    for array in coefs:
        array[:] = np.nan
    assert state_of(network) == before
    network.intercepts_ = network.intercepts_
    assert state_of(network) == before


def test_weights_of_a_read_only_file(tmp_path, digits):
    network = classifier().fit(*digits.few)
    joblib.dump(network, tmp_path / "network")
    mapped = joblib.load(tmp_path / "network", mmap_mode="r")
    mapped.intercepts_ = [array + 1 for array in network.intercepts_]
    assert_allclose(mapped.intercepts_[0], network.intercepts_[0] + 1)


def replaced(arrays, changed):
    return [changed, *arrays[1:]]


REFUSED = {
    "nothing": lambda arrays: None,
    "a number": lambda arrays: 3,
    "a text": lambda arrays: "coefs_",
    "an array": lambda arrays: arrays[0],
    "too few": lambda arrays: arrays[:-1],
    "too many": lambda arrays: [*arrays, arrays[0]],
    "another shape": lambda arrays: replaced(arrays, arrays[0].T[:3]),
    "more dimensions": lambda arrays: replaced(arrays, arrays[0][np.newaxis]),
    "ragged": lambda arrays: replaced(arrays, [[1.0], [1.0, 2.0]]),
    "texts": lambda arrays: replaced(arrays, arrays[0].astype(str)),
    "objects": lambda arrays: replaced(arrays, np.full(arrays[0].shape, None)),
    "complex": lambda arrays: replaced(arrays, arrays[0] * 1j),
    "sparse": lambda arrays: replaced(arrays, sp.csr_array(np.atleast_2d(arrays[0]))),
    "NaN": lambda arrays: replaced(arrays, arrays[0] * np.nan),
    "infinity": lambda arrays: [*arrays[:-1], arrays[-1] + np.inf],
    "too large": lambda arrays: replaced(arrays, np.full(arrays[0].shape, 1e39)),
}


@pytest.mark.parametrize("name", ["coefs_", "intercepts_"])
@pytest.mark.parametrize("refused", REFUSED)
def test_what_is_wrong_is_refused(refused, name, digits):
    network = classifier(**HASHED["output"]).fit(*digits.few)
    before, p = state_of(network), network.predict_proba(digits.few.X)
    wrong = REFUSED[refused](getattr(network, name))
    with pytest.raises(ValueError, match=rf"^{name}"):
        setattr(network, name, wrong)
    assert state_of(network) == before
    assert_array_equal(network.predict_proba(digits.few.X), p)


@pytest.mark.parametrize("name", ["coefs_", "intercepts_"])
def test_what_is_not_fitted_has_no_shapes(name):
    with pytest.raises(NotFittedError):
        setattr(classifier(), name, [])
