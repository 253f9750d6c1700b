"""Classifiers that ask similar training rows, too: when, and that all answers are of one mind."""

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.estimators.blending import RARE, Blending
from sklearn_lsh.estimators.evidence import OF_SINGLE_ROWS, EvidenceWeights, FoundWeights
from sklearn_lsh.metrics import precision_at_k

N_CLASSES, N_FEATURES, N_KEPT = 300, 4_000, 6


def draw_rows(seed, n_each):
    """Each class has ten features of its own, a row six of these and four others."""
    rng = np.random.default_rng(seed)
    prototypes = np.random.default_rng(7).integers(N_FEATURES, size=(N_CLASSES, 10))
    y = np.repeat(np.arange(N_CLASSES), n_each)
    own = rng.permuted(prototypes[y], axis=1)[:, :N_KEPT]
    columns = np.hstack([own, rng.integers(N_FEATURES, size=(len(y), 10 - N_KEPT))])
    indptr = np.arange(0, columns.size + 1, 10)
    X = sp.csr_array((np.ones(columns.size, np.float32), columns.ravel(), indptr),
                     shape=(len(y), N_FEATURES))  # fmt: skip
    X.sum_duplicates()
    return X, y


X, Y = draw_rows(0, 4)
X_NEW, Y_NEW = draw_rows(1, 1)
LABELS = sp.csr_array(
    np.eye(N_CLASSES, dtype=np.uint8)[Y] | np.eye(N_CLASSES, dtype=np.uint8)[Y % 7]
)


def classifier(**settings):
    return LSHMLPClassifier((16,), **{"max_iter": 3, "random_state": 0} | settings)


@pytest.fixture(scope="module")
def fitted():
    return classifier().fit(X, Y)


@pytest.fixture(scope="module")
def fitted_to_labels():
    return classifier().fit(X, LABELS)


def test_neighbours_are_asked_where_they_help(fitted):
    alone = classifier(n_neighbors=None).fit(X, Y)
    assert alone.blend_ is None
    assert tuple(fitted.blend_) == EvidenceWeights._fields
    assert fitted.settings_["n_neighbors"] == 25
    assert fitted.score(X_NEW, Y_NEW) > 0.95 > alone.score(X_NEW, Y_NEW)


def test_neighbours_are_not_asked_where_they_guess():
    y = np.random.default_rng(0).permutation(Y)
    assert classifier().fit(X, y).blend_ is None
    assert classifier(n_neighbors=5).fit(X, y).blend_ is not None


@pytest.mark.parametrize("name", ["fitted", "fitted_to_labels"])
def test_answers_are_of_one_mind(name, request):
    network = request.getfixturevalue(name)
    probabilities = network.predict_proba(X_NEW)
    labels, scores = network.predict_top_k(X_NEW, 4)
    assert_allclose(scores, np.take_along_axis(probabilities, labels, axis=1), rtol=1e-5)
    assert_allclose(scores, -np.sort(-probabilities, axis=1)[:, :4], rtol=1e-5)
    predicted = network.predict(X_NEW)
    if name == "fitted":
        assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-4)
        assert_array_equal(predicted, labels[:, 0])
    else:
        assert_array_equal(predicted.toarray(), probabilities > 0.5)
        assert precision_at_k(LABELS[::4], labels[:, :1]) > 0.9


def test_k_may_be_any_number(fitted):
    labels, scores = fitted.predict_top_k(X_NEW[:3], N_CLASSES)
    assert_array_equal(np.sort(labels, axis=1), np.tile(np.arange(N_CLASSES), (3, 1)))
    assert (np.diff(scores, axis=1) <= 0).all()


def test_rows_are_answered_alike_in_any_company(fitted):
    whole = fitted.predict_top_k(X_NEW, 3)
    for rows in (slice(0, 1), slice(5, 90)):
        part = fitted.predict_top_k(X_NEW[rows], 3)
        assert_array_equal(part[0], whole[0][rows])
        assert_allclose(part[1], whole[1][rows], rtol=1e-4)


