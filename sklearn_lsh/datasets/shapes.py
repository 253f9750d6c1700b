"""Images of shapes, drawn by chance: any number of them, with nothing to fetch.

Larochelle, Erhan, Courville, Bergstra and Bengio made them, to ask of networks what is easy to say
but not to be seen in any single pixel. The docstrings tell what is theirs and what is ours.
"""

from __future__ import annotations

from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_random_state

from sklearn_lsh.inputs import RandomState

# Pixels of a side of an image.
_SIDE = 28
# Fewest pixels by which the sides of a rectangle differ (Larochelle et al. 2007).
_MIN_DIFFERENCE = 3
# Regions that are drawn at once: 1.6 MB of pixels.
_CHUNK = 2000


class _Regions(NamedTuple):
    """How regions are drawn: unions of convex sets, which are intersections of half-planes.

    Attributes
    ----------
    p_last : float
        Probability that a half-plane is the last one of an intersection.
    min_pixels : int
        Fewest white pixels of a convex set.
    max_sets : int
        Most convex sets of a union, which has two at least where it may have several.
    """

    p_last: float
    min_pixels: int
    max_sets: int


# The numbers of Larochelle et al. 2007.
_CONVEX = _Regions(p_last=0.195, min_pixels=19, max_sets=1)
_NOT_CONVEX = _Regions(p_last=0.07, min_pixels=10, max_sets=4)


