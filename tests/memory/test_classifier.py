"""The classifier that remembers examples: what users see of it."""

import copy
import io
import pickle
import threading

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.random_projection import GaussianRandomProjection
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from sklearn_lsh.memory import LSHMemoryClassifier, answers, buckets, slots, vectors

X, Y = load_digits(return_X_y=True)
X = StandardScaler().fit_transform(X)
NO_DIRECTION = "The check has rows of zeros, which have no direction: they are refused by name."
ZERO_ROWS = dict.fromkeys(
    [
        "check_estimators_dtypes",
        "check_estimator_sparse_tag",
        "check_estimator_sparse_array",
        "check_estimator_sparse_matrix",
    ],
    NO_DIRECTION,
)


def add_one(X):
    """A column of ones, with which no row is zero."""
    ones = np.ones((X.shape[0], 1), np.float32)
    return sp.hstack([X, ones], format="csr") if sp.issparse(X) else np.hstack([X, ones])


ADDED = FunctionTransformer(add_one, accept_sparse=True)


@pytest.mark.filterwarnings("ignore:Can't check dok sparse matrix:UserWarning")
@parametrize_with_checks(
    [LSHMemoryClassifier(random_state=0, search=search) for search in ("auto", "lsh")],
    expected_failed_checks=lambda estimator: ZERO_ROWS,
)
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore:Can't check dok sparse matrix:UserWarning")
def test_checks_with_rows_of_zeros_fail_for_no_other_reason():
    memory = LSHMemoryClassifier(random_state=0, embedding=ADDED)
    checks = [
        check
        for estimator, check in estimator_checks_generator(memory)
        if check.func.__name__ in ZERO_ROWS
    ]
    assert len(checks) == len(ZERO_ROWS)
    for check in checks:
        check(memory)


def test_classes_come_at_any_time():
    memory = LSHMemoryClassifier(random_state=0)
    for label in range(10):
        rows = np.flatnonzero(label == Y)[:20]
        memory.partial_fit(X[rows], Y[rows])
        assert_array_equal(memory.classes_, np.arange(label + 1))
    held_out = np.concatenate([np.flatnonzero(label == Y)[20:] for label in range(10)])
    assert memory.score(X[held_out], Y[held_out]) > 0.6  # each class became a key or two


def test_one_example_is_enough():
    memory = LSHMemoryClassifier(random_state=0).fit(X[:100], np.where(Y[:100] < 9, "old", "nine"))
    strange = np.full((1, X.shape[1]), -1.0) * np.arange(1, 65)
    memory.partial_fit(strange, ["strange"])
    assert memory.predict(2 * strange) == ["strange"]


def test_attributes():
    memory = LSHMemoryClassifier(50, random_state=0).fit(X[:300], Y[:300])
    assert memory.n_used_ <= 50
    assert memory.keys_.shape == (memory.n_used_, 64)
    assert_allclose(np.linalg.norm(memory.keys_, axis=1), 1, atol=1e-6)
    assert len(memory.labels_) == memory.n_used_
    assert len(np.unique(memory.ages_)) == memory.n_used_
    assert memory.ages_.min() == 0
    with pytest.raises(ValueError, match="read-only"):
        memory.keys_[0] = 0
    assert memory.n_features_in_ == 64


def test_probabilities_and_ranks():
    memory = LSHMemoryClassifier(random_state=0).fit(X[:500], Y[:500])
    table = memory.predict_proba(X[500:600])
    assert_allclose(table.sum(axis=1), 1)
    assert_array_equal(memory.classes_[table.argmax(axis=1)], memory.predict(X[500:600]))
    labels, scores = memory.predict_top_k(X[500:600], 1)
    assert_array_equal(labels[:, 0], memory.predict(X[500:600]))
    assert_allclose(scores[:, 0], table.max(axis=1), rtol=1e-6)
    labels, scores = memory.predict_top_k(X[500:600], 10)
    assert_array_equal(np.sort(labels, axis=1), np.tile(np.arange(10), (100, 1)))
    assert (np.diff(scores, axis=1) <= 0).all()