def test_the_same_seed_and_threads(fitted):
    again = classifier().fit(X, Y)
    assert again.blend_ == fitted.blend_
    assert_array_equal(again.predict_proba(X_NEW), fitted.predict_proba(X_NEW))
    two = copy.deepcopy(fitted).set_params(n_jobs=2)
    assert_allclose(two.predict_proba(X_NEW), fitted.predict_proba(X_NEW), rtol=1e-5)


def test_loading(fitted):
    again = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(again.predict_proba(X_NEW), fitted.predict_proba(X_NEW))
    damaged = copy.deepcopy(fitted)
    damaged._blend.neighborhood.labels.indices[0] = N_CLASSES
    with pytest.raises(ValueError, match=r"Neighborhood\.labels is not as it was saved"):
        pickle.loads(pickle.dumps(damaged))
    damaged = copy.deepcopy(fitted)
    damaged._blend.weights = damaged._blend.weights._replace(network=np.nan)
    with pytest.raises(ValueError, match="weights must be finite numbers"):
        pickle.loads(pickle.dumps(damaged))
    damaged = copy.deepcopy(fitted)
    damaged._blend.neighborhood.is_rare = damaged._blend.neighborhood.is_rare[1:]
    with pytest.raises(ValueError, match=r"Neighborhood\.is_rare"):
        pickle.loads(pickle.dumps(damaged))


