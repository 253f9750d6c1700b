"""How neighbours vote."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_lsh.memory.slots import NONE, Found
from sklearn_lsh.memory.votes import rank_labels, table_of, weights_of

FOUND = Found(
    np.array([[4, 1, 2, 7], [3, 0, NONE, NONE]], np.int32),
    np.array([[5, 2, 2, 0], [1, 1, NONE, NONE]], np.int32),
    np.array([[0.9, 0.8, 0.8, -0.5], [0.1, 0.0, -np.inf, -np.inf]], np.float32),
)


def test_weights_are_a_softmax():
    weights = weights_of(FOUND, 10.0)
    exponentials = np.exp(10 * FOUND.scores.astype(float))
    assert_allclose(weights, exponentials / exponentials.sum(axis=1, keepdims=True), rtol=1e-6)


def test_labels_are_ranked_by_their_sums():
    labels, weights = rank_labels(FOUND, 5.0)
    first = np.exp(5 * np.array([0.9, 0.8, 0.8, -0.5]))
    first /= first.sum()
    # Two neighbours of label 2 outvote the nearest.
    assert_array_equal(labels, [[2, 5, 0, NONE], [1, NONE, NONE, NONE]])
    assert_allclose(weights[0], [first[1] + first[2], first[0], first[3], 0], rtol=1e-5)
    assert_allclose(weights[1], [1, 0, 0, 0], rtol=1e-5)
    assert rank_labels(FOUND, 50.0)[0][0, 0] == 5


def test_nothing_found():
    nothing = Found(
        *(np.full((2, 3), NONE, np.int32) for _ in range(2)), np.full((2, 3), -np.inf, "f4")
    )
    labels, weights = rank_labels(nothing, 5.0)
    assert (labels == NONE).all()
    assert (weights == 0).all()


def test_table_has_a_column_for_each_label():
    places = np.array([5, 0, 3, 1, 2, 4])
    table = table_of(FOUND, 5.0, places)
    labels, weights = rank_labels(FOUND, 5.0)
    assert table.shape == (2, 6)
    assert_allclose(table.sum(axis=1), 1)
    for row in range(2):
        for label, weight in zip(labels[row], weights[row], strict=True):
            if label != NONE:
                assert_allclose(table[row, places[label]], weight)