def make_convex(
    n_samples: int, *, random_state: RandomState = None
) -> tuple[np.ndarray, np.ndarray]:
    """Draw white regions on black; the class says whether the region is convex.

    Parameters
    ----------
    n_samples : int
        Number of images.
    random_state : int, RandomState instance or None, default=None
        Source of chance.

    Returns
    -------
    X : float32 ndarray of shape (n_samples, 784)
        Images of 28 x 28 pixels, row by row; 1 is white.
    y : int ndarray of shape (n_samples,)
        1 where the region is convex, else 0.

    Notes
    -----
    As in [1]_, a convex region is the intersection of half-planes at random places in random
    directions, as many as a geometric distribution with parameter 0.195 says, and has at least 19
    pixels. One that is not convex is the union of two to four such sets, with parameter 0.07 and
    at least 10 pixels each, and is checked not to be convex.

    They chose these parameters so that both classes are white in equally many pixels on average.
    Here the classes are equally large, and have the same distribution of the number of white
    pixels, which so tells nothing: of the regions drawn with some number of pixels as many are
    kept of either class. Ours are also the details: a line goes through a point that is uniform in
    the image, and a region is convex if its pixels are all those whose centres lie in the hull of
    its centres.

    References
    ----------
    .. [1] H. Larochelle, D. Erhan, A. Courville, J. Bergstra and Y. Bengio, "An empirical
       evaluation of deep architectures on problems with many factors of variation", ICML 2007.

    Examples
    --------
    >>> from sklearn_lsh.datasets import make_convex
    >>> X, y = make_convex(100, random_state=0)
    >>> X.shape, float(y.mean())
    ((100, 784), 0.5)
    """
    _check_n_samples(n_samples)
    rng = check_random_state(random_state)
    n_pairs = -(-n_samples // 2)
    drawn = [np.empty((0, _SIDE, _SIDE), bool)] * 2
    pairs = drawn
    while len(pairs[0]) < n_pairs:
        unions, convex = _draw_unions(_NOT_CONVEX, rng), _draw_unions(_CONVEX, rng)
        not_convex = unions[~is_convex(unions)]
        drawn = [np.concatenate(both) for both in zip(drawn, (not_convex, convex), strict=True)]
        pairs = _with_equal_areas(drawn)
    kept = rng.permutation(len(pairs[0]))[:n_pairs]
    return _shuffled(np.concatenate([images[kept] for images in pairs]), n_pairs, n_samples, rng)


def make_rectangles(
    n_samples: int, *, random_state: RandomState = None
) -> tuple[np.ndarray, np.ndarray]:
    """Draw outlines of rectangles, white on black; the class says whether it is wide or tall.

    Parameters
    ----------
    n_samples : int
        Number of images.
    random_state : int, RandomState instance or None, default=None
        Source of chance.

    Returns
    -------
    X : float32 ndarray of shape (n_samples, 784)
        Images of 28 x 28 pixels, row by row; 1 is white.
    y : int ndarray of shape (n_samples,)
        1 where the rectangle is tall, 0 where it is wide.

    Notes
    -----
    As in [1]_, height and width are uniform but for those that differ by less than 3 pixels, and
    so is the place of the upper left corner, as far as the rectangle lies in the image. That sides
    have 1 to 28 pixels, and which class is called 1, is ours.

    References
    ----------
    .. [1] H. Larochelle, D. Erhan, A. Courville, J. Bergstra and Y. Bengio, "An empirical
       evaluation of deep architectures on problems with many factors of variation", ICML 2007.

    Examples
    --------
    >>> from sklearn_lsh.datasets import make_rectangles
    >>> X, y = make_rectangles(3, random_state=0)
    >>> image = X[0].reshape(28, 28)
    >>> height, width = image.any(axis=1).sum(), image.any(axis=0).sum()
    >>> bool(y[0] == (height > width))
    True
    """
    _check_n_samples(n_samples)
    rng = check_random_state(random_state)
    sides = np.arange(1, _SIDE + 1)
    allowed = np.abs(sides[:, None] - sides) >= _MIN_DIFFERENCE
    lengths = np.argwhere(allowed)[rng.randint(np.count_nonzero(allowed), size=n_samples)] + 1
    first = rng.randint(_SIDE - lengths + 1)
    last = first + lengths - 1
    # Of each image: where the pixels' rows lie, and then their columns.
    at = np.arange(_SIDE)
    first, last = first[:, :, None], last[:, :, None]
    inside = (first <= at) & (at <= last)
    at_edge = (at == first) | (at == last)
    (rows, columns), (top_or_bottom, left_or_right) = (
        (axes[:, 0, :, None], axes[:, 1, None, :]) for axes in (inside, at_edge)
    )
    images = rows & columns & (top_or_bottom | left_or_right)
    return _as_samples(images), (lengths[:, 0] > lengths[:, 1]).astype(int)


def _check_n_samples(n_samples) -> None:
    if not isinstance(n_samples, Integral) or isinstance(n_samples, bool) or n_samples < 0:
        raise ValueError(f"n_samples must be an integer, not negative, got {n_samples!r}.")


def is_convex(images):
    """Tell of each image whether its white pixels are all that lie in their convex hull.

    Of a hull each row is an interval. Where it ends on the right is, as a function of the row, the
    lowest concave one that is nowhere left of the last white pixels; and the same on the left.
    """
    right, left = _hull(images), _hull(images[:, :, ::-1])  # left: counted from the right
    return np.all(images.sum(axis=2) == np.maximum(right - (_SIDE - 1 - left) + 1, 0), axis=1)


def _hull(images):
    """Where each row of the images' hulls ends, as the number of its last pixel."""
    nowhere = -(_SIDE**3)  # so far left that no line from there reaches the image
    last = np.where(images.any(axis=2), _SIDE - 1 - images[:, :, ::-1].argmax(axis=2), nowhere)
    ends = last.copy()
    for above, below in zip(*np.triu_indices(_SIDE, 2), strict=True):
        height = below - above
        steps = np.arange(1, height)
        line = last[:, above, None] * (height - steps) + last[:, below, None] * steps
        between = ends[:, above + 1 : below]
        np.maximum(between, line // height, out=between)
    return ends


def _draw_unions(regions, rng):
    """Draw regions: unions of intersections of half-planes."""
    n_sets = rng.randint(min(2, regions.max_sets), regions.max_sets + 1, size=_CHUNK)
    sets = _draw_intersections(regions, n_sets.sum(), rng)
    starts = np.cumsum(n_sets) - n_sets
    return np.logical_or.reduceat(sets, starts)


def _draw_intersections(regions, n_sets, rng):
    """Draw intersections of half-planes that have enough pixels."""
    found, n_found = [], 0
    while n_found < n_sets:
        n_planes = rng.geometric(regions.p_last, size=_CHUNK)
        images = np.ones((_CHUNK, _SIDE, _SIDE), bool)
        while n_planes.any():
            going_on = np.flatnonzero(n_planes)
            images[going_on] &= _draw_half_planes(len(going_on), rng)
            n_planes[going_on] -= 1
            # What is too small now will not grow.
            large = images.sum(axis=(1, 2)) >= regions.min_pixels
            images, n_planes = images[large], n_planes[large]
        found.append(images)
        n_found += len(images)
    return np.concatenate(found)[:n_sets]


def _draw_half_planes(n_planes, rng):
    """Draw half-planes whose edges go through points of the image, in any direction."""
    angle = rng.uniform(0, 2 * np.pi, size=(n_planes, 1, 1))
    x, y = rng.uniform(-0.5, _SIDE - 0.5, size=(2, n_planes, 1, 1))
    at = np.arange(_SIDE)
    return np.cos(angle) * (at - x) + np.sin(angle) * (at[:, None] - y) > 0


def _with_equal_areas(classes):
    """Keep as many images of each class as of the others, for every number of white pixels."""
    areas = [images.sum(axis=(1, 2)) for images in classes]
    counts = np.min([np.bincount(area, minlength=_SIDE**2 + 1) for area in areas], axis=0)
    kept = []
    for images, area in zip(classes, areas, strict=True):
        order = np.argsort(area, kind="stable")
        rank = np.arange(len(area)) - np.searchsorted(area[order], area[order])
        kept.append(images[order[rank < counts[area[order]]]])
    return kept


def _shuffled(images, n_each, n_samples, rng):
    """Samples of class 0, then 1, in random order."""
    order = rng.permutation(2 * n_each)[:n_samples]
    return _as_samples(images[order]), np.repeat([0, 1], n_each)[order]


def _as_samples(images):
    return images.reshape(len(images), _SIDE**2).astype(np.float32)