def draw_uneven_rows():
    """Of the first half of the classes a row or two, of the others as many as ten."""
    X, y = draw_rows(2, 10)
    place = np.tile(np.arange(10), N_CLASSES)
    kept = place < np.where(y < N_CLASSES // 2, 1 + y % 2, 10)
    return X[np.flatnonzero(kept)], y[kept]


def test_neighbours_speak_for_rare_classes():
    """What is given to them finds more of them, and they have their rows alone to thank for it."""
    X, y = draw_uneven_rows()
    network = classifier(n_neighbors=9).fit(X, y)
    assert network.blend_["rare"] == RARE
    is_rare = network._blend.neighborhood.is_rare
    assert_array_equal(is_rare, np.arange(N_CLASSES) < N_CLASSES // 2)
    without = copy.deepcopy(network)
    without._blend.weights = without._blend.weights._replace(rare=0.0)
    noisy = X_NEW.copy()
    noisy.data[np.random.default_rng(0).random(noisy.nnz) < 0.4] = 0
    n_named = [int(is_rare[each.predict(noisy)].sum()) for each in (network, without)]
    assert n_named[0] > n_named[1]
    rare = Y_NEW < N_CLASSES // 2
    assert network.score(noisy[rare], Y_NEW[rare]) > without.score(noisy[rare], Y_NEW[rare])
    network.partial_fit(X[y < 9], y[y < 9])  # of which there are now twice as many rows
    more = np.bincount(np.concatenate([y, y[y < 9]]))
    assert_array_equal(network._blend.neighborhood.is_rare, more <= 2)


def test_validation_rows_are_used_where_there_are_any():
    network = classifier().fit(X, Y, X_val=X_NEW, y_val=Y_NEW)
    neighborhood = network._blend.neighborhood
    assert neighborhood.labels.shape[0] == len(Y)  # nothing else was held out
    stopping = classifier(early_stopping=True, validation_fraction=0.2, n_neighbors=9).fit(X, Y)
    assert stopping._blend.neighborhood.labels.shape[0] == round(0.8 * len(Y))


def test_rows_held_out_are_asked_in_the_end(fitted):
    assert fitted._blend.neighborhood.labels.shape[0] == len(Y)
    assert fitted.t_ < 3 * len(Y)


def test_partial_fit_adds_rows(fitted):
    network = copy.deepcopy(fitted)
    strange = sp.csr_array((np.ones((1, 10), np.float32).ravel(), np.arange(10), [0, 10]),
                           shape=(1, N_FEATURES))  # fmt: skip
    before = fitted.predict_proba(strange)[0, 5]
    network.partial_fit(strange, [5])
    assert network._blend.neighborhood.labels.shape[0] == len(Y) + 1
    assert network.predict(strange) == [5]
    assert fitted._blend.neighborhood.labels.shape[0] == len(Y)
    assert fitted.predict_proba(strange)[0, 5] == before


def test_new_classes_are_asked_for_too():
    known = Y % 5 != 0
    network = classifier(n_neighbors=50).fit(X[known], Y[known])
    network.partial_fit(X[~known], Y[~known])
    assert_array_equal(network.classes_, np.arange(N_CLASSES))
    assert network._blend.neighborhood.labels.shape == (len(Y), N_CLASSES)
    assert network.score(X_NEW, Y_NEW) > 0.95


def test_no_more_is_learnt_that_counts_nothing(monkeypatch):
    """Classes of one row are told by that row: all the network's epochs but one are left out."""
    network = classifier(max_iter="auto", n_neighbors=5, batch_size=64).fit(X[::4], Y[::4])
    assert network.n_iter_ == 1
    assert network.settings_["max_iter"] > 1
    longer = classifier(max_iter=3, n_neighbors=5, batch_size=64).fit(X[::4], Y[::4])
    assert longer.n_iter_ == 3
    monkeypatch.setattr(Blending, "leaves_out_network", lambda self, n_steps: False)
    counting = classifier(max_iter="auto", n_neighbors=5, batch_size=64).fit(X[::4], Y[::4])
    assert counting.n_iter_ == counting.settings_["max_iter"]


def test_a_network_gets_a_trial_before_it_counts_nothing(monkeypatch):
    nothing = EvidenceWeights(network=0.0, neighbors=1.0, centroids=0.5)
    monkeypatch.setattr(
        Blending, "_weigh", lambda *given, **rest: FoundWeights(nothing, np.zeros(1))
    )
    monkeypatch.setattr("sklearn_lsh.estimators.blending.STEPS_TRIED", 1.5 * len(Y) / 64)
    network = classifier(max_iter="auto", n_neighbors=5, batch_size=64).fit(X, Y)
    assert network.n_iter_ == 2


def test_a_stream_asks_no_rows():
    network = classifier().partial_fit(X, Y, classes=np.arange(N_CLASSES))
    assert network.blend_ is None
    assert network.partial_fit(X, Y).blend_ is None


def test_rows_of_weight_zero_have_no_vote():
    weights = (Y != 5).astype(float)
    network = classifier(n_neighbors=10).fit(X, Y, sample_weight=weights)
    assert network._blend.neighborhood.labels[:, [5]].sum() == 0
    assert not (network.predict(X_NEW) == 5).any()


def test_dense_rows_where_it_is_asked_for():
    dense = X.toarray()
    assert classifier().fit(dense, Y).blend_ is None
    network = classifier(n_neighbors=10).fit(dense, Y)
    assert network.score(X_NEW.toarray(), Y_NEW) > 0.9


def test_two_classes_have_no_use_for_it():
    network = classifier(n_neighbors=10).fit(X, Y % 2)
    assert network.blend_ is None


def test_classes_of_one_row_are_found_by_it():
    first = X[::4]
    network = classifier(n_neighbors=10, max_iter=1).fit(first, Y[::4])
    assert network.blend_ == OF_SINGLE_ROWS._asdict()
    labels, _ = network.predict_top_k(X_NEW, 60)  # for which the network is asked, too
    assert len(np.unique(labels[0])) == 60
    similarities = (X_NEW @ first.T).toarray()
    nearest = np.mean(Y[::4][similarities.argmax(axis=1)] == Y_NEW)
    assert network.score(X_NEW, Y_NEW) > nearest - 0.03
