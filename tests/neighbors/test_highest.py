"""The highest scores, part by part, against sorting all."""

import numpy as np
import pytest

from sklearn_lsh import kernels
from sklearn_lsh.neighbors.highest import Highest


@pytest.mark.parametrize("n_rows", [0, 2, 7, 40])
def test_highest_of_parts_are_those_of_all(n_rows):
    n_queries, n_best = 5, 3
    scores = np.random.default_rng(0).normal(size=(n_queries, n_rows)).astype(np.float32)
    highest = Highest.with_room(n_queries, n_best)
    for start in range(0, n_rows, 6):
        part = np.ascontiguousarray(scores[:, start : start + 6])
        nothing = np.zeros(part.shape[1], np.float32)
        kernels.keep_highest(part, nothing, start, n_best, highest)
    indices, found = highest.cut(n_best)
    wanted = np.full((n_queries, n_best), -np.inf, np.float32)
    wanted[:, :n_rows] = -np.sort(-scores, axis=1)[:, :n_best]
    np.testing.assert_array_equal(-np.sort(-found, axis=1), wanted)
    is_there = found > -np.inf
    of_rows = np.take_along_axis(scores, indices.astype(int), axis=1) if n_rows else found
    np.testing.assert_array_equal(of_rows[is_there], found[is_there])
