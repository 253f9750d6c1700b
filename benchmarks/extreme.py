"""Extreme classification: ours against label trees, fastText and PyTorch, on the same splits.

    python benchmarks/extreme_environments.py ENVIRONMENTS
    python benchmarks/extreme.py --environments ENVIRONMENTS

trains each method on each set, with two threads, and measures precision at 1, 3 and 5 on the
test rows (30,000 at most), the seconds of training and those of predicting. ``--validation 1``
measures on the validation rows instead: settings are chosen by these. ``--sets`` and ``--methods``
(names, separated by commas) measure a part; what the JSON file has of others is kept.

"ours" is one network asked in two ways: as it was trained ("ours"), and with all labels computed
("ours_exact"). "ours_blended" asks nearest training rows, too; "ours_default" has nothing set.
"ours_uniform" trains with labels that are drawn in place of those that hashing finds, for about as
long, and predicts exactly.
"""

import json
import tempfile
import time
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
from helpers import matrices
from helpers.label_sets import OURS, SETS, load, some
from helpers.opponent_environments import run_opponent
from helpers.processes import in_new_process
from helpers.report import RESULTS, kept, names_in, parse_options, seeds_of, write
from helpers.training import unconverged
from helpers.uniform_outputs import use_uniform_outputs
from threadpoolctl import threadpool_limits

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.metrics import ndcg_at_k, precision_at_k

# Labels that are asked for.
K = 5
# Rows that are held out. Trees take minutes for more.
MOST_HELD_OUT = 30_000
# What `LSHMLPClassifier` is given on one set besides, or in place of, `OURS`.
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
# How the ways of asking ours differ from its own.
ASKED = {"ours": {"predict_selection": None}, "ours_exact": {"predict_selection": "topk"}}
# How other networks of ours differ from it.
OURS_BESIDES = {
    "ours_blended": {"n_neighbors": 50},
    "ours_default": {},
}
# How many epochs take about as long with labels that are drawn as ours with those that hashing
# finds, by the seconds of `python benchmarks/extreme.py --methods ours,ours_uniform`.
UNIFORM_EPOCHS = {"icd": 25, "wordnet": 10, "lemma-de": 6, "lemma-hr": 6}

# The opponents: which class of `helpers/opponents.py`, and its settings.
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
# What an opponent is given on one set besides, or in place of, these.
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


class Ranking(NamedTuple):
    """What a method answered for the held-out rows, and what it took."""

    labels: np.ndarray  # the likeliest of each row
    seconds: float
    seconds_to_predict: float
    version: str


# Ours: each of these returns {way of asking: Ranking}


def run_ours(data, settings, n_threads):
    """Train ours, and ask it in each way."""
    X, Y, X_held_out = matrices.load(data, "X", "Y", "X_held_out")
    with threadpool_limits(n_threads):
        network, seconds = fit_ours(X, Y, settings, n_threads)
        return {
            way: ask(network.set_params(**asked), X_held_out, seconds)
            for way, asked in ASKED.items()
        }


def run_ours_besides(way, data, settings, n_threads):
    """Train ours in another way."""
    X, Y, X_held_out = matrices.load(data, "X", "Y", "X_held_out")
    with threadpool_limits(n_threads):
        network, seconds = fit_ours(X, Y, settings, n_threads)
        return {way: ask(network, X_held_out, seconds)}


def run_uniform(data, settings, n_threads):
    """Train ours with labels that are drawn."""
    X, Y, X_held_out = matrices.load(data, "X", "Y", "X_held_out")
    use_uniform_outputs()
    with threadpool_limits(n_threads):
        network, seconds = fit_ours(X, Y, settings, n_threads)
        return {"ours_uniform": ask(network, X_held_out, seconds)}


def fit_ours(X, Y, settings, n_threads):
    """Train ours, and take the time."""
    single = bool((np.diff(Y.indptr) == 1).all())
    network = LSHMLPClassifier(**settings, n_jobs=n_threads)
    with unconverged():
        start = time.perf_counter()
        network.fit(X, Y.indices if single else Y)
        return network, time.perf_counter() - start


