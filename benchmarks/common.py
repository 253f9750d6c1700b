"""What all benchmarks share: options, training under a clock, and the JSON file at the end."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from sklearn_lsh import kernels

PACKAGES = ("sklearn-lsh", "scikit-learn", "numpy", "scipy", "joblib")


def parse_options(description, *, repeats=3, **options):
    """Read the command line: the options of every benchmark, and those of one (name=default)."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--out", type=Path, help="JSON file (default: results/<name>.json)")
    parser.add_argument("--repeats", type=int, default=repeats, help="runs, each with its own seed")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first run")
    parser.add_argument("--quick", action="store_true", help="tiny, only to see that it works")
    for name, default in options.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=type(default), default=default, help=f"({default})"
        )
    return parser.parse_args()


def environment(packages=()):
    """Describe the machine and the software that results depend on."""
    return {
        "versions": {name: version(name) for name in (*PACKAGES, *packages)},
        "python": platform.python_version(),
        "processor": _processor(),
        "processors": os.process_cpu_count() if hasattr(os, "process_cpu_count") else _affinity(),
        "kernels": kernels.VARIANT,
        "system": platform.platform(),
    }


def _affinity():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _processor():
    """Return the processor's name; `platform` knows it on few systems."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def write(script, options, results, packages=()):
    """Print results, and write them with all that they depend on to a JSON file."""
    path = path_of(script, options)
    path.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "benchmark": Path(script).stem,
        **conditions(options, packages),
        "results": results,
    }
    path.write_text(json.dumps(report, indent=1) + "\n")
    print(f"{path} written")


def path_of(script, options):
    """Return the JSON file that a benchmark writes."""
    return options.out or Path(script).parent / "results" / f"{Path(script).stem}.json"


# Options that figures do not depend on: folders and files of one machine, and what part one call
# measures of what the file has in the end.
NOT_RECORDED = {"out", "keep", "weights", "environments", "sets", "methods", "indexes", "counts"}


def conditions(options, packages=()):
    """What figures depend on, as it goes into the JSON file."""
    settings = {key: value for key, value in vars(options).items() if key not in NOT_RECORDED}
    return {"options": settings, "environment": environment(packages)}


def kept(path):
    """Results of earlier calls that the JSON file has."""
    return json.loads(path.read_text())["results"] if path.exists() else {}


def names_in(text, known):
    """Names that an option lists, or all."""
    names = text.split(",") if text else list(known)
    unknown = set(names) - set(known)
    if unknown:
        raise SystemExit(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    return names


class Stopwatch:
    """scikit-learn callback that times each epoch, and measures accuracy off the clock.

    Parameters
    ----------
    X, y : test samples
    """

    def __init__(self, X, y):
        self.X, self.y = X, y
        self.begun = time.perf_counter()
        self.before = None
        self.seconds, self.accuracies = [], []

    def setup(self, estimator, context):
        """Do nothing."""

    def teardown(self, estimator, context):
        """Do nothing."""

    def on_fit_task_begin(self, estimator, context):
        """Start the clock."""
        self.start = time.perf_counter()
        if context.task_name == "epoch" and self.before is None:
            self.before = self.start - self.begun

    def on_fit_task_end(self, estimator, context):
        """Stop the clock when an epoch is over."""
        if context.task_name == "epoch":
            self.note(time.perf_counter() - self.start, estimator)

    def note(self, seconds, estimator):
        """Note an epoch's time, and how accurate the estimator is after it."""
        self.seconds.append(seconds)
        self.accuracies.append(float(estimator.score(self.X, self.y)))
        print(f"  {len(self.seconds):3} {seconds:8.2f} s {self.accuracies[-1]:8.4f}", flush=True)

    def record(self, n_samples):
        """Return what was noted, as it goes into the JSON file."""
        return {
            "accuracies": self.accuracies,
            "seconds_before": self.before or 0.0,
            "seconds": self.seconds,
            "seconds_an_epoch": float(np.median(self.seconds)),
            "samples_a_second": n_samples / float(np.median(self.seconds)),
        }


def train_hashed(estimator, train, test, *, n_threads):
    """Fit one of our classifiers and record each epoch.

    Parameters
    ----------
    estimator : LSHMLPClassifier
    train, test : (X, y)
    n_threads : int
        Threads of training, and of BLAS where training leaves it any.

    Returns
    -------
    run : dict
        See `Stopwatch.record`. ``seconds_before`` the first epoch go into validating the data,
        making the network and starting it at the classes' centroids.
    """
    watch = Stopwatch(*test)
    estimator.set_params(n_jobs=n_threads).set_callbacks(watch)
    with threadpool_limits(n_threads), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator.fit(*train)
    return watch.record(len(train[1]))