def test_neighbors():
    memory = LSHMemoryClassifier(random_state=0).fit(X[:200], Y[:200])
    distances, indices = memory.kneighbors(X[200:220], 3)
    queries = X[200:220] / np.linalg.norm(X[200:220], axis=1, keepdims=True)
    exact = 1 - queries @ memory.keys_.T
    assert_allclose(distances, np.sort(exact, axis=1)[:, :3], atol=1e-6)
    assert_array_equal(memory.kneighbors(X[200:220], 3, return_distance=False), indices)
    assert memory.kneighbors(X[:2])[0].shape == (2, 16)


def test_sparse_rows_are_as_dense_ones():
    X_sparse = sp.csr_array(np.where(X > 0, X, 0).astype(np.float32))
    dense, sparse = (
        LSHMemoryClassifier(random_state=0).fit(rows[:300], Y[:300])
        for rows in (X_sparse.toarray(), X_sparse)
    )
    assert_array_equal(dense.keys_, sparse.keys_)
    assert_array_equal(dense.predict(X_sparse[300:]), sparse.predict(X_sparse[300:]))


def test_predict_then_learn():
    memory, asked = (LSHMemoryClassifier(60, random_state=0) for _ in range(2))
    told = memory.predict_then_learn(X[:200], Y[:200])
    assert told.mask.tolist() == [True] + 199 * [False]
    for i in range(200):
        if i:
            assert asked.predict(X[i : i + 1]) == told[i]
        asked.partial_fit(X[i : i + 1], Y[i : i + 1])
    assert_array_equal(memory.keys_, asked.keys_)


def test_forgetting():
    memory = LSHMemoryClassifier(random_state=0).fit(X[:200], Y[:200])
    kept, ages = memory.keys_[memory.labels_ != 3].copy(), memory.ages_[memory.labels_ != 3]
    memory.forget([3])
    assert 3 not in memory.classes_
    assert_array_equal(memory.keys_, kept)
    assert_array_equal(memory.ages_, ages)
    assert 3 not in memory.predict(X[200:])
    memory.partial_fit(X[:200][Y[:200] == 3], np.full((Y[:200] == 3).sum(), 3))
    assert 3 in memory.predict(X[200:])
    memory.forget(memory.classes_)
    assert memory.n_used_ == len(memory.classes_) == 0
    with pytest.raises(ValueError, match="memory is empty"):
        memory.predict(X[:1])


def test_embedding():
    projection = GaussianRandomProjection(20, random_state=0).fit(X)
    memory = LSHMemoryClassifier(embedding=projection, random_state=0).fit(X[:300], Y[:300])
    plain = LSHMemoryClassifier(random_state=0).fit(projection.transform(X[:300]), Y[:300])
    assert_array_equal(memory.keys_, plain.keys_)
    assert memory.n_features_in_ == 64
    frozen = LSHMemoryClassifier(embedding=FrozenEstimator(projection), random_state=0)
    assert cross_val_score(frozen, X, Y, cv=3).mean() > 0.7


def test_callbacks_are_told():
    from sklearn.callback import ProgressBar

    pytest.importorskip("rich")
    memory = LSHMemoryClassifier(random_state=0).set_callbacks(ProgressBar())
    memory.fit(np.tile(X, (5, 1)), np.tile(Y, 5))
    assert memory.score(X, Y) > 0.9


# ---- what is refused


def messages(function, *arguments, **named):
    """The error of a call."""
    with pytest.raises((ValueError, TypeError, NotFittedError)) as caught:
        function(*arguments, **named)
    return str(caught.value)


NOTHING, NAN = X[:5].copy(), X[:5].copy()
NOTHING[3], NAN[2, 4] = 0, np.nan


