"""Kill a training again and again, at moments drawn at random, and compare what comes of it.

    python tests/support/kills.py 200
    python tests/support/kills.py 200 --way fit

A process is forked, trains with checkpoints, and is killed; the next one goes on. When one has come
to the end, its network must be, bit for bit, that of a training that nobody killed, and another
training begins. Every kill must leave a checkpoint that can be read, if there was one.
"""

import argparse
import hashlib
import os
import signal
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from sklearn_lsh import Checkpoint, LSHMLPClassifier
from sklearn_lsh.streaming import ArrayBlocks
from sklearn_lsh.streaming.checkpoints import Checkpoints

# Networks of all kinds: dense layers, sketches, tables, hashed outputs.
SETTINGS = [
    {"hidden_layer_sizes": (32,)},
    {"hidden_layer_sizes": (300,), "density": 0.1, "early_stopping": True},
    {"hidden_layer_sizes": (300,), "density": 0.02, "n_tables": 4, "n_bits": 6},
    {"hidden_layer_sizes": (32,), "output_density": 4, "solver": "rowwise_adagrad"},
]
BLOCK_SIZES = [2000, 120]
# Between two checkpoints.
SECONDS = 0.01


def digest(network):
    """What has to be the same: weights, biases and curves."""
    found = hashlib.blake2b(digest_size=16)
    for array in [*network.coefs_, *network.intercepts_]:
        found.update(np.ascontiguousarray(array))
    found.update(repr((network.loss_curve_, network.validation_scores_, network.t_)).encode())
    return found.hexdigest()


def fit(network, case, X, y, folder):
    """Train on all rows at once."""
    if folder is not None:
        network.set_callbacks(Checkpoint(folder, every=SECONDS))
    network.fit(X, y)


def fit_batches(network, case, X, y, folder):
    """Train on one block, or on many."""
    source = ArrayBlocks(X, y, block_size=BLOCK_SIZES[case % len(BLOCK_SIZES)])
    network.fit_batches(
        source,
        shuffle_blocks=4 if source.n_blocks > 1 else 1,
        validation=ArrayBlocks(X[:200], y[:200]) if network.early_stopping else None,
        checkpoint=folder,
        checkpoint_every=SECONDS,
    )


WAYS = {"fit": fit, "fit_batches": fit_batches}


def train(way, case, folder=None):
    """Train one of the networks; the time between checkpoints is short."""
    X, y = load_digits(return_X_y=True)
    settings = SETTINGS[case % len(SETTINGS)]
    network = LSHMLPClassifier(random_state=case, batch_size=64, max_iter=4, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        WAYS[way](network, case, X / 16, y, folder)
    return digest(network)


def kill_after(seconds, way, case, folder):
    """Train in a process of its own and kill it; returns what it came to if it was faster."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, train(way, case, folder).encode())
        os._exit(0)
    os.close(writing)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reading) as result:
        return result.read()


def play(way, case, n_kills, rng):
    """Kill one training until it is over; returns how often that was."""
    start = time.perf_counter()
    expected = train(way, case)
    seconds = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder:
        for n_killed in range(n_kills):
            had = list(Path(folder).glob("checkpoint-*.npz"))
            # Checkpoints take most of the time, so most kills are in one.
            if found := kill_after(rng.uniform(0, 2 * seconds), way, case, folder):
                assert found == expected, f"case {case}: other bits after {n_killed} kills"
                return n_killed
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # a damaged one is warned of
                assert Checkpoints(folder).read() is not None or not had, "a checkpoint is lost"
        assert train(way, case, folder) == expected, (
            f"case {case}: other bits after {n_kills} kills"
        )
    return n_kills


def main(n_kills, way, seed=0):
    """Kill so often; returns how many trainings it took."""
    rng, case = np.random.default_rng(seed), 0
    while n_kills > 0:
        n_kills -= play(way, case, n_kills, rng)
        case += 1
    return case


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("kills", type=int)
    parser.add_argument("--way", choices=WAYS, default="fit_batches")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    n_trainings = main(given.kills, given.way, given.seed)
    print(f"{given.kills} kills in {n_trainings} trainings: the same bits")
