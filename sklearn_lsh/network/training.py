"""One epoch: mini-batches from a queue, taken by one thread or by several without locks."""

import threading

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from threadpoolctl import threadpool_limits

from sklearn_lsh.csr import take


def run_epoch(network, X, target, sample_weight, order, batch_size, n_jobs):
    """Train on every row once, in the given order. See `Network.train_epoch`."""
    starts = iter(range(0, order.shape[0], batch_size))
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

    in_threads(work, n_jobs)
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


def in_threads(work, n_jobs):
    """Run the same function in ``n_jobs`` threads (None: in this one) until all have returned.

    Several threads share the processor with each other, not with the threads of BLAS.
    """
    n_jobs = effective_n_jobs(n_jobs)
    if n_jobs == 1:
        work()
        return
    with threadpool_limits(1, user_api="blas"):
        Parallel(n_jobs=n_jobs, require="sharedmem")(delayed(work)() for _ in range(n_jobs))