@pytest.mark.parametrize(
    ("rows", "labels", "message"),
    [
        (NOTHING, Y[:5], "Row 3 of X is zero"),
        (sp.csr_array(NOTHING), Y[:5], "Row 3 of X is zero"),
        (sp.csr_array(1e-60 * X[:5]), Y[:5], "Row 0 of X is zero"),
        (NAN, Y[:5], "NaN"),
        (X[:5, :4], Y[:5], "4 features"),
        (X[:5], Y[:4], "inconsistent"),
        (X[:5], np.array(["a"] * 5), "labels that are strings"),
        (X[:5], np.array([1, "a", 2, 3, 4], object), "all numbers or all strings"),
        (X[:5], np.arange(5) / 3, "continuous"),
        (X[:5], np.full(5, np.inf), "infinity"),
    ],
)
def test_refused_calls_change_nothing(rows, labels, message):
    memory = LSHMemoryClassifier(random_state=0).fit(X[:100], Y[:100])
    before = pickle.dumps(vars(memory))
    for learn in (memory.partial_fit, memory.predict_then_learn, memory.fit):
        if learn == memory.fit and ("features" in message or "strings" in message[:30]):
            continue  # which is no fault there
        assert message in messages(learn, rows, labels)
        assert pickle.dumps(vars(memory)) == before


def test_labels_that_find_no_room_are_not_there(monkeypatch):
    memory = LSHMemoryClassifier(random_state=0).fit(np.eye(3)[:2], ["a", "b"])
    rows, y = np.ones((1000, 3)), ["new"] * 1000

    def refuse(array, n_rows):
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(slots, "_with_rows", refuse)
        with pytest.raises(MemoryError):
            memory.partial_fit(rows, y)
    assert_array_equal(memory.classes_, ["a", "b"])
    assert memory.n_used_ == 2
    assert_array_equal(memory.partial_fit(rows, y).classes_, ["a", "b", "new"])


def test_refused_weights():
    message = messages(LSHMemoryClassifier().fit, X, Y, sample_weight=np.ones(len(Y)))
    assert "comes twice" in message
    assert "sample_weight" in message
    assert "other" in messages(LSHMemoryClassifier().partial_fit, X, Y, other=1)
    LSHMemoryClassifier().fit(X[:9], Y[:9], sample_weight=None)


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_slots": 0},
        {"n_slots": 2**31},
        {"n_neighbors": 0},
        {"search": "tree"},
        {"age_noise": -1},
        {"age_noise": np.inf},
        {"key_weight": -0.1},
        {"key_weight": np.nan},
        {"temperature": 0},
        {"embedding": 3},
        {"hash_function": "md5"},
        {"n_bits": 17},
    ],
    ids=str,
)
def test_refused_parameters(parameters):
    (name,) = parameters
    assert name in messages(LSHMemoryClassifier(**parameters).fit, X, Y)


def test_refused_questions():
    memory = LSHMemoryClassifier(random_state=0)
    for ask in (memory.predict, memory.kneighbors, memory.predict_proba):
        with pytest.raises(NotFittedError):
            ask(X)
    assert not hasattr(memory, "classes_")
    memory.fit(X[:20], Y[:20])
    assert "n_neighbors" in messages(memory.kneighbors, X, 21)
    assert "k must be" in messages(memory.predict_top_k, X, 11)
    assert "labels must be" in messages(memory.forget, [77])
    assert "labels" in messages(memory.forget, ["a"])


def test_refused_embeddings():
    projection = GaussianRandomProjection(20, random_state=0)
    memory = LSHMemoryClassifier(embedding=projection, random_state=0)
    with pytest.raises(NotFittedError, match=r"embedding=.* is not fitted"):
        memory.fit(X, Y)
    memory.set_params(embedding=clone(projection).fit(X)).fit(X[:50], Y[:50])
    memory.set_params(embedding=GaussianRandomProjection(10, random_state=0).fit(X))
    assert "embedding makes 10 features" in messages(memory.predict, X)
    memory.set_params(embedding=FunctionTransformer(np.zeros_like))
    assert "what embedding makes of X is zero" in messages(memory.fit, X, Y)


