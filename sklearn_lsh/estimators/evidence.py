"""Labels that are named for samples, and how much what speaks for them counts.

For a sample each label that the network, similar rows or centroids name is a candidate, with a
number from each of them. How much these count is found like the coefficients of a logistic
regression. Only how much likelier rare labels are taken to be is given: where a frequent one and a
rare one are as likely, the choice between them is one of what a user wants.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.optimize import minimize
from scipy.special import expit

from sklearn_lsh.csr import Pattern, keep_best


class EvidenceWeights(NamedTuple):
    """How much the logarithm of each kind of evidence counts.

    Attributes
    ----------
    network, neighbors, centroids : float
        Of 0 at least.
    copies : float, default=0
        Of a row that is the same as the sample. Less than 0 where such a row rather has another
        label: of texts that each label has once, the one that is asked for is not there.
    rare : float, default=0
        Of few rows of a label: a logit adjustment (Menon et al. 2021, arXiv:2007.07314) in one
        step.
    intercept : float, default=0
        Of the log-odds of each of many labels.
    """

    network: float
    neighbors: float
    centroids: float
    copies: float = 0.0
    rare: float = 0.0
    intercept: float = 0.0


# What counts as no evidence, and weights that are tried first: from validation rows of tagged
# papers, on which those that were found did as well.
LEAST = np.array([0.01, 0.05, 0.05, 0.05], np.float32)
FIRST = EvidenceWeights(0.5, 1.0, 0.5)
# Those where there are no rows to find any on, because nearly all labels have a single one: of
# which a network learns nothing that the row itself does not tell.
OF_SINGLE_ROWS = EvidenceWeights(0.0, 1.0, 0.5)
# A penalty on squared weights, of as many rows' worth.
PENALTY = 1.0


class LabelCandidates(NamedTuple):
    """Labels that are named for samples, and what speaks for them.

    Attributes
    ----------
    indptr : ndarray of shape (n_samples + 1,)
    labels : ndarray of shape (n_pairs,)
        Of each sample in ascending order.
    evidence : ndarray of shape (n_pairs, 5), dtype=float32
        In the order of `EvidenceWeights`: logarithms, 0 without evidence, and whether labels are
        rare.
    n_labels : int
    """

    indptr: np.ndarray
    labels: np.ndarray
    evidence: np.ndarray
    n_labels: int

    @classmethod
    def of(cls, kinds, is_rare) -> LabelCandidates:
        """Put kinds of evidence side by side.

        Parameters
        ----------
        kinds : sequence of csr_arrays of shape (n_samples, n_labels)
            From the network, of neighbours, centroids and copies.
        is_rare : bool ndarray of shape (n_labels,)
        """
        n_samples, n_labels = kinds[0].shape
        keys = [_rows_of(kind) * n_labels + kind.indices for kind in kinds]
        pairs, places = np.unique(np.concatenate(keys), return_inverse=True)
        rows, labels = np.divmod(pairs, n_labels)
        evidence = np.zeros((len(pairs), len(kinds) + 1), np.float32)
        evidence[:, -1] = is_rare[labels]
        start = 0
        for column, kind in enumerate(kinds):
            stop = start + kind.nnz
            evidence[places[start:stop], column] = np.log1p(kind.data / LEAST[column])
            start = stop
        return cls(np.searchsorted(rows, np.arange(n_samples + 1)), labels, evidence, n_labels)

    def scores(self, weights: EvidenceWeights) -> np.ndarray:
        """Weigh the evidence."""
        return self.evidence @ np.array(weights[:-1], np.float32) + np.float32(weights.intercept)


class FoundWeights(NamedTuple):
    """Weights, and the loss of each sample under them."""

    weights: EvidenceWeights
    losses: np.ndarray


def find_weights(
    candidates: LabelCandidates,
    target: sp.csr_array,
    *,
    normalised: bool,
    network_only: bool = False,
) -> FoundWeights:
    """Find weights under which the network's own loss is least, but for that of rare labels.

    Parameters
    ----------
    candidates : LabelCandidates
        Of samples that nothing was learnt from.
    target : csr_array of shape (n_samples, n_labels)
        What the network was to answer for them.
    normalised : bool
        Whether the loss is a softmax over a sample's labels (the weights are those of a conditional
        logit) and not the log-loss of each label on its own (of a logistic regression).
    network_only : bool, default=False
        Whether all other weights are to be 0.
    """
    truth = truth_of(candidates, target)
    loss = _softmax_loss if normalised else _logistic_loss
    n_samples = target.shape[0]

    def objective(weights):
        losses, gradient = loss(candidates, truth, EvidenceWeights(*weights))
        weights = np.append(weights[:-1], 0)  # the intercept is free
        value = losses.sum(dtype=np.float64) + PENALTY * (weights**2).sum() / 2
        return value / n_samples, (gradient + PENALTY * weights) / n_samples

    positive, free, none = (0, None), (None, None), (0, 0)
    others = [none] * 3 if network_only else [positive, positive, free]
    bounds = [positive, *others, none, free]
    found = minimize(objective, FIRST, jac=True, bounds=bounds, method="L-BFGS-B")
    weights = EvidenceWeights(*found.x.tolist())
    return FoundWeights(weights, loss(candidates, truth, weights)[0])


def _softmax_loss(candidates, truth, weights):
    """Cross-entropy of each sample's candidates, and the gradient of their sum."""
    starts, lengths = candidates.indptr[:-1], np.diff(candidates.indptr)
    probabilities = softmax_of(candidates.scores(weights), candidates.indptr)
    found = np.repeat(np.add.reduceat(truth, starts), lengths)  # true labels may not be named
    losses = -truth * np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
    gradient = (found * probabilities - truth) @ candidates.evidence
    return np.add.reduceat(losses, starts), np.append(gradient, 0)


