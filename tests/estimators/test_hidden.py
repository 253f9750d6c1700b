"""What networks make of samples, as a transformer."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_lsh import HiddenActivations, LSHMLPClassifier, LSHMLPRegressor
from sklearn_lsh.estimators import hidden
from sklearn_lsh.memory import LSHMemoryClassifier

X, Y = load_digits(return_X_y=True)
X = X / 16
QUICK = {"max_iter": 3, "tol": 0, "n_iter_no_change": 9, "random_state": 0}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.filterwarnings("ignore:Can't check dok sparse matrix:UserWarning")
@parametrize_with_checks(
    [
        HiddenActivations(LSHMLPClassifier((6, 5), **QUICK)),
        HiddenActivations(LSHMLPRegressor("squared_error", (20,), density=0.3, **QUICK), 0),
    ]
)
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_activations_of_full_layers(container, activation):
    network = LSHMLPClassifier((30, 20), activation=activation, **QUICK).fit(X, Y)
    apply = {"relu": lambda z: np.maximum(z, 0), "tanh": np.tanh}[activation]
    expected = X
    for layer in range(2):
        expected = apply(expected @ network.coefs_[layer] + network.intercepts_[layer])
        for number in (layer, layer - 2):
            made = HiddenActivations(network, number).transform(container(X))
            assert_allclose(made, expected, rtol=1e-4, atol=1e-5)
            assert made.dtype == np.float32


@pytest.mark.parametrize("selection", ["lsh", "topk"])
def test_activations_of_selected_layers(selection):
    """As many as are active, and each what the neuron says."""
    network = LSHMLPClassifier((600,), density=30, selection=selection, **QUICK).fit(X, Y)
    made = HiddenActivations(network).transform(X)
    assert made.shape == (len(X), 600)
    assert made.has_sorted_indices
    rows = np.repeat(np.arange(len(X)), np.diff(made.indptr))
    assert (np.diff(made.indptr) <= 30).all()
    exact = np.maximum(X @ network.coefs_[0] + network.intercepts_[0], 0)
    assert_allclose(made.data, exact[rows, made.indices], rtol=1e-4, atol=1e-5)


def test_a_network_that_is_not_fitted_is():
    knn = make_pipeline(HiddenActivations(LSHMLPClassifier(**QUICK)), KNeighborsClassifier(3))
    assert cross_val_score(knn, X, Y, cv=3).mean() > 0.7
    network = LSHMLPClassifier((8,), **QUICK)
    embedding = HiddenActivations(network).fit(X, Y)
    assert not hasattr(network, "coefs_")
    assert embedding.network_.coefs_[0].shape == (64, 8)
    assert_array_equal(
        embedding.get_feature_names_out()[:2], ["hiddenactivations0", "hiddenactivations1"]
    )


def test_a_fitted_network_stays_as_it_is():
    network = LSHMLPClassifier((8,), **QUICK).fit(X, Y)
    before = pickle.dumps(network)
    embedding = HiddenActivations(network)
    made = embedding.transform(X)
    assert_array_equal(embedding.fit(X[:50], Y[:50]).transform(X), made)
    assert embedding.network_ is network
    assert pickle.dumps(network) == before
    assert embedding.n_features_in_ == 64


def test_classes_that_a_network_never_saw():
    """Digits from 7 on come when the network is trained, with five examples each."""
    old = np.flatnonzero(Y < 7)
    network = LSHMLPClassifier((64,), random_state=0, max_iter=30, tol=0).fit(X[old], Y[old])
    embedding = FrozenEstimator(HiddenActivations(network))
    memory = LSHMemoryClassifier(embedding=embedding, random_state=0).fit(
        X[old[:500]], Y[old[:500]]
    )
    new = np.flatnonzero(Y >= 7)
    memory.partial_fit(X[new[:15]], Y[new[:15]])
    assert memory.score(X[new[15:]], Y[new[15:]]) > 0.6
    assert memory.score(X[old[500:]], Y[old[500:]]) > 0.8


@pytest.mark.parametrize("layer", [2, -3, 0.5, "last", True])
def test_no_such_layer(layer):
    network = LSHMLPClassifier((8, 4), **QUICK).fit(X, Y)
    with pytest.raises(ValueError, match="layer"):
        HiddenActivations(network, layer).transform(X)
    with pytest.raises(ValueError, match="layer"):
        HiddenActivations(network, layer).fit(X)


def test_what_is_refused():
    with pytest.raises(NotFittedError):
        HiddenActivations(LSHMLPClassifier()).transform(X)
    with pytest.raises(ValueError, match="network"):
        HiddenActivations(KNeighborsClassifier()).fit(X, Y)
    network = LSHMLPClassifier((), **QUICK).fit(X, Y)
    with pytest.raises(ValueError, match="0 hidden layers"):
        HiddenActivations(network).transform(X)
    assert hidden.HiddenActivations is HiddenActivations
