"""Training that goes on (partial_fit, warm_start), is interrupted, and tells how far it is."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ..support.digits import (
    classifier,
    regressor,
)


def test_partial_fit(digits):
    X, y = digits.train
    estimator = classifier(learning_rate_init=0.003)
    for _ in range(8):
        for batch in np.array_split(np.arange(len(X)), 3):
            estimator.partial_fit(X[batch], y[batch], classes=np.arange(10))
    assert estimator.score(*digits.test) > 0.7
    assert estimator.n_iter_ == 1
    assert len(estimator.loss_curve_) == 24
    assert estimator.t_ == 8 * len(X)
    assert_array_equal(estimator.classes_, np.arange(10))


def test_partial_fit_is_an_epoch_of_fit(digits):
    whole = regressor(max_iter=3, shuffle=False).fit(*digits.few)
    steps = regressor(shuffle=False)
    for _ in range(3):
        steps.partial_fit(*digits.few)
    assert_allclose(steps.loss_curve_, whole.loss_curve_, rtol=1e-6)


def test_partial_fit_goes_on_after_fit(digits):
    estimator = classifier().fit(*digits.few)
    loss = estimator.loss_
    assert estimator.partial_fit(*digits.few).loss_ < loss
    assert len(estimator.loss_curve_) == 4
    assert len(estimator.fit(*digits.few).loss_curve_) == 3


def test_warm_start(digits):
    estimator = classifier(warm_start=True, max_iter=3).fit(*digits.few)
    first = estimator.loss_curve_[-1]
    estimator.fit(*digits.few)
    assert len(estimator.loss_curve_) == 6
    assert estimator.loss_curve_[3] < first
    assert estimator.n_iter_ == 3
    assert estimator.t_ == 1800
    estimator.set_params(warm_start=False).fit(*digits.few)
    assert len(estimator.loss_curve_) == 3


def test_warm_start_keeps_the_best_weights(digits):
    estimator = classifier(warm_start=True, early_stopping=True, max_iter=8)
    validation = {"X_val": digits.test.X, "y_val": digits.test.y}
    best = estimator.fit(*digits.train, **validation).best_validation_score_
    estimator.set_params(learning_rate_init=10.0, max_iter=2).fit(*digits.train, **validation)
    assert max(estimator.validation_scores_[8:]) < best == estimator.best_validation_score_
    assert estimator.score(*digits.test) == pytest.approx(best)


def test_warm_start_cannot_change_the_network(digits):
    estimator = classifier(warm_start=True).fit(*digits.few)
    with pytest.raises(ValueError, match=r"would: n_active=\[32, None\], n_tables=3 in place of"):
        estimator.set_params(density=0.5, n_tables=3).fit(*digits.few)
    estimator.set_params(density=16, n_tables="auto").fit(*digits.few)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_interrupted(monkeypatch, early_stopping, digits):
    from sklearn_lsh.network import Network

    train_epoch = Network.train_epoch

    losses = []

    def interrupt(self, *args, **stop):
        if len(losses) == 2:
            raise KeyboardInterrupt
        losses.append(train_epoch(self, *args, **stop))
        return losses[-1]

    monkeypatch.setattr(Network, "train_epoch", interrupt)
    estimator = classifier(max_iter=10, learning_rate_init=0.01, early_stopping=early_stopping)
    with pytest.warns(UserWarning, match=r"interrupted by user: what was learnt so far is kept"):
        estimator.fit(*digits.train)
    assert estimator.n_iter_ == 2
    assert estimator.score(*digits.test) > 0.3


@pytest.mark.filterwarnings("ignore:Training interrupted")
def test_interrupted_in_the_first_epoch(monkeypatch, digits):
    from sklearn_lsh.network import Network

    train_epoch = Network.train_epoch

    def interrupt(self, *args, **stop):
        train_epoch(self, *args, **stop)
        raise KeyboardInterrupt

    monkeypatch.setattr(Network, "train_epoch", interrupt)
    estimator = classifier().fit(*digits.few)
    assert estimator.n_iter_ == 0
    assert estimator.predict(digits.few.X).shape == (300,)


def test_verbose(capsys, digits):
    classifier(max_iter=2).fit(*digits.few)
    assert capsys.readouterr().out == ""
    classifier(max_iter=2, verbose=True).fit(*digits.few, X_val=digits.few.X, y_val=digits.few.y)
    automatic, *lines = capsys.readouterr().out.splitlines()
    assert automatic.startswith("Automatic: ")
    pattern = r"Iteration \d, loss = \d\.\d{8}, [\d,]+ samples/s, validation score = 0\.\d{6}"
    assert [bool(re.fullmatch(pattern, line)) for line in lines] == [True, True]
