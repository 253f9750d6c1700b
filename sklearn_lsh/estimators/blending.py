"""The network's word and that of similar training rows, blended into one.

What speaks for a label is weighed (`evidence`) on rows from which neither of them has learnt.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.special import expit

from sklearn_lsh.csr import CSR
from sklearn_lsh.estimators.automatic import is_auto
from sklearn_lsh.estimators.evidence import (
    FIRST,
    OF_SINGLE_ROWS,
    EvidenceWeights,
    LabelCandidates,
    best_of,
    find_weights,
    softmax_of,
    truth_of,
)
from sklearn_lsh.estimators.neighborhood import N_CENTROIDS, Neighborhood, table_of
from sklearn_lsh.network.losses import LOSSES
from sklearn_lsh.stored import Attributes, is_number

# Labels that the network names at least.
N_CANDIDATES = 50
# Rows that are asked at once.
CHUNK_ROWS = 2048
# Rows that are held out to find weights on: this share of all, ...
HELD_OUT_SHARE = 0.05
# ... but none where there are not so many, ...
FEWEST_HELD_OUT = 100
# ... and no more than that.
MOST_HELD_OUT = 1_000
# Mini-batches after which a network is trained no more whose word counts nothing.
STEPS_TRIED = 1_000
# Standard errors by which a blend has to be better than the network.
SURE = 2
# How much likelier rare classes are taken to be, on a logarithmic scale. On validation rows of
# diagnoses that is what all classes together can lose and be told as well as by the network.
RARE = 2.0


class Blend:
    """Answers of a network, blended with what similar rows say.

    Never changed: with more rows it is another one.

    Parameters
    ----------
    neighborhood : Neighborhood
    weights : EvidenceWeights
    normalised : bool
        See `find_weights`.
    """

    def __init__(self, neighborhood: Neighborhood, weights: EvidenceWeights, *, normalised: bool):
        self.neighborhood, self.weights, self.normalised = neighborhood, weights, normalised

    def check_stored(self, network) -> None:
        """Check what was loaded, and that it fits to a network."""
        stored = Attributes(self)
        neighborhood = stored.part("neighborhood", Neighborhood)
        neighborhood.check_stored(network.n_units[0], network.n_units[-1])
        weights = stored.part("weights", EvidenceWeights)
        stored.require(
            all(is_number(each, -np.inf, np.inf) for each in weights), "weights", "finite numbers"
        )
        is_same = stored.flag("normalised") == LOSSES[network.loss].normalised
        stored.require(is_same, "normalised", "as the network's loss is")

    def with_rows(self, X, labels) -> Blend:
        """The same with more rows."""
        return self._with(self.neighborhood.with_rows(X, labels))

    def with_labels(self, numbers, n_labels: int) -> Blend:
        """The same with more labels, among which the known ones have other numbers."""
        return self._with(self.neighborhood.with_labels(numbers, n_labels))

    def _with(self, neighborhood):
        return Blend(neighborhood, self.weights, normalised=self.normalised)

    def candidates(self, network, X, k: int = 1, selection=None, n_jobs=None) -> LabelCandidates:
        """Ask the network, rows and centroids for labels of samples: for ``k`` at least."""
        if self.weights.network == 0 and k <= N_CENTROIDS:  # so many labels are named by centroids
            named = sp.csr_array((X.shape[0], network.n_units[-1]), dtype=np.float32)
        else:
            named = labels_named_by(network, X, max(k, N_CANDIDATES), selection, n_jobs)
        evidence = self.neighborhood.ask(X, n_jobs)
        return LabelCandidates.of([named, *evidence], self.neighborhood.is_rare)

    def outputs(self, network, X, selection=None, n_jobs=None):
        """As `Network.outputs`: the candidates' probabilities."""
        for rows in chunks_of(X):
            candidates = self.candidates(network, X[rows], 1, selection, n_jobs)
            yield (
                rows,
                CSR(
                    candidates.indptr.astype(np.uint32),
                    candidates.labels.astype(np.uint32),
                    self._probabilities(candidates),
                    candidates.n_labels,
                ),
            )

    def top_k(self, network, X, k: int, selection=None, n_jobs=None):
        """As `Network.top_k`."""
        for rows in chunks_of(X):
            candidates = self.candidates(network, X[rows], k, selection, n_jobs)
            chosen = best_of(candidates, candidates.scores(self.weights), k)
            yield rows, (candidates.labels[chosen], self._probabilities(candidates)[chosen])

    def _probabilities(self, candidates):
        scores = candidates.scores(self.weights)
        return softmax_of(scores, candidates.indptr) if self.normalised else expit(scores)


