"""Networks trained under a clock: ours, scikit-learn's, and whatever has its `partial_fit`."""

from __future__ import annotations

import time
import warnings
from contextlib import contextmanager

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

# What our classifiers are given where a study says nothing else: studies leave nothing to the data,
# whose sizes would change what is compared.
FIXED = {
    "batch_size": 200,
    "learning_rate": "constant",
    "learning_rate_init": 0.001,
    "max_iter": 200,
    "n_neighbors": None,
    "predict_selection": None,
}


@contextmanager
def unconverged(n_threads=None):
    """Threads of BLAS, and no warning that as few epochs were trained as were asked for."""
    with threadpool_limits(n_threads), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


class Callback:
    """What scikit-learn asks of a callback; it does nothing."""

    def setup(self, estimator, context):
        """Do nothing."""

    def teardown(self, estimator, context):
        """Do nothing."""

    def on_fit_task_begin(self, estimator, context):
        """Do nothing."""

    def on_fit_task_end(self, estimator, context):
        """Do nothing."""


class Clock(Callback):
    """Times each epoch; ``before`` are the seconds before the first."""

    def __init__(self):
        self.begun = time.perf_counter()
        self.before = None
        self.seconds = []

    def on_fit_task_begin(self, estimator, context):
        """Start the clock."""
        self.start = time.perf_counter()
        if context.task_name == "epoch" and self.before is None:
            self.before = self.start - self.begun

    def on_fit_task_end(self, estimator, context):
        """Stop the clock when an epoch is over."""
        if context.task_name == "epoch":
            self.seconds.append(time.perf_counter() - self.start)


class Stopwatch(Callback):
    """Measures accuracy after each epoch, when its clock has stopped.

    Parameters
    ----------
    X, y : test samples
    """

    def __init__(self, X, y):
        self.X, self.y = X, y
        self.clock, self.accuracies = Clock(), []

    @property
    def callbacks(self):
        """The clock, and then what takes time, a copy of the network included."""
        return self.clock, self

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        """Measure when an epoch is over."""
        if context.task_name == "epoch":
            self.measure(fitted_estimator)

    def measure(self, estimator):
        """Measure how accurate an estimator is after the latest epoch."""
        self.accuracies.append(float(estimator.score(self.X, self.y)))
        seconds, accuracy = self.clock.seconds[-1], self.accuracies[-1]
        print(f"  {len(self.accuracies):3} {seconds:8.2f} s {accuracy:8.4f}", flush=True)

    def record(self, n_samples):
        """Return what was noted, as it goes into the JSON file."""
        seconds = float(np.median(self.clock.seconds))
        return {
            "accuracies": self.accuracies,
            "seconds_before": self.clock.before or 0.0,
            "seconds": self.clock.seconds,
            "seconds_an_epoch": seconds,
            "samples_a_second": n_samples / seconds,
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
    estimator.set_params(n_jobs=n_threads).set_callbacks(*watch.callbacks)
    with unconverged(n_threads):
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
        with unconverged(1):
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
            watch.clock.seconds.append(time.perf_counter() - start)
            watch.measure(estimator)
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
