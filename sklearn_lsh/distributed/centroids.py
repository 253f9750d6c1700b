"""An output layer's start at the centroids of all rows: a pass over the data by many workers."""

from __future__ import annotations

from collections.abc import Sequence

from sklearn_lsh.distributed.replicas import Assignment, Common, assemble, read_rows
from sklearn_lsh.network import Network
from sklearn_lsh.network.centroids import CentroidSums
from sklearn_lsh.network.layers import Layer
from sklearn_lsh.threads import threads


def sum_classes(
    common: Common,
    head: Network,
    layers: list[Layer],
    assignment: Assignment,
    loaded: Sequence | None = None,
) -> CentroidSums | None:
    """Sum up the blocks of a replica, see `train_replica`."""
    data = read_rows(common, assignment, loaded)
    if data is None:
        return None
    sums = CentroidSums(assemble(head, layers))
    with threads(1):  # BLAS, too, as in `train_replica`
        sums.add(data.X, data.target, data.sample_weight, data.rows)
    return sums


def add_sums(first: CentroidSums | None, second: CentroidSums | None) -> CentroidSums | None:
    """Add up what two have."""
    if first is None or second is None:
        return second if first is None else first
    return first.joined(second)
