"""Sketches of rows: the directions in which they, or their products with queries, differ most."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from sklearn_lsh.neighbors.sketch import PrincipalSketch, principal_directions

from ..support.kernel_cases import quick, seeds


@given(
    n_rows=st.integers(1, 30),
    n_features=st.integers(1, 30),
    n_directions=st.integers(1, 12),
    is_sparse=st.booleans(),
    seed=seeds,
)
@quick
def test_principal_directions(n_rows, n_features, n_directions, is_sparse, seed):
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n_rows, n_features)) * 2.0 ** -np.arange(n_features)).astype(np.float32)
    given = sp.csr_array(X) if is_sparse else X
    state = np.random.RandomState(0)
    deviations, directions = principal_directions(given, n_directions, state)
    expected = np.linalg.svd(X.astype(float), compute_uv=False)[:n_directions]
    n = deviations.shape[0]
    np.testing.assert_allclose(deviations, expected[:n], rtol=0.02, atol=2e-3 * expected[0])
    assert (expected[n:] < 3e-3 * expected[0]).all()
    np.testing.assert_allclose(directions.T @ directions, np.eye(n), atol=1e-4)
    lengths = np.linalg.norm(X @ directions, axis=0)
    np.testing.assert_allclose(lengths, deviations, rtol=0.02, atol=2e-3 * expected[0])


@pytest.mark.parametrize("is_sparse", [False, True])
def test_directions_for_products_approximate_them_best(is_sparse):
    rng = np.random.default_rng(0)
    scales = np.linspace(3, 0.1, 150)
    X = (rng.normal(size=(700, 150)) * scales + 1).astype(np.float32)
    Q = (rng.normal(size=(300, 150)) * scales[::-1] - 2).astype(np.float32)
    given = (sp.csr_array(X), sp.csr_array(Q)) if is_sparse else (X, Q)
    sketch = PrincipalSketch(*given, True, np.random.RandomState(0))
    assert sketch.n_directions == 65
    approximate = sketch.queries(given[1]) @ sketch.rows(given[0]).T
    exact = Q.astype(float) @ X.T.astype(float)
    # Up to a number of each query, which makes no difference to the order of rows.
    rest = exact - approximate
    rest -= rest.mean(axis=1, keepdims=True)
    centred = (Q - Q.mean(axis=0)) @ (X - X.mean(axis=0)).T
    least = (np.linalg.svd(centred, compute_uv=False)[64:] ** 2).sum()
    assert (rest**2).sum() < 1.05 * least


@pytest.mark.parametrize("for_products", [False, True])
@pytest.mark.parametrize("scale", [0, 1e-30, 1e16])
def test_very_long_and_very_short_rows(scale, for_products):
    X = (np.random.default_rng(0).normal(size=(50, 6)) * scale).astype(np.float32)
    sketch = PrincipalSketch(X, X, for_products, np.random.RandomState(0))
    for sketches in (sketch.rows(X), sketch.queries(X)):
        assert np.isfinite(sketches).all()
