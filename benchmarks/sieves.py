"""From which share of active neurons looking at all sketches is faster than hash tables.

    python benchmarks/sieves.py

trains hidden layers of several widths and densities on Fashion-MNIST for an epoch, and then finds
the active neurons of a mini-batch both ways, on one thread: how long each takes, and which share
of the neurons that respond most each finds. `HiddenLSH.SCANNED_FROM` is chosen by it.
"""

import time
import warnings

import numpy as np
from common import parse_options, share_found, write
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.datasets import fetch_mnist
from sklearn_lsh.selection import HiddenLSH

WIDTHS, DENSITIES = (1000, 4000, 16_000), (0.005, 0.01, 0.02, 0.03, 0.05, 0.1)
BATCH, CALLS = 200, 15


def train(X, y, width, density, seed):
    """Train with tables; returns the hidden layer."""
    network = LSHMLPClassifier(
        (width,), density=density, n_bits="auto", max_iter=1, random_state=seed
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(X, y)
    return network._network.layers[0]


def measure(selection, layer, inputs):
    """Milliseconds of choosing for a mini-batch, and recall of the true best."""
    seconds = []
    for _ in range(CALLS):
        start = time.perf_counter()
        active = selection.choose(layer, inputs)
        seconds.append(time.perf_counter() - start)
    found = active.indices.reshape(inputs.shape[0], -1)
    recall = share_found(found, layer.respond_all(inputs))
    return {"milliseconds": 1e3 * float(np.median(seconds)), "recall": recall}


def compare(X, y, width, density, seed):
    """Choose by tables, then by all sketches."""
    inputs = np.ascontiguousarray(X[-BATCH:], dtype=np.float32)
    known = np.ascontiguousarray(X[:2048], dtype=np.float32)
    results, scanned_from = {}, HiddenLSH.SCANNED_FROM
    try:
        for name, limit in (("tables", 1.0), ("scan", 0.0)):
            HiddenLSH.SCANNED_FROM = limit
            if name == "tables":
                layer = train(X[:-BATCH], y[:-BATCH], width, density, seed)
            selection = HiddenLSH(
                layer.selection.n_active,
                hash_function="simhash",
                n_bits="auto",
                n_tables="auto",
                random_state=np.random.RandomState(seed),
            )
            selection.fit(layer, known)
            if name == "tables":  # which neurons were active of late
                selection.uses = layer.selection.uses
                selection.refresh(layer, known)
            results[name] = measure(selection, layer, inputs)
    finally:
        HiddenLSH.SCANNED_FROM = scanned_from
    return {"width": width, "density": density, **results}


def main():
    options = parse_options(__doc__, repeats=1, rows=20_000)
    widths, densities = (WIDTHS[:1], DENSITIES[-1:]) if options.quick else (WIDTHS, DENSITIES)
    if options.quick:
        options.rows = 3000
    X, _, y, _ = fetch_mnist()
    X, y = X[: options.rows], y[: options.rows]
    runs = []
    with threadpool_limits(1):
        for seed in range(options.seed, options.seed + options.repeats):
            for width in widths:
                for density in densities:
                    runs.append(compare(X, y, width, density, seed))
                    print(runs[-1], flush=True)
    write(__file__, options, {"scanned_from": HiddenLSH.SCANNED_FROM, "runs": runs})


if __name__ == "__main__":
    main()
