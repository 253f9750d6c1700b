"""Kill workers of Dask at moments drawn at random, and compare what comes of the training.

    python tests/support/worker_kills.py 20

Each training has a cluster of its own, of one worker process or of two, of which one is killed. The
network must be, bit for bit, the one that a thread of this process has trained.
"""

import argparse
import math
import os
import signal
import tempfile
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module

import dask
import numpy as np
from distributed import Client, LocalCluster
from kills import SETTINGS, digest
from sklearn.datasets import load_digits

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.distributed import fit_rounds
from sklearn_lsh.streaming import ArrayBlocks

N_ROWS = 900


class SlowBlocks(ArrayBlocks):
    """Blocks that take time to read, so that there is some for a kill."""

    def _read(self, number):
        time.sleep(0.02)
        return super()._read(number)


def train(case, client, **saving):
    """Train one of the networks."""
    X, y = load_digits(return_X_y=True)
    X, y = X[:N_ROWS] / 16, y[:N_ROWS]
    network = LSHMLPClassifier(random_state=case, batch_size=64, **SETTINGS[case])
    validation = ArrayBlocks(X[:200], y[:200]) if network.early_stopping else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit_rounds(
            network,
            SlowBlocks(X, y, block_size=50),
            client,
            n_replicas=3,
            n_epochs=4,
            blocks_per_round=2,
            validation=validation,
            timeout=600,
            **saving,
        )
    return digest(network)


@cache
def expected(case):
    """What has to come out."""
    with ThreadPoolExecutor(1) as pool:
        return train(case, pool)


def kill(pid, seconds):
    """Kill a process some time from now."""
    timer = threading.Timer(seconds, os.kill, (pid, signal.SIGKILL))
    timer.start()
    return timer


def processes_of(client, n_workers, dead=None):
    """Processes of the workers, once there are as many, and the one that was killed is missed."""
    found = []
    while len(found) < n_workers or dead in found:
        time.sleep(0.1)
        client.wait_for_workers(n_workers, timeout=600)
        found = list(client.run(os.getpid, on_error="ignore").values())
    return found


def play(case, n_workers, rng):
    """Kill a worker of a training; returns after how many of its seconds that was."""
    silent = {"dashboard_address": ":0", "silence_logs": "CRITICAL"}
    with (
        # Or a worker that is not back by then is given up by Dask's cluster.
        dask.config.set({"distributed.deploy.lost-worker-timeout": "10 minutes"}),
        LocalCluster(n_workers=n_workers, threads_per_worker=1, **silent) as cluster,
        Client(cluster) as client,
    ):
        client.run(import_module, "sklearn_lsh.distributed")
        start = time.perf_counter()
        assert train(case, client) == expected(case), f"case {case}: other bits without a kill"
        seconds = time.perf_counter() - start
        after, process = math.inf, None
        while after > seconds:  # and the training was over
            after = rng.uniform(0, seconds)
            process = int(rng.choice(processes_of(client, n_workers, dead=process)))
            timer = kill(process, after)
            start = time.perf_counter()
            with tempfile.TemporaryDirectory() as folder:
                found = train(case, client, checkpoint=folder, checkpoint_every=0.1)
            assert found == expected(case), f"case {case}: other bits"
            seconds = time.perf_counter() - start
            timer.join()
    return after, seconds


def main(n_kills, seed=0):
    """Kill so often."""
    rng = np.random.default_rng(seed)
    for number in range(n_kills):
        case, n_workers = number % len(SETTINGS), 1 + number // len(SETTINGS) % 2
        after, seconds = play(case, n_workers, rng)
        what = f"case {case}, {n_workers} workers"
        print(f"{what}: killed after {after:.2f} of {seconds:.2f} s, same bits", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("kills", type=int)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    main(given.kills, given.seed)
    print(f"{given.kills} kills: the same bits")
