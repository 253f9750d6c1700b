"""200,000 classes with nothing set: memory, time, and accuracy against chance.

    python benchmarks/many_classes.py

makes 200,000 sparse rows of 100,000 features, one for each class, and 20,000 held-out rows of
the same classes, and calls ``LSHMLPClassifier().fit(X, y)``. Of every class's five features a
row has each with probability 0.8, beside five features at random, all with log-normal weights:
a held-out row has about three features in common with the row that was learnt from.
"""

import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from common import in_new_process, load_data, n_bytes, parse_options, peak_memory, save_data, write
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import normalize

from sklearn_lsh import LSHMLPClassifier

N_SIGNS, N_NOISE, SHARE_SEEN = 5, 5, 0.8


def draw_rows(signs, classes, n_features, rng):
    """Draw a row for each class in a list."""
    own = signs[classes]
    noise = rng.integers(n_features, size=(len(classes), N_NOISE))
    columns = np.hstack([own, noise])
    values = rng.lognormal(sigma=0.5, size=columns.shape).astype(np.float32)
    values[:, :N_SIGNS] *= rng.random(own.shape) < SHARE_SEEN
    indptr = np.arange(len(classes) + 1) * columns.shape[1]
    X = sparse.csr_array(
        (values.ravel(), columns.ravel(), indptr), shape=(len(classes), n_features)
    )
    X.sum_duplicates()
    X.eliminate_zeros()
    return normalize(X)


def make(path, n_classes, n_features, n_test, seed):
    """Make the data and save them."""
    rng = np.random.default_rng(seed)
    signs = rng.integers(n_features, size=(n_classes, N_SIGNS))
    y, y_test = rng.permutation(n_classes), rng.integers(n_classes, size=n_test)
    rows = (draw_rows(signs, classes, n_features, rng) for classes in (y, y_test))
    X, X_test = rows
    save_data(path, X, y, X_test, y_test)


def fit(path, parameters):
    """Fit on the saved data and measure."""
    (X, y), (X_test, y_test) = load_data(path)
    memory_before = peak_memory()
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier = LSHMLPClassifier(**parameters).fit(X, y)
    seconds = time.perf_counter() - start
    memory = peak_memory()
    start = time.perf_counter()
    accuracy = float(classifier.score(X_test, y_test))
    seconds_to_score = time.perf_counter() - start
    return {
        "epochs": classifier.n_iter_,
        "seconds": seconds,
        "seconds_an_epoch": seconds / classifier.n_iter_,
        "peak_bytes": memory,
        "peak_bytes_before_fit": memory_before,
        "data_bytes": n_bytes(X) + y.nbytes,
        "parameters": sum(a.size for a in (*classifier.coefs_, *classifier.intercepts_)),
        "losses": classifier.loss_curve_,
        "accuracy": accuracy,
        "chance": 1 / len(classifier.classes_),
        "accuracy_on_training_rows": float(classifier.score(X[: len(y_test)], y[: len(y_test)])),
        "seconds_to_score": seconds_to_score,
        "peak_bytes_after_scoring": peak_memory(),
    }


def main():
    options = parse_options(
        __doc__, repeats=1, classes=200_000, features=100_000, test=20_000, max_iter=0, verbose=1
    )
    if options.quick:
        options.classes, options.features, options.test, options.max_iter = 5000, 5000, 500, 3
    parameters = {"verbose": bool(options.verbose)}
    if options.max_iter:  # else nothing is set
        parameters["max_iter"] = options.max_iter
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "data.npz")
        runs = []
        for seed in range(options.seed, options.seed + options.repeats):
            sizes = (options.classes, options.features, options.test)
            in_new_process(make, path, *sizes, seed)
            runs.append(in_new_process(fit, path, parameters))
            print({key: value for key, value in runs[-1].items() if key != "losses"})
    write(__file__, options, {"runs": runs})


if __name__ == "__main__":
    main()
