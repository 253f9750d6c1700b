"""Samples of rows, and sums that they estimate."""

import numpy as np

from sklearn_lsh.hashing import LSHSampler

from . import parameters
from .arrays import matrix
from .families import must_refuse
from .judge import REFUSED, expect


def play(call):
    """Make a case's calls."""
    known = LSHSampler().get_params()
    sampler = LSHSampler(**parameters.draw(call, parameters.SAMPLER, known, call.rng.integers(4)))
    n_features = int(call.rng.integers(1, 6))
    for _ in range(call.rng.integers(4, 10)):
        is_fitted = hasattr(sampler, "tables_")
        action = call.pick(ACTIONS) if is_fitted or call.chance(0.2) else fit
        action(call, sampler, n_features + int(call.chance(0.05)))


def X_for(call, n_features):
    return matrix(call.rng, int(call.rng.integers(1, 15)), n_features)


def fit(call, sampler, n_features):
    X = X_for(call, n_features)
    call(sampler.fit, X.value, refuse=X.bad)


def fit_with_a_wrong_parameter(call, sampler, n_features):
    name, wrong = parameters.draw_wrong(call, parameters.SAMPLER, sampler.get_params())
    right = getattr(sampler, name)
    sampler.set_params(**{name: wrong})
    call(sampler.fit, X_for(call, n_features).value, refuse=True)
    sampler.set_params(**{name: right})


def redraw(call, sampler, n_features):
    call(sampler.redraw)


def sample(call, sampler, n_features):
    X = X_for(call, n_features)
    weights = call(sampler.sample, X.value, refuse=must_refuse(sampler, X))
    if weights is not REFUSED:
        shape = X.plain.shape[0], sampler.tables_.n_rows
        expect(weights.shape == shape, "another shape")
        expect(np.isfinite(weights.data).all() and (weights.data > 0).all(), "no weights")


def estimate_sum(call, sampler, n_features):
    X = X_for(call, n_features)
    width = int(call.rng.integers(0, 3))

    def ones(queries, rows):
        return np.ones((len(rows), width) if width else len(rows))

    if call.chance(0.1):
        call(sampler.estimate_sum, X.value, call.pick(WRONG_FUNCTIONS), refuse=X.bad)
        return
    sums = call(sampler.estimate_sum, X.value, ones, refuse=must_refuse(sampler, X))
    if sums is not REFUSED:
        n = X.plain.shape[0]
        expect(sums.shape == ((n, width) if width else (n,)), f"another shape: {sums.shape}")
        expect(np.isfinite(sums).all(), "not finite")


WRONG_FUNCTIONS = [
    None,
    "foo",
    lambda queries, rows: np.ones(len(rows) + 1),
    lambda queries, rows: None,
    lambda queries, rows: "foo",
    lambda queries, rows: 1.0,
]


def log_partition(call, sampler, n_features):
    X = X_for(call, n_features)
    z = call(sampler.log_partition, X.value, refuse=must_refuse(sampler, X))
    if z is not REFUSED:
        expect(z.shape == (X.plain.shape[0],) and not np.isnan(z).any(), "no logarithms")


def set_params(call, sampler, n_features):
    call(sampler.set_params, **parameters.draw(call, parameters.SAMPLER, sampler.get_params(), 1))


ACTIONS = [
    fit,
    redraw,
    *[sample, estimate_sum, log_partition] * 2,
    fit_with_a_wrong_parameter,
    set_params,
]
