"""Rows of weight 0, rows without labels and rows set aside have no part in what is learnt.

Weights count, too, in all that is learnt from a sample: centroids and sketches.
"""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import load_digits

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor

from ..support.states import state_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
DIGITS, DIGIT = load_digits(return_X_y=True)
X = (DIGITS[:500] / 16).astype(np.float32)
COMMON = {"max_iter": 2, "random_state": 0}
# What learns, by what is kept of the data.
LEARNERS = {
    "dense": LSHMLPClassifier((20,), **COMMON),
    "hashed outputs": LSHMLPClassifier((20,), output_density=4, **COMMON),
    "hashed hidden": LSHMLPClassifier((600,), density=0.05, n_bits=5, **COMMON),
    "balanced": LSHMLPClassifier((20,), output_density=4, class_weight="balanced", **COMMON),
    "small batches": LSHMLPClassifier((20,), output_density=4, batch_size=50, **COMMON),
    "early stopping": LSHMLPClassifier((20,), output_density=4, early_stopping=True, **COMMON),
    "regressor": LSHMLPRegressor(hidden_layer_sizes=(20,), **COMMON),
}


def garbage(n_rows, scale=100.0):
    return (np.random.default_rng(1).normal(size=(n_rows, 64)) * scale).astype(np.float32)


def assert_same(one, other):
    """Two estimators are the same, bit for bit."""
    __tracebackhide__ = True
    assert state_of(one) == state_of(other)


@pytest.mark.parametrize("is_sparse", [False, True], ids=["dense data", "sparse data"])
@pytest.mark.parametrize("weighted", [False, True], ids=["ones", "weights"])
@pytest.mark.parametrize("name", LEARNERS)
def test_rows_of_weight_0(name, weighted, is_sparse):
    as_given = sp.csr_array if is_sparse else np.asarray
    learner, y = LEARNERS[name], DIGIT[:500]
    weights = RNG.random(500) + 0.5 if weighted else np.ones(500)
    expected = clone(learner).fit(as_given(X), y, sample_weight=weights)
    more = as_given(np.vstack([X, garbage(70)]))
    found = clone(learner).fit(more, np.r_[y, np.arange(70) % 10], np.r_[weights, np.zeros(70)])
    assert_same(found, expected)


@given(
    n_garbage=st.integers(1, 200),
    exponent=st.floats(-3, 12),
    name=st.sampled_from([name for name in LEARNERS if name != "regressor"]),
    n_rows=st.integers(60, 200),
)
@settings(max_examples=15, deadline=None, derandomize=True)
def test_any_garbage_of_weight_0(n_garbage, exponent, name, n_rows):
    learner = clone(LEARNERS[name]).set_params(max_iter=1)
    y, weights = np.arange(n_rows) % 10, np.ones(n_rows)
    expected = clone(learner).fit(X[:n_rows], y, weights)
    spoilt = np.vstack([X[:n_rows], garbage(n_garbage, 10**exponent)])
    labels = np.r_[y, np.zeros(n_garbage, int)]
    found = clone(learner).fit(spoilt, labels, np.r_[weights, np.zeros(n_garbage)])
    assert_same(found, expected)


def test_rows_without_labels_under_softmax():
    learner = LSHMLPClassifier((20,), output_density=4, multilabel_loss="softmax", **COMMON)
    Y = np.eye(10, dtype=int)[DIGIT[:500]] | np.eye(10, dtype=int)[DIGIT[500:1000]]
    expected = clone(learner).fit(X, Y, np.ones(500))
    more = np.vstack([X, garbage(70)])
    assert_same(clone(learner).fit(more, np.vstack([Y, np.zeros((70, 10), int)])), expected)


@pytest.mark.parametrize("is_sparse", [False, True], ids=["dense data", "sparse data"])
def test_rows_set_aside(is_sparse, monkeypatch):
    """What the network starts from knows nothing of validation rows, nor of their non-zeros."""
    learner = LEARNERS["early stopping"]
    as_given = sp.csr_array if is_sparse else np.asarray
    starts, rows = [], []

    def stop(self, data, *rest):
        memory = self._network.layers[-1].selection.memory
        weights = [part for layer in self._network.get_weights() for part in layer[:2]]
        starts.append([*weights, memory.counts.copy()])
        rows.append(data.rows)
        return True

    monkeypatch.setattr(LSHMLPClassifier, "_train", stop)
    clone(learner).fit(as_given(X), DIGIT[:500])
    spoilt = garbage(500)
    spoilt[rows[0]] = X[rows[0]]
    clone(learner).fit(as_given(spoilt), DIGIT[:500])
    np.testing.assert_array_equal(*rows)
    assert len(rows[0]) == 450
    for one, other in zip(*starts, strict=True):
        np.testing.assert_array_equal(one, other)
    counts = np.bincount(DIGIT[:500][rows[0]], minlength=10)
    np.testing.assert_array_equal(starts[0][-1], counts)


def test_weights_of_one_are_no_weights():
    for name, learner in LEARNERS.items():
        if name != "balanced":  # rounded otherwise
            y = DIGIT[:500]
            assert_same(clone(learner).fit(X, y, np.ones(500)), clone(learner).fit(X, y))


def test_rows_that_hardly_count():
    """Weights are those of centroids, too."""
    y = np.r_[DIGIT[:500], np.arange(50) % 10]
    learner = LSHMLPClassifier((30,), output_density=4, max_iter=3, random_state=0)
    scores = []
    for weight in (0, 1e-6):
        weights = np.r_[np.ones(500), np.full(50, weight)]
        learner.fit(np.vstack([X, garbage(50)]), y, weights)
        scores.append(learner.score(DIGITS[1000:] / 16, DIGIT[1000:]))
    assert scores[0] > 0.65
    assert scores[1] > scores[0] - 0.1