def labels_named_by(network, X, k: int, selection, n_jobs) -> sp.csr_array:
    """The likeliest labels by a network, and their probabilities."""
    n_labels = network.n_units[-1]
    k = min(k, n_labels)
    labels, scores = np.empty((X.shape[0], k), np.int64), np.empty((X.shape[0], k), np.float32)
    for rows, best in network.top_k(X, k, selection, n_jobs):
        labels[rows], scores[rows] = best
    return table_of(labels, scores, n_labels)


def chunks_of(X) -> list[slice]:
    """Slices of as many rows as are asked at once."""
    return [slice(i, min(i + CHUNK_ROWS, X.shape[0])) for i in range(0, X.shape[0], CHUNK_ROWS)]


class HeldOut(NamedTuple):
    """Samples from which the network learns nothing, to find weights on."""

    X: np.ndarray | sp.csr_array
    target: sp.csr_array
    rows: np.ndarray
    """Which rows of the training set they are: none, where they are the user's own."""


def hold_out_rows(target, rows, random_state) -> np.ndarray:
    """Draw some rows to hold out, of which the labels have other rows.

    Parameters
    ----------
    target : csr_array of shape (n_samples, n_labels)
    rows : int ndarray
        Training rows.
    random_state : RandomState
    """
    drawn = random_state.permutation(rows)
    lengths = np.diff(target.indptr)
    if (lengths[rows] == 1).all():  # the first row of each class stays
        labels = target.indices[target.indptr[drawn]]
        drawn = np.delete(drawn, np.unique(labels, return_index=True)[1])
    n_wanted = int(np.clip(HELD_OUT_SHARE * len(rows), FEWEST_HELD_OUT, MOST_HELD_OUT))
    return np.sort(drawn[:n_wanted]) if len(drawn) >= FEWEST_HELD_OUT else rows[:0]


