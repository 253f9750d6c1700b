"""Accuracy by the share of neurons that are active, and what was computed for it.

    python benchmarks/density.py --keep FOLDER

trains networks of two and of three hidden layers of 1,000 neurons on MNIST, Fashion-MNIST, Convex
and Rectangles, with so many of the neurons active: those that hashing finds, those that respond
most, any at random; and with all of them. A set has 10,000 training, 2,000 validation and 10,000
test rows. The learning rate, which falls to zero, is chosen on the validation rows by the first
seed, for each set, depth and selection (at a density of 0.05, or of 1). Accuracy is that on the
test rows after the last epoch; multiply-adds are counted as `LSHMLPClassifier.work_` counts them.

There are three seeds. Runs take one thread each and do not depend on each other: ``--workers 2``
does two at a time; their seconds of the processor are noted, but are no measure of speed. What
FOLDER keeps is not run again, and the JSON file is written after each stage.

    python benchmarks/density.py --keep FOLDER --train 50000 --headline 1
        --rates-from benchmarks/results/density.json --out benchmarks/results/density_more_data.json

(in one line) tells what more data change, for hashing at a density of 0.05 and the dense network
alone, with the learning rates that were chosen before.

    python benchmarks/density.py --keep FOLDER --headline 1 --longer 1.6
        --out benchmarks/results/density_longer.json

tells what more epochs change for the hashed networks alone. Their multiply-adds in training are
compared with those of the dense network in its fewer epochs.
"""

import json
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import lru_cache, partial
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from helpers.report import parse_options, seeds_of, write
from helpers.training import FIXED, unconverged

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.datasets import fetch_mnist, make_convex, make_rectangles

# How active neurons are found.
SELECTIONS = ("lsh", "topk", "random")
# Share of active neurons that learning rates are chosen with, and of which the headline tells.
HEADLINE = 0.05
# Learning rates that are tried. Neurons that are active for few samples want larger steps.
RATES = {
    **dict.fromkeys(SELECTIONS, (0.0005, 0.001, 0.002, 0.004, 0.008)),
    "all": (0.00025, 0.0005, 0.001, 0.002),
}
# Densities and selections, what counts most and what is cheap first. Half of the neurons take
# longer than all of them.
STAGES = (
    ((HEADLINE,), SELECTIONS),
    ((1.0,), ("all",)),
    ((0.01, 0.025, 0.1), SELECTIONS),
    ((0.25, 0.5), SELECTIONS),
)
# The same, if only the headline is asked for.
HEADLINE_STAGES = (((HEADLINE,), ("lsh",)), ((1.0,), ("all",)))


# Data: training, validation and test rows


def draw_photographs(name, n_train, n_validation, n_test):
    X, X_test, y, y_test = fetch_mnist(name)
    order = np.random.default_rng(0).permutation(len(y))
    train, validation, _ = np.split(order, [n_train, n_train + n_validation])
    rest = slice(n_test)
    return (X[train], y[train]), (X[validation], y[validation]), (X_test[rest], y_test[rest])


def draw_shapes(make, *sizes):
    X, y = make(sum(sizes), random_state=0)
    ends = np.cumsum(sizes)[:-1]
    return tuple(zip(np.split(X, ends), np.split(y, ends), strict=True))


SETS = {
    "mnist": partial(draw_photographs, "mnist"),
    "fashion-mnist": partial(draw_photographs, "fashion-mnist"),
    "convex": partial(draw_shapes, make_convex),
    "rectangles": partial(draw_shapes, make_rectangles),
}


@lru_cache
def load(name, sizes):
    return SETS[name](*sizes)


# One run


class Run(NamedTuple):
    """All that a run's result depends on."""

    set: str
    n_layers: int
    selection: str
    density: float
    rate: float
    seed: int
    width: int
    epochs: int
    batch_size: int
    sizes: tuple[int, int, int]


