"""Labels as they come."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_lsh.memory.labels import Labels


def learn(labels, y):
    return labels.numbers_of(labels.check(y))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([3, 1, 3], [2, 1]),
        (["b", "a"], ["longer", "a"]),
        ([2.0, 1.0], [1, 5]),
        (np.array([True]), [0, 2]),
        (np.array(["x", "y"], object), np.array(["zz"])),
    ],
)
def test_numbers_are_in_the_order_of_coming(first, second):
    labels = Labels()
    numbers = np.concatenate([learn(labels, first), learn(labels, second)])
    given = [*np.asarray(first).tolist(), *np.asarray(second).tolist()]
    assert_array_equal(labels.names_of(numbers), given)
    order = list(dict.fromkeys(given))
    assert_array_equal(labels.names_of(np.arange(len(labels))), order)
    assert_array_equal(labels.sorted, sorted(order))
    assert_array_equal(labels.sorted[labels.places], order)


def test_pickled_and_forgotten():
    labels = Labels()
    learn(labels, ["c", "a", "b"])
    loaded = pickle.loads(pickle.dumps(labels))
    loaded.check_stored()
    assert_array_equal(loaded.sorted, labels.sorted)
    assert_array_equal(learn(loaded, ["d", "a"]), [3, 1])
    left, renumbered = labels.without(labels.known(np.array(["a", "nothing"])))
    assert_array_equal(left.sorted, ["b", "c"])
    assert_array_equal(renumbered, [0, -1, 1])


@pytest.mark.parametrize("second", [["a"], np.array([None, 1], object), [1j]])
def test_other_kinds_are_refused(second):
    labels = Labels()
    learn(labels, [1, 2])
    with pytest.raises(TypeError, match="labels"):
        labels.check(second)


def test_integers_that_no_type_holds():
    labels = Labels()
    learn(labels, np.array([2**63 + 1], np.uint64))
    with pytest.raises(ValueError, match="cannot be told apart"):
        labels.check(np.array([-1]))
