"""How an epoch's time grows with a layer's width when the number of active neurons stays.

    python benchmarks/widths.py

trains networks of one hidden layer on a part of Fashion-MNIST, on one thread: ours with 50 active
neurons, ours with all of them, scikit-learn's and PyTorch's. Each width is twice the one before.
The first epoch of a network is not counted, because it pays for what is made once, and the
median of the others is taken. Widths take turns, ``--repeats`` of them, because a machine's speed
changes with time; dense networks are trained in the first turn only. At the end it is measured
which share of the neurons that respond most ours found for samples that were held out, and how
full its tables are. Dense networks stop at a width, see the options, to save time.
"""

from itertools import pairwise

import numpy as np
from common import median, parse_options, share_found, train_dense, train_hashed, write
from fashion_data import load
from sklearn.neural_network import MLPClassifier
from torch_network import TorchClassifier

from sklearn_lsh import LSHMLPClassifier

WIDTHS = (250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000)
# Held-out rows on which accuracy and recall are measured.
N_HELD_OUT = 1000
UPKEEP = ("n_rebuilds", "rebuild_seconds", "filled_buckets", "bucket_load")


def train_ours(shape, data, n_epochs, **parameters):
    """Train ours; returns the network and what was recorded."""
    network = LSHMLPClassifier(
        **shape, **parameters, max_iter=n_epochs, tol=0, n_iter_no_change=n_epochs
    )
    return network, train_hashed(network, *data, n_threads=1)


def train_hashed_layer(shape, data, options):
    """Ours, with few active neurons."""
    network, run = train_ours(shape, data, options.epochs, density=options.active)
    work = network.work_[-2]  # of the hidden layer in the last epoch
    layer, inputs = network._network.layers[0], data[1][0]
    active = layer.selection.choose(layer, inputs)
    found = active.indices.reshape(len(inputs), -1)
    return run | {
        "recall": share_found(found, layer.respond_all(inputs)),
        "share": work["share"],
        "tables": layer.selection.tables is not None,
        **{name: work[name] for name in UPKEEP},
    }


def train_full_layer(shape, data, options):
    """Ours, with all neurons."""
    return train_ours(shape, data, options.dense_epochs, selection="all")[1]


def train_scikit_learn(shape, data, options):
    """scikit-learn's."""
    return train_dense(MLPClassifier(**shape), *data, n_epochs=options.dense_epochs, n_threads=1)


def train_pytorch(shape, data, options):
    """PyTorch's."""
    network = TorchClassifier(**shape, n_threads=1)
    return train_dense(network, *data, n_epochs=options.dense_epochs, n_threads=1)


# Each network's function, and the option that says up to which width it is trained.
NETWORKS = {
    "hashed": (train_hashed_layer, "widest"),
    "dense": (train_full_layer, "dense_widest"),
    "scikit_learn": (train_scikit_learn, "scikit_learn_widest"),
    "pytorch": (train_pytorch, "pytorch_widest"),
}


def measure(width, data, options, seed):
    """Train all networks of a width in turn."""
    shape = {
        "hidden_layer_sizes": (width,),
        "batch_size": options.batch_size,
        "learning_rate_init": options.learning_rate,
        "random_state": seed,
    }
    runs = {}
    for network, (train, widest) in NETWORKS.items():
        wanted = network == "hashed" or seed == options.seed
        if wanted and width <= getattr(options, widest):
            print(f"{network}, width {width}, seed {seed}")
            run = train(shape, data, options)
            runs[network] = run | {"seconds_an_epoch": float(np.median(run["seconds"][1:]))}
    return {"width": width, **runs}


def summarise(runs):
    """Medians over the seeds by network and width, growth, and where ours becomes faster."""
    seconds, hashed = {}, {}
    for network in NETWORKS:
        found = {}
        for run in runs:
            if network in run:
                found.setdefault(run["width"], []).append(run[network])
        seconds[network] = {w: median(same, "seconds_an_epoch") for w, same in found.items()}
        if network == "hashed":
            names = ("recall", "filled_buckets", "bucket_load", "share")
            hashed = {name: {w: median(same, name) for w, same in found.items()} for name in names}
    dense = {network: found for network, found in seconds.items() if network != "hashed"}
    return {
        "seconds_an_epoch": seconds,
        "growth": {network: growth(found) for network, found in seconds.items()},
        "faster_from": {
            network: faster_from(seconds["hashed"], found) for network, found in dense.items()
        },
        "faster_than": {
            network: {w: found[w] / seconds["hashed"][w] for w in found}
            for network, found in dense.items()
        },
        **hashed,
    }


def growth(seconds):
    """By how much an epoch takes longer than at half the width."""
    return {wide: seconds[wide] / seconds[narrow] for narrow, wide in pairwise(seconds)}


def faster_from(ours, dense):
    """Return the width from which ours takes less time, at that and all wider ones, or None."""
    slower = [width for width in dense if ours[width] >= dense[width]]
    return min((width for width in dense if width > max(slower, default=0)), default=None)


def main():
    options = parse_options(
        __doc__,
        repeats=3,
        rows=20_000,
        active=50,
        batch_size=200,
        learning_rate=0.001,
        epochs=4,
        dense_epochs=2,
        widest=32_000,
        dense_widest=32_000,
        scikit_learn_widest=4000,
        pytorch_widest=8000,
    )
    if options.quick:
        options.rows, options.widest, options.repeats = 2000, 1000, 1
    (X, y), (X_test, y_test) = load(validation=False, quick=options.quick)
    data = (X[: options.rows], y[: options.rows]), (X_test[:N_HELD_OUT], y_test[:N_HELD_OUT])
    runs = [
        measure(width, data, options, seed)
        for seed in range(options.seed, options.seed + options.repeats)
        for width in WIDTHS
        if width <= options.widest
    ]
    summary = summarise(runs)
    print(summary)
    write(__file__, options, {"summary": summary, "runs": runs}, ("torch",))


if __name__ == "__main__":
    main()
