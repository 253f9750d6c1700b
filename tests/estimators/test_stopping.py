"""When a fit ends: without progress, or by a validation set."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import get_scorer

from ..support.digits import (
    classifier,
    regressor,
)


def test_convergence_warning(digits):
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(2\) reached"):
        classifier(max_iter=2).fit(*digits.few)


@pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["adam", "adagrad", "rowwise_adagrad", "sgd"])
def test_stops_without_progress(solver, capsys, digits):
    """With an unreachable tolerance every epoch but the first is one without progress."""
    estimator = classifier(solver=solver, max_iter=50, tol=10, n_iter_no_change=4, verbose=True)
    estimator.fit(*digits.few)
    assert estimator.n_iter_ == 6
    assert "Training loss did not improve more than tol=10" in capsys.readouterr().out


def test_never_stops(digits):
    estimator = classifier(max_iter=15, tol=10, n_iter_no_change=np.inf).fit(*digits.few)
    assert estimator.n_iter_ == 15


@pytest.mark.parametrize("scoring", [None, "loss", "neg_log_loss", get_scorer("f1_macro")])
def test_early_stopping(scoring, digits):
    estimator = classifier(
        early_stopping=True, max_iter=100, n_iter_no_change=3, tol=1e-2, scoring=scoring
    ).fit(*digits.train)
    scores = estimator.validation_scores_
    assert len(scores) == len(estimator.validation_loss_curve_) == estimator.n_iter_ < 100
    assert estimator.best_validation_score_ == max(scores)
    assert estimator.best_loss_ is None
    # The training rows are what is left.
    assert estimator.t_ == estimator.n_iter_ * (len(digits.train.y) - 135)
    if scoring == "loss":
        assert_allclose(scores, -np.array(estimator.validation_loss_curve_))


@pytest.mark.parametrize("make", [classifier, regressor])
def test_best_weights_come_back(make, digits):
    """Not those of the last epoch, but those of the best one, which is the second here."""
    scores = iter([0.1, 0.9, 0.5, 0.9, 0.3, 0.2])
    estimator = make(early_stopping=True, max_iter=6, scoring=lambda *_: next(scores))
    estimator.fit(*digits.train, X_val=digits.test.X, y_val=digits.test.y)
    assert estimator.best_validation_score_ == 0.9
    assert estimator.validation_scores_ == [0.1, 0.9, 0.5, 0.9, 0.3, 0.2]
    two_epochs = make(max_iter=2).fit(*digits.train)
    for a, b in zip(estimator.coefs_, two_epochs.coefs_, strict=True):
        assert_array_equal(a, b)
    assert_array_equal(estimator.predict(digits.test.X), two_epochs.predict(digits.test.X))


def test_own_validation_set(digits):
    X, y = digits.test
    estimator = classifier(max_iter=5).fit(
        *digits.train, X_val=X, y_val=y, sample_weight_val=np.ones(len(y))
    )
    # Measured on, but without a say.
    plain = classifier(max_iter=5).fit(*digits.train)
    assert estimator.loss_curve_ == plain.loss_curve_
    assert estimator.best_loss_ == plain.best_loss_
    assert len(estimator.validation_scores_) == 5
    assert estimator.validation_scores_[-1] == pytest.approx(estimator.score(*digits.test))
    assert estimator.best_validation_score_ == max(estimator.validation_scores_)
    for given in ({"X_val": X}, {"y_val": y}, {"sample_weight_val": np.ones(3)}):
        with pytest.raises(ValueError, match=r"_val is (given|not)|is given, but"):
            classifier().fit(*digits.train, **given)


def test_validation_set_is_stratified_where_it_can_be(digits):
    y = np.where(np.arange(300) < 30, 7, 0)
    seen = []
    classifier(
        early_stopping=True, scoring=lambda _, data, labels: seen.append(labels.mean()) or 0.0
    ).fit(digits.few.X, y)
    assert seen[0] == pytest.approx(0.7)
    # A class with a single row cannot be on both sides.
    y = y.copy()
    y[0] = 9
    assert classifier(early_stopping=True).fit(digits.few.X, y).n_iter_ == 3


def test_validation_set_too_small(digits):
    X, y = (array[:50] for array in digits.all)
    for fraction in (0.0, 0.01):
        with pytest.raises(ValueError, match="validation set is too small"):
            classifier(early_stopping=True, validation_fraction=fraction).fit(X, y)


def test_partial_fit_does_not_stop_early(digits):
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        classifier(early_stopping=True).partial_fit(*digits.all, classes=range(10))
