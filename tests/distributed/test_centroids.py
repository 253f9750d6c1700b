"""Sums of parts of the data come to the centroids of all of them."""

import copy
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_info, threadpool_limits

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.distributed.centroids import add_sums, sum_classes
from sklearn_lsh.distributed.replicas import Assignment, Common, bare, head_of
from sklearn_lsh.network.centroids import CentroidSums
from sklearn_lsh.streaming import ArrayBlocks

X, Y = load_digits(return_X_y=True)
WEIGHT = np.random.default_rng(0).integers(0, 4, len(X)).astype(float)
INDICATORS = np.eye(10, dtype=int)[Y] | np.eye(10, dtype=int)[(Y + X[:, 20].astype(int)) % 10]


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["all alike", "weighted"])
@pytest.mark.parametrize("y", [Y, INDICATORS], ids=["classes", "labels"])
def test_parts_come_to_the_whole(y, weight):
    network = LSHMLPClassifier((20,), output_density=4, max_iter=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network.fit(X, y)
    source = ArrayBlocks(X, y, weight, block_size=200)
    common = Common(bare(network), source, batch_size=10)
    whole, parts = network._network, copy.deepcopy(network._network)
    data = network._training_set(X, y, None if weight is None else weight.astype(np.float32))
    whole.start_at_centroids(data.X, data.target, data.sample_weight, data.rows)
    total = None
    for blocks in ((4, 0, 8), (1,), (7, 2, 3, 5, 6)):
        job = Assignment(0, 0, 0, 0, blocks)
        total = add_sums(total, sum_classes(common, head_of(parts), parts.layers, job))
    total.start(parts)
    ours, theirs = parts.layers[-1].weights, whole.layers[-1].weights
    np.testing.assert_allclose(ours.rows, theirs.rows, atol=1e-4)
    np.testing.assert_allclose(ours.bias, theirs.bias, atol=1e-4)


def test_products_have_one_thread(monkeypatch):
    """Or sums would depend on how many a worker has."""
    network = LSHMLPClassifier((20,), output_density=4, max_iter=1, tol=1e9, random_state=0)
    network.fit(X, Y)
    n_threads = []

    def note(self, *rows):
        blas = (each for each in threadpool_info() if each["user_api"] == "blas")
        n_threads.extend(each["num_threads"] for each in blas)

    monkeypatch.setattr(CentroidSums, "add", note)
    common = Common(bare(network), ArrayBlocks(X, Y, block_size=200), batch_size=10)
    layers = network._network.layers
    with threadpool_limits(2):
        sum_classes(common, head_of(network._network), layers, Assignment(0, 0, 0, 0, (0,)))
    assert set(n_threads) == {1}
