"""Extreme classification: ours against label trees, fastText and PyTorch, on the same splits.

    python benchmarks/extreme_environments.py ENVIRONMENTS
    python benchmarks/extreme.py --environments ENVIRONMENTS

trains each method on each set, with two threads, and measures precision at 1, 3 and 5 on the
test rows (30,000 at most), the seconds of training and those of predicting. ``--validation 1``
measures on the validation rows instead: settings are chosen by these. ``--sets`` and ``--methods``
(names, separated by commas) measure a part; what the JSON file has of others is kept.

"ours" is one network asked in several ways: as it was trained ("ours"), with all labels computed
("ours_exact"), and then with the labels of nearest training rows besides ("ours_blended", where
these are found in reasonable time). "ours_uniform" trains with labels that are drawn in place of
those that hashing finds, for about as long, and predicts exactly.
"""

import json
import os
import subprocess
import tempfile
import time
import warnings
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
from blending import Neighborhood, blend
from common import in_new_process, kept, names_in, parse_options, write
from extreme_data import SETS, load, some
from extreme_environments import python_of
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits
from uniform_outputs import use_uniform_outputs

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.metrics import ndcg_at_k, precision_at_k

K = 5
# Trees take minutes for more.
MOST_HELD_OUT = 30_000
# What `LSHMLPClassifier` is given, on all sets and on one. Chosen on the validation rows.
OURS = {
    "hidden_layer_sizes": (128,),
    "batch_size": 512,
    "learning_rate_init": 0.0075,
    "learning_rate": "linear",
    "max_iter": 3,
}
OURS_ON = {
    "icd": {
        "batch_size": 400,
        "learning_rate_init": 0.005,
        "learning_rate": "constant",
        "max_iter": 12,
    },
    "wordnet": {
        "hidden_layer_sizes": (256,),
        "multilabel_loss": "logistic",
        "batch_size": 256,
        "learning_rate_init": 0.01,
        "max_iter": 8,
    },
    "lemma-hr": {"learning_rate_init": 0.005},
}
# Where nearest neighbours are found in reasonable time.
BLENDED_ON = ("wordnet", "icd")
# How the ways of asking ours differ from its own.
ASKED = {
    "ours": {},
    "ours_exact": {"predict_selection": "topk"},
    "ours_blended": {"predict_selection": "topk"},
}
# How many epochs take as long with labels that are drawn as ours with those that hashing finds.
UNIFORM_EPOCHS = {"icd": 25, "wordnet": 10, "lemma-de": 6, "lemma-hr": 6}

