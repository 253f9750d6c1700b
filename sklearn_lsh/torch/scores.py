"""Scores of few classes that stand for all of them."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
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


# Of these too few digits are left for sums of exponentials.
HALF = (torch.float16, torch.bfloat16)


def widened(scores):
    """Scores in float32 at least."""
    return scores.float() if scores.dtype in HALF else scores


def narrowed(losses, dtype, device):
    """Losses as cross_entropy returns them: of the hidden vectors' type, float32 under autocast."""
    keeps = dtype not in HALF or torch.is_autocast_enabled(device.type)
    return losses if keeps else losses.to(dtype)


def pair_scores(hidden, rows, places):
    """Inner products of each hidden vector with some rows: (n_samples, n_places)."""
    return torch.einsum("spf,sf->sp", F.embedding(places, rows), hidden)


def sampled_scores(hidden, gather, certain, drawn, n_classes):
    """Scores whose exponentials' sum is an unbiased estimate of that over all classes.

    Parameters
    ----------
    hidden : Tensor of shape (n_samples, n_features)
    gather : callable
        Rows of classes: Tensor of shape (n,), dtype=int64 -> Tensor of shape (n, n_features).
    certain : Tensor of shape (n_samples, n_certain), dtype=int64
        Classes of each sample that stand for themselves; negative for none.
    drawn : Tensor of shape (n_drawn,), dtype=int64
        Classes drawn for all samples, ascending. They stand for all that are not certain.
    n_classes : int

    Returns
    -------
    scores : Tensor of shape (n_samples, n_certain + n_drawn)
        In float32 at least. Minus infinity for what does not count.
    """
    is_none, known = certain < 0, certain.clamp(min=0)
    rows, places = torch.unique(torch.cat([known.reshape(-1), drawn]), return_inverse=True)
    rows, n_certain = gather(rows), certain.numel()
    found = widened(pair_scores(hidden, rows, places[:n_certain].reshape(certain.shape)))
    others = widened(hidden @ F.embedding(places[n_certain:], rows).T)
    others = others + math.log(n_classes / drawn.shape[0])
    # Of classes that are both drawn and certain one counts.
    nearest = torch.searchsorted(drawn, known).clamp(max=drawn.shape[0] - 1)
    is_twice = (drawn[nearest] == known) & ~is_none
    samples = torch.arange(hidden.shape[0], device=hidden.device)[:, None].expand_as(nearest)
    is_counted = torch.zeros(others.shape, dtype=torch.bool, device=hidden.device)
    is_counted[samples[is_twice], nearest[is_twice]] = True
    found = found.masked_fill(is_none, -math.inf)
    return torch.cat([found, others.masked_fill(is_counted, -math.inf)], dim=1)
