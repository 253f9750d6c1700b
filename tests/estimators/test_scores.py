"""Scores of sparse targets, and of those that are not what they say."""

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor
from sklearn_lsh.estimators.scores import ScoreMixin

X = np.random.default_rng(0).normal(size=(30, 4))
Y = (X > 0).astype(int)
FORMATS = ["csr", "csc", "coo", "bsr", "dia", "lil", "dok"]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("make", [LSHMLPClassifier, LSHMLPRegressor])
def test_targets_of_all_formats(make, form):
    estimator = make(max_iter=2, random_state=0).fit(X, Y)
    score = estimator.score(X, sp.csr_array(Y).asformat(form))
    assert score == pytest.approx(estimator.score(X, Y), rel=1e-12)  # sums in another order


@pytest.mark.parametrize("form", ["csr", "csc"])
@pytest.mark.parametrize("make", [LSHMLPClassifier, LSHMLPRegressor])
def test_indices_outside_are_refused(make, form):
    estimator = make(max_iter=2, random_state=0).fit(X, Y)
    lying = sp.csr_array(Y).asformat(form)
    lying.indices[-1] = 2**31 - 1
    with pytest.raises(ValueError, match="sparse matrix y is not valid"):
        estimator.score(X, lying)


def test_scores_come_before_those_of_scikit_learn():
    for make in (LSHMLPClassifier, LSHMLPRegressor):
        assert make.score is ScoreMixin.score
