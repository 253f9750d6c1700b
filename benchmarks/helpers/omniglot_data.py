"""Drawings of Omniglot as small pictures, and few-shot tasks of their classes."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from sklearn_lsh.datasets.omniglot import EVALUATION_ALPHABETS

# Pixels of a side of the small pictures.
SIDE = 28
# Pixels of the small pictures by which they are blurred.
BLUR = 0.7
# Pictures that are turned at once.
CHUNK = 2000
# Queries of each class of a task.
N_QUERIES = 5


def small_pictures(images):
    """Drawings, ink in the middle, as float32 of shape (n_classes, 20, 28, 28): ink is 1."""
    ink = ~images.reshape(-1, *images.shape[2:])
    side = ink.shape[1]
    small = np.empty((len(ink), SIDE, SIDE), np.float32)
    weights = _area_weights(side)
    for i, drawing in enumerate(ink):
        places = [np.flatnonzero(drawing.any(axis=axis)) for axis in (1, 0)]
        shift = [(side - 1) // 2 - (each[0] + each[-1]) // 2 for each in places]
        small[i] = weights @ np.roll(drawing, shift, axis=(0, 1)) @ weights.T
    return small.reshape(*images.shape[:2], SIDE, SIDE)


def _area_weights(side):
    """How much of each large pixel's row a small one has: rows sum to 1."""
    ends = np.linspace(0, side, SIDE + 1)
    large = np.arange(side)
    overlap = np.minimum(ends[1:, None], large + 1) - np.maximum(ends[:-1, None], large)
    return np.clip(overlap, 0, None).astype(np.float32) * SIDE / side


def rotated(pictures):
    """Pictures of four times as many classes: each turned by quarters is one of its own."""
    turns = [np.rot90(pictures, k, axes=(2, 3)) for k in range(4)]
    return np.concatenate(turns)


def as_rows(pictures):
    """Blurred pictures as rows of pixels."""
    flat = pictures.reshape(-1, SIDE, SIDE)
    return gaussian_filter(flat, (0, BLUR, BLUR)).reshape(len(flat), -1)


def warped(pictures, rng):
    """Pictures turned by up to 15 degrees, moved, scaled and slanted a little, by chance."""
    flat = pictures.reshape(-1, SIDE, SIDE)
    padded = np.pad(flat, ((0, 0), (1, 1), (1, 1)))
    out = np.empty_like(flat).reshape(len(flat), -1)
    axes = np.mgrid[:SIDE, :SIDE].reshape(2, -1) - (SIDE - 1) / 2
    for start in range(0, len(flat), CHUNK):
        n = min(CHUNK, len(flat) - start)
        places = _matrices(n, rng) @ axes.astype(np.float32)
        places += rng.uniform(-1.5, 1.5, (n, 2, 1)).astype(np.float32) + (SIDE + 1) / 2
        out[start : start + n] = _interpolate(padded[start : start + n], places)
    return out.reshape(flat.shape)


def moved(pictures):
    """Copies of pictures: as they are, and moved by a pixel to each side."""
    steps = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))
    return [np.roll(pictures, step, axis=(-2, -1)) for step in steps]


def _matrices(n, rng):
    """Linear maps of the plane: ndarray of shape (n, 2, 2)."""
    angle = np.deg2rad(rng.uniform(-15, 15, n))
    high, wide = rng.uniform(0.85, 1.15, (2, n))
    slant = rng.uniform(-0.2, 0.2, n)
    rows = [
        [np.cos(angle) * high, slant - np.sin(angle) * wide],
        [np.sin(angle) * high, np.cos(angle) * wide],
    ]
    return np.array(rows, np.float32).transpose(2, 0, 1)


def _interpolate(padded, places):
    """Values between pixels, bilinear: ndarray of shape (n_pictures, n_places)."""
    n, _, width = padded.shape
    np.clip(places, 0, width - 1.001, out=places)
    first = places.astype(np.intp)
    down, right = (places - first).transpose(1, 0, 2)
    corner = np.arange(n)[:, None] * width**2 + first[:, 0] * width + first[:, 1]
    values = padded.reshape(-1)
    above = (1 - right) * values[corner] + right * values[corner + 1]
    below = (1 - right) * values[corner + width] + right * values[corner + width + 1]
    return (1 - down) * above + down * below


def draw_tasks(n_tasks, n_ways, n_shots, *, within, rng):
    """Few-shot tasks of the evaluation classes.

    Parameters
    ----------
    within : bool
        Whether the classes of a task are of one alphabet, which is much harder.

    Yields
    ------
    shots, queries : ndarray of shape (n_ways, n_shots) and (n_ways, 5), of pairs
        Classes and drawings as ``(classes, drawings)``, to index vectors with.
    """
    ends = np.cumsum(EVALUATION_ALPHABETS)
    alphabets = [np.arange(end - n, end) for n, end in zip(EVALUATION_ALPHABETS, ends, strict=True)]
    for _ in range(n_tasks):
        known = alphabets[rng.integers(len(alphabets))] if within else np.arange(ends[-1])
        classes = rng.choice(known, n_ways, replace=False)[:, None]
        drawings = rng.permuted(np.tile(np.arange(20), (n_ways, 1)), axis=1)
        yield (
            (classes, drawings[:, :n_shots]),
            (classes, drawings[:, n_shots : n_shots + N_QUERIES]),
        )
