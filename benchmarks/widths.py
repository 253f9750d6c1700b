"""How an epoch's time grows with a layer's width when the number of active neurons stays.

    python benchmarks/widths.py

trains networks of one hidden layer on a part of Fashion-MNIST, on one thread: ours with 50 active
neurons, ours with all of them, scikit-learn's and PyTorch's. Each width is twice the one before.
The first epoch of a network is not counted, because it pays for what is made once. Hashed networks
of all widths then take turns, an epoch each, ``--turns`` of them, because a machine's speed changes
with time: reported are the medians of seconds and, for growth, of the ratios within a turn. At the
end it is measured which share of the neurons that respond most they found for samples that were
held out, and how full their tables are. Dense networks are trained one after the other, and stop at
a width, see the options, to save time.
"""

from itertools import pairwise

import numpy as np
from helpers.fashion_data import load
from helpers.measures import share_found
from helpers.report import parse_options, write
from helpers.torch_network import TorchClassifier
from helpers.training import FIXED, Trainer, train_dense, train_hashed
from sklearn.neural_network import MLPClassifier

from sklearn_lsh import LSHMLPClassifier

# Neurons of the hidden layer.
WIDTHS = (250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000)
# Held-out rows on which accuracy and recall are measured.
N_HELD_OUT = 1000
# What `work_` tells of the tables, as it goes into the JSON file.
UPKEEP = ("share", "n_rebuilds", "rebuild_seconds", "filled_buckets", "bucket_load")


def shape_of(width, options):
    """What all networks of a width have in common."""
    return {
        "hidden_layer_sizes": (width,),
        "batch_size": options.batch_size,
        "learning_rate_init": options.learning_rate,
        "random_state": options.seed,
    }


# Hashed networks, in turn


def record(trainer, seconds, X, y):
    """Seconds of the epochs, and what the network is like after the last."""
    network, layer = trainer.network, trainer.network.layers[0]
    work, *_ = network.drain_work()
    inputs = np.ascontiguousarray(X, dtype=np.float32)
    found = layer.selection.choose(layer.weights, inputs).pattern.indices.reshape(len(X), -1)
    return {
        "seconds": seconds,
        "seconds_an_epoch": float(np.median(seconds)),
        "accuracy": float(trainer.estimator.score(X, y)),
        "recall": share_found(found, layer.weights.preactivate_all(inputs)),
        "tables": layer.selection.tables is not None,
        **{name: work[name] for name in UPKEEP},
    }


def train_hashed_networks(widths, data, options):
    """Train those of all widths, with few active neurons, in turn; what was recorded of each."""
    train, held_out = data
    trainers = {}
    for width in widths:
        settings = {**FIXED, **shape_of(width, options)}
        network = LSHMLPClassifier(**settings, density=options.active)
        trainers[width] = Trainer(network, *train)
    turns = []
    for _ in range(options.turns):
        for trainer in trainers.values():
            trainer.network.drain_work()  # so that the last epoch's remains
        turns.append([trainer.epoch(1) for trainer in trainers.values()])
        print(np.round(turns[-1], 3), flush=True)
    return {
        width: record(trainer, list(seconds), *held_out)
        for (width, trainer), seconds in zip(
            trainers.items(), zip(*turns, strict=True), strict=True
        )
    }


# Dense networks, one after the other


def train_full_layer(shape, data, options):
    """Ours, with all neurons."""
    n_epochs = options.dense_epochs
    settings = {**FIXED, **shape, "max_iter": n_epochs}
    network = LSHMLPClassifier(**settings, selection="all", tol=0, n_iter_no_change=n_epochs)
    return train_hashed(network, *data, n_threads=1)


def train_scikit_learn(shape, data, options):
    """scikit-learn's."""
    return train_dense(MLPClassifier(**shape), *data, n_epochs=options.dense_epochs, n_threads=1)


def train_pytorch(shape, data, options):
    """PyTorch's."""
    network = TorchClassifier(**shape, n_threads=1)
    return train_dense(network, *data, n_epochs=options.dense_epochs, n_threads=1)


# Each network's function, and the option that says up to which width it is trained.
DENSE_NETWORKS = {
    "dense": (train_full_layer, "dense_widest"),
    "scikit_learn": (train_scikit_learn, "scikit_learn_widest"),
    "pytorch": (train_pytorch, "pytorch_widest"),
}


def train_dense_networks(width, data, options):
    """Train those of a width; what was recorded of each."""
    runs = {}
    for network, (train, widest) in DENSE_NETWORKS.items():
        if width <= getattr(options, widest):
            print(f"{network}, width {width}")
            run = train(shape_of(width, options), data, options)
            runs[network] = run | {"seconds_an_epoch": float(np.median(run["seconds"][1:]))}
    return runs


# Summary


def summarise(runs):
    """Of each network by width: seconds, growth, and where ours becomes faster."""
    seconds = {
        network: {run["width"]: run[network]["seconds_an_epoch"] for run in runs if network in run}
        for network in ("hashed", *DENSE_NETWORKS)
    }
    turns = {run["width"]: np.array(run["hashed"]["seconds"]) for run in runs}
    dense = {network: seconds[network] for network in DENSE_NETWORKS}
    return {
        "seconds_an_epoch": seconds,
        "growth": {name: growth(found) for name, found in ({"hashed": turns} | dense).items()},
        "faster_from": {
            network: faster_from(seconds["hashed"], found) for network, found in dense.items()
        },
        "faster_than": {
            network: {w: found[w] / seconds["hashed"][w] for w in found}
            for network, found in dense.items()
        },
        **{
            name: {run["width"]: run["hashed"][name] for run in runs}
            for name in ("recall", "filled_buckets", "bucket_load", "share")
        },
    }


def growth(seconds):
    """By how much an epoch takes longer than at half the width: the median of all turns."""
    return {
        wide: float(np.median(seconds[wide] / seconds[narrow]))
        for narrow, wide in pairwise(seconds)
    }


def faster_from(ours, dense):
    """Return the width from which ours takes less time, at that and all wider ones, or None."""
    slower = [width for width in dense if ours[width] >= dense[width]]
    return min((width for width in dense if width > max(slower, default=0)), default=None)


def main():
    options = parse_options(
        __doc__,
        repeats=1,
        turns=15,
        rows=20_000,
        active=50,
        batch_size=200,
        learning_rate=0.001,
        dense_epochs=2,
        widest=32_000,
        dense_widest=32_000,
        scikit_learn_widest=4000,
        pytorch_widest=8000,
    )
    if options.quick:
        options.rows, options.widest, options.turns = 2000, 1000, 2
    (X, y), (X_test, y_test) = load(validation=False, quick=options.quick)
    data = (X[: options.rows], y[: options.rows]), (X_test[:N_HELD_OUT], y_test[:N_HELD_OUT])
    widths = [width for width in WIDTHS if width <= options.widest]
    hashed = train_hashed_networks(widths, data, options)
    runs = [
        {"width": width, "hashed": hashed[width], **train_dense_networks(width, data, options)}
        for width in widths
    ]
    summary = summarise(runs)
    print(summary)
    write(__file__, options, {"summary": summary, "runs": runs}, ("torch",))


if __name__ == "__main__":
    main()
