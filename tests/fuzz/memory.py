"""A memory: rows that are learnt, asked for and forgotten."""

import pickle

import numpy as np
import scipy.sparse as sp

from sklearn_lsh.memory import LSHMemoryClassifier

from . import parameters
from .arrays import Given, matrix
from .judge import REFUSED, expect
from .labels import Classes


class Case:
    """What is known of the memory: how long rows are, and which labels were learnt."""

    def __init__(self, call):
        self.n_features, self.classes = int(call.rng.integers(1, 6)), Classes(call.rng)
        self.labels, self.n_rows = None, 0

    @property
    def is_fitted(self):
        """Whether there is a memory."""
        return self.labels is not None


def play(call):
    """Make a case's calls."""
    known = LSHMemoryClassifier().get_params()
    drawn = parameters.draw(call, parameters.MEMORY, known, call.rng.integers(4))
    memory, case = LSHMemoryClassifier(**drawn), Case(call)
    for _ in range(call.rng.integers(4, 10)):
        action = call.pick(ACTIONS if case.is_fitted else [fit, partial_fit, ask_too_early])
        memory = action(call, memory, case) or memory


def X_for(call, case, n=15):
    """Rows, most often of the right number and with values."""
    n = 400 if call.chance(0.05) else n
    X = matrix(call.rng, int(call.rng.integers(1, n)), case.n_features + int(call.chance(0.04)))
    if X.plain is None:
        return X
    dense = X.plain.toarray() if sp.issparse(X.plain) else np.asarray(X.plain)
    # What float32 makes zero of is refused where rows are sparse, and may be where they are not.
    empty = (np.abs(dense) < 1e-44).all(axis=1).any()
    return Given(X.value, dense, X.bad or empty)


def may_fail(X):
    """Whether a row may be too small to have a direction."""
    return X.plain is None or (np.abs(X.plain) < 1e-36).all(axis=1).any()


def must_refuse(case, X):
    differs = X.plain is not None and case.is_fitted and X.plain.shape[1] != case.n_features
    return (X.bad and not is_zero_only(X)) or differs


def is_zero_only(X):
    return X.plain is not None and may_fail(X)


def y_for(call, case, X):
    n = 1 if X.plain is None else X.plain.shape[0]
    y = case.classes.draw(call.rng, n)
    return y


def note(call, memory, case, X, y, *, fresh):
    """Check a memory that has learnt."""
    if fresh:
        case.labels, case.n_rows, case.n_features = set(), 0, X.plain.shape[1]
    case.labels |= set(np.ravel(y.plain).tolist())
    case.n_rows += X.plain.shape[0]
    check(memory, case)


def check(memory, case):
    expect(set(memory.classes_.tolist()) == case.labels, "other classes")
    expect(memory.n_used_ <= min(case.n_rows, int(memory._store.n_slots)), "too many slots")
    lengths = np.linalg.norm(memory.keys_.astype(float), axis=1)
    expect(np.allclose(lengths, 1, atol=1e-5), "keys are no unit vectors")
    expect(len(np.unique(memory.ages_)) == memory.n_used_, "slots of the same age")
    expect(set(memory.labels_.tolist()) <= case.labels, "a slot of no class")


def fit(call, memory, case):
    X = X_for(call, case, 40)
    y = y_for(call, case, X)
    refuse = (X.bad and not is_zero_only(X)) or y.bad
    if call(memory.fit, X.value, y.value, refuse=refuse) is not REFUSED:
        note(call, memory, case, X, y, fresh=True)


def partial_fit(call, memory, case):
    X = X_for(call, case)
    y = y_for(call, case, X)
    learn = call.pick([memory.partial_fit, memory.predict_then_learn])
    fresh = not case.is_fitted
    told = call(learn, X.value, y.value, refuse=must_refuse(case, X) or y.bad)
    if told is REFUSED:
        return
    note(call, memory, case, X, y, fresh=fresh)
    if learn == memory.predict_then_learn:
        expect(told.shape == (X.plain.shape[0],), "another number of predictions")
        expect(set(told.compressed().tolist()) <= case.labels, "a label that was never learnt")


def fit_with_a_wrong_parameter(call, memory, case):
    name, wrong = parameters.draw_wrong(call, parameters.MEMORY, memory.get_params())
    right = getattr(memory, name)
    memory.set_params(**{name: wrong})
    X = X_for(call, case)
    y = y_for(call, case, X)
    call(memory.fit, X.value, y.value, refuse=True)
    memory.set_params(**{name: right})


def predict(call, memory, case):
    X = X_for(call, case)
    labels = call(memory.predict, X.value, refuse=must_refuse(case, X) or memory.n_used_ == 0)
    if labels is not REFUSED:
        expect(set(labels.tolist()) <= set(memory.labels_.tolist()), "a label without a slot")
    table = call(memory.predict_proba, X.value, refuse=must_refuse(case, X))
    if table is not REFUSED:
        expect(table.shape == (X.plain.shape[0], len(case.labels)), "another shape")
        expect(np.allclose(table.sum(axis=1), 1), "probabilities do not sum to 1")


def predict_top_k(call, memory, case):
    X, n = X_for(call, case), len(set(memory.labels_.tolist()))
    k = call.pick([1, n, n + 1, 0, 1.5, "a", None, True])
    right = type(k) is int and 1 <= k <= n
    answer = call(memory.predict_top_k, X.value, k, refuse=must_refuse(case, X) or not right)
    if answer is not REFUSED:
        labels, scores = answer
        expect(labels.shape == scores.shape == (X.plain.shape[0], k), "another shape")
        expect(all(len(set(row)) == k for row in labels.tolist()), "a label comes twice")
        expect((np.diff(scores, axis=1) <= 0).all(), "not the likeliest first")


def kneighbors(call, memory, case):
    X, n = X_for(call, case), memory.n_used_
    k = call.pick([None, 1, n, n + 1, 0, 1.5, "a", True])
    right = k is None or (type(k) is int and 1 <= k <= n)
    answer = call(memory.kneighbors, X.value, k, refuse=must_refuse(case, X) or not right)
    if answer is REFUSED:
        return
    distances, indices = answer
    rows = X.plain.astype(float)
    rows = rows / np.abs(rows).max(axis=1, keepdims=True)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    exact = 1 - rows @ memory.keys_.T.astype(float)
    found = np.take_along_axis(exact, indices, axis=1)
    expect(np.allclose(found, distances, atol=1e-4), "other distances")
    expect((np.diff(distances, axis=1) >= 0).all(), "not the nearest first")


def forget(call, memory, case):
    known = memory.classes_
    gone = known[call.rng.random(len(known)) < 0.3]
    strange = call.pick([[1.5], ["nothing"], [None], [[1j]], {}])
    wrong = call.chance(0.2)
    if len(gone) == 0 and not wrong:
        return
    if call(memory.forget, strange if wrong else gone, refuse=wrong) is not REFUSED:
        case.labels -= set(gone.tolist())
        case.n_rows = memory.n_used_
        check(memory, case)


def ask_too_early(call, memory, case):
    call(call.pick([memory.predict, memory.kneighbors]), X_for(call, case).value, refuse=True)


def set_params(call, memory, case):
    name = call.pick(["n_neighbors", "temperature", "n_jobs"])
    call(memory.set_params, **{name: call.pick(parameters.MEMORY[name][0])})


def store(call, memory, case):
    return pickle.loads(pickle.dumps(memory))


ACTIONS = [
    fit,
    *[partial_fit, predict, predict_top_k, kneighbors] * 3,
    forget,
    fit_with_a_wrong_parameter,
    set_params,
    store,
]
