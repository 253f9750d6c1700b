"""Splits that leave every class a sample to be learnt from."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_lsh.datasets import split_keeping_classes


def test_split_keeps_classes():
    y = np.repeat(np.arange(100), np.arange(100) % 4 + 1)
    train, test = split_keeping_classes(y, test_size=0.3, random_state=0)
    assert len(test) == int(0.3 * len(y))
    assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(len(y)))
    assert set(y[train]) == set(y)
    again = split_keeping_classes(y, test_size=0.3, random_state=0)
    assert_array_equal(again[1], test)


def test_split_of_single_samples_holds_nothing_out():
    train, test = split_keeping_classes(list("abc"), test_size=0.5)
    assert_array_equal(train, [0, 1, 2])
    assert len(test) == 0


@pytest.mark.parametrize("test_size", [0, 1, -0.5, "foo", None, float("nan")])
def test_split_refuses_sizes(test_size):
    with pytest.raises(ValueError, match="test_size must be between 0 and 1"):
        split_keeping_classes([0, 1], test_size=test_size)


@pytest.mark.parametrize("y", [3, "abc", [[0], [1]], [[0], [0, 1]], None])
def test_split_refuses_what_is_no_list_of_classes(y):
    with pytest.raises(ValueError, match=r"y must have one dimension|inhomogeneous|scalar array"):
        split_keeping_classes(y)
