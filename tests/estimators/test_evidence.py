"""Candidates and weights, against plain arithmetic."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, softmax

from sklearn_lsh.estimators.evidence import (
    LEAST,
    PENALTY,
    EvidenceWeights,
    LabelCandidates,
    _logistic_loss,
    _softmax_loss,
    best_of,
    find_weights,
    truth_of,
)

N_SAMPLES, N_LABELS = 30, 9
IS_RARE = np.arange(N_LABELS) % 3 == 1


def draw_kinds(seed):
    """Four kinds of evidence, in rows that are not in order; of no sample there is none."""
    rng = np.random.default_rng(seed)
    kinds = []
    for _ in range(4):
        dense = rng.random((N_SAMPLES, N_LABELS)) * (rng.random((N_SAMPLES, N_LABELS)) < 0.4)
        dense[:, 0] = 0.5
        kinds.append(sp.csr_array(dense.astype(np.float32)))
    return kinds


def draw_candidates(seed):
    return LabelCandidates.of(draw_kinds(seed), IS_RARE)


def draw_target(seed, *, one_each):
    rng = np.random.default_rng(seed)
    if one_each:
        dense = np.eye(N_LABELS)[rng.integers(N_LABELS, size=N_SAMPLES)]
    else:
        dense = rng.random((N_SAMPLES, N_LABELS)) < 0.3
    return sp.csr_array(dense.astype(np.float32))


def dense_losses(kinds, target, weights, *, normalised):
    """Losses of the samples, label by label."""
    logs = [np.log1p(kind.toarray() / least) for kind, least in zip(kinds, LEAST, strict=True)]
    scores = weights.intercept + sum(w * each for w, each in zip(weights[:4], logs, strict=True))
    scores = scores + weights.rare * IS_RARE
    is_named = sum(kind.toarray() > 0 for kind in kinds) > 0
    truth = target.toarray() * is_named
    if normalised:
        p = softmax(np.where(is_named, scores, -np.inf), axis=1)
        return -(truth * np.log(np.where(truth, p, 1))).sum(axis=1)
    terms = np.logaddexp(0, scores) - truth * scores
    return (terms * is_named).sum(axis=1)


def test_candidates_are_all_that_is_named():
    kinds = draw_kinds(0)
    candidates = LabelCandidates.of(kinds, IS_RARE)
    for sample in range(N_SAMPLES):
        part = slice(*candidates.indptr[sample : sample + 2])
        rows = [kind[[sample]].toarray()[0] for kind in kinds]
        assert_array_equal(candidates.labels[part], np.flatnonzero(sum(rows)))
        for column, (row, least) in enumerate(zip(rows, LEAST, strict=True)):
            expected = np.log1p(row[candidates.labels[part]] / least)
            assert_allclose(candidates.evidence[part, column], expected, rtol=1e-5)
        assert_array_equal(candidates.evidence[part, -1], IS_RARE[candidates.labels[part]])


@pytest.mark.parametrize("normalised", [False, True])
def test_weights_are_where_the_loss_is_least(normalised):
    kinds, target = draw_kinds(0), draw_target(1, one_each=normalised)
    found = find_weights(LabelCandidates.of(kinds, IS_RARE), target, normalised=normalised)
    losses = dense_losses(kinds, target, found.weights, normalised=normalised)
    assert_allclose(found.losses, losses, rtol=1e-3, atol=1e-4)

    def objective(values):
        weights = EvidenceWeights(*values)
        total = dense_losses(kinds, target, weights, normalised=normalised).sum()
        return total + PENALTY * sum(w**2 for w in weights[:5]) / 2

    assert found.weights.rare == 0  # which is given, not found
    least = objective(found.weights)
    for place in (0, 1, 2, 3) if normalised else (0, 1, 2, 3, 5):
        for step in (-0.05, 0.05):
            near = np.array(found.weights)
            near[place] += step
            assert (near[:3] < 0).any() or objective(near) > least


@pytest.mark.parametrize("loss", [_softmax_loss, _logistic_loss])
def test_gradients_against_finite_differences(loss):
    """Of the weights of all kinds of evidence, that of rare labels included."""
    candidates = draw_candidates(0)
    candidates = candidates._replace(evidence=candidates.evidence.astype(np.float64))
    truth = truth_of(candidates, draw_target(1, one_each=True)).astype(np.float64)
    weights = np.array([0.7, 0.4, 0.2, -0.6, 0.9, -0.5 if loss is _logistic_loss else 0])

    def value(weights):
        return loss(candidates, truth, EvidenceWeights(*weights))[0].sum(dtype=np.float64)

    _, gradient = loss(candidates, truth, EvidenceWeights(*weights))
    for place, step in enumerate(0.01 * np.eye(6)):
        slope = (value(weights + step) - value(weights - step)) / 0.02
        assert_allclose(gradient[place], slope, rtol=1e-3, atol=1e-3)


def test_copies_of_another_label_count_against_it():
    """Where each text has two labels and a row for one of them, the other one is asked for."""
    n_samples = 500
    labels = np.random.default_rng(0).permuted(np.tile(np.arange(N_LABELS), (n_samples, 1)), axis=1)
    rows = np.arange(n_samples)

    def tell(columns, values):
        dense = np.zeros((n_samples, N_LABELS), np.float32)
        dense[rows, columns] = values
        return sp.csr_array(dense)

    taken, asked_for = labels[:, 0], labels[:, 1]
    network = tell(taken, 0.8) + tell(asked_for, 0.2)
    neighbors, centroids = tell(taken, 0.7) + tell(asked_for, 0.3), tell(taken, 1.0)
    kinds = [network, neighbors, centroids, tell(taken, 1.0)]
    candidates = LabelCandidates.of(kinds, IS_RARE)
    found = find_weights(candidates, tell(asked_for, 1.0), normalised=True)
    assert found.weights.copies < 0
    best = best_of(candidates, candidates.scores(found.weights), 1)[:, 0]
    assert (candidates.labels[best] == asked_for).mean() > 0.95


def test_samples_without_labels():
    candidates = draw_candidates(0)
    found = find_weights(candidates, sp.csr_array((N_SAMPLES, N_LABELS)), normalised=False)
    assert np.isfinite(found.losses).all()
    assert found.weights.intercept < 0


def test_weights_of_the_network_alone():
    candidates, target = draw_candidates(0), draw_target(1, one_each=False)
    alone = find_weights(candidates, target, normalised=False, network_only=True)
    both = find_weights(candidates, target, normalised=False)
    assert alone.weights[1:5] == (0, 0, 0, 0)
    assert both.losses.mean() <= alone.losses.mean()


def test_evidence_without_worth_gets_no_weight():
    """The network knows the labels, rows and centroids guess."""
    rng = np.random.default_rng(0)
    target = sp.csr_array(np.eye(N_LABELS, dtype=np.float32)[rng.integers(N_LABELS, size=2000)])
    noise = [sp.csr_array(rng.random((2000, N_LABELS)).astype(np.float32)) for _ in range(3)]
    known = sp.csr_array((target.toarray() * 0.5 + 0.01).astype(np.float32))
    found = find_weights(LabelCandidates.of([known, *noise], IS_RARE), target, normalised=True)
    assert found.weights.network > 2
    assert np.abs(found.weights[1:4]).max() < 0.3


@pytest.mark.parametrize("k", [1, 3])
def test_best_candidates(k):
    candidates = draw_candidates(3)
    scores = np.random.default_rng(0).random(len(candidates.labels)).astype(np.float32)
    chosen = best_of(candidates, scores, k)
    for sample, places in enumerate(chosen):
        start, stop = candidates.indptr[sample : sample + 2]
        assert_array_equal(places, start + np.argsort(-scores[start:stop])[:k])


def test_probabilities():
    candidates = draw_candidates(0)
    weights = EvidenceWeights(0.4, 0.3, 0.2, -0.5, 2.0, intercept=-1.0)
    expected = candidates.evidence @ np.array([0.4, 0.3, 0.2, -0.5, 2.0]) - 1
    assert_allclose(candidates.scores(weights), expected, rtol=1e-5)
    assert_allclose(expit(candidates.scores(weights)), expit(expected), rtol=1e-5)
