"""Seconds of training until a network is nearly as accurate as one that computes all classes.

    python benchmarks/extreme_environments.py ENVIRONMENTS --only torch
    python benchmarks/time_to_accuracy.py --environments ENVIRONMENTS

trains ours, and PyTorch with the full and with the sampled softmax, to tell lemmas from word
forms, and measures after each epoch, off the clock, how many of up to 10,000 held-out forms get
their lemma. All have 128 hidden neurons and two threads. ``--validation 1`` measures on the
validation rows, by which settings were chosen. ``--sets`` and ``--methods`` (names, separated by
commas) measure a part; what the JSON file has of others is kept. ``--epochs`` trains for other
than the usual number of epochs, over which the learning rate of ours falls to zero.

Where epochs take many minutes, ``--share 0.05`` trains that much of one, and notes only what a
whole one takes; the accuracies may then be those of a run whose seconds mean nothing, because
other work went on beside it (``--timed 0``).
"""

import tempfile
from argparse import Namespace
from importlib.metadata import version
from pathlib import Path

import numpy as np
from helpers import matrices
from helpers.label_sets import OURS, load, some
from helpers.opponent_environments import run_opponent
from helpers.processes import in_new_process
from helpers.report import RESULTS, kept, names_in, parse_options, path_of, write
from helpers.training import FIXED, first_reached, train_hashed

from sklearn_lsh import LSHMLPClassifier

SETS = ("lemma-de", "lemma-hr")
# Rows that accuracy is measured on, after each epoch.
MOST_HELD_OUT = 10_000
# Share of the full softmax's last accuracy that is the goal.
SHARE_OF_FINAL = 0.99
# Ours trains for as few epochs as lead to 99% of what more of them reach on the validation rows,
# and again for more of them, to know what that is.
OUR_EPOCHS = 2
OURS_LONGER = "ours_longer"
# The sampled softmax got its batch size and learning rate by the validation rows of lemma-de; the
# full softmax, whose epochs take minutes, has what is usual.
TORCH = {
    "torch_full": {"negatives": 0, "batch_size": 512, "learning_rate": 0.003, "epochs": 5},
    "torch_512": {"negatives": 512, "batch_size": 256, "learning_rate": 0.01, "epochs": 5},
    "torch_1024": {"negatives": 1024, "batch_size": 256, "learning_rate": 0.01, "epochs": 5},
    "torch_4096": {"negatives": 4096, "batch_size": 1024, "learning_rate": 0.01, "epochs": 5},
}


def follow_ours(data, settings, n_threads):
    """Train ours: seconds of each epoch, and the accuracy after it."""
    X, Y, X_held_out, Y_held_out = matrices.load(data, "X", "Y", "X_held_out", "Y_held_out")
    network = LSHMLPClassifier(**{**FIXED, **settings}, tol=0, n_iter_no_change=np.inf)
    held_out = X_held_out, Y_held_out.indices
    run = train_hashed(network, (X, Y.indices), held_out, n_threads=n_threads)
    keys = ("seconds_before", "seconds", "accuracies")
    return {**{key: run[key] for key in keys}, "version": version("sklearn-lsh")}


def follow_torch(environments, data, settings, n_threads):
    """Train PyTorch's network in its environment: the same."""
    found = run_opponent(environments, "torch", data, settings, n_threads, follow=True)
    run = {key: found[key].tolist() for key in ("seconds", "accuracies")}
    return {"seconds_before": 0.0, **run, "version": str(found["version"])}


def measure(method, data, options):
    """Train one method, and follow its accuracy."""
    if method.startswith("ours"):
        # All predict with all classes.
        settings = {**OURS, "predict_selection": "topk", "random_state": options.seed}
        if method != OURS_LONGER:
            settings["max_iter"] = options.epochs or OUR_EPOCHS
        run = in_new_process(follow_ours, data, settings, options.threads)
    else:
        settings = {**TORCH[method], "seed": options.seed}
        settings["epochs"] = options.epochs or settings["epochs"]
        if options.share < 1:
            settings |= {"share": options.share, "epochs": 1}
        run = follow_torch(options.environments, data, settings, options.threads)
    return {**run, "settings": settings}


def note(found, run, options):
    """Put a run beside what is known of a method."""
    if options.share < 1:
        return {**found, "projected": {"share": options.share, "seconds": run["seconds"][0]}}
    if not options.timed:
        run = {key: value for key, value in run.items() if key != "seconds"}
    return {**run, **{key: found[key] for key in ("projected",) if key in found}}


def summarise(methods):
    """Goal of a set, and when each method reached it.

    The goal is 99% of what the full softmax ended with or, where it was not trained to the end,
    of the best that any network reached.
    """
    full = methods.get("torch_full", {}).get("accuracies", [])
    ended = len(full) >= TORCH["torch_full"]["epochs"]
    best = max(max(run.get("accuracies") or [0]) for run in methods.values())
    goal = SHARE_OF_FINAL * (full[-1] if ended else best)
    summary = {name: reach(run, goal) for name, run in methods.items()}
    return {"goal": goal, "full_softmax_ended": ended, "summary": summary}


def reach(run, goal):
    """After how many epochs and seconds a run reached a goal.

    If it has not so far, it takes at least an epoch more.
    """
    known = {"seconds_before": 0.0, "accuracies": [], **run}
    epochs = first_reached(known, goal)
    at_least = epochs is None
    if at_least:
        epochs = len(known["accuracies"]) + 1
    if "projected" in run:
        an_epoch = run["projected"]["seconds"]
        seconds = epochs * an_epoch
    else:
        an_epoch = float(np.mean(run["seconds"]))
        seconds = known["seconds_before"] + sum([*run["seconds"], an_epoch][:epochs])
    return {
        "epochs": epochs,
        "at_least": at_least,
        "seconds_an_epoch": an_epoch,
        "seconds": seconds,
    }


def main():
    options = parse_options(
        __doc__,
        sets="",
        methods="",
        environments="",
        threads=2,
        validation=0,
        share=1.0,
        timed=1,
        epochs=0,
    )
    if options.validation and options.out is None:
        options.out = RESULTS / "time_to_accuracy_validation.json"
    results = kept(path_of(__file__, options))
    recorded = Namespace(seed=options.seed, threads=options.threads, out=options.out)
    for name in names_in(options.sets, SETS):
        (X, Y), held_out = load(name, validation=bool(options.validation), quick=options.quick)
        X_held_out, Y_held_out = some(held_out, MOST_HELD_OUT)
        found = results.setdefault(name, {"methods": {}})
        found["sizes"] = {"samples": X.shape[0], "labels": Y.shape[1]}
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder, "data.npz")
            matrices.save(data, X=X, Y=Y, X_held_out=X_held_out, Y_held_out=Y_held_out)
            for method in names_in(options.methods, ("ours", OURS_LONGER, *TORCH)):
                known = found["methods"].get(method, {})
                run = measure(method, data, options)
                print(name, method, run, flush=True)
                found["methods"][method] = note(known, run, options)
                found |= summarise(found["methods"])
                write(__file__, recorded, results)


if __name__ == "__main__":
    main()
