"""Optimizers: how their coefficients take it that threads' gradients come late."""

from collections import deque

import numpy as np
import pytest

from sklearn_lsh.network.optimizers import SGD, Adam

# Adam that divides by almost one, so that a step is its mean times the rate.
MAKE = {
    "adam": lambda gain: Adam(gain, beta_1=0.9, beta_2=0.0, epsilon=1.0),
    "sgd": lambda gain: SGD(gain / 10, momentum=0.9, nesterovs_momentum=False),
}


def descend(optimizer, gradient, n_steps, delay=0):
    """Weights before and after each step, of gradients of as many steps ago."""
    weights = np.full((1, 1), 1e-3, np.float32)
    state = optimizer.new_state(weights)
    known, path = deque(), [float(weights[0, 0])]
    for _ in range(n_steps):
        known.append(gradient(weights).astype(np.float32))
        if len(known) > delay:
            optimizer.next_step().take("dense", known.popleft(), weights, state)
        path.append(float(weights[0, 0]))
    return np.array(path)


@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_adam_steps_by_its_rate_where_gradients_agree(n_threads):
    # From the first step on: what the means have not yet seen is made up for.
    optimizer = Adam(0.01, beta_1=0.9, beta_2=0.99, epsilon=1e-12)
    optimizer.n_threads = n_threads
    path = descend(optimizer, lambda weights: np.full_like(weights, 5), 100)
    np.testing.assert_allclose(np.diff(path), -0.01, rtol=1e-3)


@pytest.mark.parametrize("n_threads", [1, 2, 7])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_gains_the_same_with_any_number_of_threads(nesterov, momentum, n_threads):
    optimizer = SGD(0.01, momentum, nesterov)
    optimizer.n_threads = n_threads
    path = descend(optimizer, lambda weights: np.full_like(weights, 5), 1000)
    assert path[-1] - path[-2] == pytest.approx(-0.05 / (1 - momentum), rel=1e-3)


def highest_stable(delay):
    """Highest stable product of gain and curvature, with momentum of 0.9 that knows of no delay.

    Then roots of z**delay * (z - 1) * (z - 0.9) + 0.1 * product * z are inside the unit circle.
    """
    stable, unstable = 0.0, 40.0
    while unstable - stable > 1e-3 * stable:
        product = (stable + unstable) / 2
        polynomial = np.r_[1, -1.9, 0.9, np.zeros(delay)]
        polynomial[-2] += 0.1 * product
        if np.abs(np.roots(polynomial)).max() < 1:
            stable = product
        else:
            unstable = product
    return stable


@pytest.mark.parametrize("delay", [1, 3, 7])
@pytest.mark.parametrize("optimizer", MAKE)
def test_steps_of_late_gradients_are_stable(optimizer, delay):
    knowing, other = (MAKE[optimizer](1.5 * highest_stable(delay)) for _ in range(2))
    knowing.n_threads = delay + 1
    ends = [np.abs(descend(each, lambda w: w, 1500, delay)[-50:]) for each in (knowing, other)]
    assert ends[0].max() < 1e-5
    assert not ends[1].max() < 1e-3
