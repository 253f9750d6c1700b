"""What an estimator does for new classes; `behaviour/test_new_classes.py` has what comes of it."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.estimators.growth import starts_like_new_ones, take_in
from sklearn_lsh.estimators.targets import BinaryTarget, MultiClassTarget, MultiLabelTarget


def stand_in(target, is_closed=False):
    return SimpleNamespace(_target=target, _is_closed=is_closed, classes_=target.classes)


def test_targets_take_in_what_is_new():
    estimator = stand_in(BinaryTarget(np.array([3, 5])))
    assert take_in(estimator, np.array([5, 3]), None) is estimator._target
    grown = take_in(estimator, np.array([4, 3]), None)
    assert isinstance(grown, MultiClassTarget)
    assert_array_equal(grown.classes, [3, 4, 5])
    assert estimator.classes_ is grown.classes
    labels = stand_in(MultiLabelTarget(np.eye(3, dtype=int)))
    assert take_in(labels, np.eye(3, dtype=int), None) is labels._target
    assert take_in(labels, np.eye(4, dtype=int), None).n_outputs == 4
    assert labels._target.n_outputs == 3


@pytest.mark.parametrize(("is_closed", "classes"), [(True, None), (False, [3, 5])])
def test_named_classes_are_all(is_closed, classes):
    estimator = stand_in(BinaryTarget(np.array([3, 5])), is_closed)
    with pytest.raises(ValueError, match=r"classes not in `self.classes_`: \[4\]"):
        take_in(estimator, np.array([4, 3]), classes)
    assert_array_equal(estimator.classes_, [3, 5])


def test_who_starts_like_new_ones():
    many = MultiClassTarget(np.arange(3))
    assert starts_like_new_ones(stand_in(many))
    assert not starts_like_new_ones(stand_in(many, is_closed=True))
    assert not starts_like_new_ones(stand_in(MultiLabelTarget(np.eye(3, dtype=int))))


def test_moments_of_many_epochs_are_forgotten():
    X = np.random.default_rng(0).normal(size=(60, 5))
    y = np.arange(60) % 5
    for max_iter, n_steps in ((1, 3), (3, 2)):
        network = LSHMLPClassifier((8,), max_iter=max_iter, batch_size=36, random_state=0)
        network.fit(X[y < 3], y[y < 3], sample_weight=None)
        network.partial_fit(X, y)
        assert network._network.optimizer.n_steps == n_steps
