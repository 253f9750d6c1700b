"""Weights of classes: those given, and those that balance."""

import numpy as np
import pytest

from sklearn_lsh.estimators.class_weights import weights_of_classes

CLASSES = np.array(["a", "b", "c"])
Y = np.array(["a", "a", "a", "b", "b", "c"])


def test_given_weights():
    weights = weights_of_classes({"b": 0.5, "c": 0}, CLASSES, Y, None)
    np.testing.assert_array_equal(weights, [1, 0.5, 0])
    assert weights.dtype == np.float32


@pytest.mark.parametrize("sample_weight", [None, np.array([1, 1, 2, 0.5, 0.5, 4])])
def test_balanced_classes_weigh_the_same(sample_weight):
    weights = weights_of_classes("balanced", CLASSES, Y, sample_weight)
    samples = np.ones(6) if sample_weight is None else sample_weight
    totals = [(weights[y == CLASSES] * samples[y == Y]).sum() for y in CLASSES]
    np.testing.assert_allclose(totals, samples.sum() / 3, rtol=1e-6)


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf])
def test_bad_weights(weight):
    with pytest.raises(ValueError, match="class_weight must have finite weights that are not neg"):
        weights_of_classes({"a": weight}, CLASSES, Y, None)
