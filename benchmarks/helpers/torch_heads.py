"""Output layers in PyTorch for many classes, each with a loss, all scores and its optimizers."""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from sklearn_lsh.torch import LSHSoftmaxLoss

# Where the adaptive softmax's clusters end, as shares of the classes, the most frequent first.
CUTOFFS = (0.025, 0.125, 0.4)


class FullSoftmax(nn.Linear):
    """All classes."""

    sparse = False

    def __init__(self, in_features, counts):
        super().__init__(in_features, len(counts))

    def forward(self, hidden, labels):
        """Cross-entropy."""
        return F.cross_entropy(self.scores(hidden), labels)

    def scores(self, hidden):
        """Scores of all classes."""
        return super().forward(hidden)


class SampledSoftmax(nn.Module):
    """The batch's classes, and some that are drawn for it, each for as many as it stands for.

    Parameters
    ----------
    in_features : int
    counts : Tensor of shape (n_classes,)
        Training samples of each class.
    n_drawn : int
    log_uniform : bool
        Whether the k-th most frequent class is drawn in proportion to log((k + 1) / k), rather
        than all alike.
    """

    sparse = True

    def __init__(self, in_features, counts, n_drawn, *, log_uniform=False):
        super().__init__()
        n_classes, bound = len(counts), in_features**-0.5
        self.weight = nn.Parameter(torch.empty(n_classes, in_features).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(n_classes, 1))
        self.n_drawn = n_drawn
        self.by_frequency = torch.argsort(counts, descending=True)
        ranks = torch.arange(n_classes, dtype=torch.float64)
        shares = torch.log((ranks + 2) / (ranks + 1)) if log_uniform else torch.ones_like(ranks)
        self.sums = torch.cumsum(shares, 0) / shares.sum()
        shares = torch.empty_like(shares).index_copy_(0, self.by_frequency, shares / shares.sum())
        # How often each class is among the drawn ones, at least once.
        self.log_chances = torch.log(-torch.expm1(n_drawn * torch.log1p(-shares))).float()

    def forward(self, hidden, labels):
        """Cross-entropy, estimated."""
        own, own_places = torch.unique(labels, return_inverse=True)
        draws = torch.rand(self.n_drawn, dtype=torch.float64)
        drawn = self.by_frequency[torch.searchsorted(self.sums, draws)]
        drawn = torch.unique(drawn)
        is_own = torch.isin(drawn, own, assume_unique=True)
        drawn = drawn[~is_own]
        classes = torch.cat([own, drawn])
        shifts = F.embedding(classes, self.bias, sparse=True)[:, 0]
        shifts = shifts - torch.cat([torch.zeros(len(own)), self.log_chances[drawn]])
        rows = F.embedding(classes, self.weight, sparse=True)
        return F.cross_entropy(hidden @ rows.T + shifts, own_places)

    def scores(self, hidden):
        """Scores of all classes."""
        return F.linear(hidden, self.weight, self.bias[:, 0])


class AdaptiveSoftmax(nn.Module):
    """PyTorch's own, whose rare classes stand in clusters of shorter vectors."""

    sparse = False

    def __init__(self, in_features, counts):
        super().__init__()
        cutoffs = [math.ceil(share * len(counts)) for share in CUTOFFS]
        self.layer = nn.AdaptiveLogSoftmaxWithLoss(in_features, len(counts), cutoffs)
        self.by_frequency = torch.argsort(counts, descending=True)
        self.ranks = torch.argsort(self.by_frequency)

    def forward(self, hidden, labels):
        """Cross-entropy."""
        return self.layer(hidden, self.ranks[labels]).loss

    def scores(self, hidden):
        """Logarithms of all classes' probabilities."""
        return self.layer.log_prob(hidden)[:, self.ranks]


class HashedSoftmax(LSHSoftmaxLoss):
    """Ours."""

    sparse = True

    def __init__(self, in_features, counts, n_active):
        super().__init__(in_features, len(counts), n_active=n_active)


def centroids_of(batches, like):
    """Rows and biases that ours starts at, for others."""
    head = LSHSoftmaxLoss(like.shape[1], like.shape[0])
    head.start_at_centroids(batches)
    return head.weight.detach(), head.bias.detach()


class Bag(nn.Module):
    """A sum of the vectors of a text's n-grams, rectified."""

    def __init__(self, n_features, width):
        super().__init__()
        self.vectors = nn.EmbeddingBag(n_features, width, mode="sum", sparse=True)

    def forward(self, rows):
        """Hidden vectors of rows of a CSR matrix."""
        indices, starts = (
            torch.from_numpy(part.astype(np.int64)) for part in (rows.indices, rows.indptr[:-1])
        )
        weights = torch.from_numpy(rows.data)
        return torch.relu(self.vectors(indices, starts, per_sample_weights=weights))
