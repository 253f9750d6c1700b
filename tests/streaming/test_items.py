"""Next items that are made up: what they are a function of, and that nobody knows them better."""

import numpy as np
import pytest

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.streaming import NextItems
from sklearn_lsh.streaming.made_up import MadeUpBlocks, zipf_ranks


def test_a_block_is_a_function_of_seed_and_number():
    source, again = NextItems(5000, block_size=1000), NextItems(9000, block_size=1000)
    assert isinstance(source, MadeUpBlocks)
    (X, y), (other, labels) = source.read(3), again.read(3)
    assert (other != X).nnz == 0
    np.testing.assert_array_equal(y, labels)
    for changed in (NextItems(5000, block_size=1000, seed=1), source):
        assert (changed.read(2)[0] != X).nnz > 0
    (shifted, _) = NextItems(5000, block_size=1000, first_block=2).read(1)
    assert (shifted != X).nnz == 0


def test_shapes():
    source = NextItems(2500, n_items=300, n_features=2**10, block_size=1000)
    assert [X.shape for X, _ in source] == [(1000, 2**10), (1000, 2**10), (500, 2**10)]
    X, y = source.read(0)
    assert X.has_canonical_format
    np.testing.assert_array_equal(X.sum(axis=1), 2)
    assert source.classes.tolist() == list(range(300))
    assert set(y) <= set(source.classes)


@pytest.mark.parametrize("n_items", [1, 2, 30, 1000])
def test_each_item_follows_one(n_items):
    source = NextItems(10, n_items=n_items)
    assert sorted(source._follower(source.classes)) == source.classes.tolist()


@pytest.mark.parametrize("n_items", [20, 1_000_000])
def test_the_teacher_knows_how_likely_the_likeliest_is(n_items):
    source = NextItems(100_000, n_items=n_items, block_size=100_000)
    seen, y = source._draw(0)
    p = source.probabilities(0)
    hits = y == source._follower(seen[:, 0])
    assert abs((hits - p).sum() / np.sqrt((p * (1 - p)).sum())) < 4
    for of_seen in (seen[:, 0] == seen[:, 1], seen[:, 0] != seen[:, 1]):
        part = hits[of_seen], p[of_seen]
        error = (part[0] - part[1]).sum() / np.sqrt((part[1] * (1 - part[1])).sum())
        assert abs(error) < 4


def test_ranks_follow_zipfs_law():
    u = np.random.default_rng(0).random(100_000, dtype=np.float32)
    ranks = zipf_ranks(u, 5000)
    assert ranks.min() == 0
    assert ranks.max() <= 4999
    for k in (1, 2, 10, 1000):
        share = np.log(k + 1) / np.log(5001)
        assert abs((ranks < k).mean() - share) < 5 * np.sqrt(share * (1 - share) / 1e5)


def test_they_are_learnt():
    source = NextItems(40_000, n_items=300, n_features=2**10, block_size=4000)
    test = NextItems(4000, n_items=300, n_features=2**10, block_size=4000, first_block=1000)
    network = LSHMLPClassifier((64,), learning_rate_init=0.01, max_iter=2, tol=1, random_state=0)
    network.fit_batches(source)
    best = test.probabilities(0).mean()
    assert best - 0.1 < network.score(*test.read(0)) < best + 0.04


@pytest.mark.parametrize("name", ["n_rows", "n_items", "n_features", "block_size", "seed"])
def test_parameters(name):
    with pytest.raises(ValueError, match=f"{name} must be an integer"):
        NextItems(**{"n_rows": 10, name: -1})
    with pytest.raises(ValueError, match="n_items must be less"):
        NextItems(10, n_items=2**31)


def test_so_are_a_million():
    source = NextItems(2000, n_features=2**12, block_size=1000)
    settings = {"solver": "rowwise_adagrad", "batch_size": 50, "learning_rate": "linear"}
    network = LSHMLPClassifier((8,), max_iter=2, random_state=0, **settings)
    network.fit_batches(source)
    first, second = network.loss_curve_
    assert np.isfinite(second)
    assert second < first
    assert network.coefs_[-1].shape == (8, 1_000_000)
    assert network.work_[-1]["n_active"] < 5000
    X, y = source.read(0)
    labels, _ = network.predict_top_k(X[:40], 5)
    assert (labels == y[:40, np.newaxis]).any(axis=1).mean() > 0.1
