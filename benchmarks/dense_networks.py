"""Time to accuracy on Fashion-MNIST: ours against dense networks of scikit-learn and PyTorch.

    python benchmarks/dense_networks.py

trains networks of two wide hidden layers on the processor, with two threads each, in four parts:

search
    Batch size and learning rate (of ours: over how many epochs it falls to zero) by validation
    rows out of the training rows, with as many candidates for each network. The best is that
    which is the first to reach the target, a point below the best accuracy of any dense candidate.
main
    Training with what the search chose. The goal is a point below the accuracy with which
    `MLPClassifier` ends on the test rows; counted are the seconds until an epoch ends at which a
    network reaches it.
wide
    The same goal and settings for layers four times as wide; density, learning rate and epochs of
    ours are chosen anew by the validation rows. PyTorch's network trains until it is there. For
    `MLPClassifier` a share of an epoch is measured, and as many epochs as PyTorch's network took
    are projected from it.
predict
    Predicting the test rows, at both widths.

``--parts`` (names, separated by commas) measures some of them; what the JSON file has of others
is kept, and used. ``--networks hashed`` searches for ours alone, and keeps the others' candidates.
"""

import time

import numpy as np
from helpers.fashion_data import load
from helpers.report import conditions, kept, names_in, parse_options, path_of, seeds_of, write
from helpers.torch_network import TorchClassifier
from helpers.training import FIXED, first_reached, seconds_to, train_dense, train_hashed
from sklearn.model_selection import ParameterGrid
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from sklearn_lsh import LSHMLPClassifier

# How much less accurate than the best dense network is as good as it.
POINT = 0.01
# Share of hidden neurons of ours that is active.
DENSITY = 0.05
# What else ours is tried with where layers are wide, whose steps are larger.
WIDE_SPACE = {
    "density": (0.025, 0.0125),
    "learning_rate_init": (0.001, 0.002),
    "max_iter": (5,),
}
# Of the dense networks: nine candidates each.
DENSE_SPACE = {"batch_size": (128, 256, 512), "learning_rate_init": (0.0005, 0.001, 0.002)}
# Of all networks. A learning rate that falls depends on how many epochs there will be, and starts
# higher where these are few.
SPACES = {
    "hashed": {
        "batch_size": (64, 128, 256),
        "learning_rate": ("linear",),
        "learning_rate_init": (0.002,),
        "max_iter": (2, 3, 4),
    },
    "scikit_learn": DENSE_SPACE,
    "pytorch": DENSE_SPACE,
}
# Networks whose time is compared with that of ours.
DENSE = ("scikit_learn", "pytorch")
# Mini-batches that are trained before those that are timed.
WARM_UP = 3


# -- networks -----------------------------------------------------------------------------


def make_hashed(options, density=DENSITY, **parameters):
    """Ours, which knows how many epochs to train."""
    settings = {**FIXED, **parameters, "density": density, "n_jobs": options.threads}
    return LSHMLPClassifier(**settings, tol=0, n_iter_no_change=np.inf)


def make_scikit_learn(options, **parameters):
    """scikit-learn's."""
    return MLPClassifier(**parameters)


def make_pytorch(options, **parameters):
    """PyTorch's."""
    return TorchClassifier(**parameters, n_threads=options.threads)


MAKERS = {"hashed": make_hashed, "scikit_learn": make_scikit_learn, "pytorch": make_pytorch}


def make(network, settings, width, seed, options):
    """Make an untrained network."""
    return MAKERS[network](
        options, hidden_layer_sizes=(width, width), random_state=seed, **settings
    )


def train(network, settings, data, options, *, width, seed, n_epochs=None, goal=np.inf):
    """Train a network and record each epoch; a dense one for some epochs, or until a goal."""
    print(f"{network}, width {width}, seed {seed}, {settings}")
    estimator = make(network, settings, width, seed, options)
    if network == "hashed":
        return train_hashed(estimator, *data, n_threads=options.threads)
    n_epochs, n_threads = n_epochs or options.epochs, options.threads
    return train_dense(estimator, *data, n_epochs=n_epochs, n_threads=n_threads, goal=goal)


# -- parts --------------------------------------------------------------------------------


def first_to(candidates, target):
    """Return the settings of the candidate that was first to reach a target.

    If none did, those of the most accurate.
    """

    def rank(candidate):
        seconds = candidate["seconds_to_target"]
        return (np.inf if seconds is None else seconds), -max(candidate["run"]["accuracies"])

    for candidate in candidates:
        candidate["seconds_to_target"] = seconds_to(candidate["run"], target)
    return min(candidates, key=rank)["settings"]


