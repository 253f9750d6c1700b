"""The five likeliest of 83,136 classes: one sample at a time, and many.

    python benchmarks/top_k.py

trains on word forms and their lemmas (`helpers/label_sets.py`), and on made data
(`helpers/made_data.py`) with one row a class. It times `predict_top_k` by the hash tables against
an exact dense product (``dense``: a product by BLAS and `numpy.argpartition`, in chunks, by as many
threads) and against ``predict_selection="topk"`` (``exact``): the throughput of all held-out rows,
and the latency of single ones on one thread, call overhead included. ``agreement`` is the share of
rows with the same likeliest class by tables and by the product.

``--sets`` measures a part; what the JSON file has of others is kept. ``--keep FOLDER`` keeps
trained networks and held-out rows, and takes those that are there.
"""

import os
import time
from pathlib import Path

import joblib
import numpy as np
from helpers import label_sets, made_data
from helpers.report import kept, names_in, parse_options, path_of, seeds_of, write
from helpers.training import FIXED, unconverged
from threadpoolctl import threadpool_limits

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.csr import take

# Classes that are asked for.
K = 5
# Rows whose pre-activations of all classes are held at once.
CHUNK = 200
# What the network is given besides: on word forms what `extreme.py` gives it, for two epochs.
SETTINGS = {
    "lemma-hr": {
        "batch_size": 512,
        "learning_rate_init": 0.005,
        "learning_rate": "linear",
        "max_iter": 2,
    },
    "made": {"max_iter": 10},
}


def load_lemmas(options, seed):
    """Word forms and lemmas."""
    (X, Y), (X_test, Y_test) = label_sets.load(
        "lemma-hr", validation=bool(options.validation), quick=options.quick
    )
    return (X, Y.indices), (X_test, Y_test.indices)


def make(options, seed):
    """Made data: one row for each class."""
    n_classes, n_features = (5000, 5000) if options.quick else (83_136, 100_000)
    return made_data.one_row_a_class(n_classes, n_features, options.test, seed)


SETS = {"lemma-hr": load_lemmas, "made": make}


def trained(name, options, seed):
    """A network and held-out rows that were kept, or new ones."""
    path = options.keep and Path(options.keep, f"{name}-{seed}.joblib")
    if path and path.exists():
        return joblib.load(path)
    (X, y), (X_test, y_test) = SETS[name](options, seed)
    settings = {**FIXED, **SETTINGS[name]}
    network = LSHMLPClassifier((128,), random_state=seed, tol=0, **settings)
    with unconverged():
        network.set_params(n_jobs=options.threads).fit(X, y)
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        joblib.dump((network, X_test, y_test), path)
    return network, X_test, y_test


def dense_top_k(network, X, n_threads):
    """The likeliest classes by a product with all rows of weights."""
    network_ = network._network
    coef, bias = np.ascontiguousarray(network.coefs_[-1].T), network.intercepts_[-1]

    def of_chunk(start):
        rows = take(X, slice(start, min(start + CHUNK, X.shape[0])))
        preactivations = network_.hidden(rows) @ coef.T
        preactivations += bias
        best = np.argpartition(preactivations, -K, axis=1)[:, -K:]
        order = np.argsort(-np.take_along_axis(preactivations, best, axis=1), axis=1)
        return np.take_along_axis(best, order, axis=1)

    starts = range(0, X.shape[0], CHUNK)
    if n_threads == 1 or len(starts) == 1:
        return network.classes_[np.vstack([of_chunk(start) for start in starts])]
    with threadpool_limits(1):
        found = joblib.Parallel(n_threads, require="sharedmem")(
            joblib.delayed(of_chunk)(start) for start in starts
        )
    return network.classes_[np.vstack(found)]


def predict_top_k(network, X, n_threads):
    """As the estimator does it: by the hash tables or by its own product with all weights."""
    return network.predict_top_k(X, K)[0]


# Each method, and what the network is told before.
METHODS = {
    "hashed": (predict_top_k, None),
    "dense": (dense_top_k, None),
    "exact": (predict_top_k, "topk"),
}


def time_singles(find, network, X, n_calls):
    """Milliseconds a call takes for each of some samples, on one thread."""
    rows = [X[i : i + 1] for i in range(min(n_calls, X.shape[0]))]
    network.set_params(n_jobs=1)
    find(network, rows[0], 1)
    seconds = []
    with threadpool_limits(1):
        for row in rows:
            start = time.perf_counter()
            find(network, row, 1)
            seconds.append(time.perf_counter() - start)
    return {
        "milliseconds_median": 1e3 * float(np.median(seconds)),
        "milliseconds_90th_percentile": 1e3 * float(np.quantile(seconds, 0.9)),
    }


def measure(method, network, X, y, options, *, share=1):
    """Time one method, by a share of the rows, and see how often the likeliest class is right."""
    find, selection = METHODS[method]
    network.set_params(predict_selection=selection, n_jobs=options.threads)
    part = X[: max(1, int(share * X.shape[0]))]
    find(network, part[:1000], options.threads)
    with threadpool_limits(options.threads):
        start = time.perf_counter()
        find(network, part, options.threads)
        seconds = time.perf_counter() - start
    best = find(network, X[: options.test], options.threads)[:, 0]
    singles = time_singles(find, network, X, max(1, int(share * options.calls)))
    return best, {
        **singles,
        "samples_a_second": part.shape[0] / seconds,
        "precision_at_1": float(np.mean(best == y[: options.test])),
    }


def run(name, options, seed):
    """Train and measure."""
    network, X_test, y_test = trained(name, options, seed)
    found, best = {}, {}
    for method in METHODS:
        share = 1 if method == "hashed" else 0.1
        best[method], found[method] = measure(method, network, X_test, y_test, options, share=share)
        print(name, method, found[method], flush=True)
    hashed, dense = found["hashed"], found["dense"]
    return {
        **found,
        "rows": X_test.shape[0],
        "classes": len(network.classes_),
        "agreement": float(np.mean(best["hashed"] == best["dense"])),
        "points_lost": 100 * (dense["precision_at_1"] - hashed["precision_at_1"]),
        "times_the_throughput": hashed["samples_a_second"] / dense["samples_a_second"],
    }


def main():
    options = parse_options(
        __doc__,
        repeats=1,
        sets="",
        keep="",
        test=5000,
        calls=500,
        validation=0,
        threads=os.cpu_count(),
    )
    if options.quick:
        options.test = 300
    results = kept(path_of(__file__, options))
    for name in names_in(options.sets, SETS):
        results[name] = [run(name, options, seed) for seed in seeds_of(options)]
        write(__file__, options, results)


if __name__ == "__main__":
    main()
