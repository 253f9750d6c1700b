"""Activations against the formulas in float64, in place and derived from their own results."""

import numpy as np
import pytest

from sklearn_lsh.network.activations import ACTIVATIONS

from ..support.reference import ACTIVATE, DERIVE


def test_all_have_a_formula():
    assert ACTIVATIONS.keys() == ACTIVATE.keys() == DERIVE.keys()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values_and_derivatives(name):
    z = np.concatenate([np.linspace(-20, 20, 401), [-1e4, 1e4, 0]])
    h = z.astype(np.float32)
    ACTIVATIONS[name].apply(h)
    np.testing.assert_allclose(h, ACTIVATE[name](z), rtol=1e-5, atol=1e-7)
    above = np.random.default_rng(0).normal(size=z.size).astype(np.float32)
    passed = above.copy()
    ACTIVATIONS[name].backward(h, passed)
    with np.errstate(over="ignore"):
        expected = above * DERIVE[name](z)
    np.testing.assert_allclose(passed, expected, rtol=1e-3, atol=1e-6)
