"""Cross-entropies of samples, from all classes or from candidates that stand for all."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn import functional as F

from sklearn_lsh.torch.scores import widened


class Entropy(NamedTuple):
    """Which cross-entropy, as `torch.nn.CrossEntropyLoss` names it.

    Attributes
    ----------
    class_weight : Tensor of shape (n_classes,) or None
    ignore_index : int
    label_smoothing : float
    reduction : {"mean", "sum", "none"}
    """

    class_weight: torch.Tensor | None
    ignore_index: int
    label_smoothing: float
    reduction: str

    def of_all(self, scores, labels):
        """Losses of samples by the scores of all classes; 0 for those that are ignored."""
        scores = widened(scores)
        return F.cross_entropy(
            scores,
            labels,
            None if self.class_weight is None else self.class_weight.to(scores.dtype),
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            reduction="none",
        )

    def of_candidates(self, scores, labels, candidates, n_classes):
        """Losses of samples by the scores of candidates, the labels among them.

        Smoothed labels ask for a mean over all classes, which the candidates' mean estimates
        without bias, by how many classes each one stands for.
        """
        losses = F.cross_entropy(scores, candidates.places(labels), reduction="none")
        losses = self._weighted(losses, labels)
        if self.label_smoothing == 0:
            return losses
        counts = torch.exp(candidates.log_counts).to(scores.dtype)
        if self.class_weight is not None:
            counts = counts * self.class_weight[candidates.classes]
        log_partition = torch.logsumexp(scores, dim=1)
        others = ((scores - candidates.log_counts) * counts).sum(dim=1)
        smooth = (counts.sum() * log_partition - others) / n_classes
        return torch.lerp(losses, smooth, self.label_smoothing)

    def reduce(self, losses, labels):
        """The mean of losses by the classes' weights, their sum, or themselves."""
        if self.reduction == "none":
            return losses
        if self.reduction == "sum":
            return losses.sum()
        is_counted = (labels != self.ignore_index).to(losses.dtype)
        weights = self._weighted(is_counted, torch.where(is_counted > 0, labels, 0))
        return losses.sum() / weights.sum()

    def _weighted(self, values, labels):
        return values if self.class_weight is None else values * self.class_weight[labels]