class Trainer:
    """One of our classifiers, trained an epoch at a time, so that epochs of several take turns.

    The first epoch, which pays for what is made once, is over when it is made.

    Parameters
    ----------
    estimator : LSHMLPClassifier
    X, y : training samples
    """

    def __init__(self, estimator, X, y):
        self.estimator, self.X = estimator.set_params(max_iter=1), X
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            estimator.fit(X, y)
        self.network, self.target = estimator._network, estimator._target.encode(y)
        self.rng = np.random.default_rng(estimator.random_state)

    def epoch(self, n_threads):
        """Train an epoch; returns its seconds. BLAS has as many threads."""
        order = self.rng.permutation(self.X.shape[0])
        with threadpool_limits(n_threads):
            start = time.perf_counter()
            self.network.train_epoch(
                self.X, self.target, None, order, self.estimator.batch_size, n_threads
            )
            return time.perf_counter() - start


def train_dense(estimator, train, test, *, n_epochs, n_threads, part=None, goal=np.inf):
    """Train scikit-learn's classifier epoch by epoch, and record each as `train_hashed` does.

    Parameters
    ----------
    estimator : MLPClassifier
        Or one with its `partial_fit`.
    train, test : (X, y)
    n_epochs, n_threads : int
    part : int, default=None
        Mini-batches to hand over at a time. scikit-learn makes a dense table, in 64 bits, of the
        samples and all classes: for thousands of classes and all samples at once that is more
        than the memory holds.
    goal : float, default=np.inf
        Accuracy that ends the training.
    """
    X, y = train
    classes = np.unique(y)
    rng = np.random.RandomState(estimator.random_state)
    watch = Stopwatch(*test)
    size = len(y) if part is None else part * estimator.batch_size
    with threadpool_limits(n_threads), warnings.catch_warnings():
        # The last part may be smaller than a mini-batch.
        warnings.filterwarnings("ignore", "Got `batch_size` less than 1 or larger", UserWarning)
        for _ in range(n_epochs):
            start = time.perf_counter()
            order = rng.permutation(len(y))
            for rows in (order[i : i + size] for i in range(0, len(y), size)):
                whole = len(rows) == len(y)
                given = (X, y) if whole else (X[rows], y[rows])  # it shuffles them itself
                estimator.partial_fit(*given, classes=classes)
            watch.note(time.perf_counter() - start, estimator)
            if watch.accuracies[-1] >= goal:
                break
    return watch.record(len(y))


def first_reached(run, goal):
    """Return after which epoch, counted from 1, a run's accuracy first reached a goal, or None."""
    reached = np.flatnonzero(np.array(run["accuracies"]) >= goal)
    return int(reached[0]) + 1 if reached.size else None


def seconds_to(run, goal):
    """Seconds of training until then, those before the first epoch included, or None."""
    epochs = first_reached(run, goal)
    return None if epochs is None else run["seconds_before"] + sum(run["seconds"][:epochs])


def in_new_process(function, *arguments):
    """Call a function in a process of its own, whose memory is then its own, too."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as processes:
        return processes.submit(function, *arguments).result()


def peak_memory():
    """Return this process's highest resident memory so far, in bytes (on Linux)."""
    # Not getrusage: its figure includes the parent's memory from before the process was its own.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def save_data(path, X, y, X_test, y_test):
    """Save training and test data, sparse or dense, for another process."""
    arrays = {"y": y, "y_test": y_test}
    for name, matrix in (("X", X), ("X_test", X_test)):
        if sparse.issparse(matrix):
            parts = {part: getattr(matrix, part) for part in ("data", "indices", "indptr", "shape")}
            arrays |= {f"{name}_{part}": value for part, value in parts.items()}
        else:
            arrays[name] = matrix
    np.savez(path, **arrays)


def load_data(path):
    """Load what `save_data` saved: ((X, y), (X_test, y_test))."""
    with np.load(path) as arrays:
        matrices = []
        for name in ("X", "X_test"):
            if name in arrays:
                matrices.append(arrays[name])
            else:
                parts = (arrays[f"{name}_{part}"] for part in ("data", "indices", "indptr"))
                matrices.append(
                    sparse.csr_array(tuple(parts), shape=tuple(arrays[f"{name}_shape"]))
                )
        return (matrices[0], arrays["y"]), (matrices[1], arrays["y_test"])


def share_found(found, responses):
    """Share of the highest responses of each sample, as many as were found, that were found."""
    best = np.argpartition(-responses, found.shape[1], axis=1)[:, : found.shape[1]]
    hits = sum(np.intersect1d(*pair).size for pair in zip(found, best, strict=True))
    return hits / found.size


def n_bytes(X):
    """Memory that a matrix takes."""
    return X.data.nbytes + X.indices.nbytes + X.indptr.nbytes if sparse.issparse(X) else X.nbytes


def median(runs, key):
    """Median of one figure over runs."""
    return float(np.median([run[key] for run in runs]))
