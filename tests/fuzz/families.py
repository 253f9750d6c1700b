"""Hash families: codes that depend on the vector alone, and probabilities."""

import pickle

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone

from sklearn_lsh.hashing import FAMILIES

from . import parameters
from .arrays import matrix
from .judge import REFUSED, expect


def play(call):
    """Make a case's calls."""
    make = call.pick(FAMILIES.values())
    known = make().get_params()
    drawn = parameters.draw(call, parameters.FAMILY, known, call.rng.integers(4))
    family = make(**({"n_bits": 4, "n_tables": 3} | drawn))
    n_features = int(call.rng.integers(1, 8))
    for _ in range(call.rng.integers(5, 12)):
        is_fitted = hasattr(family, "n_features_in_")
        action = call.pick(ACTIONS) if is_fitted or call.chance(0.2) else fit
        family = action(call, family, n_features + int(call.chance(0.05))) or family


def X_for(call, n_features, n=None):
    return matrix(call.rng, int(call.rng.integers(1, 12)) if n is None else n, n_features)


def must_refuse(family, X):
    """Whether a fitted family has to refuse X."""
    differs = X.plain is not None and X.plain.shape[1] != getattr(family, "n_features_in_", None)
    return X.bad or differs


def fit(call, family, n_features):
    X = X_for(call, n_features)
    call(family.fit, X.value, refuse=X.bad)


def fit_with_a_wrong_parameter(call, family, n_features):
    name, wrong = parameters.draw_wrong(call, parameters.FAMILY, family.get_params())
    right = getattr(family, name)
    family.set_params(**{name: wrong})
    call(family.fit, X_for(call, n_features).value, refuse=name != "random_state" or wrong != 3)
    family.set_params(**{name: right})


def transform_by(name):
    """Make the action of coding by a method."""

    def transform(call, family, n_features):
        X = X_for(call, n_features)
        method = getattr(family, name)
        codes = call(method, X.value, refuse=must_refuse(family, X))
        if codes is REFUSED:
            return
        n = X.plain.shape[0]
        expect(codes.shape[0] == n and codes.shape[-1] == family._n_features_out, "another shape")
        expect(codes.dtype in (np.uint8, np.uint16), f"codes of type {codes.dtype}")
        expect((codes < family.n_buckets_).all(), "codes out of range")
        plain = X.plain.toarray() if sp.issparse(X.plain) else X.plain
        expect(np.array_equal(codes, method(plain)), "codes depend on the layout")
        i = int(call.rng.integers(n))
        expect(
            np.array_equal(codes[i : i + 1], method(plain[i : i + 1])), "codes depend on other rows"
        )

    return transform


def similarity(call, family, n_features):
    n = int(call.rng.integers(1, 12))
    X, Y = X_for(call, n_features, n), X_for(call, n_features, n)
    refuse = must_refuse(family, X) or must_refuse(family, Y)
    measured = call(family.similarity, X.value, Y.value, refuse=refuse)
    if measured is REFUSED:
        return
    expect(measured.shape == (n,) and np.isfinite(measured).all(), "no similarities")
    p = call(family.collision_probability, measured)
    expect(p is not REFUSED and ((p >= 0) & (p <= 1)).all(), f"no probabilities: {p}")


def collision_probability(call, family, n_features):
    value = call.pick(
        [0.5, [0, 1], np.array([[0.1]]), -1.0, [], 7, np.float32(0.3), "a", None, [np.nan]]
    )
    p = call(family.collision_probability, value)
    if p is not REFUSED and isinstance(value, np.ndarray):
        expect(p.shape == value.shape, "another shape")


def set_params(call, family, n_features):
    call(family.set_params, **parameters.draw(call, parameters.FAMILY, family.get_params(), 1))


def names(call, family, n_features):
    call(family.get_feature_names_out)


def copied(call, family, n_features):
    return call.pick([clone, lambda family: pickle.loads(pickle.dumps(family))])(family)


ACTIONS = [
    fit,
    *[transform_by("transform"), transform_by("transform_queries"), similarity] * 3,
    collision_probability,
    fit_with_a_wrong_parameter,
    set_params,
    names,
    copied,
]
