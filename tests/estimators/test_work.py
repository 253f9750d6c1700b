"""The work that estimators report, epoch by epoch and for predictions."""

import numpy as np
import pytest

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor


def test_fitted_attribute():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 20)), rng.integers(5, size=300)
    network = LSHMLPClassifier((100, 60), density=(0.1, 1.0), max_iter=3, tol=0, random_state=0)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        network.fit(X, y)
    assert [(row["epoch"], row["layer"]) for row in network.work_] == [
        (epoch, layer) for epoch in (1, 2, 3) for layer in range(3)
    ]
    hashed = [row for row in network.work_ if row["layer"] == 0]
    assert all(row["n_active"] == 10 and row["n_rebuilds"] >= 1 for row in hashed)
    assert all(0 < row["filled_buckets"] <= 1 <= row["bucket_load"] for row in hashed)
    assert all("n_rebuilds" in row and row["n_rebuilds"] == 0 for row in network.work_[1::3])
    predicting = network.count_work(X)
    assert [row["layer"] for row in predicting] == [0, 1, 2]
    assert predicting[0]["dense_multiply_adds"] == 300 * 20 * 100
    assert predicting[1]["multiply_adds"] == 300 * 10 * 60
    assert predicting[2]["share"] == 1


def test_partial_fit_counts_its_own_epoch():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 4)), rng.normal(size=60)
    network = LSHMLPRegressor(hidden_layer_sizes=(20,), density=5, random_state=0)
    for n_calls in (1, 2, 3):
        network.partial_fit(X, y)
        assert [row["epoch"] for row in network.work_] == [n_calls] * 2
        assert len(network.loss_curve_) == n_calls
        assert network.n_iter_ == 1