# ---- saved and shared


def through_joblib(memory):
    file = io.BytesIO()
    joblib.dump(memory, file)
    file.seek(0)
    return joblib.load(file)


def through_skops(memory):
    skops = pytest.importorskip("skops.io")
    data = skops.dumps(memory)
    trusted = skops.get_untrusted_types(data=data)
    assert all(name.startswith("sklearn_lsh.") for name in trusted)
    return skops.loads(data, trusted=trusted)


@pytest.mark.parametrize(
    "through",
    [
        lambda memory: pickle.loads(pickle.dumps(memory)),
        through_joblib,
        through_skops,
        copy.deepcopy,
    ],
)
@pytest.mark.parametrize("search", ["exact", "lsh"])
@pytest.mark.parametrize("names", [lambda y: y, lambda y: y.astype(str)])
def test_saved_memories_go_on_as_before(through, search, names):
    memory = LSHMemoryClassifier(400, search=search, random_state=0).fit(X[:600], names(Y[:600]))
    loaded = through(memory)
    assert_array_equal(loaded.predict_proba(X), memory.predict_proba(X))
    for each in (memory, loaded):
        each.partial_fit(X[600:900], names(Y[600:900]))
    for name in ("keys_", "labels_", "ages_", "classes_"):
        assert_array_equal(getattr(loaded, name), getattr(memory, name))


@pytest.mark.parametrize("search", ["exact", "lsh"])
@pytest.mark.parametrize(
    ("part", "place", "value"),
    [
        ("counts", 0, 0),  # used slots
        ("counts", 0, 10**6),
        ("counts", 1, -1),  # rows so far
        ("counts", 2, 2**62),  # keys written
        ("labels", 5, 10),
        ("stamps", 5, 10**9),
        ("sizes", 5, 0),
        ("keys", 5, np.nan),
    ],
)
def test_tampered_slots_are_refused_or_go_on(search, part, place, value):
    """Whatever is loaded ends: with an error, or with an answer."""
    memory = LSHMemoryClassifier(400, search=search, random_state=0).fit(X[:600], Y[:600])
    array = getattr(memory._store.slots, part)
    array[place] = value
    try:
        loaded = pickle.loads(pickle.dumps(memory))
    except ValueError as error:
        if not ("Slots" in str(error) or "Store" in str(error)):
            raise
    else:
        loaded.partial_fit(X[:900], Y[:900]).predict(X)


def test_mapped_to_a_file(tmp_path):
    memory = LSHMemoryClassifier(400, search="lsh", random_state=0).fit(X[:600], Y[:600])
    joblib.dump(memory, tmp_path / "memory")
    mapped = joblib.load(tmp_path / "memory", mmap_mode="r")
    mapped.partial_fit(X[600:900], Y[600:900])
    assert_array_equal(mapped.keys_, memory.partial_fit(X[600:900], Y[600:900]).keys_)


def test_threads_that_ask_while_others_learn():
    memory = LSHMemoryClassifier(300, search="lsh", random_state=0).fit(X[:300], Y[:300])
    answers, errors = [], []

    def ask():
        try:
            answers.extend(memory.score(X[:50], Y[:50]) for _ in range(10))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for i in range(300, 900, 20):
        memory.partial_fit(X[i : i + 20], Y[i : i + 20])
    for thread in threads:
        thread.join()
    assert not errors
    assert min(answers) > 0.5


def test_parts_are_those_of_the_package():
    """The modules behind it, by name: what they offer is used above."""
    assert slots.Slots.empty(3).n_used == 0
    assert buckets.N_PROBES > 1
    assert issubclass(LSHMemoryClassifier, answers.AnswersMixin)
    assert vectors.unit_rows(np.array([[3.0, 4.0]]), slice(None)).tolist() == [
        [0.6000000238418579, 0.800000011920929]
    ]
