"""The network's word and that of similar training rows, blended into one.

What speaks for a label is weighed (`evidence`) on rows from which neither of them has learnt.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.special import expit

from sklearn_lsh.csr import CSR
from sklearn_lsh.estimators.automatic import is_auto
from sklearn_lsh.estimators.evidence import (
    FIRST,
    OF_SINGLE_ROWS,
    Candidates,
    Found,
    Weights,
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
# Rows that are held out to find weights on: a share of all, within bounds. Of fewer there are none.
HELD_OUT_SHARE, FEWEST_HELD_OUT, MOST_HELD_OUT = 0.05, 100, 2_000
# Standard errors by which a blend has to be better than the network.
SURE = 2


class Blend:
    """Answers of a network, blended with what similar rows say.

    Never changed: with more rows it is another one.

    Parameters
    ----------
    neighborhood : Neighborhood
    weights : Weights
    normalised : bool
        See `find_weights`.
    """

    def __init__(self, neighborhood: Neighborhood, weights: Weights, *, normalised: bool):
        self.neighborhood, self.weights, self.normalised = neighborhood, weights, normalised

    def check_stored(self, network) -> None:
        """Check what was loaded, and that it fits to a network."""
        stored = Attributes(self)
        neighborhood = stored.part("neighborhood", Neighborhood)
        neighborhood.check_stored(network.n_units[0], network.n_units[-1])
        weights = stored.part("weights", Weights)
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

    def candidates(self, network, X, k: int = 1, selection=None, n_jobs=None) -> Candidates:
        """Ask the network, rows and centroids for labels of samples: for ``k`` at least."""
        if self.weights.network == 0 and k <= N_CENTROIDS:  # so many labels are named by centroids
            named = sp.csr_array((X.shape[0], network.n_units[-1]), dtype=np.float32)
        else:
            named = labels_named_by(network, X, max(k, N_CANDIDATES), selection, n_jobs)
        return Candidates.of([named, *self.neighborhood.ask(X, n_jobs)])

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


def hold_out(estimator, data, validation, random_state) -> HeldOut | None:
    """Hold rows out of a training set, to blend by; None where no neighbours are asked.

    Parameters
    ----------
    estimator : BaseLSHMLP
        With its target and settings.
    data : TrainingSet
        Loses the rows.
    validation : ValidationSet or None
        Whose rows will do.
    random_state : RandomState
    """
    if estimator._settings.n_neighbors is None or estimator._target.n_outputs == 1:
        return None
    if validation is not None:
        return HeldOut(validation.X, validation.target, data.rows[:0])
    rows = hold_out_rows(data.target, data.rows, random_state)
    data.rows = np.setdiff1d(data.rows, rows)
    return HeldOut(data.X[rows], data.target[rows], rows)


def make_blend(estimator, data, held_out: HeldOut, random_state) -> Blend | None:
    """Blend a trained network with the rows that it learnt from and, in the end, those held out.

    Parameters
    ----------
    estimator : BaseLSHMLP
    data : TrainingSet
        Without the rows held out.
    held_out : HeldOut
    random_state : RandomState
        Draws what a search draws.

    Returns
    -------
    blend : Blend or None
        None where it is left to the data, and a blend does no better than the network.
    """
    network, n_jobs = estimator._network, estimator.n_jobs
    normalised = LOSSES[network.loss].normalised
    seed = random_state.randint(np.iinfo(np.int32).max)
    n_neighbors = estimator._settings.n_neighbors
    neighborhood = Neighborhood(*labelled_rows(data), n_neighbors, seed=seed, n_jobs=n_jobs)
    if held_out.X.shape[0] == 0:
        return Blend(neighborhood, OF_SINGLE_ROWS, normalised=normalised)
    trial = Blend(neighborhood, FIRST, normalised=normalised)
    candidates = trial.candidates(network, held_out.X, 1, estimator.predict_selection, n_jobs)
    found = find_weights(candidates, held_out.target, normalised=normalised)
    if is_auto(estimator.n_neighbors):
        alone = find_weights(candidates, held_out.target, normalised=normalised, network_only=True)
        gains = is_less(found.losses, alone.losses)
        if not gains or not hits(candidates, found, held_out) > hits(candidates, alone, held_out):
            return None
    blend = Blend(neighborhood, found.weights, normalised=normalised)
    if len(held_out.rows) == 0:
        return blend
    return blend.with_rows(*labelled_rows(data, held_out.rows))


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


def hits(candidates: Candidates, found: Found, held_out: HeldOut) -> int:
    """How many held-out samples' first label is right."""
    best = best_of(candidates, candidates.scores(found.weights), 1)
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