def search(results, options):
    """Choose each network's settings by validation rows."""
    data = load(validation=True, quick=options.quick)
    spaces = {network: list(ParameterGrid(space)) for network, space in SPACES.items()}
    if options.quick:
        spaces = {network: space[:2] for network, space in spaces.items()}  # small batches
    searched = names_in(options.networks, spaces)
    tried = {network: [] for network in searched}
    for round_ in zip(*(spaces[network] for network in searched), strict=True):
        for network, settings in zip(searched, round_, strict=True):
            run = train(
                network,
                settings,
                data,
                options,
                width=options.width,
                seed=options.seed,
                n_epochs=options.search_epochs,
            )
            tried[network].append({"settings": settings, "run": run})
    if len(tried) < len(spaces):
        tried = earlier(results, "search")["candidates"] | tried
    target = max(max(c["run"]["accuracies"]) for network in DENSE for c in tried[network]) - POINT
    chosen = {network: first_to(candidates, target) for network, candidates in tried.items()}
    return {"target": target, "chosen": chosen, "candidates": tried}


def main_part(results, options):
    """Train with the chosen settings, with several seeds."""
    data = load(validation=False, quick=options.quick)
    runs = [
        {
            network: train(network, settings, data, options, width=options.width, seed=seed)
            for network, settings in earlier(results, "search")["chosen"].items()
        }
        for seed in seeds_of(options)
    ]
    final = {network: [run[network]["accuracies"][-1] for run in runs] for network in runs[0]}
    goal = float(np.mean(final["scikit_learn"])) - POINT
    reached = {network: [seconds_to(run[network], goal) for run in runs] for network in runs[0]}
    summary = {
        "goal": goal,
        "final_accuracies": final,
        "epochs_to_goal": {
            network: [first_reached(run[network], goal) for run in runs] for network in runs[0]
        },
        "seconds_an_epoch": {
            network: middle([run[network]["seconds_an_epoch"] for run in runs])
            for network in runs[0]
        },
        **compare(reached),
    }
    return {"summary": summary, "runs": runs}


def wide_part(results, options):
    """The same for wide layers, as far as there is time."""
    chosen, target = (earlier(results, "search")[key] for key in ("chosen", "target"))
    goal = earlier(results, "main")["summary"]["goal"]
    data = load(validation=True, quick=options.quick)
    candidates = []
    for changes in ParameterGrid(WIDE_SPACE):
        settings = {**chosen["hashed"], **changes}
        run = train("hashed", settings, data, options, width=options.wide, seed=options.seed)
        candidates.append({"settings": settings, "run": run})
    chosen = {**chosen, "hashed": first_to(candidates, target)}
    data = load(validation=False, quick=options.quick)
    runs = [
        train_wide(chosen, data, goal, seed, options)
        for seed in seeds_of(options, options.wide_repeats)
    ]
    reached = {network: [run[network]["seconds_to_goal"] for run in runs] for network in runs[0]}
    summary = {
        "goal": goal,
        "projected": {network: network == "scikit_learn" for network in runs[0]},
        "seconds_an_epoch": {
            network: middle([run[network]["seconds_an_epoch"] for run in runs])
            for network in runs[0]
        },
        "final_accuracies": {"hashed": [run["hashed"]["accuracies"][-1] for run in runs]},
        **compare(reached),
    }
    return {"summary": summary, "chosen": chosen, "candidates": candidates, "runs": runs}


def train_wide(chosen, data, goal, seed, options):
    """Train ours and PyTorch's network with one seed, and project scikit-learn's time."""
    run = {
        network: train(
            network,
            chosen[network],
            data,
            options,
            width=options.wide,
            seed=seed,
            n_epochs=options.wide_epochs,
            goal=goal,
        )
        for network in ("hashed", "pytorch")
    }
    for record in run.values():
        record |= {"projected": False, "epochs_to_goal": first_reached(record, goal)}
        record["seconds_to_goal"] = seconds_to(record, goal)
    n_epochs = run["pytorch"]["epochs_to_goal"]
    estimator = make("scikit_learn", chosen["scikit_learn"], options.wide, seed, options)
    measured = time_share(estimator, data[0], options)
    run["scikit_learn"] = {
        **measured,
        "projected": True,
        "epochs_to_goal": n_epochs,
        "seconds_to_goal": n_epochs and n_epochs * measured["seconds_an_epoch"],
    }
    print(run["scikit_learn"])
    return run


