"""Metrics of rankings, against plain loops and scikit-learn; scorers in searches."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from sklearn.datasets import load_digits, make_multilabel_classification
from sklearn.metrics import ndcg_score, top_k_accuracy_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.metrics import (
    label_propensities,
    ndcg_at_k,
    precision_at_k,
    propensity_scored_precision_at_k,
    top_k_scorer,
)

RNG = np.random.default_rng(0)
Y = (RNG.random((40, 12)) < 0.2).astype(int)
Y[3] = 0
SCORES = RNG.random(Y.shape)
TOP = np.argsort(-SCORES, axis=1)[:, :6]
PROPENSITIES = RNG.uniform(0.1, 1, 12)
WEIGHTS = RNG.random(40)


def untidy(y):
    """The same labels as a CSR matrix with zeros, duplicates, disorder and 64-bit indices."""
    rows, columns = np.nonzero(np.ones_like(y))
    order = np.lexsort((-columns, rows))
    rows, columns = np.repeat(rows[order], 2), np.repeat(columns[order], 2)
    indptr = np.searchsorted(rows, np.arange(len(y) + 1))
    return sp.csr_array((y[rows, columns], columns.astype(np.int64), indptr), shape=y.shape)


KINDS = {"dense": np.asarray, "csr": sp.csr_array, "bool": lambda y: y > 0, "untidy": untidy}


def plain_precision(y, top, k):
    return np.mean(
        [sum(row[label] for label in labels[:k]) / k for row, labels in zip(y, top, strict=True)]
    )


def plain_psp(y, top, k):
    found = best = 0.0
    for row, labels in zip(y, top, strict=True):
        found += sum(row[label] / PROPENSITIES[label] for label in labels[:k])
        best += sum(sorted((1 / PROPENSITIES[row == 1]), reverse=True)[:k])
    return found / best


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", [1, 3, 6])
def test_against_plain_references(kind, k):
    y = KINDS[kind](Y)
    assert_allclose(precision_at_k(y, TOP, k=k), plain_precision(Y, TOP, k))
    psp = propensity_scored_precision_at_k(y, TOP, PROPENSITIES, k=k)
    assert_allclose(psp, plain_psp(Y, TOP, k))


@pytest.mark.parametrize("k", [1, 3, 6])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_ndcg_against_scikit_learn(k, weights):
    expected = ndcg_score(Y, SCORES, k=k, sample_weight=weights)
    assert_allclose(ndcg_at_k(sp.csr_array(Y), TOP, k=k, sample_weight=weights), expected)


@pytest.mark.parametrize("labels", [np.arange(12), np.array(list("abcdefghijkl"))])
def test_classes_against_scikit_learn(labels):
    codes = RNG.integers(12, size=40)
    y, top = labels[codes], labels[TOP]
    for k in (1, 4):
        hits = top_k_accuracy_score(codes, SCORES, k=k, labels=np.arange(12))
        assert_allclose(precision_at_k(y, top, k=k) * k, hits)
        one_hot = np.eye(12, dtype=int)[codes]
        assert_allclose(ndcg_at_k(y, top, k=k), ndcg_score(one_hot, SCORES, k=k))
        assert_allclose(
            propensity_scored_precision_at_k(y, top, PROPENSITIES, k=k, classes=labels),
            plain_psp(one_hot, TOP, k),
        )


def test_weights_are_repetitions():
    counts = np.arange(40) % 3
    repeated = np.repeat(np.arange(40), counts)
    for metric, more in (
        (precision_at_k, ()),
        (ndcg_at_k, ()),
        (propensity_scored_precision_at_k, (PROPENSITIES,)),
    ):
        weighted = metric(Y, TOP, *more, sample_weight=counts)
        assert_allclose(weighted, metric(Y[repeated], TOP[repeated], *more))


def test_no_labels_at_all():
    none = np.zeros_like(Y)
    assert precision_at_k(none, TOP) == 0
    assert ndcg_at_k(none, TOP) == 0
    assert propensity_scored_precision_at_k(none, TOP, PROPENSITIES) == 0


def test_equal_propensities_give_the_share_of_what_can_be_found():
    found = precision_at_k(Y, TOP, k=3) * 3
    most = np.minimum(Y.sum(axis=1), 3).mean()
    psp = propensity_scored_precision_at_k(Y, TOP, np.full(12, 0.3), k=3)
    assert_allclose(psp, found / most)


def test_propensities():
    """The formula as it is printed."""
    n, counts = len(Y), Y.sum(axis=0)
    c = (np.log(n) - 1) * (1.5 + 1) ** 0.55
    expected = 1 / (1 + c * np.exp(-0.55 * np.log(counts + 1.5)))
    for kind in KINDS.values():
        assert_allclose(label_propensities(kind(Y)), expected)
    rare, common = label_propensities(["a", "b", "b", "b", "b"], a=0.6, b=2.6)
    assert rare < common
    assert len(label_propensities(["a", "c"], classes=["a", "b", "c"])) == 3
    assert (label_propensities([[1, 0]]) == 1).all()  # too few samples to say


@pytest.mark.parametrize(
    ("y", "top", "more", "message"),
    [
        (Y, TOP[0], {}, "must have shape"),
        (Y, TOP, {"k": 7}, "from 1 to the number of columns of top_k, which is 6"),
        (Y, TOP, {"k": 0}, "got 0"),
        (Y[:5], TOP, {}, "inconsistent numbers of samples"),
        (Y[:1], [[1, 2, 1]], {}, "label twice in row 0"),
        (Y[:1], [[12, 0]], {}, "integers from 0 to 11"),
        (Y[:1], [[-1, 0]], {}, "integers from 0 to 11"),
        (Y[:1], [["a", "b"]], {}, "integers from 0 to 11"),
        (Y, TOP, {"k": 1.5}, "k must be an integer from 1 .*got 1.5"),
        (Y, TOP, {"k": True}, "k must be an integer from 1 .*got True"),
        (Y, TOP, {"k": "2"}, "k must be an integer from 1 .*got '2'"),
        (Y, TOP, {"sample_weight": -WEIGHTS}, "[Nn]egative"),
        (Y, TOP, {"sample_weight": np.zeros(40)}, "zero"),
        (Y[:, :, np.newaxis], TOP, {}, "y_true must be label indicators"),
        (Y, TOP[:, :, np.newaxis], {}, "top_k must have shape"),
        (Y, [[0, 1], [0]], {}, "top_k must be an array, whose rows have the same length"),
        (Y[:1], [[0, np.nan]], {}, "top_k has labels that are NaN"),
        (np.where(Y, np.nan, 0), TOP, {}, "y_true has labels that are NaN"),
        ([[]], [[0]], {}, "integers from 0 to -1"),
        ([], np.empty((0, 2), int), {}, "y_true has no samples"),
    ],
)
def test_bad_rankings(y, top, more, message):
    for metric in (precision_at_k, ndcg_at_k):
        with pytest.raises(ValueError, match=message):
            metric(y, top, **more)


@pytest.mark.parametrize(
    ("y", "top", "kinds"),
    [
        (["1", "2"], [[1], [2]], "numbers, but those of y_true are strings"),
        ([1, 2], [["1"], ["2"]], "strings, but those of y_true are numbers"),
        (np.array(["1", "2"], object), [[1], [2]], "numbers, but those of y_true are strings"),
        ([None, 1], [[1], [2]], "y_true must have labels that are all numbers or all strings"),
        (np.array([1, "a"], object), [[1], [2]], "y_true must have labels that are all numbers"),
    ],
)
def test_labels_of_other_kinds_than_the_truth(y, top, kinds):
    with pytest.raises(TypeError, match=kinds):
        precision_at_k(y, top)


def test_kinds_of_labels_that_can_be_compared():
    for y in ([1, 2], [1.0, 2.0], np.array([1, 2], object), np.array([1, 2], np.uint8)):
        assert precision_at_k(y, [[1], [3]]) == 0.5
    for y in (["a", "b"], np.array(["a", "b"], object)):
        assert precision_at_k(y, np.array([["a"], ["c"]], object)) == 0.5


def lying(container, index):
    """A matrix of which the indices are outside."""
    y = container(np.eye(3))
    y.indices[:] = index
    return y


@pytest.mark.parametrize("container", [sp.csr_array, sp.csc_array, sp.csr_matrix, sp.bsr_array])
@pytest.mark.parametrize("index", [-1, 9, 10**9])
def test_truth_with_indices_outside(container, index):
    top = [[0], [1], [2]]
    for call in (
        lambda y: precision_at_k(y, top),
        lambda y: ndcg_at_k(y, top),
        lambda y: propensity_scored_precision_at_k(y, top, np.ones(3)),
        label_propensities,
    ):
        with pytest.raises(ValueError, match=r"matrix y(_true)? is not valid: its indices must be"):
            call(lying(container, index))


def test_truth_of_other_forms():
    assert precision_at_k(sp.lil_array(np.eye(3)), [[0], [1], [2]]) == 1
    assert precision_at_k(sp.dok_array(np.eye(3)), [[0], [1], [2]]) == 1
    with pytest.raises(ValueError, match="y_true must have two dimensions if it is sparse, got 1"):
        precision_at_k(sp.coo_array(np.ones(3)), [[0], [1], [2]])
    with pytest.raises(ValueError, match="y has 1099511627776 columns"):
        label_propensities(sp.csr_array((3, 2**40)))


def test_large_weights():
    weights = np.where(np.arange(40) < 10, 1e308, 0)
    assert_allclose(precision_at_k(Y, TOP, sample_weight=weights), precision_at_k(Y[:10], TOP[:10]))


def test_bad_classes():
    y, top = ["a", "c"], [["a"], ["b"]]
    for classes in (["c", "b", "a"], ["a", "a", "c"], [], [["a", "c"]]):
        with pytest.raises(ValueError, match="classes must be a list of one class or more, sorted"):
            propensity_scored_precision_at_k(y, top, [1, 1, 1], classes=np.array(classes, str))
    with pytest.raises(TypeError, match="classes has labels that are numbers"):
        label_propensities(y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="classes of label indicators are the numbers"):
        label_propensities(Y, classes=list("abcdefghijkl"))
    assert_allclose(label_propensities(Y, classes=np.arange(12)), label_propensities(Y))


@pytest.mark.parametrize("bad", [-1, np.nan, np.inf, "1", None])
def test_bad_parameters_of_propensities(bad):
    for name in ("a", "b"):
        with pytest.raises(ValueError, match=f"{name} must be a number from 0"):
            label_propensities(Y, **{name: bad})


def test_bad_propensities():
    with pytest.raises(ValueError, match="each of the 12 labels, got 3"):
        propensity_scored_precision_at_k(Y, TOP, [1, 1, 1])
    with pytest.raises(ValueError, match=r"numbers in \(0, 1\]"):
        propensity_scored_precision_at_k(Y, TOP, np.zeros(12))
    with pytest.raises(ValueError, match=r"numbers in \(0, 1\]"):
        propensity_scored_precision_at_k(Y, TOP, ["0.5"] * 12)
    with pytest.raises(ValueError, match="not in classes: "):
        label_propensities(["a", "b"], classes=["a"])


def test_scorer_in_a_grid_search_over_a_pipeline():
    X, y = make_multilabel_classification(200, n_classes=6, random_state=0)
    network = LSHMLPClassifier((20,), learning_rate_init=0.01, tol=0.01, random_state=0)
    pipeline = make_pipeline(MaxAbsScaler(), network)
    scorer = top_k_scorer(precision_at_k, k=2)
    search = GridSearchCV(pipeline, {"lshmlpclassifier__alpha": [1e-4, 1e4]}, cv=2, scoring=scorer)
    search.fit(X, sp.csr_array(y))
    assert search.best_params_["lshmlpclassifier__alpha"] == 1e-4
    best = search.best_estimator_
    labels, _ = best[-1].predict_top_k(best[:-1].transform(X), 2)
    assert scorer(best, X, y) == precision_at_k(y, labels)


def test_scorer_stops_training():
    X, y = load_digits(return_X_y=True)
    scorer = top_k_scorer(ndcg_at_k, k=3)
    network = LSHMLPClassifier((30,), early_stopping=True, scoring=scorer, random_state=0)
    network.set_params(tol=0.01, n_iter_no_change=2).fit(X / 16, y, sample_weight=np.ones(len(y)))
    assert network.best_validation_score_ > 0.9


def test_scorer_needs_a_ranking():
    with pytest.raises(TypeError, match="MaxAbsScaler has no method predict_top_k"):
        top_k_scorer(precision_at_k)(MaxAbsScaler(), Y, Y)


def test_bad_scorers():
    with pytest.raises(TypeError, match="metric must be a function"):
        top_k_scorer("precision_at_k")
    for k in (0, 1.5, True, None):
        with pytest.raises(ValueError, match="k must be an integer from 1"):
            top_k_scorer(precision_at_k, k=k)