class Blending:
    """A blend in the making: rows held out from a training set, and what is similar to them.

    Parameters
    ----------
    estimator : BaseLSHMLP
        With its target and settings.
    data : TrainingSet
        Loses the rows that are held out.
    validation : ValidationSet or None
        Whose rows will do.
    random_state : RandomState
    """

    def __init__(self, estimator, data, validation, random_state):
        self.estimator, self.data = estimator, data
        if validation is not None:
            self.held_out = HeldOut(validation.X, validation.target, data.rows[:0])
        else:
            rows = hold_out_rows(data.target, data.rows, random_state)
            data.rows = np.setdiff1d(data.rows, rows)
            self.held_out = HeldOut(data.X[rows], data.target[rows], rows)
        self.seed = random_state.randint(np.iinfo(np.int32).max)

    @cached_property
    def neighborhood(self) -> Neighborhood:
        """The training rows, without those held out."""
        n_neighbors, n_jobs = self.estimator._settings.n_neighbors, self.estimator.n_jobs
        rows = labelled_rows(self.data)
        return Neighborhood(*rows, n_neighbors, seed=self.seed, n_jobs=n_jobs)

    def candidates(self) -> LabelCandidates:
        """What the network, as it is now, and the rows say of those held out."""
        estimator = self.estimator
        return self._blend(FIRST).candidates(
            estimator._network,
            self.held_out.X,
            selection=estimator.predict_selection,
            n_jobs=estimator.n_jobs,
        )

    def leaves_out_network(self, n_steps: float) -> bool:
        """Whether the network counts nothing, as it is after some mini-batches."""
        if self.held_out.X.shape[0] == 0:
            return OF_SINGLE_ROWS.network == 0
        return n_steps > STEPS_TRIED and self._weigh(self.candidates()).weights.network == 0

    def finish(self) -> Blend | None:
        """Blend the trained network with the rows that it learnt from, and with those held out.

        Returns
        -------
        blend : Blend or None
            None where it is left to the data, and a blend does no better than the network.
        """
        held_out = self.held_out
        if held_out.X.shape[0] == 0:
            return self._blend(OF_SINGLE_ROWS)
        candidates = self.candidates()
        found = self._weigh(candidates)
        weights = with_rare(found.weights, self.data.target)
        if is_auto(self.estimator.n_neighbors):
            alone = self._weigh(candidates, network_only=True)
            gain = hits(candidates, weights, held_out) - hits(candidates, alone.weights, held_out)
            if not (is_less(found.losses, alone.losses) and gain > 0):
                return None
        blend = self._blend(weights)
        if len(held_out.rows) == 0:
            return blend
        return blend.with_rows(*labelled_rows(self.data, held_out.rows))

    def _weigh(self, candidates, *, network_only=False):
        normalised = LOSSES[self.estimator._network.loss].normalised
        target = self.held_out.target
        return find_weights(candidates, target, normalised=normalised, network_only=network_only)

    def _blend(self, weights):
        normalised = LOSSES[self.estimator._network.loss].normalised
        return Blend(self.neighborhood, weights, normalised=normalised)


def begin_blending(estimator, data, validation, random_state) -> Blending | None:
    """Begin to blend, where neighbours are asked; see `Blending`."""
    if estimator._settings.n_neighbors is None or estimator._target.n_outputs == 1:
        return None
    return Blending(estimator, data, validation, random_state)


def grown_blend(estimator, known, data) -> Blend | None:
    """The blend that an estimator has, with more rows, and with labels that are new.

    Parameters
    ----------
    estimator : BaseLSHMLP
        With its new target.
    known : Target
        The one before.
    data : TrainingSet
    """
    blend, target = estimator._blend, estimator._target
    if blend is None:
        return None
    if target is not known:
        numbers = np.searchsorted(target.classes, known.classes)
        blend = blend.with_labels(numbers, target.n_outputs)
    return blend.with_rows(*labelled_rows(data))


def with_rare(weights: EvidenceWeights, target) -> EvidenceWeights:
    """The same, and what is given to rare classes: to labels that share their rows, nothing."""
    is_one_each = (np.diff(target.indptr) == 1).all()
    return weights._replace(rare=RARE if is_one_each else 0.0)


def hits(candidates: LabelCandidates, weights: EvidenceWeights, held_out: HeldOut) -> int:
    """How many held-out samples' first label is right."""
    best = best_of(candidates, candidates.scores(weights), 1)
    return int(np.count_nonzero(truth_of(candidates, held_out.target)[best[:, 0]]))


def is_less(losses, others) -> bool:
    """Whether losses are less than others of the same samples, and not by chance."""
    gains = others - losses
    return gains.mean() > SURE * gains.std() / np.sqrt(len(gains))


def labelled_rows(data, rows=None) -> tuple[np.ndarray | sp.csr_array, sp.csr_array]:
    """Rows of a training set, by default those trained on, and their labels by their weight.

    Returns
    -------
    X : ndarray or csr_array of shape (n_rows, n_features)
    labels : csr_array of shape (n_rows, n_labels), dtype=float32
    """
    rows = data.rows if rows is None else rows
    labels = data.target[rows]
    labels.data = np.ones_like(labels.data)
    if data.sample_weight is not None:
        labels = sp.csr_array(sp.diags_array(data.sample_weight[rows]) @ labels)
    return data.X[rows], labels
