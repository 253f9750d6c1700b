"""Outputs that a network gets while it is trained further."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_lsh.csr import CSR, take
from sklearn_lsh.network.growth import (
    Growth,
    grow,
    highest_of,
    remember_mean,
    split_logistic,
    usual_output,
)
from sklearn_lsh.selection import Hashing, OutputLSH

from ..support.small_networks import make_blobs, make_data, make_network, predict_dense

X, TARGET, Y = make_blobs()
KNOWN = np.flatnonzero(np.arange(60) % 3 != 1)


def make_grown(n_active, n_active_before="same"):
    """A network of two classes of three, trained; its growth to all of them, not yet begun."""
    before = n_active if n_active_before == "same" else n_active_before
    network = make_network(
        n_units=(X.shape[1], 40, KNOWN.size),
        n_active=(None, before),
        selection="lsh",
        activation="relu",
    )
    rows = np.flatnonzero(np.isin(Y, KNOWN))
    target = TARGET[:, KNOWN].tocsr()
    if before is not None:
        network.start_at_centroids(X, target, rows=rows)
    for _ in range(10):
        network.train_epoch(X, target, None, rows, 50)
    remember_mean(network, X, rows)
    hashing = Hashing("simhash", "auto", "auto", np.random.RandomState(0))
    return network, Growth(KNOWN, 60, n_active, "lsh", hashing)


@pytest.mark.parametrize(
    ("n_active", "before"), [(None, None), (10, 10), (10, None)], ids=["dense", "hashed", "becomes"]
)
def test_new_outputs_are_found_before_anything_is_learnt(n_active, before):
    network, growth = make_grown(n_active, before)
    rows = np.flatnonzero(~np.isin(Y, KNOWN))
    coef, intercept = network.coefs[1].copy(), network.intercepts[1].copy()
    grow(network, growth, X, TARGET, None, rows)
    assert network.n_units[-1] == 60
    network.check_stored()
    assert_array_equal(growth.new, np.setdiff1d(np.arange(60), KNOWN))
    assert_array_equal(network.coefs[1][:, KNOWN], coef)
    assert_array_equal(network.intercepts[1][KNOWN], intercept)
    found = predict_dense(network, X).argmax(axis=1)
    assert (found == Y)[rows].mean() > 0.8
    if n_active == before:
        assert (found == Y).mean() > 0.8
    assert isinstance(network.layers[-1].selection, OutputLSH) == (n_active is not None)
    network.train_epoch(X, TARGET, None, np.arange(len(X)), 50)
    assert (predict_dense(network, X).argmax(axis=1) == Y).mean() > 0.9


def test_outputs_without_samples_answer_by_zero():
    network, growth = make_grown(10)
    rows = np.flatnonzero(np.isin(Y, KNOWN))
    grow(network, growth, X, TARGET, None, rows)
    assert not network.coefs[1][:, growth.new].any()
    assert not network.intercepts[1][growth.new].any()


def test_few_rows_move_the_remembered_mean_by_little():
    network, _ = make_grown(10)
    everyone = np.arange(len(X))
    remember_mean(network, X, everyone)
    mean = network.hidden(take(X, everyone[::4][:256])).mean(axis=0)
    assert_allclose(network.mean_hidden, mean, atol=1e-5)
    before, one = network.mean_hidden, network.hidden(take(X, everyone[:1]))[0]
    remember_mean(network, X, everyone[:1])
    assert_allclose(network.mean_hidden, before + (one - before) / 256, atol=1e-5)


def test_usual_output_and_highest():
    network, _ = make_grown(10)
    mean = np.linspace(0, 1, 40, dtype=np.float32)
    expected = (mean @ network.coefs[1] + network.intercepts[1]).mean()
    assert usual_output(network.layers[-1].weights, mean) == pytest.approx(expected, rel=1e-4)
    data = np.float32([1, 5, -2, -3])
    outputs = CSR(np.uint32([0, 2, 4]), np.uint32([0, 1, 0, 2]), data, 3)
    assert highest_of(outputs).tolist() == [5, -2]
    assert highest_of(np.float32([[1, 5], [-2, -3]])).tolist() == [5, -2]


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_a_logistic_output_becomes_a_softmax(n_outputs):
    X, target = make_data("logistic", n_outputs=1)
    network = make_network(n_units=(X.shape[1], 6, 1), n_active=(None, None), loss="logistic")
    network.train_epoch(X, target, None, np.arange(len(X)), 10)
    second = predict_dense(network, X)[:, 0]
    split_logistic(network, n_outputs)
    network.check_stored()
    both = predict_dense(network, X)
    expected = np.stack([1 - second, second], axis=1) if n_outputs == 2 else np.ones((len(X), 1))
    assert_allclose(both, expected, atol=1e-6)
