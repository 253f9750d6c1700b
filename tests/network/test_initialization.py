"""Values that training starts from: biases of hidden layers, centroids of classes."""

import numpy as np
import pytest
import scipy.sparse as sp

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
