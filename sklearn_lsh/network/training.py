"""One pass over the data, by one thread or by several without locks."""

import threading
from contextlib import contextmanager
from typing import NamedTuple, cast

import numpy as np
from joblib import effective_n_jobs

from sklearn_lsh.csr import CSR, rows_between, take
from sklearn_lsh.threads import together


class Batch(NamedTuple):
    """A mini-batch.

    Attributes
    ----------
    inputs : ndarray of shape (n_samples, n_features), dtype=float32, or CSR
    targets : CSR
    weight : ndarray of shape (n_samples,), dtype=float32
        Of the samples; they sum to one.
    total_weight : float
        What they summed to.
    """

    inputs: "np.ndarray | CSR"
    targets: CSR
    weight: np.ndarray
    total_weight: float


def take_batch(X, target, sample_weight, rows) -> "Batch | None":
    """Copy the named rows of the data; None if they have no weight to learn from.

    A ``range`` of rows is not copied where that can be avoided.
    """
    if sample_weight is None:
        total = float(len(rows))
        weight = np.full(len(rows), 1 / total, np.float32)
    else:
        weight = sample_weight[_places(rows)]
        with np.errstate(over="ignore"):
            total = float(weight.sum())
        if total <= 0:
            return None
        if np.isfinite(total):
            weight = weight / np.float32(total)
        else:
            precise = weight.astype(np.float64)
            total = float(precise.sum())
            weight = (precise / total).astype(np.float32)
    if isinstance(rows, range):
        inputs, targets = (rows_between(each, rows.start, rows.stop) for each in (X, target))
    else:
        inputs, targets = take(X, rows), take(target, rows)
    return Batch(inputs, cast(CSR, targets), weight, total)


def _places(rows):
    return slice(rows.start, rows.stop) if isinstance(rows, range) else rows


class Gate:
    """Lets in any number of threads at once, or one that has to be alone with the weights."""

    def __init__(self):
        self._changed = threading.Condition()
        self._n_inside = 0

    @contextmanager
    def inside(self):
        """Be inside, beside others that are; wait while one is alone."""
        with self._changed:
            self._n_inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._n_inside -= 1
                self._changed.notify_all()

    @contextmanager
    def outside(self, alone):
        """Change what is shared, one thread at a time; where ``alone()``, with nobody inside.

        Nobody waits for ever: whoever comes from inside wants to be alone for the same reason.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._n_inside == 0 or not alone())
            yield


def split(order, batch_size):
    """Mini-batches of rows, in the given order: an array of their numbers, or a ``range``."""
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def count_threads(n_jobs, batches) -> int:
    """How many mini-batches are under way at once."""
    return max(1, min(effective_n_jobs(n_jobs), len(batches)))


def run_batches(step, batches, n_jobs, losses, is_stopped):
    """Call ``step(rows)`` for each mini-batch once.

    Parameters
    ----------
    step : callable
        Trains on the rows that it is given, and returns their mean loss.
    batches : list of ndarray or range
        Rows of each mini-batch.
    n_jobs : int or None
        Threads, which take mini-batches from a queue. None is one; there are no more than batches.
    losses : list of float
        Gets the sum of the losses of each mini-batch's rows. As many batches as it has already are
        left out.
    is_stopped : callable
        Asked before each mini-batch whether to leave out the rest.
    """
    waiting = iter(batches[len(losses) :])
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                rows = next(waiting, None)
                if rows is None or is_stopped():  # asked here, lest one before others is left out
                    return
            losses.append(step(rows) * len(rows))

    def stop():
        nonlocal waiting
        with lock:
            waiting = iter(())

    together(work, stop, count_threads(n_jobs, batches))
