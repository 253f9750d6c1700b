"""Classes and labels that come in a later call of `partial_fit`, in networks of all kinds."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor
from sklearn_lsh.network.growth import SURER
from sklearn_lsh.selection import OutputLSH, TopK

pytestmark = pytest.mark.filterwarnings("ignore:batch_size")

RNG = np.random.default_rng(0)
N_CLASSES, N_FEATURES = 60, 40
CENTRES = RNG.normal(size=(N_CLASSES, N_FEATURES))
# Not sorted, and of lengths that the first ones do not have.
NAMES = np.array([f"{'x' * (i % 5)}c{(7 * i) % N_CLASSES:02}" for i in range(N_CLASSES)])
KINDS = {
    "dense": {},
    "hidden selected": {"density": 0.5},
    "hashed": {"output_density": 8},
    "share hashed": {"output_density": 0.2},
    "topk": {"output_density": 8, "selection": "topk"},
    "all": {"selection": "all"},
    "row-wise": {"solver": "rowwise_adagrad", "learning_rate_init": 0.03, "output_density": 8},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.03},
}
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def draw(codes, n_each=12, seed=1):
    """Samples of some classes, in random order."""
    rng = np.random.default_rng(seed)
    codes = rng.permutation(np.repeat(codes, n_each))
    X = CENTRES[codes] + 0.5 * rng.normal(size=(len(codes), N_FEATURES))
    return X.astype(np.float32), NAMES[codes]


def classifier(**settings):
    defaults = {"learning_rate_init": 0.005, "random_state": 0, "max_iter": 10, "batch_size": 50}
    return LSHMLPClassifier((50,), **{**defaults, **settings})


OLD, NEW = np.arange(40), np.arange(40, 60)


@each_kind
def test_new_classes_are_found_as_often_as_old_ones(kind):
    network = classifier(**kind).fit(*draw(OLD))
    before = network.score(*draw(OLD, 5, seed=2))
    X, y = draw(NEW, 5)
    X_old, y_old = draw(OLD, 5, seed=3)
    network.partial_fit(np.vstack([X, X_old]), np.append(y, y_old))
    assert_array_equal(network.classes_, np.unique(NAMES))
    assert network.n_outputs_ == network.coefs_[-1].shape[1] == N_CLASSES
    assert network.score(*draw(NEW, 5, seed=4)) > 0.9
    assert network.score(*draw(OLD, 5, seed=2)) > before - 0.1
    # It is saved and trained further like any other.
    network = pickle.loads(pickle.dumps(network))
    for _ in range(5):
        network.partial_fit(*draw(np.arange(N_CLASSES), 5, seed=5))
    assert network.score(*draw(np.arange(N_CLASSES), 5, seed=6)) > 0.9


@each_kind
def test_a_single_new_class(kind):
    """There is nothing in the call that it could be told from."""
    network = classifier(**kind).fit(*draw(OLD))
    before = network.score(*draw(OLD, 5, seed=2))
    network.partial_fit(*draw(NEW[:1], 5))
    assert network.score(*draw(NEW[:1], 20, seed=4)) > 0.9
    assert network.score(*draw(OLD, 5, seed=2)) > before - 0.1


def test_what_there_was_stays_until_something_is_learnt():
    """Old classes answer as before, and new ones follow the formula, with float64 and loops."""
    network = classifier().fit(*draw(OLD))

    def hidden_of(X):
        return np.maximum(X @ network.coefs_[0] + network.intercepts_[0], 0)

    mean = hidden_of(draw(OLD)[0].astype(float)).mean(axis=0)
    X, y = draw(NEW[:3], 5)
    hidden = hidden_of(X.astype(float))
    outputs = hidden @ network.coefs_[1] + network.intercepts_[1]
    pairs = zip(network.coefs_[1].T, network.intercepts_[1], strict=True)
    known = dict(zip(network.classes_, pairs, strict=True))
    usual = np.mean([row @ mean + bias for row, bias in known.values()])
    grown = copy.deepcopy(network).set_params(learning_rate_init=1e-30).partial_fit(X, y)
    rows = dict(zip(grown.classes_, grown.coefs_[1].T, strict=True))
    biases = dict(zip(grown.classes_, grown.intercepts_[1], strict=True))
    for label, (row, bias) in known.items():
        assert_array_equal(rows[label], row)
        assert biases[label] == bias
    own = []
    for label in np.unique(y):
        direction = hidden[y == label].mean(axis=0) - mean
        assert_allclose(
            rows[label] @ direction,
            np.linalg.norm(rows[label]) * np.linalg.norm(direction),
            rtol=0.05,
        )
        assert_allclose(rows[label] @ mean + biases[label], usual, atol=0.3)
        own.extend(hidden[y == label] @ rows[label] + biases[label] - usual)
    assert_allclose(np.mean(own), SURER * (outputs.max(axis=1).mean() - usual), rtol=0.05)
    new_lengths = [np.linalg.norm(rows[label]) for label in np.unique(y)]
    assert np.std(new_lengths) < 1e-4 * new_lengths[0]


@pytest.mark.parametrize("n_first", [1, 2, 3])
@pytest.mark.parametrize("kind", ["dense", "hidden selected", "share hashed", "sgd"])
def test_a_stream_that_starts_with_few_classes(n_first, kind):
    network = classifier(**KINDS[kind])
    for first in range(0, N_CLASSES, 6):
        n_known = max(n_first, first)
        network.partial_fit(*draw(np.arange(n_known), 10, seed=first))
        assert_array_equal(network.classes_, np.unique(NAMES[:n_known]))
    for _ in range(15):
        network.partial_fit(*draw(np.arange(N_CLASSES), 10, seed=9))
    assert network.score(*draw(np.arange(N_CLASSES), 5, seed=7)) > 0.9


def test_two_classes_keep_their_probabilities_beside_a_third():
    network = classifier().fit(*draw(OLD[:2]))
    X, _ = draw(OLD[:2], 5, seed=2)
    before = network.predict_proba(X)
    assert network.n_outputs_ == 1
    assert network.out_activation_ == "logistic"
    network.set_params(learning_rate_init=1e-30).partial_fit(*draw(NEW[:1], 5))
    assert network.n_outputs_ == 3
    assert network.out_activation_ == "softmax"
    after = network.predict_proba(X)[:, np.isin(network.classes_, NAMES[:2])]
    assert_allclose(after / after.sum(axis=1, keepdims=True), before, atol=1e-5)
    labels, scores = network.predict_top_k(X, 3)
    assert labels.shape == scores.shape == (10, 3)


def test_wider_layers_are_selected():
    """Rules of density go by the width that there is; hidden layers stay as they were built."""
    network = classifier(output_density=0.1, density=0.3).partial_fit(*draw(OLD[:4]))
    assert network._network.layers[-1].selection is not None
    network = classifier(output_density=0.9).partial_fit(*draw(OLD[:4]))
    assert network._network.layers[-1].selection is None
    network.partial_fit(*draw(OLD))
    assert isinstance(network._network.layers[-1].selection, TopK)
    assert network.set_params(output_density=0.9).partial_fit(*draw(NEW)).n_outputs_ == 60
    with pytest.raises(ValueError, match="cannot change while it is trained further"):
        network.set_params(output_density=0.5).partial_fit(*draw(NEW[:1]))


def test_automatic_densities_follow_the_width(monkeypatch):
    monkeypatch.setattr("sklearn_lsh.estimators.density.OUTPUT_DENSE_BELOW", 50)
    monkeypatch.setattr("sklearn_lsh.estimators.density.OUTPUT_ACTIVE", 20)
    monkeypatch.setattr("sklearn_lsh.estimators.density.HIDDEN_DENSE_BELOW", 45)
    network = classifier().fit(*draw(OLD))
    assert network._description["n_active"] == [2, None]
    everyone = np.arange(N_CLASSES)
    for seed in range(3):
        network.partial_fit(*draw(everyone, 5, seed=seed))
        assert network._description["n_active"] == [2, 20]
        network = pickle.loads(pickle.dumps(network))
    assert isinstance(network._network.layers[-1].selection, OutputLSH)
    network.set_params(warm_start=True, max_iter=2).fit(*draw(everyone))


def test_functions_are_drawn_anew_for_many_more_classes():
    network = classifier(output_density=3, max_iter=3).fit(*draw(OLD[:8]))
    n_bits = network._network.layers[-1].selection.family.n_bits
    network.partial_fit(*draw(OLD[8:9]))
    assert network._network.layers[-1].selection.family.n_bits == n_bits
    for seed in range(10):
        network.partial_fit(*draw(np.arange(N_CLASSES), seed=seed))
    assert network._network.layers[-1].selection.family.n_bits > n_bits
    assert network.score(*draw(np.arange(N_CLASSES), 5, seed=7)) > 0.9


LABELS = np.eye(N_CLASSES, dtype=int)


def draw_labels(codes, n_labels, container, n_each=12, seed=1):
    """Samples with two labels each."""
    rng = np.random.default_rng(seed)
    codes = rng.permutation(np.repeat(codes, n_each))
    others = rng.permutation(codes)
    X = CENTRES[codes] + CENTRES[others] + 0.3 * rng.normal(size=(len(codes), N_FEATURES))
    return X.astype(np.float32), container((LABELS[codes] | LABELS[others])[:, :n_labels])


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("loss", ["logistic", "softmax"])
@pytest.mark.parametrize("output_density", ["auto", 12])
def test_new_labels_are_further_columns(container, loss, output_density):
    network = classifier(output_density=output_density, multilabel_loss=loss, max_iter=40)
    network.fit(*draw_labels(OLD, 40, container, n_each=30))
    X, Y = draw_labels(np.arange(N_CLASSES), N_CLASSES, container, n_each=10)
    network.partial_fit(X, Y)
    assert_array_equal(network.classes_, np.arange(N_CLASSES))
    assert network.predict(X).shape == Y.shape
    assert type(network.predict(X)) is type(Y)
    dense = Y.toarray() if sp.issparse(Y) else Y
    top, _ = network.predict_top_k(X, 2)
    is_right = np.take_along_axis(dense, top, axis=1)
    has_new = dense[:, 40:].any(axis=1)
    assert is_right.mean() > 0.8
    assert np.isin(top[has_new], NEW).any(axis=1).mean() > 0.8
    assert np.isin(top[~has_new], NEW).any(axis=1).mean() < 0.2
    with pytest.raises(ValueError, match="further columns, but not fewer"):
        network.partial_fit(X, Y[:, :50])


def test_named_classes_are_all():
    X, y = draw(NEW[:2])
    network = classifier().partial_fit(*draw(OLD), classes=np.unique(NAMES[OLD]))
    with pytest.raises(
        ValueError, match=r"classes not in `self.classes_`: \[.*\(2 in all.*Leave it"
    ):
        network.partial_fit(X, y)
    opened = classifier().partial_fit(*draw(OLD))
    with pytest.raises(ValueError, match="Leave it out of all calls of partial_fit"):
        opened.partial_fit(X, y, classes=opened.classes_)
    with pytest.raises(ValueError, match="is not the same as on last call"):
        opened.partial_fit(X, y, classes=np.unique(NAMES))
    assert len(opened.partial_fit(X, y).classes_) == 42
    indicators = classifier().partial_fit(X, LABELS[: len(X), :4], classes=range(4))
    with pytest.raises(ValueError, match=r"classes not in `self.classes_`: \[4\]"):
        indicators.partial_fit(X, LABELS[: len(X), :5])
    # A fit names nothing.
    assert len(network.fit(*draw(OLD)).partial_fit(X, y).classes_) == 42


def test_warm_start_takes_in_nothing():
    network = classifier(warm_start=True, max_iter=1).fit(*draw(OLD))
    with pytest.raises(ValueError, match="the same classes as in the previous call to fit"):
        network.fit(*draw(np.arange(N_CLASSES)))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 1, "a"], "labels of another kind|no common order|Unknown label type"),
        (["a", "b", "c"], "labels of another kind"),
        ([0.5, 1.5, 2.25], "Unknown label type: continuous"),
        (np.array([0, 1, 2**64 - 1], np.uint64), "cannot be told apart"),
        ([[0, 1], [1, 0], [1, 1]], "one class for each sample"),
    ],
)
def test_labels_of_other_kinds_are_refused(y, message):
    X = draw(OLD[:1], 3)[0]
    network = classifier().partial_fit(X, np.array([0, -1, 7]))
    before = pickle.dumps(network)
    with pytest.raises(ValueError, match=message):
        network.partial_fit(X, y)
    assert pickle.dumps(network) == before


def test_numbers_of_other_types_and_longer_names():
    X = draw(OLD[:1], 3)[0]
    network = classifier().partial_fit(X, np.array([0, 1, 7], np.int8))
    assert_array_equal(network.partial_fit(X, [0, 300, 7.0]).classes_, [0, 1, 7, 300])
    network = classifier().partial_fit(X, ["b", "c", "a"])
    assert network.partial_fit(X, ["bcd", "c", "a"]).classes_.tolist() == ["a", "b", "bcd", "c"]
    network = classifier().partial_fit(X, np.array(["b", "c", "a"], object))
    assert network.partial_fit(X, np.array(["bcd"] * 3, object)).classes_.dtype == object
    assert set(network.predict(X)) <= {"a", "b", "bcd", "c"}


@pytest.mark.parametrize("kind", ["dense", "hashed"])
def test_a_refused_call_leaves_all_as_it_was(kind, monkeypatch):
    network = classifier(**KINDS[kind]).fit(*draw(OLD))
    before = pickle.dumps(network)
    X, y = draw(NEW)
    for args in ((X * np.float32(1e37), y), (X[:, 1:], y), (X, y, np.zeros(len(y)))):
        with pytest.raises(ValueError, match=r"."), np.errstate(all="ignore"):
            network.partial_fit(*args)
        assert pickle.dumps(network) == before
    assert len(network.partial_fit(X, y).classes_) == N_CLASSES


def test_classes_of_samples_that_do_not_count():
    """As in a fit they are classes, of which nothing is known."""
    network = classifier(output_density=8).fit(*draw(OLD))
    X, y = draw(np.append(OLD, NEW[:2]), 5)
    weights = np.where(np.isin(y, NAMES[NEW[:1]]), 0.0, 1.0)
    network.partial_fit(X, y, sample_weight=weights)
    assert NAMES[NEW[0]] in network.classes_
    assert network.score(*draw(NEW[1:2], 20, seed=2)) > 0.7
    assert NAMES[NEW[0]] not in network.predict(X)


def test_weights_of_classes_that_have_not_come():
    weights = {NAMES[50]: 5.0}
    network = classifier(class_weight=weights).partial_fit(*draw(OLD[:3]))
    plain = classifier().partial_fit(*draw(OLD[:3]))
    assert_array_equal(network.coefs_[0], plain.coefs_[0])
    X, y = draw(np.append(OLD[:3], 50))
    network.partial_fit(X, y)
    plain.partial_fit(X, y, sample_weight=np.where(y == NAMES[50], 5.0, 1.0))
    assert_allclose(network.coefs_[1], plain.coefs_[1], atol=1e-6)
    with pytest.raises(ValueError, match="are not in class_weight"):
        classifier(class_weight=weights, max_iter=1).fit(*draw(OLD[:3]))


def test_who_predicts_meanwhile_sees_what_was_before():
    network, during = classifier(output_density=8).fit(*draw(OLD)), []
    X, _ = draw(OLD, 5, seed=2)
    before = network.predict_proba(X)

    class Watched(type(network._network)):
        def train_epoch(self, *args, **stop):
            loss = super().train_epoch(*args, **stop)
            with ThreadPoolExecutor(1) as other:
                during.append(other.submit(network.predict_proba, X).result())
            return loss

    network._network.__class__ = Watched
    network.partial_fit(*draw(NEW))
    assert_array_equal(during[0], before)
    assert network.predict_proba(X).shape == (len(X), N_CLASSES)


def test_it_repeats_and_threads_share_it():
    networks = [classifier(output_density=8).fit(*draw(OLD)).partial_fit(*draw(NEW)) for _ in "ab"]
    for ours, theirs in zip(networks[0].coefs_, networks[1].coefs_, strict=True):
        assert_array_equal(ours, theirs)
    network = classifier(output_density=8, n_jobs=2).fit(*draw(OLD))
    network.partial_fit(*draw(np.arange(N_CLASSES), 5))
    assert network.score(*draw(NEW, 5, seed=2)) > 0.9


def test_new_classes_after_weights_were_replaced():
    for kind in ({"output_density": 8}, {}):
        network = classifier(**kind).fit(*draw(OLD))
        network.coefs_ = [1.01 * coef for coef in network.coefs_]
        network.partial_fit(*draw(np.arange(N_CLASSES)))
        assert network.score(*draw(NEW, 5, seed=2)) > 0.8


def test_the_rate_can_be_set_between_calls():
    network = classifier(learning_rate="linear", max_iter=3).fit(*draw(OLD))
    network.set_params(learning_rate="constant", learning_rate_init=0.25)
    network.partial_fit(*draw(OLD))
    assert network._network.optimizer.learning_rate == 0.25


def test_regressors_have_as_many_targets_as_ever():
    X, _ = draw(OLD[:3])
    network = LSHMLPRegressor(hidden_layer_sizes=(5,), random_state=0).partial_fit(X, X[:, :2])
    with pytest.raises(ValueError, match="has 3 outputs, but the network was trained with 2"):
        network.partial_fit(X, X[:, :3])
