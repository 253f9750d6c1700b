"""Values that training starts from: biases of hidden layers, centroids of classes."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from sklearn_lsh.network.initialization import sample_rows

from ..support.kernel_cases import quick, seeds
from ..support.selections import N_HIDDEN, N_SAMPLES, everything, make_selected
from ..support.small_networks import make_blobs, make_network, predict_dense


def positive_shares(network, X):
    """The share of samples to which each hidden neuron responds positively."""
    return (network.layers[0].weights.preactivate_all(everything(X)) > 0).mean(axis=0)


@pytest.mark.parametrize("selection", ["lsh", "topk"])
def test_neurons_respond_positively_to_the_active_share_at_first(clustered, selection):
    X, _ = clustered
    network = make_selected(X, selection)
    # By 256 of 600 samples.
    np.testing.assert_allclose(positive_shares(network, X), 20 / N_HIDDEN, atol=0.05)
    bias = network.layers[0].weights.bias.copy()
    network.prepare(X, np.arange(N_SAMPLES))  # as after every epoch
    np.testing.assert_array_equal(network.layers[0].weights.bias, bias)


def biases_as_drawn(X):
    """What biases are if selections have no say: the same numbers are drawn before."""
    return make_selected(X, "random").layers[0].weights.bias


@pytest.mark.parametrize(
    ("selection", "settings"),
    [("random", {}), ("lsh", {"n_bits": 4}), ("lsh", {"activation": "tanh"})],
    ids=["random", "tables", "tanh"],
)
def test_biases_stay_where_much_is_missed_or_nothing_cut_off(clustered, selection, settings):
    X, _ = clustered
    shares = positive_shares(make_selected(X, selection, **settings), X)
    assert np.abs(shares - 20 / N_HIDDEN).max() > 0.3


def test_biases_stay_where_samples_are_few(clustered):
    X, _ = clustered
    one = X[:1]
    network = make_selected(one, "lsh")
    np.testing.assert_array_equal(network.layers[0].weights.bias, biases_as_drawn(one))
    assert (network.layers[0].weights.preactivate_all(everything(one)) != 0).all()


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_start_at_centroids(sparse):
    X, target, y = make_blobs()
    target.resize(X.shape[0], 62)  # two classes without samples
    given = sp.csr_array(X) if sparse else X
    network = make_network(
        n_units=(X.shape[1], 40, 62), n_active=(None, 10), selection="lsh", activation="relu"
    )
    hidden = np.maximum(X.astype(float) @ network.coefs[0] + network.intercepts[0], 0)
    network.start_at_centroids(given, target)
    mean = hidden.mean(axis=0)
    centred = np.zeros((62, 40))
    for label in range(60):
        centred[label] = hidden[y == label].mean(axis=0) - mean
        centred[label] /= np.linalg.norm(centred[label])
    rows = network.coefs[1].T
    lengths = np.linalg.norm(rows, axis=1)
    # All rows have one length, whatever it is.
    assert lengths[:60].std() < 1e-4 * lengths[0]
    np.testing.assert_allclose(rows, centred * lengths[0], atol=1e-4 * lengths[0])
    np.testing.assert_allclose(
        network.intercepts[1], -rows @ mean, rtol=1e-3, atol=1e-3 * lengths[0]
    )
    assert not network.intercepts[1][60:].any()
    # Classes are found before any training, by hashing too.
    assert (predict_dense(network, given).argmax(axis=1) == y).mean() > 0.7


def test_classes_judged_alone_start_at_their_odds():
    X, target, y = make_blobs()
    target.resize(X.shape[0], 62)  # two classes without samples
    biases = {}
    for loss in ("softmax", "logistic"):
        network = make_network(
            n_units=(X.shape[1], 40, 62), n_active=(None, 10), selection="lsh", loss=loss
        )
        network.start_at_centroids(X, target)
        biases[loss] = network.intercepts[1].copy()
    counts = np.bincount(y, minlength=62)
    odds = np.log((counts + 0.5) / (len(y) - counts + 0.5))
    np.testing.assert_allclose(biases["logistic"], biases["softmax"] + odds, rtol=1e-4, atol=1e-4)


def test_rows_without_labels_do_not_disturb_the_start():
    X, target, _ = make_blobs()
    X[:5] = X.mean(axis=0)
    target = sp.vstack([sp.csr_array((5, 60), dtype=np.float32), target[5:]], format="csr")
    network = make_network(n_units=(20, 30, 60), n_active=(None, 10), selection="lsh")
    network.start_at_centroids(X, target)
    lengths = np.linalg.norm(network.coefs[1], axis=0)
    assert lengths.std() < 1e-4 * lengths.mean()
    assert np.isfinite(network.intercepts[1]).all()


def rows_of_coefs(X, target, **given):
    network = make_network(
        n_units=(X.shape[1], 30, 60), n_active=(None, 10), selection="lsh", loss="logistic"
    )
    network.start_at_centroids(X, target, **given)
    return network.coefs[1], network.intercepts[1]


def test_only_training_rows_have_a_part_in_centroids():
    X, target, _ = make_blobs()
    rows = np.sort(np.random.default_rng(0).permutation(len(X))[:700])
    expected = rows_of_coefs(X[rows], target[rows])
    spoilt = X * 1e5
    spoilt[rows] = X[rows]
    for ours, theirs in zip(rows_of_coefs(spoilt, target, rows=rows), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_weights_of_one_change_no_bit():
    X, target, _ = make_blobs()
    expected = rows_of_coefs(X, target)
    for weight in (1, 0.25):
        weights = np.full(len(X), weight, np.float32)
        found = rows_of_coefs(X, target, sample_weight=weights)
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_weights_count_as_often_as_they_say():
    X, target, _ = make_blobs()
    counts = np.random.default_rng(0).integers(1, 4, len(X))
    # Scaled: only ratios matter.
    weights = counts.astype(np.float32) / counts.mean(dtype=np.float32)
    repeated = np.repeat(np.arange(len(X)), counts)
    found = rows_of_coefs(X, target, sample_weight=weights)
    expected = rows_of_coefs(X[repeated], target[repeated])
    np.testing.assert_allclose(found[0], expected[0], atol=1e-4)
    # Half a sample more of each kind is another share of other numbers of samples.
    np.testing.assert_allclose(found[1], expected[1], atol=0.1)


@given(n=st.integers(1, 300), n_rows=st.integers(1, 100), seed=seeds)
@quick
def test_samples_of_rows(n, n_rows, seed):
    rng = np.random.default_rng(seed)
    rows = rng.permutation(1000)[:n]
    expected = sample_rows(rows, None, n_rows)
    assert len(expected) == min(n_rows, -(-n // max(1, n // n_rows)))
    for weight in (1, 0.25, 2.0**99):
        weights = np.full(1000, weight, np.float32)
        np.testing.assert_array_equal(sample_rows(rows, weights, n_rows), expected)
    weights[rng.permutation(1000)[:500]] = 1e-6 * weight
    taken = weights[sample_rows(rows, weights, n_rows)] == weight
    assert np.count_nonzero(~taken) <= (2 if taken.any() or n < 5 else n)