def _logistic_loss(candidates, truth, weights):
    """Sum of the log-losses of each sample's candidates, and the gradient of their sum."""
    scores = candidates.scores(weights)
    error = expit(scores) - truth
    losses = np.logaddexp(0, scores) - truth * scores
    gradient = np.append(error @ candidates.evidence, error.sum())
    return np.add.reduceat(losses, candidates.indptr[:-1]), gradient


def softmax_of(scores, indptr) -> np.ndarray:
    """Softmax over ragged rows, none of which is empty."""
    lengths = np.diff(indptr)
    powers = np.exp(scores - np.repeat(np.maximum.reduceat(scores, indptr[:-1]), lengths))
    return powers / np.repeat(np.add.reduceat(powers, indptr[:-1]), lengths)


def truth_of(candidates, target) -> np.ndarray:
    """The target's values at the candidates."""
    if target.nnz == 0:  # none of the samples has a label
        return np.zeros(len(candidates.labels), np.float32)
    rows = np.repeat(np.arange(target.shape[0]), np.diff(candidates.indptr))
    wanted = rows * candidates.n_labels + candidates.labels
    keys = _rows_of(target) * candidates.n_labels + target.indices
    order = np.argsort(keys, kind="stable")
    places = np.searchsorted(keys, wanted, sorter=order)
    places = order[np.minimum(places, len(order) - 1)]
    return np.where(keys[places] == wanted, target.data[places], np.float32(0))


def _rows_of(matrix) -> np.ndarray:
    """Row of each value of a csr_array."""
    return np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))


def best_of(candidates: LabelCandidates, scores, k: int) -> np.ndarray:
    """Places of the candidates with the highest scores, the best first: of each sample ``k``."""
    indptr = candidates.indptr.astype(np.uint32)
    pattern = Pattern(indptr, np.arange(indptr[-1], dtype=np.uint32))
    best = keep_best(pattern, scores, k)
    order = np.argsort(-best.scores.reshape(-1, k), axis=1, kind="stable")
    return np.take_along_axis(best.indices.reshape(-1, k), order, axis=1)
