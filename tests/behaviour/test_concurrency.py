"""Several threads and processes with one estimator."""

import multiprocessing
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal

from sklearn_lsh import LSHMLPClassifier

HASHED = {"density": 0.1, "output_density": 4, "random_state": 0, "max_iter": 2}


def make_classes(n_features, n_classes, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(600) % n_classes
    X = rng.normal(size=(n_classes, n_features))[y] + 0.3 * rng.normal(size=(600, n_features))
    return X.astype(np.float32), y


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_threads_predict_on_one_estimator(sparse):
    X, y = make_classes(30, 40)
    given = sp.csr_array(X) if sparse else X
    estimator = LSHMLPClassifier((300,), **HASHED).fit(given, y)
    expected = estimator.predict_proba(given)
    with ThreadPoolExecutor(4) as threads:
        for found in threads.map(lambda _: estimator.predict_proba(given), range(20)):
            assert_array_equal(found, expected)


def test_who_predicts_while_another_thread_refits_sees_one_state_or_the_other():
    # Other widths, other classes: a mixture of both would read beyond the weights.
    (X, y), (_, other) = make_classes(20, 12), make_classes(20, 50, seed=1)
    sizes = {True: (300,), False: (40,)}
    labels = {True: y, False: other + 1000}
    estimator = LSHMLPClassifier((300,), **HASHED)

    def refit(first):
        estimator.set_params(hidden_layer_sizes=sizes[first]).fit(X, labels[first])

    known = {}
    for first in (True, False, True):
        refit(first)
        known[estimator.predict(X).tobytes()] = first
    stopped, seen = threading.Event(), set()

    def predict():
        while not stopped.is_set():
            seen.add(estimator.predict(X).tobytes())

    with ThreadPoolExecutor(2) as threads:
        predicting = [threads.submit(predict) for _ in range(2)]
        try:
            for i in range(10):
                refit(bool(i % 2))
        finally:
            stopped.set()
        for job in predicting:
            job.result()
    assert len(seen) == 2
    assert seen <= set(known)


def test_who_predicts_while_another_thread_goes_on_sees_what_was_before():
    X, y = make_classes(20, 12)
    estimator = LSHMLPClassifier((300,), **HASHED).fit(X, y)
    before, during = estimator.predict_proba(X), []

    class Watched(type(estimator._network)):
        def train_epoch(self, *args, **stop):
            loss = super().train_epoch(*args, **stop)
            with ThreadPoolExecutor(1) as other:
                during.append(other.submit(estimator.predict_proba, X).result())
            return loss

    estimator._network.__class__ = Watched
    estimator.partial_fit(X, y)
    assert_array_equal(during[0], before)
    assert (estimator.predict_proba(X) != before).any()


@pytest.mark.parametrize(
    "method", sorted({"fork", "spawn"} & set(multiprocessing.get_all_start_methods()))
)
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_processes_predict(method):
    X, y = make_classes(20, 12)
    estimator = LSHMLPClassifier((300,), **HASHED, n_jobs=2).fit(X, y)
    estimator.predict(X)  # starts threads, which a fork does not have
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(1, mp_context=context) as processes:
        found = processes.submit(estimator.predict, X).result(timeout=120)
    assert_array_equal(found, estimator.predict(X))


def test_workers_of_joblib_fit_and_predict():
    X, y = make_classes(20, 12)
    estimator = LSHMLPClassifier((300,), **HASHED)
    fitted = joblib.Parallel(n_jobs=2)(joblib.delayed(estimator.fit)(X, y) for _ in range(2))
    expected = estimator.fit(X, y).predict(X)
    for other in fitted:
        assert_array_equal(other.predict(X), expected)
