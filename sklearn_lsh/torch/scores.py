"""Scores of few classes that stand for all of them."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


class TopClasses(NamedTuple):
    """The classes that score highest.

    Attributes
    ----------
    scores : Tensor of shape (..., k)
        What the layer answers for them, highest first.
    classes : Tensor of shape (..., k), dtype=int64
        Which they are.
    """

    scores: torch.Tensor
    classes: torch.Tensor


class BatchClasses(NamedTuple):
    """Classes that are computed for a batch, each for all of its samples.

    Attributes
    ----------
    classes : Tensor of shape (n_candidates,), dtype=int64
        Each once, ascending.
    log_counts : Tensor of shape (n_candidates,), dtype=float32
        Logarithms of how many classes each one stands for.
    """

    classes: torch.Tensor
    log_counts: torch.Tensor

    def places(self, classes):
        """Where some of the candidates are among all of them."""
        return torch.searchsorted(self.classes, classes)


# Of these too few digits are left for sums of exponentials.
HALF = (torch.float16, torch.bfloat16)


def widened(scores):
    """Scores in float32 at least."""
    return scores.float() if scores.dtype in HALF else scores


def narrowed(losses, dtype, device):
    """Losses as cross_entropy returns them: of the hidden vectors' type, float32 under autocast."""
    keeps = dtype not in HALF or torch.is_autocast_enabled(device.type)
    return losses if keeps else losses.to(dtype)


def pool(certain, drawn, n_classes) -> BatchClasses:
    """Join classes that stand for themselves and such as were drawn, which stand for all others.

    Parameters
    ----------
    certain : Tensor of shape (n_certain,), dtype=int64
        Some of them may come several times.
    drawn : Tensor of shape (n_drawn,), dtype=int64
        Drawn without replacement from all classes, whatever is certain.
    n_classes : int
    """
    classes = torch.unique(torch.cat([certain, drawn]))
    stand_for = math.log(n_classes / max(1, drawn.shape[0]))
    log_counts = torch.full(classes.shape, stand_for, device=classes.device)
    candidates = BatchClasses(classes, log_counts)
    log_counts[candidates.places(certain)] = 0
    return candidates


class Rows(torch.autograd.Function):
    """Rows of a parameter, each at most once: a sparse gradient in which nothing is to be added."""

    @staticmethod
    def forward(ctx, parameter, classes):
        """Copy the rows of classes, which are ascending."""
        ctx.save_for_backward(classes)
        ctx.shape = parameter.shape
        return parameter.index_select(0, classes)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        """Tell that the rows' gradient is that of the parameter's rows."""
        (classes,) = ctx.saved_tensors
        indices, told = classes[None], {"is_coalesced": True, "check_invariants": False}
        return torch.sparse_coo_tensor(indices, gradient, ctx.shape, **told), None


def candidate_scores(hidden, weight, bias, candidates):
    """Scores of candidates whose exponentials' sum estimates that over all classes, without bias.

    Parameters
    ----------
    hidden : Tensor of shape (n_samples, n_features)
    weight : Tensor of shape (n_classes, n_features)
    bias : Tensor of shape (n_classes, 1) or None
    candidates : BatchClasses

    Returns
    -------
    scores : Tensor of shape (n_samples, n_candidates)
        In float32 at least.
    """
    shifts = candidates.log_counts
    if bias is not None:
        shifts = Rows.apply(bias, candidates.classes)[:, 0] + shifts
    return widened(hidden @ Rows.apply(weight, candidates.classes).T) + shifts


def pair_scores(hidden, weight, bias, classes):
    """Scores of some classes for each sample: (n_samples, n_classes_each)."""
    known, places = torch.unique(classes, return_inverse=True)
    rows = Rows.apply(weight, known)
    scores = widened(torch.einsum("spf,sf->sp", F.embedding(places, rows), hidden))
    return scores if bias is None else scores + Rows.apply(bias, known)[places, 0]
