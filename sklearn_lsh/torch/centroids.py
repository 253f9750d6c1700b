"""A layer's start at the centroids of its classes."""

from __future__ import annotations

import torch
from torch.nn import functional as F

# A sample's mean score for its own class: so much that steps on other classes do not undo the
# start, not so much that nothing is left to be learnt.
OWN_SCORE = 50.0


class HiddenSums:
    """Sums of the hidden vectors of each class, batch by batch.

    Parameters
    ----------
    weight : Tensor of shape (n_classes, n_features)
        Of the layer, where the sums are to lie.
    """

    def __init__(self, weight):
        n_classes, n_features = weight.shape
        self.sums = torch.zeros(n_classes, n_features, device=weight.device)
        self.counts = torch.zeros(n_classes, 1, device=weight.device)

    def add(self, hidden, labels):
        """Add the hidden vectors of some samples."""
        self.sums.index_add_(0, labels, hidden.float())
        self.counts.index_add_(0, labels, torch.ones_like(self.counts[:1]).expand(len(labels), 1))

    def rows_and_biases(self):
        """Rows from the mean of all samples towards those of the classes, and their biases.

        Samples score `OWN_SCORE` for their own class on average, and the mean sample 0
        for every class. Classes without samples have zeros.
        """
        total = self.counts.sum()
        if total == 0:
            raise ValueError("batches must hold samples that are finite and not ignored.")
        mean = self.sums.sum(dim=0) / total
        towards = torch.where(self.counts > 0, self.sums / self.counts - mean, 0)
        lengths = towards.norm(dim=1, keepdim=True)
        own = (self.counts * lengths).sum() / total
        rows = F.normalize(towards) * (OWN_SCORE / own if own > 0 else 0)
        return rows, -(rows @ mean)[:, None]
