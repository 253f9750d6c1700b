"""Fitting and predicting with the estimators: what users see of it."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification, make_regression

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor

from ..support.digits import (
    SETTINGS,
    classifier,
    each_setting,
    regressor,
)

# ---- learning


# With so few neurons hashing finds what it looks for only roughly: this is about learning at all.
LEAST_ACCURACY = {"dense": 0.9, "topk": 0.9, "output": 0.6}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("sparse", [False, True])
def test_classifies(name, sparse, digits):
    kind = sp.csr_array if sparse else np.asarray
    train, test = kind(digits.train.X), kind(digits.test.X)
    estimator = LSHMLPClassifier(**SETTINGS[name], max_iter=30, learning_rate_init=0.003)
    accuracy = estimator.fit(train, digits.train.y).score(test, digits.test.y)
    assert accuracy > LEAST_ACCURACY.get(name, 0.75)
    probabilities = estimator.predict_proba(test)
    assert probabilities.shape == (len(digits.test.y), 10)
    assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert_array_equal(probabilities.argmax(axis=1), estimator.predict(test))
    assert_allclose(estimator.predict_log_proba(test), np.log(probabilities))


@each_setting
def test_regresses(settings):
    settings = {name: value for name, value in settings.items() if name != "output_density"}
    data, y = make_regression(500, 10, n_informative=5, random_state=0)
    estimator = LSHMLPRegressor(**settings, max_iter=80, learning_rate_init=0.005)
    assert estimator.fit(data, y / y.std()).score(data, y / y.std()) > 0.9


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("solver", ["adam", "adagrad", "rowwise_adagrad", "sgd"])
def test_activations_and_solvers(activation, solver, digits):
    rate = {"adam": 0.003, "adagrad": 0.05, "rowwise_adagrad": 0.05, "sgd": 0.1}[solver]
    for selection in ("lsh", "all"):
        estimator = classifier(
            activation=activation,
            solver=solver,
            learning_rate_init=rate,
            selection=selection,
            max_iter=10,
        ).fit(*digits.train)
        assert estimator.loss_curve_[-1] < 0.7 * estimator.loss_curve_[0]


def test_poisson():
    rng = np.random.default_rng(0)
    data = rng.normal(size=(500, 5))
    y = rng.poisson(np.exp(0.5 * data[:, 0] + 0.3))
    estimator = regressor(loss="poisson", max_iter=40).fit(data, y)
    assert estimator.out_activation_ == "exp"
    predicted = estimator.predict(data)
    assert (predicted > 0).all()
    assert np.corrcoef(np.log(predicted), data[:, 0])[0, 1] > 0.85


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float32_and_float64_agree(dtype, digits):
    """Both are the same float32 numbers to the network."""
    X, y = digits.train
    data = X.astype(np.float32)
    expected = classifier().fit(data, y).predict_proba(data)
    for kind in (np.asarray, sp.csr_array):
        result = classifier().fit(kind(data.astype(dtype)), y)
        assert result.predict_proba(kind(data.astype(dtype))).dtype == np.float32
    dense = classifier().fit(data.astype(dtype), y)
    assert_array_equal(dense.predict_proba(data.astype(dtype)), expected)


@each_setting
def test_reproducible(settings, digits):
    first, second = (
        LSHMLPClassifier(**settings, max_iter=3, n_jobs=n_jobs).fit(*digits.train)
        for n_jobs in (None, 1)
    )
    assert first.loss_curve_ == second.loss_curve_
    X = digits.test.X
    assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    for a, b in zip(first.coefs_, second.coefs_, strict=True):
        assert_array_equal(a, b)


@each_setting
def test_threads(settings, digits):
    estimator = LSHMLPClassifier(**settings, max_iter=15, batch_size=32, n_jobs=2)
    assert estimator.fit(*digits.train).score(*digits.test) > 0.6
    # Predicting writes nothing that threads share.
    expected = clone(estimator).set_params(n_jobs=None).fit(*digits.train)
    alone = expected.predict_proba(digits.test.X)
    assert_allclose(expected.set_params(n_jobs=2).predict_proba(digits.test.X), alone, rtol=1e-5)


def test_predict_selection_is_exact(digits):
    """Set on a fitted estimator, it changes what is selected, not what was learnt."""
    hashed = classifier(max_iter=10).fit(*digits.train)
    exact = classifier(max_iter=10, selection="topk").fit(*digits.train)
    X = digits.test.X
    assert_array_equal(
        exact.predict_proba(X),
        exact.set_params(predict_selection="topk").predict_proba(X),
    )
    before = hashed.predict_proba(X)
    weights = [coef.copy() for coef in hashed.coefs_]
    assert not np.array_equal(before, hashed.set_params(predict_selection="topk").predict_proba(X))
    for coef, copy in zip(hashed.coefs_, weights, strict=True):
        assert_array_equal(coef, copy)
    assert_array_equal(before, hashed.set_params(predict_selection=None).predict_proba(X))


# ---- fitted attributes


@each_setting
def test_fitted_attributes(settings, digits):
    estimator = LSHMLPClassifier(**settings, max_iter=3).fit(*digits.few)
    units = [64, *np.atleast_1d(settings["hidden_layer_sizes"]), 10]
    assert [coef.shape for coef in estimator.coefs_] == list(pairwise(units))
    assert [bias.shape for bias in estimator.intercepts_] == [(n,) for n in units[1:]]
    assert {a.dtype for a in (*estimator.coefs_, *estimator.intercepts_)} == {np.dtype("f4")}
    assert estimator.n_layers_ == len(units)
    assert estimator.n_outputs_ == 10
    assert estimator.out_activation_ == "softmax"
    assert estimator.n_iter_ == 3 == len(estimator.loss_curve_)
    assert estimator.t_ == 900
    assert estimator.loss_ == estimator.loss_curve_[-1]
    assert estimator.best_loss_ == min(estimator.loss_curve_)
    assert estimator.validation_scores_ is None
    assert estimator.best_validation_score_ is None
    assert estimator.validation_loss_curve_ is None
    assert estimator.n_features_in_ == 64
    assert_array_equal(estimator.classes_, np.arange(10))


def test_weights_are_views(digits):
    estimator = classifier().fit(*digits.few)
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(estimator, name), getattr(estimator, name), strict=True):
            assert np.shares_memory(a, b)


def test_feature_names(digits):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(digits.few.X).add_prefix("pixel ")
    estimator = classifier(early_stopping=True, validation_fraction=0.2).fit(frame, digits.few.y)
    assert estimator.feature_names_in_[1] == "pixel 1"
    estimator.predict(frame)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        estimator.predict(digits.all.X)


# ---- learning rate and mini-batches


def test_inverse_scaling(digits):
    estimator = classifier(solver="sgd", learning_rate="invscaling", power_t=0.3, max_iter=4)
    estimator.fit(*digits.few)
    rate = estimator._network.optimizer.learning_rate
    assert rate == pytest.approx(0.001 / 1201**0.3)


def test_adaptive(capsys, digits):
    estimator = classifier(
        solver="sgd",
        learning_rate="adaptive",
        learning_rate_init=0.01,
        tol=10,
        n_iter_no_change=1,
        max_iter=100,
        verbose=1,
    ).fit(*digits.few)
    printed = capsys.readouterr().out
    assert "Setting learning rate to 0.002000" in printed
    assert "Learning rate too small. Stopping." in printed
    assert estimator._network.optimizer.learning_rate < 1e-6


@pytest.mark.parametrize("solver", ["adam", "adagrad", "rowwise_adagrad"])
def test_schedules_are_for_sgd_only(solver, digits):
    curves = [
        classifier(solver=solver, learning_rate=name, tol=10, n_iter_no_change=2, max_iter=20)
        .fit(*digits.few)
        .loss_curve_
        for name in ("constant", "invscaling", "adaptive")
    ]
    assert curves[0] == curves[1] == curves[2]


@pytest.mark.parametrize("solver", ["adam", "adagrad", "rowwise_adagrad", "sgd"])
def test_linear_schedule(solver, digits):
    rates = []

    class Watch:
        def setup(self, estimator, context):
            pass

        teardown = on_fit_task_begin = setup

        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            if context.task_name == "epoch":
                rates.append(fitted_estimator._network.optimizer.learning_rate)

    estimator = classifier(solver=solver, learning_rate="linear", max_iter=4, warm_start=True)
    estimator.set_callbacks(Watch())
    for _ in range(2):  # each fit starts anew
        estimator.fit(*digits.few)
    assert rates == pytest.approx([0.00075, 0.0005, 0.00025, 0] * 2)


def test_linear_schedule_falls_with_each_batch(monkeypatch, digits):
    from sklearn_lsh.network.optimizers import Adam

    rates, compute = [], Adam.coefficients

    def watch(self):
        rates.append(self.learning_rate)
        return compute(self)

    monkeypatch.setattr(Adam, "coefficients", watch)
    classifier(learning_rate="linear", max_iter=2, batch_size=100).fit(*digits.few)
    np.testing.assert_allclose(rates, 0.001 * np.linspace(1, 0, 7)[:-1], rtol=1e-6)
    rates.clear()
    classifier(max_iter=2, batch_size=100).fit(*digits.few)
    assert rates == [0.001] * 6


def test_partial_fit_has_no_linear_schedule(digits):
    with pytest.raises(ValueError, match="does not support learning_rate='linear'"):
        classifier(learning_rate="linear").partial_fit(*digits.all, classes=range(10))


def test_batch_size(digits):
    X, y = digits.all
    for n_samples, batch_size in ((300, 200), (150, 150)):
        auto = classifier().fit(X[:n_samples], y[:n_samples])
        explicit = classifier(batch_size=batch_size).fit(X[:n_samples], y[:n_samples])
        assert auto.loss_curve_ == explicit.loss_curve_
    with pytest.warns(UserWarning, match=r"batch_size=500 is larger than .* 300: it is clipped"):
        clipped = classifier(batch_size=500).fit(*digits.few)
    assert clipped.loss_curve_ == classifier(batch_size=300).fit(*digits.few).loss_curve_


# ---- weights


@pytest.mark.parametrize("settings", [{}, {"output_density": 0.5}, {"selection": "all"}])
def test_class_weight_is_sample_weight(settings, digits):
    weights = {3: 2.0, 4: 0.5}
    by_class = classifier(class_weight=weights, **settings).fit(*digits.few)
    of_sample = np.array([weights.get(label, 1.0) for label in digits.few.y])
    by_sample = classifier(**settings).fit(*digits.few, of_sample)
    assert by_class.loss_curve_ == by_sample.loss_curve_
    both = classifier(class_weight=weights, **settings).fit(*digits.few, of_sample)
    squared = classifier(**settings).fit(*digits.few, of_sample**2)
    assert_allclose(both.loss_curve_, squared.loss_curve_, rtol=1e-6)


def test_balanced_class_weight(digits):
    X, y = digits.few
    y = np.where(y == 3, "three", "other")
    counts = {name: (y == name).sum() for name in ("three", "other")}
    balanced = classifier(class_weight="balanced").fit(X, y)
    explicit = classifier(class_weight={name: 150 / n for name, n in counts.items()}).fit(X, y)
    assert_allclose(balanced.loss_curve_, explicit.loss_curve_, rtol=1e-6)


def test_class_weight_in_partial_fit(digits):
    estimator = classifier(class_weight={"three": 5.0})
    X, y = digits.few
    y = np.where(y == 3, "three", "other")
    other = classifier().partial_fit(X, y, np.where(y == "three", 5.0, 1.0), ["three", "other"])
    # The second batch lacks a class.
    estimator.partial_fit(X, y, classes=["three", "other"])
    assert estimator.loss_ == pytest.approx(other.loss_)
    estimator.partial_fit(X[y == "other"], y[y == "other"])


@pytest.mark.parametrize("make", [classifier, regressor])
@pytest.mark.parametrize("settings", [{}, {"selection": "all"}, {"solver": "sgd"}])
def test_weights_of_one_change_nothing(make, settings, digits):
    plain = make(**settings).fit(*digits.few)
    ones = make(**settings).fit(*digits.few, np.ones(300))
    assert_allclose(plain.loss_curve_, ones.loss_curve_, rtol=1e-5)


@pytest.mark.parametrize("make", [classifier, regressor])
def test_weight_zero_leaves_a_sample_out(make, digits):
    """In X it still counts for nothing but the classes there are."""
    X, y = digits.few
    weight = np.repeat([1.0, 0.0], 150)
    junk = np.r_[y[:150], np.arange(150) % 10]
    weighted = make().fit(np.r_[X[:150], 1000 * X[150:300]], junk, weight)
    short = make().fit(X[:150], y[:150])
    assert_allclose(weighted.loss_curve_, short.loss_curve_, rtol=1e-5)
    assert weighted.t_ == short.t_


# ---- kinds of y


def test_string_classes(digits):
    X, y = digits.all
    names = np.array([f"digit {n}" for n in range(10)])
    expected = classifier(max_iter=10).fit(X, y).predict(X)
    for labels in (names[y], names[y].astype(object), names[y].tolist()):
        estimator = classifier(max_iter=10).fit(X, labels)
        assert_array_equal(estimator.classes_, names)
        assert estimator.score(X, labels) > 0.7
        assert_array_equal(estimator.predict(X), names[expected])


@pytest.mark.parametrize("labels", [[False, True], [-1, 1], ["no", "yes"], [2.0, 5.0]])
def test_binary(labels, digits):
    labels = np.array(labels)
    X = digits.all.X
    y = labels[digits.all.y % 2]
    estimator = classifier(max_iter=15).fit(digits.train.X, labels[digits.train.y % 2])
    assert estimator.n_outputs_ == 1
    assert estimator.out_activation_ == "logistic"
    assert estimator.score(X, y) > 0.85
    probabilities = estimator.predict_proba(X)
    assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    assert_array_equal(labels[(probabilities[:, 1] > 0.5).astype(int)], estimator.predict(X))


@pytest.mark.parametrize("settings", [{}, {"output_density": 0.6}])
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array, sp.csr_matrix])
def test_multi_label(settings, kind):
    data, y = make_multilabel_classification(500, n_classes=8, random_state=0)
    data /= data.max()
    estimator = classifier(max_iter=60, learning_rate_init=0.01, **settings).fit(data, kind(y))
    predicted = estimator.predict(data)
    assert type(predicted) is type(kind(y))
    assert predicted.shape == y.shape
    dense = predicted if kind is np.asarray else predicted.toarray()
    assert set(np.unique(dense)) == {0, 1}
    assert (dense == y).mean() > 0.8
    probabilities = estimator.predict_proba(data)
    assert_array_equal(probabilities > 0.5, dense)
    assert 0 < estimator.score(data, kind(y)) == (dense == y).all(axis=1).mean()
    assert estimator.out_activation_ == "logistic"
    assert_array_equal(estimator.classes_, np.arange(8))
    same = classifier(max_iter=60, learning_rate_init=0.01, **settings).fit(data, y)
    assert same.loss_curve_ == estimator.loss_curve_


def test_multi_label_partial_fit():
    data, y = make_multilabel_classification(200, n_classes=5, random_state=0)
    estimator = classifier().partial_fit(data, sp.csr_array(y))
    estimator.partial_fit(data, sp.csr_array(y), classes=np.arange(5))
    assert estimator.predict(data).shape == (200, 5)


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
def test_multi_output(kind):
    data, y = make_regression(400, 10, n_targets=3, random_state=0)
    y /= y.std(axis=0)
    estimator = regressor(max_iter=80, learning_rate_init=0.01, tol=0).fit(data, kind(y))
    assert estimator.n_outputs_ == 3
    assert estimator.predict(data).shape == (400, 3)
    assert estimator.score(data, y) > 0.8
    stopped = regressor(early_stopping=True).fit(data, kind(y))
    assert len(stopped.validation_scores_) == 3


def test_many_classes():
    """More classes than are dense by default, on rows that tell them apart."""
    n_classes = 3_000
    rng = np.random.default_rng(0)
    y = np.arange(2 * n_classes) % n_classes
    indices = np.c_[y % 50, 50 + y // 50, rng.integers(110, 120, len(y))]
    data = sp.csr_array(
        (np.ones(indices.size), indices.ravel(), np.arange(0, indices.size + 1, 3)),
        shape=(len(y), 120),
    )
    names = np.array([f"class {n:05d}" for n in range(n_classes)])
    estimator = LSHMLPClassifier((64,), max_iter=3, random_state=0).fit(data, names[y])
    assert estimator._description["n_active"] == [None, 512]
    assert estimator.score(data, names[y]) > 0.2
    again = LSHMLPClassifier((64,), max_iter=3, random_state=0, early_stopping=True)
    assert again.fit(data, names[y]).validation_scores_[-1] > 0.05
