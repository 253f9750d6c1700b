"""Interrupt fits by real signals at random moments, and look at what is left.

    python tests/support/interruptions.py 200

prints how many of so many interruptions left an estimator that was fitted further, and how many
one as it was before; it ends with an error where one is not consistent.
"""

import os
import pickle
import signal
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits

from sklearn_lsh import LSHMLPClassifier

sys.path.insert(0, str(Path(__file__).parent))  # it is run as a program
from states import state_of

X, Y = load_digits(return_X_y=True)
X = X / 16
COMMON = {"max_iter": 6, "random_state": 0, "learning_rate_init": 0.003}
CASES = [
    LSHMLPClassifier((60,), **COMMON),
    LSHMLPClassifier((300, 100), density=0.1, **COMMON),
    LSHMLPClassifier((300,), density=0.1, n_bits=6, n_tables=10, output_density=5, **COMMON),
    LSHMLPClassifier((60,), output_density=4, early_stopping=True, **COMMON),
]
CASES += [clone(case).set_params(n_jobs=2) for case in CASES]


def fit(estimator):
    estimator.fit(X, Y)


def fit_further(estimator):
    estimator.set_params(warm_start=True).fit(X, Y)


def partial_fit(estimator):
    estimator.set_params(early_stopping=False).partial_fit(X, Y, classes=np.arange(10))


def seconds_of(call, estimator):
    start = time.perf_counter()
    call(pickle.loads(pickle.dumps(estimator)))
    return time.perf_counter() - start


def interrupt(call, estimator, delay):
    """Call, interrupted after a delay in seconds; False if it was, with an error."""
    killer = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))
    ended = False
    try:
        killer.start()
        call(estimator)
        ended = True
        killer.join()
        time.sleep(0.01)  # the signal may come after the call
    except KeyboardInterrupt:
        killer.join()
    return ended


def check(estimator):
    """Refuse an estimator that is neither fitted nor as it was when it was new."""
    if not hasattr(estimator, "coefs_"):
        assert not hasattr(estimator, "classes_")
        assert not hasattr(estimator, "n_features_in_")
        return
    if estimator.early_stopping:  # which all calls had, then
        curves = (estimator.validation_scores_, estimator.validation_loss_curve_)
        assert {len(curve) for curve in curves} == {len(estimator.loss_curve_)}
    assert estimator.n_iter_ <= len(estimator.loss_curve_)
    for array in (*estimator.coefs_, *estimator.intercepts_):
        assert np.isfinite(array).all()
    for layer in estimator._network.layers:
        assert layer.weights.scale == 1.0
    assert estimator.predict(X[:50]).shape == (50,)
    assert np.isfinite(estimator.predict_proba(X[:50])).all()


def run_trial(rng, estimator):
    """Interrupt one call; "kept" or "as before"."""
    call = (fit, fit_further, partial_fit)[rng.integers(3)]
    estimator = clone(estimator)
    if rng.random() < 0.5:
        estimator.fit(X[:300], Y[:300])
    duration = seconds_of(call, estimator)
    before = state_of(estimator)
    kept = interrupt(call, estimator, rng.uniform(0, duration))
    check(estimator)
    assert kept or state_of(estimator) == before
    # It goes on.
    fit_further(estimator)
    check(estimator)
    return "kept" if kept else "as before"


def main(n_trials, seed=0):
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(seed)
    outcomes = [run_trial(rng, CASES[i % len(CASES)]) for i in range(n_trials)]
    print({outcome: outcomes.count(outcome) for outcome in ("kept", "as before")})


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main(*map(int, sys.argv[1:]))
