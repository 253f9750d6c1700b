"""How time and memory grow with the number of classes, at a fixed number of rows.

    python benchmarks/class_counts.py

fits `LSHMLPClassifier` with 128 hidden units to made data (see `helpers/made_data.py`) of 10,000 to
1,000,000 classes, and to word forms of 10,000 to 83,136 lemmas. All fits of a set have as many
rows, of which each class has one at least. Each is a process of its own, which loads ready-made
data: reported are the seconds of each epoch, those before the first, and the highest resident
memory (on Linux), of which the interpreter and its packages take ``peak_bytes_before_data``.

Numbers of classes take turns, ``--repeats`` of them, because a machine's speed changes with time;
in each turn networks have another seed, and the same data.
``--sets`` and ``--counts`` (of classes, separated by commas) measure a part; what the JSON file has
of others is kept. ``--keep FOLDER`` keeps the data and takes what is there; ``--epochs 0`` makes no
more than these.
"""

import os
import tempfile
from pathlib import Path

import numpy as np
from helpers import label_sets, made_data, matrices
from helpers.measures import n_bytes
from helpers.processes import in_new_process, peak_memory
from helpers.report import kept, names_in, parse_options, path_of, seeds_of, write
from helpers.training import FIXED, Clock, unconverged

from sklearn_lsh import LSHMLPClassifier

# Numbers of classes, and the number of rows that all fits of a set have.
COUNTS = {
    "made": (10_000, 30_000, 100_000, 300_000, 1_000_000),
    "lemma-hr": (10_000, 30_000, 83_136),
}
N_ROWS = {"made": 1_000_000, "lemma-hr": 130_000}
# Of made data.
N_FEATURES = 1_000_000
# What the network is given besides: on word forms what `extreme.py` gives it, at a constant rate.
SETTINGS = {
    "made": {"solver": "rowwise_adagrad", "learning_rate_init": 0.1},
    "lemma-hr": {"learning_rate_init": 0.005, "batch_size": 512},
}


def make_made(path, n_classes, n_rows, seed):
    """Make rows of as many classes and save them."""
    rng = np.random.default_rng(seed)
    signs = made_data.draw_signs(n_classes, N_FEATURES, rng)
    y = rng.permutation(np.arange(n_rows) % n_classes)
    matrices.save(path, X=made_data.draw_rows(signs, y, N_FEATURES, rng), y=y)


def make_lemmas(path, n_classes, n_rows, seed):
    """Save rows of some lemmas: one of each at least, others at random."""
    most = COUNTS["lemma-hr"][-1]
    name = "lemma-hr" if n_classes == most else f"lemma-hr-{n_classes}"
    (X, Y), _ = label_sets.load(name, validation=False)
    y = Y.indices
    order = np.random.default_rng(seed).permutation(len(y))
    _, first = np.unique(y[order], return_index=True)
    others = np.delete(order, first)[: max(0, n_rows - len(first))]
    rows = np.concatenate([order[first], others])
    matrices.save(path, X=X[rows], y=y[rows])


MAKERS = {"made": make_made, "lemma-hr": make_lemmas}


def fit(path, settings, n_threads):
    """Fit on saved data and measure."""
    before = peak_memory()
    X, y = matrices.load(path, "X", "y")
    loaded = peak_memory()
    clock = Clock()
    network = LSHMLPClassifier((128,), n_jobs=n_threads, **{**FIXED, **settings})
    network.set_callbacks(clock)
    with unconverged(n_threads):
        network.fit(X, y)
    return {
        "classes": len(network.classes_),
        "rows": X.shape[0],
        "features": X.shape[1],
        "settings": settings,
        "seconds": clock.seconds,
        "seconds_before": clock.before,
        "rebuild_seconds": [row["rebuild_seconds"] for row in network.work_ if row["layer"] == 1],
        "losses": network.loss_curve_,
        "peak_bytes": peak_memory(),
        "peak_bytes_before_data": before,
        "peak_bytes_before_fit": loaded,
        "data_bytes": n_bytes(X) + y.nbytes,
        "weights_bytes": sum(a.nbytes for a in (*network.coefs_, *network.intercepts_)),
    }


def data_of(name, n_classes, folder, options):
    """The file with rows of so many classes, which is made if it is not there."""
    n_rows = 4000 if options.quick else options.rows or N_ROWS[name]
    path = folder / f"{name}-{n_classes}-{n_rows}-{options.seed}.npz"
    if not path.exists():
        maker = make_made if options.quick else MAKERS[name]
        in_new_process(maker, path, n_classes, n_rows, options.seed)
    return path


def measure(path, name, seed, options):
    """Fit once, in a process of its own."""
    settings = {**SETTINGS[name], "max_iter": options.epochs, "tol": 0, "random_state": seed}
    return in_new_process(fit, path, settings, options.threads)


def main():
    options = parse_options(
        __doc__, repeats=1, sets="", counts="", epochs=3, rows=0, keep="", threads=os.cpu_count()
    )
    results = kept(path_of(__file__, options))
    asked = {int(count) for count in options.counts.split(",") if count}
    with tempfile.TemporaryDirectory() as folder:
        kept_in = Path(options.keep or folder)
        kept_in.mkdir(parents=True, exist_ok=True)
        for name in names_in(options.sets, COUNTS):
            counts = [1000, 2000] if options.quick else COUNTS[name]
            counts = [count for count in counts if not asked or count in asked]
            found = {str(count): [] for count in counts}
            for seed in seeds_of(options):
                for count in counts:
                    path = data_of(name, count, kept_in, options)
                    if options.epochs:
                        found[str(count)].append(measure(path, name, seed, options))
                        print(name, found[str(count)][-1], flush=True)
                if options.epochs:
                    results.setdefault(name, {}).update(found)
                    write(__file__, options, results)


if __name__ == "__main__":
    main()
