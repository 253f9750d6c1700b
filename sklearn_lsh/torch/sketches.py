"""Sketches, in which inner products are scores without what all samples have in common.

With the hidden vectors' mean m, and u as long as they typically are in a direction,
w . h + b  ~  [h - m, u] . [w, (b + w . m) / u].
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch.nn import functional as F


class Centre(NamedTuple):
    """What hidden vectors have in common.

    Attributes
    ----------
    mean : Tensor of shape (n_features,)
    unit : float
        Root of the mean of their squares from there.
    """

    mean: torch.Tensor
    unit: float


def are_finite(vectors):
    """Which vectors have numbers only."""
    return torch.isfinite(vectors.detach()).all(dim=1)


def find_centre(hidden) -> Centre | None:
    """Find the centre of those vectors that are finite; None if it would not be."""
    hidden = hidden[are_finite(hidden)]
    mean = hidden.mean(dim=0)
    unit = float((hidden - mean).square().mean().sqrt())
    is_finite = math.isfinite(unit) and bool(torch.isfinite(mean).all())
    return Centre(mean, unit or 1.0) if is_finite else None


def query_sketches(hidden, centre: Centre):
    """Sketches of hidden vectors: of those that are not finite as if they were the mean."""
    centred = hidden.detach().float() - centre.mean.float()
    centred = torch.where(are_finite(centred)[:, None], centred, 0)
    return F.pad(centred, (0, 1), value=centre.unit)


def row_sketches(weight, bias, centre: Centre):
    """Sketches of classes.

    Parameters
    ----------
    weight : Tensor of shape (n_classes, n_features)
    bias : Tensor of shape (n_classes, 1)
    centre : Centre
    """
    weighted = weight @ centre.mean.float()[:, None]
    return torch.cat([weight, (bias + weighted) / centre.unit], dim=1)