# The opponents: which class of `extreme_opponents.py`, and its settings.
OPPONENTS = {
    "omikuji": ("omikuji", {}),
    "pecos": ("pecos", {}),
    "napkinxc": ("napkinxc", {}),
    "fasttext": ("fasttext", {"dim": 128, "epoch": 25, "lr": 1.0, "loss": "ns", "neg": 50}),
    "torch_full": ("torch", {"negatives": 0, "batch_size": 512}),
    "torch_512": ("torch", {"negatives": 512, "learning_rate": 0.01}),
    "torch_1024": ("torch", {"negatives": 1024, "learning_rate": 0.01}),
    "torch_4096": ("torch", {"negatives": 4096, "learning_rate": 0.01}),
}
# What an opponent is given on one set.
OPPONENTS_ON = {
    **{(f"torch_{negatives}", "icd"): {"epochs": 8} for negatives in (512, 1024, 4096)},
    **{(f"torch_{negatives}", "wordnet"): {"epochs": 8} for negatives in (512, 1024)},
    ("torch_4096", "wordnet"): {"batch_size": 512, "epochs": 6},
    ("torch_4096", "lemma-de"): {"batch_size": 1024},
    ("torch_4096", "lemma-hr"): {"batch_size": 1024},
    ("torch_full", "icd"): {"epochs": 9, "batch_size": 256},
    ("torch_full", "wordnet"): {"epochs": 9},
    ("fasttext", "icd"): {"epoch": 100, "lr": 0.5},
    ("fasttext", "wordnet"): {"epoch": 50},
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


def run_ours(data, settings, n_threads, *, blended):
    """Train ours, and ask it in each way.

    Returns
    -------
    runs : dict
        For each way the likeliest labels of each held-out row, seconds of training and of
        predicting, and the version.
    """
    X, Y, X_held_out, _ = read(data)
    runs = {}

    def predict(way, ask, seconds):
        start = time.perf_counter()
        labels = ask()
        seconds_to_predict = time.perf_counter() - start
        runs[way] = labels, seconds, seconds_to_predict, version("sklearn-lsh")

    with threadpool_limits(n_threads):
        network, seconds = fit_ours(X, Y, settings, n_threads)
        predict("ours", lambda: network.predict_top_k(X_held_out, K)[0], seconds)
        network.set_params(**ASKED["ours_exact"])
        predict("ours_exact", lambda: network.predict_top_k(X_held_out, K)[0], seconds)
        if blended:
            start = time.perf_counter()
            neighborhood = Neighborhood(X, Y, n_threads)
            seconds += time.perf_counter() - start
            predict("ours_blended", lambda: blend(network, neighborhood, X_held_out, K), seconds)
    return runs


def run_uniform(data, settings, n_threads):
    """Train ours with labels that are drawn; returns the same."""
    X, Y, X_held_out, _ = read(data)
    use_uniform_outputs()
    with threadpool_limits(n_threads):
        network, seconds = fit_ours(X, Y, settings, n_threads)
        start = time.perf_counter()
        labels, _ = network.predict_top_k(X_held_out, K)
        seconds_to_predict = time.perf_counter() - start
    return {"ours_uniform": (labels, seconds, seconds_to_predict, version("sklearn-lsh"))}


def fit_ours(X, Y, settings, n_threads):
    """Train ours, and take the time."""
    single = bool((np.diff(Y.indptr) == 1).all())
    network = LSHMLPClassifier(**settings, tol=0, n_iter_no_change=np.inf, n_jobs=n_threads)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        start = time.perf_counter()
        network.fit(X, Y.indices if single else Y)
        return network, time.perf_counter() - start


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
    if method.startswith("ours"):
        settings = {**OURS, **OURS_ON.get(name, {}), "random_state": seed}
        if method == "ours_uniform":
            settings |= {"predict_selection": "topk"}
            settings["max_iter"] = UNIFORM_EPOCHS.get(name, settings["max_iter"])
        return settings
    settings = {**OPPONENTS[method][1], **OPPONENTS_ON.get((method, name), {})}
    return {**settings, "seed": seed} if OPPONENTS[method][0] == "torch" else settings


def run(method, name, data, options, seed):
    """Train one method with one seed: what `run_ours` returns."""
    settings = settings_of(method, name, seed)
    if method == "ours":
        job = partial(run_ours, blended=name in BLENDED_ON)
        return in_new_process(job, data, settings, options.threads)
    if method == "ours_uniform":
        return in_new_process(run_uniform, data, settings, options.threads)
    kind = OPPONENTS[method][0]
    python = python_of(options.environments, kind)
    return {method: run_opponent(data, python, kind, settings, options.threads)}


def judge(Y, found, settings):
    """Measure what a method found; the record that the JSON file gets."""
    labels, seconds, seconds_to_predict, measured = found
    record = {"version": measured, "settings": settings}
    record |= {"seconds": seconds, "seconds_to_predict": seconds_to_predict}
    record |= {f"precision_at_{k}": float(precision_at_k(Y, labels, k=k)) for k in (1, 3, 5)}
    return {**record, "ndcg_at_5": float(ndcg_at_k(Y, labels, k=K))}


def main():
    options = parse_options(
        __doc__, repeats=1, sets="", methods="", environments="", threads=2, validation=0
    )
    if options.out is None:
        part = "extreme_validation" if options.validation else "extreme"
        options.out = Path(__file__).parent / "results" / f"{part}.json"
    results = kept(options.out)
    for name in names_in(options.sets, SETS):
        train, held_out = load(name, validation=bool(options.validation), quick=options.quick)
        held_out = some(held_out, MOST_HELD_OUT)
        results.setdefault(name, {})["sizes"] = {
            "samples": train[0].shape[0],
            "held_out": held_out[0].shape[0],
            "features": train[0].shape[1],
            "labels": train[1].shape[1],
        }
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder, "data.npz")
            save(data, train, held_out)
            for method in names_in(options.methods, ("ours", "ours_uniform", *OPPONENTS)):
                records = {}
                for seed in range(options.seed, options.seed + options.repeats):
                    settings = settings_of(method, name, seed)
                    for way, found in run(method, name, data, options, seed).items():
                        given = settings | ASKED.get(way, {})
                        records.setdefault(way, []).append(judge(held_out[1], found, given))
                results[name] |= records
                print(name, json.dumps(records, indent=1), sep="\n", flush=True)
                write(__file__, options, results)


if __name__ == "__main__":
    main()
