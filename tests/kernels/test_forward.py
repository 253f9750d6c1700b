"""Kernels of the forward pass, of all variants, against plain Python and dense algebra."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_lsh import kernels

from ..support.kernel_cases import (
    column_groups,
    empty_best,
    normal,
    quick,
    ragged,
    run,
    seeds,
    widths,
)

pytestmark = pytest.mark.parametrize("variant", kernels.USABLE)

SCALE = np.float32(0.37)


@given(batch=ragged(), width=widths, seed=seeds)
@quick
def test_csr_matmul(variant, batch, width, seed):
    rng = np.random.default_rng(seed)
    weights, out = normal(rng, batch.n_columns, width), normal(rng, batch.n_rows, width)
    _, (*_, ours) = run(variant, "csr_matmul", batch, weights, SCALE, out)
    expected = out + SCALE * batch.matrix() @ weights
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)


@given(batch=ragged(), width=widths, seed=seeds)
@quick
def test_dot_rows(variant, batch, width, seed):
    rng = np.random.default_rng(seed)
    weights, inputs = normal(rng, batch.n_columns, width), normal(rng, batch.n_rows, width)
    arguments = column_groups(batch), weights, SCALE, inputs, batch.data
    _, (*_, ours) = run(variant, "dot_rows", *arguments)
    samples = np.repeat(np.arange(batch.n_rows), np.diff(batch.indptr))
    products = inputs.astype(float) @ weights.T
    expected = batch.data + SCALE * products[samples, batch.indices]
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)


def draw_neurons(data, batch, width, seed, kind):
    """Biases, weights and scale, inputs of a kind, and what all neurons respond to these."""
    rng = np.random.default_rng(seed)
    weights, bias = normal(rng, batch.n_columns, width), normal(rng, 1, batch.n_columns)
    sparse = data.draw(ragged(rows=batch.n_rows, columns=width))
    inputs = sparse if kind == "cells" else sparse.matrix().astype(np.float32)
    return (bias, weights, SCALE), inputs, bias + SCALE * sparse.matrix() @ weights.T


@pytest.mark.parametrize("kind", ["rows", "cells"])
@given(data=st.data(), batch=ragged(), width=widths, seed=seeds)
@quick
def test_preactivate(variant, kind, data, batch, width, seed):
    parameters, inputs, responses = draw_neurons(data, batch, width, seed, kind)
    room = tuple(np.zeros_like(array) for array in column_groups(batch))
    arguments = batch.pattern, parameters, inputs, room, np.empty_like(batch.data)
    n, (*_, groups, ours) = run(variant, f"preactivate_{kind}", *arguments)
    expected = run(variant, "group_by_column", batch.pattern, batch.n_columns, room)
    assert n == expected[0]
    for found, alone in zip(groups, expected[1][-1], strict=True):
        np.testing.assert_array_equal(found, alone)
    expected = responses[np.repeat(np.arange(batch.n_rows), np.diff(batch.indptr)), batch.indices]
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["rows", "cells"])
@given(data=st.data(), batch=ragged(), width=widths, n_best=st.integers(1, 8), seed=seeds)
@quick
def test_best(variant, kind, data, batch, width, n_best, seed):
    parameters, inputs, responses = draw_neurons(data, batch, width, seed, kind)
    room = empty_best(batch.n_rows, batch.indices.size)
    arguments = batch.pattern, n_best, parameters, inputs, room
    n, (*_, (indptr, indices, kept)) = run(variant, f"best_{kind}", *arguments)
    np.testing.assert_array_equal(np.diff(indptr), np.minimum(np.diff(batch.indptr), n_best))
    assert n == indptr[-1]
    for s in range(batch.n_rows):
        ours = kept[indptr[s] : indptr[s + 1]]
        best = -np.sort(-responses[s][batch.row(s)])[:n_best]
        np.testing.assert_allclose(-np.sort(-ours), best, rtol=1e-4, atol=1e-5)
        expected = responses[s][indices[indptr[s] : indptr[s + 1]]]
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)
