"""Extreme classification: ours against label trees, fastText and PyTorch, on the same splits.

    python benchmarks/extreme_environments.py ENVIRONMENTS
    python benchmarks/extreme.py --environments ENVIRONMENTS

trains each method on each set, with two threads, and measures precision at 1, 3 and 5 on the
test rows, the seconds of training and those of predicting. ``--validation 1`` measures on the
validation rows instead: settings are chosen by these. ``--sets`` and ``--methods`` (names,
separated by commas) measure a part; what the JSON file has of others is kept.
"""

import json
import os
import subprocess
import tempfile
import time
import warnings
from argparse import Namespace
from importlib.metadata import version
from pathlib import Path

import numpy as np
from common import in_new_process, kept, names_in, parse_options, write
from extreme_data import SETS, load
from extreme_environments import python_of
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.metrics import ndcg_at_k, precision_at_k

K = 5
# What `LSHMLPClassifier` is given, on all sets and on one. Chosen on the validation rows.
OURS = {
    "hidden_layer_sizes": (128,),
    "batch_size": 512,
    "learning_rate_init": 0.005,
    "learning_rate": "linear",
    "max_iter": 3,
}
OURS_ON = {
    "icd": {"batch_size": 400, "learning_rate": "constant", "max_iter": 12},
    "wordnet": {
        "hidden_layer_sizes": (256,),
        "multilabel_loss": "logistic",
        "batch_size": 256,
        "learning_rate_init": 0.01,
        "max_iter": 8,
        "predict_selection": "topk",
    },
}

# The opponents: which class of `extreme_opponents.py`, and its settings.
OPPONENTS = {
    "omikuji": ("omikuji", {}),
    "pecos": ("pecos", {}),
    "napkinxc": ("napkinxc", {}),
    "fasttext": ("fasttext", {"dim": 128, "epoch": 25, "lr": 0.5, "loss": "hs"}),
    "torch_full": ("torch", {"negatives": 0}),
    "torch_512": ("torch", {"negatives": 512}),
    "torch_1024": ("torch", {"negatives": 1024}),
    "torch_4096": ("torch", {"negatives": 4096}),
}


def save(path, train, held_out):
    """Save rows and labels for other processes."""
    arrays = {}
    matrices = zip(("X", "Y", "X_held_out", "Y_held_out"), (*train, *held_out), strict=True)
    for name, matrix in matrices:
        matrix.sort_indices()
        for part in ("data", "indices", "indptr"):
            arrays[f"{name}_{part}"] = getattr(matrix, part)
        arrays[f"{name}_shape"] = np.array(matrix.shape)
    np.savez(path, **arrays)


def read(path):
    """Read what `save` saved."""
    with np.load(path) as arrays:
        return [
            sparse.csr_array(
                tuple(arrays[f"{name}_{part}"] for part in ("data", "indices", "indptr")),
                shape=tuple(arrays[f"{name}_shape"]),
            )
            for name in ("X", "Y", "X_held_out", "Y_held_out")
        ]


def run_ours(data, settings, n_threads):
    """Train ours: the likeliest labels of each held-out row, seconds of both, and its version."""
    X, Y, X_held_out, _ = read(data)
    single = bool((np.diff(Y.indptr) == 1).all())
    network = LSHMLPClassifier(**settings, tol=0, n_iter_no_change=np.inf, n_jobs=n_threads)
    with threadpool_limits(n_threads), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        start = time.perf_counter()
        network.fit(X, Y.indices if single else Y)
        seconds = time.perf_counter() - start
        start = time.perf_counter()
        labels, _ = network.predict_top_k(X_held_out, K)
    return labels, seconds, time.perf_counter() - start, version("sklearn-lsh")


def run_opponent(data, python, kind, settings, n_threads):
    """Train an opponent in its environment; returns the same."""
    program = Path(__file__).with_name("extreme_opponents.py")
    out = data.with_name("out.npz")
    given = json.dumps({"threads": n_threads, **settings})
    # Their own threads are all there are.
    environment = {**os.environ, "OMP_NUM_THREADS": str(n_threads)}
    command = [python, program, kind, data, out, given]
    subprocess.run(command, check=True, env=environment, stderr=subprocess.DEVNULL)
    with np.load(out) as found:
        figures = (float(found[name]) for name in ("seconds", "seconds_to_predict"))
        return found["labels"], *figures, str(found["version"])


def settings_of(method, name, seed):
    """What a method is given on a set."""
    if method == "ours":
        return {**OURS, **OURS_ON.get(name, {}), "random_state": seed}
    settings = dict(OPPONENTS[method][1])
    return {**settings, "seed": seed} if OPPONENTS[method][0] == "torch" else settings


def measure(method, name, data, options, seed):
    """Train one method with one seed, and measure it."""
    settings = settings_of(method, name, seed)
    if method == "ours":
        found = in_new_process(run_ours, data, settings, options.threads)
    else:
        kind = OPPONENTS[method][0]
        python = python_of(options.environments, kind)
        found = run_opponent(data, python, kind, settings, options.threads)
    labels, seconds, seconds_to_predict, measured = found
    Y = read(data)[3]
    run = {"version": measured, "settings": settings}
    run |= {"seconds": seconds, "seconds_to_predict": seconds_to_predict}
    run |= {f"precision_at_{k}": float(precision_at_k(Y, labels, k=k)) for k in (1, 3, 5)}
    return {**run, "ndcg_at_5": float(ndcg_at_k(Y, labels, k=K))}


def main():
    options = parse_options(
        __doc__, repeats=1, sets="", methods="", environments="", threads=2, validation=0
    )
    if options.out is None:
        part = "extreme_validation" if options.validation else "extreme"
        options.out = Path(__file__).parent / "results" / f"{part}.json"
    results = kept(options.out)
    # What one call measures says nothing of what the file has.
    passing = ("sets", "methods", "environments")
    recorded = Namespace(**{k: v for k, v in vars(options).items() if k not in passing})
    for name in names_in(options.sets, SETS):
        train, held_out = load(name, validation=bool(options.validation), quick=options.quick)
        results.setdefault(name, {})["sizes"] = {
            "samples": train[0].shape[0],
            "held_out": held_out[0].shape[0],
            "features": train[0].shape[1],
            "labels": train[1].shape[1],
        }
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder, "data.npz")
            save(data, train, held_out)
            for method in names_in(options.methods, ("ours", *OPPONENTS)):
                seeds = range(options.seed, options.seed + options.repeats)
                runs = [measure(method, name, data, options, seed) for seed in seeds]
                results[name][method] = runs
                print(name, method, *runs, sep="\n  ")
        write(__file__, recorded, results)


if __name__ == "__main__":
    main()
