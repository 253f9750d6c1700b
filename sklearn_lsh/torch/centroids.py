"""A layer's start at the centroids of its classes."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn import functional as F

from sklearn_lsh.torch.sketches import Centre

# A sample's mean score for its own class: so much that steps on other classes do not undo the
# start, not so much that nothing is left to be learnt.
OWN_SCORE = 50.0
# Share of the mean's length up to which a class's centroid differs from it by rounding alone: in
# float32 that is what thousands of equal samples of a class may sum up to.
NOISE = 1e-4


class CentroidRows(NamedTuple):
    """What a layer starts with.

    Attributes
    ----------
    rows : Tensor of shape (n_classes, n_features)
    biases : Tensor of shape (n_classes, 1)
    centre : Centre
        The samples' mean, and how far the classes' centroids typically are from it.
    """

    rows: torch.Tensor
    biases: torch.Tensor
    centre: Centre


class HiddenSums:
    """Sums of the hidden vectors of each class, batch by batch.

    Parameters
    ----------
    weight : Tensor of shape (n_classes, n_features)
        Of the layer, where the sums are to lie.
    """

    def __init__(self, weight):
        n_classes, n_features = weight.shape
        self.dtype = weight.dtype
        self.sums = torch.zeros(n_classes, n_features, device=weight.device)
        self.counts = torch.zeros(n_classes, 1, device=weight.device)

    def add(self, hidden, labels):
        """Add the hidden vectors of some samples."""
        self.sums.index_add_(0, labels, hidden.float())
        self.counts.index_add_(0, labels, torch.ones_like(self.counts[:1]).expand(len(labels), 1))

    def start(self) -> CentroidRows:
        """Rows from the mean of all samples towards those of the classes, and their biases.

        Samples score `OWN_SCORE` for their own class on average, and the mean sample 0
        for every class. Classes without samples have zeros, and so have those whose mean is
        that of all samples.

        Raises
        ------
        ValueError
            If there are no samples, or the weights' type does not hold what comes of them.
        """
        total = self.counts.sum()
        if total == 0:
            raise ValueError("batches must hold samples that are finite and not ignored.")
        mean = self.sums.sum(dim=0) / total
        towards = torch.where(self.counts > 0, self.sums / self.counts - mean, 0)
        lengths = towards.norm(dim=1, keepdim=True)
        noise = NOISE * mean.norm()
        towards = torch.where(lengths > noise, towards, 0)
        unit = (self.counts * towards.square()).sum().div(total * len(mean)).sqrt()
        own = (self.counts * towards.norm(dim=1, keepdim=True)).sum() / total
        rows = F.normalize(towards) * (OWN_SCORE / own if own > 0 else 0)
        biases = -(rows @ mean)[:, None]
        told = [noise, unit, own, rows.to(self.dtype), biases.to(self.dtype)]
        if not all(torch.isfinite(each).all() for each in told):
            raise ValueError(
                "batches must hold hidden vectors whose means, and rows that tell them apart, are "
                f"finite in float32 and {self.dtype}."
            )
        return CentroidRows(rows, biases, Centre(mean, float(unit) or 1.0))