def train(run):
    """Train a network; its accuracies and its work."""
    (X, y), validation, (X_test, y_test) = load(run.set, run.sizes)
    settings = {
        **FIXED,
        "learning_rate": "linear",
        "learning_rate_init": run.rate,
        "batch_size": run.batch_size,
        "max_iter": run.epochs,
    }
    network = LSHMLPClassifier(
        (run.width,) * run.n_layers,
        **settings,
        selection=run.selection,
        density=run.density,
        tol=0,
        n_iter_no_change=run.epochs,
        random_state=run.seed,
    )
    with unconverged(1):
        start = time.process_time()
        network.fit(X, y)
        seconds = time.process_time() - start
        training, prediction = network.work_, network.count_work(X_test)
        return {
            "accuracy": network.score(X_test, y_test),
            "validation_accuracy": network.score(*validation),
            "processor_seconds": seconds,
            "training": sum_up(training),
            "prediction": sum_up(prediction),
            "layers": [
                {
                    "n_neurons": layer["n_neurons"],
                    "n_active": layer["n_active"],
                    "training": sum_up(row for row in training if row["layer"] == depth),
                    "prediction": sum_up([layer]),
                }
                for depth, layer in enumerate(prediction)
            ],
        }


def sum_up(work):
    """Multiply-adds of layers and epochs together, beside those of a dense network."""
    done, dense = np.sum(
        [(row["multiply_adds"], row["dense_multiply_adds"]) for row in work], axis=0
    ).tolist()
    return {"multiply_adds": done, "dense_multiply_adds": dense, "share": done / dense}


# Many runs


class Results:
    """What runs found, kept in a file if there is a folder for it."""

    def __init__(self, folder):
        self.path = Path(folder, "density.jsonl") if folder else None
        self.found = {}
        if self.path:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch()
            for line in self.path.read_text().splitlines():
                known = json.loads(line)
                sizes = tuple(known["run"].pop("sizes"))
                self.found[Run(**known["run"], sizes=sizes)] = known["found"]

    def add(self, run, found):
        """Note what a run found, at once also in the file."""
        self.found[run] = found
        if self.path:
            with self.path.open("a") as file:
                file.write(json.dumps({"run": run._asdict(), "found": found}) + "\n")

    def train_all(self, runs, n_workers):
        """Train what is not known yet, in processes of their own."""
        missing = [run for run in runs if run not in self.found]
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(n_workers, mp_context=spawn) as processes:
            futures = {processes.submit(train, run): run for run in missing}
            for n_done, future in enumerate(as_completed(futures), 1):
                run, found = futures[future], future.result()
                self.add(run, found)
                print(
                    f"{n_done:4} of {len(missing)}  {run.set:14} {run.n_layers} {run.selection:7}"
                    f"{run.density:6} {run.rate:7} {run.seed} {found['accuracy']:.4f}"
                    f"{found['training']['share']:7.3f} {found['processor_seconds']:6.1f} s",
                    flush=True,
                )


def stages(options):
    """What is run, in order, see `STAGES`."""
    return HEADLINE_STAGES if options.headline else STAGES


def make_run(case, density, rate, seed, options):
    """A run of a case: a set, a number of layers, and a selection."""
    epochs = options.epochs if case[-1] == "all" else round(options.epochs * options.longer)
    sizes = (options.train, options.validation, options.test)
    return Run(*case, density, rate, seed, options.width, epochs, options.batch_size, sizes)


def choose_rates(results, options):
    """Learning rates, each by validation rows: {(set, number of layers, selection): rate}."""
    if options.rates_from:
        known = json.loads(Path(options.rates_from).read_text())["results"]["learning_rates"]
        return {(row["set"], row["n_layers"], row["selection"]): row["rate"] for row in known}
    selections = dict.fromkeys(name for _, names in stages(options) for name in names)
    cases = list(product(options.sets, options.layers, selections))
    tried = {
        case: [
            make_run(case, 1.0 if case[-1] == "all" else HEADLINE, rate, options.seed, options)
            for rate in RATES[case[-1]]
        ]
        for case in cases
    }
    results.train_all([run for runs in tried.values() for run in runs], options.workers)

    def validated(run):
        return results.found[run]["validation_accuracy"]

    return {case: max(runs, key=validated).rate for case, runs in tried.items()}


