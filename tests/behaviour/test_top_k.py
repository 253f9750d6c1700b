"""predict_top_k: against predict_proba, by the tables and exactly, and its errors."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.exceptions import NotFittedError

from sklearn_lsh import LSHMLPClassifier

N_CLASSES = 60
X, CODES = make_classification(
    900,
    n_features=20,
    n_informative=18,
    n_redundant=0,
    n_classes=N_CLASSES,
    n_clusters_per_class=1,
    class_sep=3,
    random_state=0,
)
NAMES = np.array([f"class {code:02}" for code in range(N_CLASSES)])
Y = NAMES[CODES]


def classifier(**settings):
    settings = {"learning_rate_init": 0.01, "max_iter": 3, "random_state": 0, "tol": 0} | settings
    return LSHMLPClassifier((30,), n_iter_no_change=np.inf, **settings)


def assert_best(labels, scores, classes, probabilities):
    """The labels are those of highest probability, in order."""
    __tracebackhide__ = True
    columns = np.searchsorted(classes, labels)
    assert (np.diff(scores, axis=1) <= 0).all()
    assert_allclose(scores, np.take_along_axis(probabilities, columns, axis=1), rtol=1e-4)
    assert all(len(set(row)) == len(row) for row in labels.tolist())
    highest = -np.sort(-probabilities, axis=1)[:, : labels.shape[1]]
    assert_allclose(scores, highest, rtol=1e-4)


@pytest.mark.parametrize("output_density", [1.0, 20])
@pytest.mark.parametrize("predict_selection", [None, "topk"])
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
def test_classes(output_density, predict_selection, kind):
    data = kind(X)
    network = classifier(output_density=output_density, predict_selection=predict_selection)
    network.fit(data, Y)
    labels, scores = network.predict_top_k(data, 4)
    assert labels.shape == scores.shape == (900, 4)
    assert labels.dtype == NAMES.dtype
    assert scores.dtype == np.float32
    assert_best(labels, scores, network.classes_, network.predict_proba(data))
    assert_array_equal(labels[:, 0], network.predict(data))


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("loss", ["logistic", "softmax"])
def test_labels(kind, loss):
    data, y = make_multilabel_classification(300, n_classes=12, random_state=0)
    network = classifier(output_density=5, multilabel_loss=loss).fit(data, kind(y))
    labels, scores = network.predict_top_k(data, 3)
    assert_best(labels, scores, np.arange(12), network.predict_proba(data))


@pytest.mark.parametrize("selection", ["lsh", "topk", "random"])
def test_more_than_are_active(selection):
    """As many are computed as are asked for, whatever the tables find."""
    network = classifier(output_density=4, selection=selection).fit(X, Y)
    labels, scores = network.predict_top_k(X, N_CLASSES)
    assert_array_equal(np.sort(labels, axis=1), np.tile(NAMES, (len(X), 1)))
    assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)
    network.set_params(predict_selection="topk")
    # The trained selection is as it was.
    assert_array_equal(network.predict_top_k(X, 2)[0], labels[:, :2])
    assert (network.predict_proba(X) > 1e-37).sum(axis=1).max() == 4


def test_samples_that_nothing_is_like_find_enough():
    network = classifier(output_density=10, n_tables=1, n_bits=12).fit(X, Y)
    labels, scores = network.predict_top_k(100 * X[::-1], 25)
    assert all(len(set(row)) == 25 for row in labels.tolist())
    assert np.isfinite(scores).all()


def test_many_active_outputs_of_equal_probability():
    """Responses are ranked: the probabilities here are all 1 in float32."""
    data = np.ones((4, 1))
    network = classifier(max_iter=1).fit(data, np.tile([[1, 0, 1], [0, 1, 1]], (2, 1)))
    network.coefs_[-1][...] = 0
    network.intercepts_[-1][...] = [90, 110, 100]
    labels, scores = network.predict_top_k(data, 3)
    assert labels.tolist() == [[1, 2, 0]] * 4
    assert (scores == 1).all()


def test_two_classes_and_one():
    y = np.where(CODES < 30, "a", "b")
    network = classifier().fit(X, y)
    labels, scores = network.predict_top_k(X, 2)
    assert_array_equal(labels[:, 0], network.predict(X))
    assert_best(labels, scores, network.classes_, network.predict_proba(X))
    assert network.predict_top_k(X[:3], 1)[0].shape == (3, 1)
    network = classifier().fit(X[:20], np.full(20, "a"))
    labels, scores = network.predict_top_k(X[:3], 1)
    assert labels.tolist() == [["a"]] * 3
    assert (scores == 1).all()


def test_chunks_and_threads():
    network = classifier(output_density=10).fit(X, Y)
    many = np.tile(X, (2, 1))
    labels, scores = network.predict_top_k(many, 5)
    for threads in (2, 3):
        network.set_params(n_jobs=threads)
        again = network.predict_top_k(many, 5)
        assert_array_equal(again[0], labels)
        assert_allclose(again[1], scores, rtol=1e-5)
    single = network.predict_top_k(many[:1], 5)
    assert_array_equal(single[0][0], labels[0])


@pytest.mark.parametrize("k", [0, -1, N_CLASSES + 1, 2.0, "3", None, True])
def test_bad_k(k):
    network = classifier().fit(X, Y)
    with pytest.raises(ValueError, match=r"k must be an integer from 1 to .* \(60\), got"):
        network.predict_top_k(X, k)


def test_not_fitted():
    with pytest.raises(NotFittedError):
        classifier().predict_top_k(X)


def test_bad_data():
    with pytest.raises(ValueError, match="NaN"):
        classifier().fit(X, Y).predict_top_k(np.full((1, 20), np.nan))


def test_chunks_are_as_long_as_what_is_held_allows(monkeypatch):
    """A hashed output layer holds no preactivations of all classes."""
    network = classifier(output_density=10).fit(X, Y)
    labels, scores = network.predict_top_k(X, 3)
    monkeypatch.setattr("sklearn_lsh.network.network.MOST_PREACTIVATIONS", 600)
    assert network._network.chunk_size == 600 // 30  # the hidden layer
    assert network._network._with_selection("topk").chunk_size == 600 // N_CLASSES
    again = network.predict_top_k(X, 3)
    assert_array_equal(again[0], labels)
    assert_allclose(again[1], scores, rtol=1e-4)


def test_large_tables_of_probabilities_are_refused():
    network = classifier(output_density=10).fit(X, Y)
    with config_context(working_memory=0.1):  # MiB; the table takes 0.2
        for method in (network.predict_proba, network.predict_log_proba):
            with pytest.raises(ValueError, match="Use predict_top_k for the likeliest classes"):
                method(X)
        assert network.predict_proba(X[:400]).shape == (400, N_CLASSES)
        # Where all outputs are computed anyway, it is as scikit-learn's.
        assert classifier().fit(X, Y).predict_proba(X).shape == (900, N_CLASSES)


@pytest.mark.parametrize("settings", [{}, {"output_density": 20}, {"density": 0.3}], ids=str)
@pytest.mark.parametrize("predict_selection", ["auto", None])
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
def test_answers_do_not_depend_on_the_batch(kind, predict_selection, settings):
    data = kind(X)
    network = classifier(predict_selection=predict_selection, **settings).fit(data, Y)
    labels, scores = network.predict_top_k(data[:50], 4)
    for i in range(50):
        label, score = network.predict_top_k(data[i : i + 1], 4)
        assert_array_equal(label[0], labels[i])
        assert_allclose(score[0], scores[i], rtol=1e-5)
        assert network.predict(data[i : i + 1]) == labels[i, 0]