def time_share(estimator, train, options):
    """Seconds of a share of an epoch's mini-batches, after a few others, and of a whole epoch."""
    X, y = train
    size, classes = estimator.batch_size, np.unique(y)
    n_all = -(-len(y) // size)
    n_timed = max(1, round(options.share * n_all))
    with threadpool_limits(options.threads):
        estimator.partial_fit(X[: WARM_UP * size], y[: WARM_UP * size], classes=classes)
        start = time.perf_counter()
        estimator.partial_fit(X[: n_timed * size], y[: n_timed * size], classes=classes)
        seconds = time.perf_counter() - start
    return {
        "batches_timed": n_timed,
        "seconds_timed": seconds,
        "seconds_an_epoch": seconds / n_timed * n_all,
    }


def predict_part(results, options):
    """Time predictions at both widths."""
    return [
        time_predictions(width, earlier(results, "search")["chosen"], options)
        for width in (options.width, options.wide)
    ]


def time_predictions(width, chosen, options):
    """Time predictions of all networks in turn.

    Ours is trained. How long dense networks take does not depend on what they learnt, so that
    these see a few mini-batches only.
    """
    (X, y), (X_test, y_test) = load(validation=False, quick=options.quick)
    networks = {n: make(n, chosen[n], width, options.seed, options) for n in chosen}
    run = train_hashed(networks["hashed"], (X, y), (X_test, y_test), n_threads=options.threads)
    n_few = WARM_UP * max(DENSE_SPACE["batch_size"])
    seconds = {network: [] for network in networks}
    with threadpool_limits(options.threads):
        for network in DENSE:
            networks[network].partial_fit(X[:n_few], y[:n_few], classes=np.unique(y))
        for call in range(-1, options.calls):  # the first one is not counted
            for network, estimator in networks.items():
                start = time.perf_counter()
                estimator.predict(X_test)
                if call >= 0:
                    seconds[network].append(time.perf_counter() - start)
    rates = {network: len(y_test) / np.array(found) for network, found in seconds.items()}
    return {
        "width": width,
        "density": DENSITY,
        "accuracy": {"hashed": run["accuracies"][-1]},
        "samples_a_second": {
            network: dict(
                zip(("min", "median", "max"), np.quantile(rate, (0, 0.5, 1)).tolist(), strict=True)
            )
            for network, rate in rates.items()
        },
        "faster_than": {
            network: middle(seconds[network]) / middle(seconds["hashed"]) for network in DENSE
        },
        "seconds": seconds,
    }


PARTS = {"search": search, "main": main_part, "wide": wide_part, "predict": predict_part}


# -- what parts share ---------------------------------------------------------------------


def middle(values):
    """Median, or None where that is a run that never got there."""
    found = float(np.median([np.inf if value is None else value for value in values]))
    return found if np.isfinite(found) else None


def compare(seconds_to_goal):
    """Medians over the runs, and how many times as fast ours is."""
    medians = {network: middle(found) for network, found in seconds_to_goal.items()}
    return {
        "seconds_to_goal": seconds_to_goal,
        "median_seconds_to_goal": medians,
        "faster_than": {
            network: medians[network] / medians["hashed"]
            if medians[network] and medians["hashed"]
            else None
            for network in DENSE
        },
    }


def earlier(results, part):
    """Results of an earlier part."""
    if part not in results:
        raise SystemExit(f"--parts {part} has to be run before.")
    return results[part]["results"]


def main():
    options = parse_options(
        __doc__,
        parts="",
        networks="",
        width=1000,
        wide=4000,
        epochs=10,
        search_epochs=4,
        wide_epochs=4,
        wide_repeats=1,
        share=0.1,
        calls=9,
        threads=2,
    )
    if options.quick:
        options.width, options.wide, options.repeats, options.calls = 200, 400, 1, 3
        options.epochs, options.search_epochs, options.wide_epochs = 3, 2, 2
    results = kept(path_of(__file__, options))
    for part in names_in(options.parts, PARTS):
        start = time.perf_counter()
        found = PARTS[part](results, options)
        results[part] = {
            **conditions(options, ("torch",)),
            "seconds": time.perf_counter() - start,
            "results": found,
        }
        print(part, found.get("summary", found.get("chosen")) if part != "predict" else found)
        write(__file__, options, results, ("torch",))


if __name__ == "__main__":
    main()
