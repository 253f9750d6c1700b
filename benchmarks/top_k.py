"""The five likeliest of 83,136 classes: one sample at a time, and many.

    python benchmarks/top_k.py

makes the data of many_classes.py, trains, and times `predict_top_k` by the hash tables
and exactly, on one thread: the latency of single samples, call overhead included, and the
throughput of all. ``agreement`` is the share of samples with the same likeliest class by both.
"""

import time
import warnings

import numpy as np
from common import parse_options, write
from many_classes import draw_rows
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from sklearn_lsh import LSHMLPClassifier

K = 5


def time_singles(network, X, n_calls):
    """Milliseconds a call takes for each of some samples."""
    rows = [X[i : i + 1] for i in range(min(n_calls, X.shape[0]))]
    network.predict_top_k(rows[0], K)
    seconds = []
    for row in rows:
        start = time.perf_counter()
        network.predict_top_k(row, K)
        seconds.append(time.perf_counter() - start)
    return {
        "milliseconds_median": 1e3 * float(np.median(seconds)),
        "milliseconds_90th_percentile": 1e3 * float(np.quantile(seconds, 0.9)),
    }


def measure(network, X, y, selection, n_calls):
    """Time one way to select, and see how often the likeliest class is right."""
    network.set_params(predict_selection=selection)
    start = time.perf_counter()
    best = network.predict_top_k(X, K)[0][:, 0]
    seconds = time.perf_counter() - start
    singles = time_singles(network, X, n_calls)
    return best, {
        **singles,
        "samples_a_second": X.shape[0] / seconds,
        "precision_at_1": float(np.mean(best == y)),
    }


def run(options, seed):
    """Train and measure."""
    rng = np.random.default_rng(seed)
    signs = rng.integers(options.features, size=(options.classes, 5))
    y, y_test = rng.permutation(options.classes), rng.integers(options.classes, size=options.test)
    X, X_test = (draw_rows(signs, codes, options.features, rng) for codes in (y, y_test))
    network = LSHMLPClassifier((128,), max_iter=options.epochs, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(X, y)
    hashed, results = measure(network, X_test, y_test, None, options.calls)
    exact, exact_results = measure(network, X_test, y_test, "topk", max(1, options.calls // 10))
    return {
        "hashed": results,
        "exact": exact_results,
        "agreement": float(np.mean(hashed == exact)),
        "times_the_throughput": results["samples_a_second"] / exact_results["samples_a_second"],
    }


def main():
    options = parse_options(
        __doc__, repeats=3, classes=83_136, features=100_000, test=5000, epochs=10, calls=500
    )
    if options.quick:
        options.classes, options.features, options.test = 5000, 5000, 300
    runs = []
    with threadpool_limits(1):
        for seed in range(options.seed, options.seed + options.repeats):
            runs.append(run(options, seed))
            print(runs[-1])
    write(__file__, options, {"runs": runs})


if __name__ == "__main__":
    main()
