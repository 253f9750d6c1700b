"""Estimators with many labels or classes, some of them without samples or late."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.metrics import precision_at_k

N_LABELS = 50
RNG = np.random.default_rng(0)
# A sample has the features of its labels. The last ten labels are never seen.
Y = sp.csr_array((RNG.random((400, N_LABELS)) < 0.05) & (np.arange(N_LABELS) < 40), dtype=np.int8)
SIGNS = RNG.normal(size=(N_LABELS, 64))
X = (Y @ SIGNS + 0.1 * RNG.normal(size=(400, 64))).astype(np.float32)


def classifier(**settings):
    settings = {"learning_rate_init": 0.01, "max_iter": 20, "random_state": 0} | settings
    return LSHMLPClassifier((60,), **settings)


@pytest.mark.parametrize("loss", ["logistic", "softmax"])
@pytest.mark.parametrize("output_density", [1.0, 20])
def test_learns_labels(loss, output_density):
    assert (np.diff(Y.indptr) == 0).any()
    network = classifier(multilabel_loss=loss, output_density=output_density).fit(X, Y)
    assert network.out_activation_ == loss
    labelled = np.diff(Y.indptr) > 0
    top, _ = network.predict_top_k(X, 1)
    assert precision_at_k(Y[labelled], top[labelled]) > 0.95
    assert not np.isin(top[labelled], np.arange(40, N_LABELS)).any()
    predicted = network.predict(X)
    assert isinstance(predicted, sp.csr_array)
    assert predicted.shape == Y.shape
    assert (predicted[labelled] != Y[labelled]).sum() < 0.2 * Y.nnz
    if loss == "softmax" and output_density == 1.0:
        assert network.predict_proba(X).sum(axis=1) == pytest.approx(1, rel=1e-4)


def test_labels_judged_alone_start_with_their_frequencies():
    # Each of 2,000 labels, as likely as not at the start, would have to be pushed down first.
    rng = np.random.default_rng(0)
    indices = np.sort(rng.permuted(np.tile(np.arange(2000), (1500, 1)), axis=1)[:, :2])
    labels = sp.csr_array((np.ones(3000, int), indices.ravel(), np.arange(0, 3001, 2)))
    features = labels @ rng.normal(size=(labels.shape[1], 32))
    network = LSHMLPClassifier((32,), output_density=32, max_iter=1, random_state=0)
    network.fit(features, labels)
    shares = labels.mean(axis=0)
    shares = shares[shares > 0]
    loss_of_shares = -(shares * np.log(shares) + (1 - shares) * np.log1p(-shares)).sum()
    assert network.loss_ < loss_of_shares


def test_dense_and_sparse_indicators_agree():
    for loss in ("logistic", "softmax"):
        sparse, dense = (
            classifier(max_iter=2, output_density=20, multilabel_loss=loss).fit(X, y)
            for y in (Y, Y.toarray())
        )
        assert_array_equal(sparse.predict(X).toarray(), dense.predict(X))
        assert isinstance(dense.predict(X), np.ndarray)


def test_softmax_leaves_out_samples_without_labels():
    labelled = np.diff(Y.indptr) > 0
    settings = {"multilabel_loss": "softmax", "max_iter": 2, "shuffle": False, "batch_size": 50}
    all_rows, labelled_rows = classifier(**settings), classifier(**settings)
    all_rows.fit(X, Y)
    labelled_rows.fit(X[labelled], Y[labelled])
    for ours, theirs in zip(all_rows.coefs_, labelled_rows.coefs_, strict=True):
        assert_array_equal(ours, theirs)
    with pytest.raises(ValueError, match="needs samples with labels"):
        classifier(multilabel_loss="softmax").fit(X[~labelled], Y[~labelled])


def test_bad_loss():
    with pytest.raises(ValueError, match="'multilabel_loss' parameter"):
        classifier(multilabel_loss="hinge").fit(X, Y)


@pytest.mark.parametrize("output_density", [1.0, 15])
def test_classes_that_come_late(output_density):
    """All are named in the first call; most come in a later one."""
    classes = np.array([f"c{i:02}" for i in range(40)])
    codes = np.arange(400) % 40
    data = (SIGNS[codes] + 0.1 * RNG.normal(size=(400, 64))).astype(np.float32)
    network = classifier(output_density=output_density)
    early = codes < 10
    for _ in range(5):
        network.partial_fit(data[early], classes[codes[early]], classes=classes)
    assert set(network.predict(data[early])) == set(classes[:10])
    for _ in range(30):
        network.partial_fit(data, classes[codes])
    assert np.mean(network.predict(data) == classes[codes]) > 0.95
    with pytest.raises(ValueError, match="classes not in"):
        network.partial_fit(data[:1], ["new"])


def test_loss_cannot_change_in_between():
    network = classifier(max_iter=1, warm_start=True).fit(X, Y)
    network.set_params(multilabel_loss="softmax")
    with pytest.raises(ValueError, match="multilabel_loss='softmax' cannot be used with warm_"):
        network.fit(X, Y)


@pytest.mark.parametrize("loss", ["logistic", "softmax"])
@pytest.mark.parametrize("output_density", [1.0, 20])
def test_popular_label_beside_rare_ones(loss, output_density):
    """One label is nearly everyone's; it is found, and does not hide the others."""
    rng = np.random.default_rng(3)
    rare = rng.integers(1, 200, size=1000)
    popular = rng.random(1000) < 0.9
    rows = np.concatenate([np.arange(1000), np.flatnonzero(popular)])
    columns = np.concatenate([rare, np.zeros(popular.sum(), int)])
    labels = sp.csr_array((np.ones(rows.size, np.int8), (rows, columns)), shape=(1000, 200))
    signs = rng.normal(size=(200, 64))
    data = (labels @ signs + 0.1 * rng.normal(size=(1000, 64))).astype(np.float32)
    network = classifier(multilabel_loss=loss, output_density=output_density).fit(data, labels)
    top, _ = network.predict_top_k(data, 2)
    assert np.mean((top == rare[:, np.newaxis]).any(axis=1)) > 0.9
    assert np.mean((top[popular] == 0).any(axis=1)) > 0.95
    predicted = network.predict(data)
    assert np.mean(predicted[:, [0]].toarray()[:, 0] == popular) > 0.95


@pytest.mark.parametrize("output_density", [1.0, 15])
def test_labels_that_come_late(output_density):
    """All have their columns in the first call; some get samples in a later one."""
    early = Y[:, np.arange(20, N_LABELS)].sum(axis=1) == 0
    network = classifier(output_density=output_density, predict_selection=None)
    for _ in range(10):
        network.partial_fit(X[early], Y[early])
    labelled = np.diff(Y.indptr) > 0
    assert np.mean(network.predict_top_k(X, 1)[0][early & labelled] < 20) > 0.8
    for _ in range(30):
        network.partial_fit(X, Y)
    assert precision_at_k(Y[labelled], network.predict_top_k(X, 1)[0][labelled]) > 0.95