def ask(network, X, seconds):
    """Have a network rank rows; it took so many seconds to train."""
    return timed(lambda X: network.predict_top_k(X, K)[0], X, seconds)


def timed(rank, X, seconds):
    """Rank rows, and take the time."""
    start = time.perf_counter()
    labels = rank(X)
    return Ranking(labels, seconds, time.perf_counter() - start, version("sklearn-lsh"))


# All methods


def settings_of(method, name, seed):
    """What a method is given on a set."""
    if method == "ours_default":
        return {"random_state": seed}
    if method.startswith("ours"):
        settings = {**OURS, **OURS_ON.get(name, {}), "random_state": seed}
        settings |= {"tol": 0, "n_iter_no_change": 1000}
        settings |= OURS_BESIDES.get(method, {"n_neighbors": None})
        if method == "ours_uniform":
            settings |= {"predict_selection": "topk"}
            settings["max_iter"] = UNIFORM_EPOCHS.get(name, settings["max_iter"])
        return settings
    settings = {**OPPONENTS[method][1], **OPPONENTS_ON.get((method, name), {})}
    return {**settings, "seed": seed} if OPPONENTS[method][0] == "torch" else settings


def run(method, name, data, options, settings):
    """Train one method: {way of asking: Ranking}, of which most methods have one."""
    if method == "ours":
        return in_new_process(run_ours, data, settings, options.threads)
    if method in OURS_BESIDES:
        job = partial(run_ours_besides, method)
        return in_new_process(job, data, settings, options.threads)
    if method == "ours_uniform":
        return in_new_process(run_uniform, data, settings, options.threads)
    kind = OPPONENTS[method][0]
    found = run_opponent(options.environments, kind, data, settings, options.threads)
    figures = (float(found[key]) for key in ("seconds", "seconds_to_predict"))
    return {method: Ranking(found["labels"], *figures, str(found["version"]))}


def judge(Y, ranking, settings):
    """Measure what a method answered; the record that the JSON file gets."""
    return {
        "version": ranking.version,
        "settings": settings,
        "seconds": ranking.seconds,
        "seconds_to_predict": ranking.seconds_to_predict,
        **{f"precision_at_{k}": float(precision_at_k(Y, ranking.labels, k=k)) for k in (1, 3, 5)},
        "ndcg_at_5": float(ndcg_at_k(Y, ranking.labels, k=K)),
    }


def measure(method, name, data, Y_held_out, options):
    """Train a method with each seed: {way of asking: its records}."""
    records = {}
    for seed in seeds_of(options):
        settings = settings_of(method, name, seed)
        for way, ranking in run(method, name, data, options, settings).items():
            given = settings | ASKED.get(way, {})
            records.setdefault(way, []).append(judge(Y_held_out, ranking, given))
    print(name, json.dumps(records, indent=1), sep="\n", flush=True)
    return records


def main():
    options = parse_options(
        __doc__, repeats=1, sets="", methods="", environments="", threads=2, validation=0
    )
    part = "extreme_validation" if options.validation else "extreme"
    options.out = options.out or RESULTS / f"{part}.json"
    results = kept(options.out)
    for name in names_in(options.sets, SETS):
        (X, Y), held_out = load(name, validation=bool(options.validation), quick=options.quick)
        X_held_out, Y_held_out = some(held_out, MOST_HELD_OUT)
        results.setdefault(name, {})["sizes"] = {
            "samples": X.shape[0],
            "held_out": X_held_out.shape[0],
            "features": X.shape[1],
            "labels": Y.shape[1],
        }
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder, "data.npz")
            matrices.save(data, X=X, Y=Y, X_held_out=X_held_out, Y_held_out=Y_held_out)
            for method in names_in(
                options.methods, ("ours", *OURS_BESIDES, "ours_uniform", *OPPONENTS)
            ):
                results[name] |= measure(method, name, data, Y_held_out, options)
                write(__file__, options, results)


if __name__ == "__main__":
    main()
