"""Kernels of optimizers, all variants against plain Python and against dense algebra."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_lsh import kernels

from ..support.kernel_cases import (
    FUNCTIONS,
    column_groups,
    normal,
    quick,
    ragged,
    run,
    seeds,
    widths,
)

# Name: number of states, coefficients as `sklearn_lsh.network.optimizers` gives them.
OPTIMIZERS = {
    "adam": (2, (0.02, 0.8, 0.3, 0.9, 0.1, 0.99, 0.01, 1e-3)),
    "adagrad": (1, (0.1, 1e-3)),
    "rowwise_adagrad": (1, (0.1, 1e-3)),
    "sgd": (1, (0.7, 0.9, 0.1, 0.9, 0.1)),
}
SCALE = np.float32(0.37)

pytestmark = [
    pytest.mark.parametrize("variant", kernels.USABLE),
    pytest.mark.parametrize("optimizer", OPTIMIZERS),
]


def step(optimizer, coefficients, weights, state, gradient, touched):
    """The formulas, in float64: new weights and state."""
    weights, state = weights.astype(float), state.astype(float)
    if optimizer == "adam":
        rate, mean_share, gradient_share, decay, gain, square_decay, square_gain, epsilon = (
            coefficients
        )
        state[0] = decay * state[0] + gain * gradient
        state[1] = square_decay * state[1] + square_gain * gradient**2
        direction = mean_share * state[0] + gradient_share * gradient
        return weights - rate * direction / (np.sqrt(state[1]) + epsilon), state
    if optimizer == "adagrad":
        rate, epsilon = coefficients
        state[0] += gradient**2
        return weights - rate * gradient / (np.sqrt(state[0]) + epsilon), state
    if optimizer == "rowwise_adagrad":
        rate, epsilon = coefficients
        n_touched = touched.sum(axis=1, keepdims=True)
        state[0] += (touched * gradient**2).sum(axis=1, keepdims=True) / np.maximum(1, n_touched)
        return weights - rate * gradient / (np.sqrt(state[0]) + epsilon), state
    rate, momentum, gain, velocity_share, gradient_share = coefficients
    state[0] = momentum * state[0] + gain * gradient
    return weights - rate * (velocity_share * state[0] + gradient_share * gradient), state


class Step:
    """Random weights with the state of an optimizer, and its step by kernel and by formula.

    Row-wise Adagrad keeps one number for each row; biases are rows of their own, and it is Adagrad.
    """

    def __init__(self, optimizer, rng, *shape, biases=False):
        n_states, coefficients = OPTIMIZERS[optimizer]
        by_row = optimizer == "rowwise_adagrad"
        if by_row and biases:
            optimizer, by_row = "adagrad", False
        self.optimizer = optimizer
        self.coefficients = tuple(map(np.float32, coefficients))
        self.weights = normal(rng, *shape)
        self.state = np.abs(normal(rng, n_states, shape[0], 1 if by_row else shape[1]))

    def check(self, weights, state, gradient, touched):
        """Compare with a step on the touched cells; others are the same, bit for bit."""
        __tracebackhide__ = True
        expected = step(
            self.optimizer, self.coefficients, self.weights, self.state, gradient, touched
        )
        if state.shape[2:] != touched.shape[1:]:
            kept = touched.any(axis=1, keepdims=True)
        else:
            kept = touched
        for ours, old, new, cells in (
            (weights, self.weights, expected[0], touched),
            (state, self.state, expected[1], np.broadcast_to(kept, state.shape)),
        ):
            np.testing.assert_array_equal(ours[~cells], old[~cells])
            np.testing.assert_allclose(ours[cells], new[cells], rtol=1e-4, atol=1e-4)


@given(rows=st.integers(0, 6), width=widths, seed=seeds)
@quick
def test_step_dense(variant, optimizer, rows, width, seed):
    rng = np.random.default_rng(seed)
    case = Step(optimizer, rng, rows, width)
    gradient = normal(rng, rows, width)
    arguments = gradient, case.weights, case.state, case.coefficients
    n, (_, weights, state, _) = run(variant, f"step_dense_{optimizer}", *arguments)
    assert n == gradient.size
    case.check(weights, state, gradient, np.ones((rows, width), dtype=bool))


@given(batch=ragged(), seed=seeds)
@quick
def test_step_bias(variant, optimizer, batch, seed):
    case = Step(optimizer, np.random.default_rng(seed), 1, batch.n_columns, biases=True)
    arguments = column_groups(batch), batch.data, case.weights, case.state, case.coefficients
    n, (*_, weights, state, _) = run(variant, f"step_bias_{optimizer}", *arguments)
    gradient = batch.matrix().sum(axis=0, keepdims=True)
    assert n == np.count_nonzero(gradient)
    case.check(weights, state, gradient, gradient != 0)


@pytest.mark.parametrize("passes_down", [False, True], ids=["first", "deeper"])
@given(batch=ragged(duplicates=False), width=widths, seed=seeds)
@quick
def test_step_rows(variant, optimizer, passes_down, batch, width, seed):
    rng = np.random.default_rng(seed)
    case = Step(optimizer, rng, batch.n_columns, width)
    inputs = normal(rng, batch.n_rows, width)
    given = normal(rng, batch.n_rows, width) if passes_down else np.empty((0, 0), np.float32)
    counts, (*_, input_gradient, weights, state, _, _) = run(
        variant,
        f"step_rows_{optimizer}",
        column_groups(batch),
        batch.data,
        inputs,
        given,
        case.weights,
        case.state,
        SCALE,
        case.coefficients,
    )
    deltas = batch.matrix()
    touched = np.repeat((deltas != 0).any(axis=0)[:, np.newaxis], width, axis=1)
    assert counts == (touched.sum(), np.count_nonzero(deltas) * width)
    case.check(weights, state, deltas.T @ inputs, touched)
    if passes_down:
        expected = given + SCALE * deltas @ case.weights
        np.testing.assert_allclose(input_gradient, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("passes_down", [False, True], ids=["first", "deeper"])
@given(data=st.data(), batch=ragged(duplicates=False), width=widths, seed=seeds)
@quick
def test_step_cells(variant, optimizer, passes_down, data, batch, width, seed):
    rng = np.random.default_rng(seed)
    case = Step(optimizer, rng, batch.n_columns, width)
    inputs = data.draw(ragged(duplicates=False, rows=batch.n_rows, columns=width, most=40))
    given = normal(rng, inputs.data.size if passes_down else 0)
    counts, (*_, input_gradient, weights, state, _, _) = run(
        variant,
        f"step_cells_{optimizer}",
        column_groups(batch),
        batch.data,
        inputs,
        given,
        case.weights,
        case.state,
        SCALE,
        case.coefficients,
    )
    deltas = batch.matrix()
    present = inputs._replace(data=np.ones_like(inputs.data)).matrix()
    products = (deltas != 0).astype(int).T @ present
    touched = products > 0
    assert counts == (touched.sum(), products.sum())
    case.check(weights, state, deltas.T @ inputs.matrix(), touched)
    if passes_down:
        samples = np.repeat(np.arange(batch.n_rows), np.diff(inputs.indptr))
        expected = given + SCALE * (deltas @ case.weights)[samples, inputs.indices]
        np.testing.assert_allclose(input_gradient, expected, rtol=1e-4, atol=1e-4)


def test_moments_do_not_decay_into_subnormal_numbers(variant, optimizer):
    case = Step(optimizer, np.random.default_rng(0), 2, 20)
    gradient = np.zeros((2, 20), np.float32)
    weights, state = case.weights, case.state
    for _ in range(700):
        FUNCTIONS[variant][f"step_dense_{optimizer}"](gradient, weights, state, case.coefficients)
    # Adagrad's sum of squares is no moment: it does not decay.
    assert state[0].all() if "adagrad" in optimizer else not state[0].any()
    assert np.isfinite(weights).all()
