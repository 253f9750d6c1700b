"""Saved and loaded again, estimators predict and train on as before."""

import copy
import io
import pickle

import joblib
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits

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


def test_memory_mapped(tmp_path):
    estimator = clone(ESTIMATORS["lsh"]).fit(X, Y)
    joblib.dump(estimator, tmp_path / "estimator")
    mapped = joblib.load(tmp_path / "estimator", mmap_mode="r")
    assert not mapped.coefs_[0].flags.writeable
    assert_array_equal(mapped.predict_proba(X), estimator.predict_proba(X))


def test_unfitted():
    for through in (through_pickle, through_joblib, through_skops_unfitted):
        estimator = through(ESTIMATORS["lsh"])
        assert estimator.get_params() == ESTIMATORS["lsh"].get_params()
        assert not hasattr(estimator, "coefs_")


def through_skops_unfitted(estimator):
    skops = pytest.importorskip("skops.io")
    data = skops.dumps(estimator)
    return skops.loads(data, trusted=skops.get_untrusted_types(data=data))
