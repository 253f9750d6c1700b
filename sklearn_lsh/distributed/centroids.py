"""An output layer's start at the centroids of all rows: a pass over the data by many workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sklearn_lsh.distributed.replicas import Assignment, Common, read_rows
from sklearn_lsh.network import Network
from sklearn_lsh.network.initialization import ClassSums, chunks, put_centroids, sum_by_class
from sklearn_lsh.network.losses import LOSSES


class Totals(NamedTuple):
    """Sums over the rows of one or more replicas.

    Attributes
    ----------
    rows : float32 ndarray of shape (n_classes, n_inputs)
        What the last hidden layer answers, summed up by class.
    sums : ClassSums
    n_rows : int
    """

    rows: np.ndarray
    sums: ClassSums
    n_rows: int

    def weighted(self, share: float) -> Totals:
        """The same with all rows' weights multiplied by a share."""
        counts, mean, n_samples = self.sums
        scale = np.float32(share)
        sums = ClassSums(counts * scale, mean, n_samples * share)
        return Totals(self.rows * scale, sums, self.n_rows)


def sum_classes(
    common: Common, network: Network, assignment: Assignment, loaded: Sequence | None = None
) -> Totals | None:
    """Sum up the blocks of a replica, see `train_replica`."""
    data = read_rows(common, assignment, loaded)
    if data is None:
        return None
    weights = data.sample_weight
    parts = chunks(data.X, data.target, weights, data.rows, network.chunk_size)
    hidden = (part._replace(inputs=network.hidden(part.inputs)) for part in parts)
    rows = np.zeros((network.n_units[-1], network.n_units[-2]), np.float32)
    totals = Totals(rows, sum_by_class(hidden, rows), len(data.rows))
    # Chunks are weighted by shares of the mean, which other replicas do not know.
    return totals if weights is None else totals.weighted(float(weights[data.rows].mean()))


def add_totals(first: Totals | None, second: Totals | None) -> Totals | None:
    """Add up what two have."""
    if first is None or second is None:
        return second if first is None else first
    one, other = first.sums, second.sums
    n_samples = one.n_samples + other.n_samples
    mean = (one.mean * one.n_samples + other.mean * other.n_samples) / n_samples
    sums = ClassSums(one.counts + other.counts, mean.astype(np.float32), n_samples)
    return Totals(first.rows + second.rows, sums, first.n_rows + second.n_rows)


def start_at(network: Network, totals: Totals) -> None:
    """Start the output layer at the centroids."""
    odds = not LOSSES[network.loss].normalised
    rows, sums, _ = totals.weighted(totals.n_rows / totals.sums.n_samples)
    put_centroids(network.layers[-1].weights, rows, sums, odds=odds)