def plan(rates, options):
    """The runs of each stage."""
    for densities, selections in stages(options):
        cases = product(seeds_of(options), densities, options.sets, options.layers, selections)
        yield [
            make_run(tuple(case), density, rates[tuple(case)], seed, options)
            for seed, density, *case in cases
        ]


# Summary


def mean_of(runs):
    """Means over runs, which are pairs of what was run and found."""
    found = [found for _, found in runs]
    accuracies = [one["accuracy"] for one in found]
    return {
        "accuracy": float(np.mean(accuracies)),
        "lowest_accuracy": min(accuracies),
        "highest_accuracy": max(accuracies),
        "training_share": float(np.mean([one["training"]["share"] for one in found])),
        "prediction_share": float(np.mean([one["prediction"]["share"] for one in found])),
        "n_runs": len(found),
    }


def by_selection(runs):
    """Means for each selection and density, and these in order."""
    groups = {}
    for run, found in sorted(runs, key=lambda pair: pair[0].density):
        of_selection = groups.setdefault(run.selection, {})
        of_selection.setdefault(run.density, []).append((run, found))
    return {
        selection: [{"density": density, **mean_of(group)} for density, group in found.items()]
        for selection, found in groups.items()
    }


def summarise(runs):
    """Means over sets, depths and seeds; over depths and seeds; over seeds."""
    sets, networks = {}, {}
    for run, found in runs:
        sets.setdefault(run.set, []).append((run, found))
        network = f"{run.set}, {run.n_layers} hidden layers"
        networks.setdefault(network, []).append((run, found))
    return {
        "overall": by_selection(runs),
        "sets": {name: by_selection(of_set) for name, of_set in sets.items()},
        "networks": {name: by_selection(of_one) for name, of_one in networks.items()},
    }


def headline(overall):
    """Hashing with few neurons beside the dense network: points lost, and shares computed."""
    few = next(row for row in overall["lsh"] if row["density"] == HEADLINE)
    (dense,) = overall["all"]
    return {
        "density": few["density"],
        "accuracy": few["accuracy"],
        "dense_accuracy": dense["accuracy"],
        "points_lost": 100 * (dense["accuracy"] - few["accuracy"]),
        "training_share": few["training_share"],
        "prediction_share": few["prediction_share"],
    }


def beside_dense(run, found, options):
    """The same, with its training beside a whole one of the dense network."""
    share = found["training"]["share"] * run.epochs / options.epochs
    return run, found | {"training": found["training"] | {"share": share}}


def report(results, runs, rates, options):
    """What the JSON file has."""
    pairs = [beside_dense(run, results.found[run], options) for run in runs]
    summary = summarise(pairs)
    if {"lsh", "all"} <= set(summary["overall"]):
        summary["headline"] = headline(summary["overall"])
    chosen = [
        {"set": name, "n_layers": n_layers, "selection": selection, "rate": rate}
        for (name, n_layers, selection), rate in rates.items()
    ]
    listed = [run._asdict() | found for run, found in pairs]
    return {"summary": summary, "learning_rates": chosen, "runs": listed}


def read_options():
    options = parse_options(
        __doc__,
        sets=",".join(SETS),
        layers="2,3",
        width=1000,
        epochs=10,
        longer=1.0,
        batch_size=128,
        train=10_000,
        validation=2000,
        test=10_000,
        workers=1,
        keep="",
        headline=0,
        rates_from="",
    )
    options.sets = options.sets.split(",")
    options.layers = [int(n) for n in options.layers.split(",")]
    if options.quick:
        options.repeats, options.width, options.epochs = 1, 200, 2
        options.train, options.validation, options.test = 1000, 500, 500
    return options


def main():
    options = read_options()
    results = Results(options.keep)
    rates = choose_rates(results, options)
    done = []
    for runs in plan(rates, options):
        results.train_all(runs, options.workers)
        done += runs
        found = report(results, done, rates, options)
        write(__file__, options, found)
    print(found["summary"]["headline"])


if __name__ == "__main__":
    main()
