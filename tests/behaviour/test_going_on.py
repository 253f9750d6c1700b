"""Training that goes on (partial_fit, warm_start), is interrupted, and tells how far it is."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ..support.digits import (
    SMALL,
    X_TEST,
    X_TRAIN,
    Y_TEST,
    Y_TRAIN,
    X,
    Y,
    classifier,
    ignore_convergence,
    regressor,
)

pytestmark = ignore_convergence


def test_partial_fit():
    estimator = classifier(learning_rate_init=0.003)
    for _ in range(8):
        for batch in np.array_split(np.arange(len(X_TRAIN)), 3):
            estimator.partial_fit(X_TRAIN[batch], Y_TRAIN[batch], classes=np.arange(10))
    assert estimator.score(X_TEST, Y_TEST) > 0.7
    assert estimator.n_iter_ == 1
    assert len(estimator.loss_curve_) == 24
    assert estimator.t_ == 8 * len(X_TRAIN)
    assert_array_equal(estimator.classes_, np.arange(10))


def test_partial_fit_is_an_epoch_of_fit():
    whole = regressor(max_iter=3, shuffle=False).fit(X[SMALL], Y[SMALL])
    steps = regressor(shuffle=False)
    for _ in range(3):
        steps.partial_fit(X[SMALL], Y[SMALL])
    assert_allclose(steps.loss_curve_, whole.loss_curve_, rtol=1e-6)


def test_partial_fit_goes_on_after_fit():
    estimator = classifier().fit(X[SMALL], Y[SMALL])
    loss = estimator.loss_
    assert estimator.partial_fit(X[SMALL], Y[SMALL]).loss_ < loss
    assert len(estimator.loss_curve_) == 4
    assert len(estimator.fit(X[SMALL], Y[SMALL]).loss_curve_) == 3


def test_warm_start():
    estimator = classifier(warm_start=True, max_iter=3).fit(X[SMALL], Y[SMALL])
    first = estimator.loss_curve_[-1]
    estimator.fit(X[SMALL], Y[SMALL])
    assert len(estimator.loss_curve_) == 6
    assert estimator.loss_curve_[3] < first
    assert estimator.n_iter_ == 3
    assert estimator.t_ == 1800
    estimator.set_params(warm_start=False).fit(X[SMALL], Y[SMALL])
    assert len(estimator.loss_curve_) == 3


def test_warm_start_keeps_the_best_weights():
    estimator = classifier(warm_start=True, early_stopping=True, max_iter=8)
    validation = {"X_val": X_TEST, "y_val": Y_TEST}
    best = estimator.fit(X_TRAIN, Y_TRAIN, **validation).best_validation_score_
    estimator.set_params(learning_rate_init=10.0, max_iter=2).fit(X_TRAIN, Y_TRAIN, **validation)
    assert max(estimator.validation_scores_[8:]) < best == estimator.best_validation_score_
    assert estimator.score(X_TEST, Y_TEST) == pytest.approx(best)


def test_warm_start_cannot_change_the_network():
    estimator = classifier(warm_start=True).fit(X[SMALL], Y[SMALL])
    with pytest.raises(ValueError, match=r"would: n_active=\[32, None\], n_tables=3 in place of"):
        estimator.set_params(density=0.5, n_tables=3).fit(X[SMALL], Y[SMALL])
    estimator.set_params(density=16, n_tables="auto").fit(X[SMALL], Y[SMALL])


@pytest.mark.parametrize("early_stopping", [False, True])
def test_interrupted(monkeypatch, early_stopping):
    from sklearn_lsh.network import Network

    train_epoch = Network.train_epoch

    def interrupt(self, *args):
        loss = train_epoch(self, *args)
        if len(estimator.loss_curve_) == 2:
            raise KeyboardInterrupt
        return loss

    monkeypatch.setattr(Network, "train_epoch", interrupt)
    estimator = classifier(max_iter=10, learning_rate_init=0.01, early_stopping=early_stopping)
    with pytest.warns(UserWarning, match=r"interrupted by user: what was learnt so far is kept"):
        estimator.fit(X_TRAIN, Y_TRAIN)
    assert estimator.n_iter_ == 2
    assert estimator.score(X_TEST, Y_TEST) > 0.3


@pytest.mark.filterwarnings("ignore:Training interrupted")
def test_interrupted_in_the_first_epoch(monkeypatch):
    from sklearn_lsh.network import Network

    train_epoch = Network.train_epoch

    def interrupt(self, *args):
        train_epoch(self, *args)
        raise KeyboardInterrupt

    monkeypatch.setattr(Network, "train_epoch", interrupt)
    estimator = classifier().fit(X[SMALL], Y[SMALL])
    assert estimator.n_iter_ == 0
    assert estimator.predict(X[SMALL]).shape == (300,)


def test_verbose(capsys):
    classifier(max_iter=2).fit(X[SMALL], Y[SMALL])
    assert capsys.readouterr().out == ""
    classifier(max_iter=2, verbose=True).fit(X[SMALL], Y[SMALL], X_val=X[SMALL], y_val=Y[SMALL])
    lines = capsys.readouterr().out.splitlines()
    pattern = r"Iteration \d, loss = \d\.\d{8}, [\d,]+ samples/s, validation score = 0\.\d{6}"
    assert [bool(re.fullmatch(pattern, line)) for line in lines] == [True, True]
