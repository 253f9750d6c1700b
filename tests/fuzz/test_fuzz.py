"""A share of the fuzzer, and what it finds of faults that are planted."""

import numpy as np
import pytest

from .judge import REFUSED, Caller
from .play import PARTS
from .processes import fuzz

# Calls of each part: two seconds' worth.
N_CALLS = {"estimators": 300, "streams": 150, "torch_layer": 300, "torch_memory": 300}


@pytest.mark.parametrize("part", PARTS)
def test_nothing_is_found(part):
    report = fuzz(part, seed=0, n_calls=N_CALLS.get(part, 600))
    assert not report.findings, str(report)
    # Otherwise right answers would hardly be looked at.
    assert report.refusals.total() < 0.75 * report.calls.total(), str(report)


def test_planted_faults_are_found():
    report = fuzz("planted", seed=16, n_calls=12)
    told = str(report)
    for wrong in (
        "taking too long",
        "the process ended by signal 11",
        "name_nothing: names no parameter",
        "raise_another: a foreign error: KeyError",
        "change: what was handed in has changed",
        "Thing.change: the object has changed, though the call was refused",
        "abs: what is wrong was accepted",
        "python -m tests.fuzz --part planted --case ",
    ):
        assert wrong in told


def test_refusals_of_scikit_learn_are_right():
    from sklearn_lsh import LSHMLPClassifier

    call = Caller(np.random.default_rng(0))
    assert call(LSHMLPClassifier().fit, [[np.nan]], [0], refuse=True) is REFUSED
    assert call(LSHMLPClassifier().predict, [[1.0]], refuse=True) is REFUSED
    assert call(LSHMLPClassifier(max_iter=-1).fit, [[1.0]], [0], refuse=True) is REFUSED
