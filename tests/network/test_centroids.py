"""Centroids of rows that come part by part are those of all of them."""

import copy

import numpy as np
import pytest

from sklearn_lsh.network.centroids import CentroidSums

from ..support.selections import N_SAMPLES, make_selected


@pytest.mark.parametrize("weighted", [False, True])
def test_parts_come_to_the_whole(clustered, weighted):
    X, target = clustered
    rng = np.random.default_rng(0)
    weight = rng.uniform(0.5, 3, N_SAMPLES).astype(np.float32) if weighted else None
    whole = make_selected(X, "topk")
    parts = copy.deepcopy(whole)
    whole.start_at_centroids(X, target, weight)
    first, second = CentroidSums(parts), CentroidSums(parts)
    for sums, rows in ((first, range(0, 90)), (second, range(90, 91)), (first, range(91, 600))):
        sums.add(X, target, weight, np.arange(N_SAMPLES)[rows.start : rows.stop])
    both = first.joined(second)
    assert (both.n_rows, second.n_rows) == (N_SAMPLES, 1)
    both.start(parts)
    ours, theirs = parts.layers[-1].weights, whole.layers[-1].weights
    np.testing.assert_allclose(ours.rows, theirs.rows, atol=1e-4)
    np.testing.assert_allclose(ours.bias, theirs.bias, atol=1e-4)
