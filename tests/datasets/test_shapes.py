"""Images of shapes: what the classes say is true, and no single number gives it away."""

from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.spatial import ConvexHull
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier

from sklearn_lsh.datasets import make_convex, make_rectangles
from sklearn_lsh.datasets.shapes import is_convex

MAKERS = pytest.mark.parametrize("make", [make_convex, make_rectangles])
# Images of which several tests look at the same.
make_many = cache(lambda make: make(3000, random_state=0))
CENTRES = np.indices((28, 28)).reshape(2, -1).T


def fills_its_hull(image):
    """Whether no black pixel's centre lies in the hull of the white pixels' centres."""
    hull = ConvexHull(CENTRES[image.ravel() > 0])
    inside = np.all(CENTRES @ hull.equations[:, :2].T + hull.equations[:, 2] <= 1e-9, axis=1)
    return inside.sum() == np.count_nonzero(image)


def scores_by_area(X, y):
    """Accuracies of trees that see the number of white pixels alone."""
    tree = DecisionTreeClassifier(min_samples_leaf=20, random_state=0)
    return cross_val_score(tree, X.sum(axis=1, keepdims=True), y, cv=5)


@MAKERS
def test_form(make):
    X, y = make(31, random_state=0)
    assert X.shape == (31, 784)
    assert X.dtype == np.float32
    assert_array_equal(np.unique(X), [0, 1])
    assert_array_equal(np.unique(y), [0, 1])


@MAKERS
def test_chance(make):
    first, again, other = (make(20, random_state=seed) for seed in (0, 0, 1))
    for made, same in zip(first, again, strict=True):
        assert_array_equal(made, same)
    assert np.any(first[0] != other[0])


@MAKERS
def test_balance(make):
    X, y = make_many(make)
    assert abs(y.mean() - 0.5) < 0.04
    assert abs(y[:1000].mean() - 0.5) < 0.07  # in any order
    assert len(np.unique(X, axis=0)) > 2500
    assert scores_by_area(X, y).mean() < 0.56


def test_a_feature_of_the_class_would_be_found():
    X, y = make_many(make_rectangles)
    X = np.c_[X, 20 * y]
    assert scores_by_area(X, y).mean() > 0.6


def test_convex_regions_fill_their_hulls():
    X, y = make_many(make_convex)
    assert_array_equal([fills_its_hull(image) for image in X[:400]], y[:400])


def test_regions_have_equal_areas_and_enough_pixels():
    X, y = make_many(make_convex)
    areas = X.sum(axis=1)
    assert_array_equal(np.sort(areas[y == 0]), np.sort(areas[y == 1]))
    assert areas.min() >= 19


@pytest.mark.parametrize(
    ("white", "convex"),
    [
        ([(3, 3)], True),
        ([(3, 3), (3, 5)], False),
        ([(3, 3), (5, 5)], False),  # the row between is empty
        ([(3, 3), (5, 4)], True),  # no centre lies between them
        ([(3, 3), (5, 4), (7, 5)], True),
        ([(0, 0), (27, 27)], False),
        ([(3, 3), (3, 4), (4, 4), (5, 4), (5, 3)], False),  # open to the left
        ([(3, 3), (3, 4), (4, 3), (5, 4), (5, 3)], False),  # and to the right
        ([], True),
    ],
)
def test_is_convex(white, convex):
    images = np.zeros((1, 28, 28), bool)
    for pixel in white:
        images[(0, *pixel)] = True
    for turned in (images, images.transpose(0, 2, 1), images[:, ::-1], images[:, :, ::-1]):
        assert is_convex(turned)[0] == convex


def test_rectangles():
    X, y = make_rectangles(300, random_state=0)
    for image, tall in zip(X.reshape(-1, 28, 28), y, strict=True):
        rows, columns = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert (height > width) == tall
        assert abs(height - width) >= 3
        outline = np.ones((height, width))
        outline[1:-1, 1:-1] = 0
        assert_array_equal(image[np.ix_(rows, columns)], outline)


def test_rectangles_lie_anywhere():
    X, _ = make_rectangles(5000, random_state=0)
    assert X.any(axis=0).all()
    longest = [X.reshape(-1, 28, 28).any(axis=axis).sum(axis=1) for axis in (1, 2)]
    assert_array_equal(np.unique(longest), np.arange(1, 29))


@pytest.mark.parametrize("n_samples", [-1, 1.5, "foo", None, True])
@pytest.mark.parametrize("make", [make_convex, make_rectangles])
def test_numbers_of_images_that_are_none(make, n_samples):
    with pytest.raises(ValueError, match="n_samples must be an integer, not negative"):
        make(n_samples)
