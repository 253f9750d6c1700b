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
    best_of,
    find_weights,
)

N_SAMPLES, N_LABELS = 30, 9


def draw_kinds(seed):
    """Three kinds of evidence, in rows that are not in order; of no sample there is none."""
    rng = np.random.default_rng(seed)
    kinds = []
    for _ in range(3):
        dense = rng.random((N_SAMPLES, N_LABELS)) * (rng.random((N_SAMPLES, N_LABELS)) < 0.4)
        dense[:, 0] = 0.5
        kinds.append(sp.csr_array(dense.astype(np.float32)))
    return kinds


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
    scores = weights.intercept + sum(w * each for w, each in zip(weights[:3], logs, strict=True))
    is_named = sum(kind.toarray() > 0 for kind in kinds) > 0
    truth = target.toarray() * is_named
    if normalised:
        p = softmax(np.where(is_named, scores, -np.inf), axis=1)
        return -(truth * np.log(np.where(truth, p, 1))).sum(axis=1)
    terms = np.logaddexp(0, scores) - truth * scores
    return (terms * is_named).sum(axis=1)


def test_candidates_are_all_that_is_named():
    kinds = draw_kinds(0)
    candidates = LabelCandidates.of(kinds)
    for sample in range(N_SAMPLES):
        part = slice(*candidates.indptr[sample : sample + 2])
        rows = [kind[[sample]].toarray()[0] for kind in kinds]
        assert_array_equal(candidates.labels[part], np.flatnonzero(sum(rows)))
        for column, (row, least) in enumerate(zip(rows, LEAST, strict=True)):
            expected = np.log1p(row[candidates.labels[part]] / least)
            assert_allclose(candidates.evidence[part, column], expected, rtol=1e-5)


@pytest.mark.parametrize("normalised", [False, True])
def test_weights_are_where_the_loss_is_least(normalised):
    kinds, target = draw_kinds(0), draw_target(1, one_each=normalised)
    found = find_weights(LabelCandidates.of(kinds), target, normalised=normalised)
    losses = dense_losses(kinds, target, found.weights, normalised=normalised)
    assert_allclose(found.losses, losses, rtol=1e-3, atol=1e-4)

    def objective(values):
        weights = EvidenceWeights(*values)
        total = dense_losses(kinds, target, weights, normalised=normalised).sum()
        return total + PENALTY * sum(w**2 for w in weights[:3]) / 2

    least = objective(found.weights)
    for place in range(4 - normalised):
        for step in (-0.05, 0.05):
            near = np.array(found.weights)
            near[place] += step
            assert (near[:3] < 0).any() or objective(near) > least


def test_samples_without_labels():
    candidates = LabelCandidates.of(draw_kinds(0))
    found = find_weights(candidates, sp.csr_array((N_SAMPLES, N_LABELS)), normalised=False)
    assert np.isfinite(found.losses).all()
    assert found.weights.intercept < 0


def test_weights_of_the_network_alone():
    candidates, target = LabelCandidates.of(draw_kinds(0)), draw_target(1, one_each=False)
    alone = find_weights(candidates, target, normalised=False, network_only=True)
    both = find_weights(candidates, target, normalised=False)
    assert alone.weights[1:3] == (0, 0)
    assert both.losses.mean() <= alone.losses.mean()


def test_evidence_without_worth_gets_no_weight():
    """The network knows the labels, rows and centroids guess."""
    rng = np.random.default_rng(0)
    target = sp.csr_array(np.eye(N_LABELS, dtype=np.float32)[rng.integers(N_LABELS, size=2000)])
    noise = [sp.csr_array(rng.random((2000, N_LABELS)).astype(np.float32)) for _ in range(2)]
    known = sp.csr_array((target.toarray() * 0.5 + 0.01).astype(np.float32))
    found = find_weights(LabelCandidates.of([known, *noise]), target, normalised=True)
    assert found.weights.network > 2
    assert max(found.weights[1:3]) < 0.3


@pytest.mark.parametrize("k", [1, 3])
def test_best_candidates(k):
    candidates = LabelCandidates.of(draw_kinds(3))
    scores = np.random.default_rng(0).random(len(candidates.labels)).astype(np.float32)
    chosen = best_of(candidates, scores, k)
    for sample, places in enumerate(chosen):
        start, stop = candidates.indptr[sample : sample + 2]
        assert_array_equal(places, start + np.argsort(-scores[start:stop])[:k])


def test_probabilities():
    candidates = LabelCandidates.of(draw_kinds(0))
    weights = EvidenceWeights(0.4, 0.3, 0.2, -1.0)
    expected = candidates.evidence @ np.array([0.4, 0.3, 0.2]) - 1
    assert_allclose(candidates.scores(weights), expected, rtol=1e-5)
    assert_allclose(expit(candidates.scores(weights)), expit(expected), rtol=1e-5)
