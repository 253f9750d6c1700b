"""Labels of classes: found, joined and refused. `test_bad_input` has what users see of it."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_lsh.estimators.labels import (
    encode_labels,
    join_labels,
    new_labels,
    refuse_new_labels,
)


def test_new_labels_are_those_that_are_not_known():
    known = np.array(["b", "d"])
    assert new_labels(np.array(["d", "c", "abc", "c"]), known).tolist() == ["abc", "c"]
    assert new_labels(np.array(["d"]), known).size == 0
    assert new_labels(np.array([[0, 1]]), np.arange(2)).size == 0
    assert new_labels(np.array([3.0, 7.0]), np.array([3])).tolist() == [7]


@pytest.mark.parametrize(
    ("y", "message"), [(["a"], "another kind"), ([0.5, 1], "Unknown label type: continuous")]
)
def test_new_labels_of_other_kinds_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        new_labels(np.array(y), np.arange(3))


def test_joined_labels_are_sorted():
    joined = join_labels(np.array(["b", "d"]), np.array(["abc", "c"]))
    assert joined.tolist() == ["abc", "b", "c", "d"]
    assert_array_equal(encode_labels(np.array(["d", "abc"]), joined), [3, 0])
    with pytest.raises(ValueError, match="cannot be told apart"):
        join_labels(np.array([-1]), np.array([2**64 - 1], np.uint64))
    assert join_labels(np.array([-1.5]), np.array([2], np.uint64)).tolist() == [-1.5, 2]


def test_refused_labels_are_named():
    with pytest.raises(ValueError, match=r"self.classes_`: \[3 4\] \(2 in all\).*Leave it out"):
        refuse_new_labels(np.arange(5), np.arange(3))
