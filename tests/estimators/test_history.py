"""The record of training, and the watch for progress."""

import numpy as np
import pytest

from sklearn_lsh.estimators.history import History
from sklearn_lsh.estimators.stopping import Plateau


def test_plateau():
    plateau = Plateau()
    values = [0.0, 0.1, 0.11, 0.05, 0.3, np.nan]
    assert [plateau.update(value, tol=0.05) for value in values] == [1, 1, 1, 0, 1, 0]
    assert plateau.best == 0.3
    # What is not a number is not less than the best plus the tolerance, as in scikit-learn.
    assert plateau.n_no_improvement == 0
    assert plateau.update(0.34, tol=0.05)
    assert plateau.n_no_improvement == 1


def test_before_the_first_epoch():
    history = History()
    history.begin(early_stopping=False, validates=False)
    assert history.n_iter == history.t == 0
    assert np.isnan(history.loss)
    assert history.best_loss == np.inf
    assert history.validation_scores is history.best_validation_score is None
    history.begin(early_stopping=True, validates=True)
    assert history.best_loss is None
    assert history.best_validation_score == -np.inf


def test_epochs():
    history = History()
    for n_calls in (1, 2):
        history.begin(early_stopping=False, validates=True)
        for loss, score in ((2.0, 0.5), (1.0, 0.7), (1.5, 0.6)):
            history.add_epoch(loss, n_samples=10, work=[{"layer": 0}, {"layer": 1}])
            history.add_validation(score, loss=loss / 2)
            history.update_best(tol=0)
        assert history.n_iter == 3
        assert history.t == 30 * n_calls
        assert history.loss == 1.5
        assert history.best_loss == 1
        assert history.best_validation_score == 0.7
    assert history.loss_curve == [2, 1, 1.5] * 2
    assert history.validation_loss_curve == [1, 0.5, 0.75] * 2
    # Of the last call only, lest it grows for ever.
    assert [row["epoch"] for row in history.work] == [4, 4, 5, 5, 6, 6]


@pytest.mark.parametrize("first", [False, True])
def test_another_rule_starts_anew(first):
    history = History()
    history.begin(early_stopping=first, validates=True)
    history.add_epoch(1.0, 10, [])
    history.add_validation(0.9, 1.0)
    assert history.update_best(tol=0)
    history.begin(early_stopping=first, validates=True)
    assert history.plateau.best == (0.9 if first else -1.0)
    history.begin(early_stopping=not first, validates=True)
    assert history.plateau.best == -np.inf
    assert history.loss_curve == [1.0]
