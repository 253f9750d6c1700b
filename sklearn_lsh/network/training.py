"""One pass over the data, by one thread or by several without locks."""

import threading

import numpy as np
from joblib import effective_n_jobs

from sklearn_lsh.csr import take
from sklearn_lsh.threads import together


def run_epoch(network, X, target, sample_weight, order, batch_size, n_jobs):
    """Train on every row once, in the given order. See `Network.train_epoch`."""
    batches = range(0, order.shape[0], batch_size)
    n_at_once = min(effective_n_jobs(n_jobs), len(batches))
    network.optimizer.n_threads = max(1, n_at_once)
    starts = iter(batches)
    lock = threading.Lock()
    losses = []

    def work():
        while True:
            with lock:
                start = next(starts, None)
            if start is None:
                return
            rows = order[start : start + batch_size]
            loss = train_rows(network, X, target, sample_weight, rows)
            losses.append(loss * rows.shape[0])

    def stop():
        nonlocal starts
        with lock:
            starts = iter(())

    together(work, stop, n_jobs)
    return sum(losses) / order.shape[0]


def train_rows(network, X, target, sample_weight, rows):
    """One step on the named rows; returns their mean loss."""
    if sample_weight is None:
        weight = np.full(rows.shape[0], 1 / rows.shape[0], np.float32)
        total = rows.shape[0]
    else:
        weight = sample_weight[rows]
        total = float(weight.sum())
        if total <= 0:
            return 0.0  # nothing to learn from
        weight = weight / np.float32(total)
    loss = network.train_batch(take(X, rows), take(target, rows), weight)
    network.decay(total)
    return loss
