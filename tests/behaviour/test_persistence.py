"""Saved and loaded again, estimators predict and train on as before."""

import copy
import io
import pickle
import subprocess
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor

X, Y = load_digits(return_X_y=True)
X, Y = X[:300] / 16, Y[:300]
COMMON = {"hidden_layer_sizes": (32, 24), "max_iter": 3, "random_state": 0}
ESTIMATORS = {
    "dense": LSHMLPClassifier(**COMMON),
    "lsh": LSHMLPClassifier(**COMMON, density=0.5, output_density=0.5),
    "dwta": LSHMLPClassifier(**COMMON, density=0.5, hash_function="dwta"),
    "random": LSHMLPClassifier(**COMMON, density=0.5, selection="random", solver="sgd"),
    "topk": LSHMLPRegressor(**COMMON, density=0.5, selection="topk", solver="adagrad"),
    "early stopping": LSHMLPRegressor(**COMMON, density=0.5, early_stopping=True),
}


def through_pickle(estimator):
    return pickle.loads(pickle.dumps(estimator))


def through_joblib(estimator):
    file = io.BytesIO()
    joblib.dump(estimator, file)
    file.seek(0)
    return joblib.load(file)


def through_skops(estimator):
    skops = pytest.importorskip("skops.io")
    data = skops.dumps(estimator)
    trusted = skops.get_untrusted_types(data=data)
    # Nothing but our own classes has to be trusted.
    assert trusted
    assert all(name.startswith("sklearn_lsh.") for name in trusted)
    return skops.loads(data, trusted=trusted)


@pytest.mark.parametrize("through", [through_pickle, through_joblib, through_skops, copy.deepcopy])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_round_trip(name, through, sparse):
    data = sp.csr_array(X) if sparse else X
    estimator = clone(ESTIMATORS[name]).fit(data, Y)
    twin = through(estimator)
    assert_array_equal(twin.predict(data), estimator.predict(data))
    assert twin.loss_curve_ == estimator.loss_curve_
    assert twin.get_params() == estimator.get_params()
    if not estimator.early_stopping:
        # Optimizer state, hash tables and random numbers came along.
        estimator.partial_fit(data, Y)
        twin.partial_fit(data, Y)
        assert twin.loss_ == estimator.loss_
        assert_array_equal(twin.predict(data), estimator.predict(data))


@pytest.mark.parametrize("labels", ["strings", "indicators", "sparse indicators"])
def test_kinds_of_labels(labels):
    y = {
        "strings": Y.astype(str),
        "indicators": (Y[:, None] % [2, 3, 5] == 0).astype(int),
    }
    y["sparse indicators"] = sp.csr_array(y["indicators"])
    estimator = clone(ESTIMATORS["dense"]).fit(X, y[labels])
    for through in (through_pickle, through_skops):
        twin = through(estimator)
        predicted, expected = twin.predict(X), estimator.predict(X)
        assert type(predicted) is type(expected)
        assert (predicted != expected).sum() == 0


@pytest.mark.parametrize("mode", ["r", "c", "r+"])
@pytest.mark.parametrize("solver", ["adam", "rowwise_adagrad"])
def test_memory_mapped(solver, mode, tmp_path):
    """What only predicts reads the file's pages; training works on a copy, and never on these."""
    estimator = clone(ESTIMATORS["lsh"]).set_params(solver=solver).fit(X, Y)
    joblib.dump(estimator, tmp_path / "estimator")
    content = (tmp_path / "estimator").read_bytes()
    mapped = joblib.load(tmp_path / "estimator", mmap_mode=mode)
    weights = mapped._network.layers[0].weights
    assert is_mapped(weights.rows)
    assert mapped.coefs_[0].flags.writeable is (mode != "r")
    assert_array_equal(mapped.predict_proba(X), estimator.predict_proba(X))
    mapped.partial_fit(X, Y)
    estimator.partial_fit(X, Y)
    assert_array_equal(mapped.predict_proba(X), estimator.predict_proba(X))
    assert not is_mapped(mapped._network.layers[0].weights.rows)
    assert (tmp_path / "estimator").read_bytes() == content


def is_mapped(array):
    """Whether an array lies in a file."""
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            return True
        array = array.base
    return False


@pytest.mark.parametrize("meta", [MultiOutputClassifier, OneVsRestClassifier])
def test_workers_that_get_arrays_mapped(meta):
    """Arrays of more than a megabyte come to workers as files that cannot be written to."""
    estimator = LSHMLPClassifier((4200,), selection="topk", density=0.01, random_state=0)
    y, classes = (Y[:30, None] % [2, 3], [range(2), range(3)])
    if meta is OneVsRestClassifier:
        y, classes = Y[:30] % 3, range(3)
    with_workers = meta(estimator, n_jobs=2).partial_fit(X[:30], y, classes)
    assert with_workers.estimators_[0].coefs_[0].nbytes > 1 << 20
    with_workers.partial_fit(X[:30], y)
    alone = meta(estimator).partial_fit(X[:30], y, classes).partial_fit(X[:30], y)
    assert_array_equal(with_workers.predict(X), alone.predict(X))


def test_unfitted():
    for through in (through_pickle, through_joblib, through_skops_unfitted):
        estimator = through(ESTIMATORS["lsh"])
        assert estimator.get_params() == ESTIMATORS["lsh"].get_params()
        assert not hasattr(estimator, "coefs_")


def through_skops_unfitted(estimator):
    skops = pytest.importorskip("skops.io")
    data = skops.dumps(estimator)
    return skops.loads(data, trusted=skops.get_untrusted_types(data=data))


KILLED = """
import pickle, sys
exec(sys.argv[1])
numbers = bytes(1 << 22)
while True:
    save(numbers, sys.argv[2])
    print(flush=True)
"""


def test_the_guides_way_to_save_is_safe(tmp_path):
    """Killed at any moment, it leaves a file that is whole."""
    page = (Path(__file__).parents[2] / "docs" / "user_guide" / "saving.md").read_text()
    imports = page.partition("import os\nimport tempfile\n")[2].partition("\n\n\nsave(")[0]
    code = "import os\nimport tempfile\n" + imports
    assert "def save(" in code
    path = tmp_path / "file"
    delays = np.random.default_rng(0).uniform(0, 0.02, 10)
    for delay in delays:
        command = [sys.executable, "-c", KILLED, code, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(delay)
            process.kill()
        assert len(pickle.loads(path.read_bytes())) == 1 << 22
