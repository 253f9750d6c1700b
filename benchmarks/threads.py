"""What two threads bring, on Fashion-MNIST and ICD-10-CM, beside what the machine can give.

    python benchmarks/threads.py

trains the networks of `fashion_mnist.py` and `icd_coding.py`, epochs with one thread and with two
in turn, so that whatever else the machine does slows both alike. A third kind of epoch is that of
two processes at once, with one thread and data of their own: they share nothing but the machine,
so that no program of two threads can be expected to gain more. Ratios are those of samples a
second, within each turn; their medians and quartiles are reported. BLAS gets as many threads as
an epoch has.

What limits more threads is measured, too: how much of one thread's time is not spent in compiled
kernels, which run without Python's lock; how much of their time two threads wait; how many of the
rows of weights that a mini-batch changes the next one changes as well, which another thread is at
work on; and how many bytes of weights and of the optimizer's state are read and written each
second, if caches keep nothing, beside what copying a large array moves.
"""

import multiprocessing
import time
import warnings
from contextlib import contextmanager
from itertools import pairwise

import fashion_data
import icd_data
import numpy as np
from common import parse_options, write
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from sklearn_lsh import LSHMLPClassifier, kernels

CASES = {
    "fashion_mnist": (
        fashion_data.load,
        {"hidden_layer_sizes": (1000, 1000), "density": 0.05, "batch_size": 200},
    ),
    "icd_coding": (
        icd_data.load,
        {"hidden_layer_sizes": icd_data.HIDDEN, "batch_size": 400, "learning_rate_init": 0.005},
    ),
}


class Trainer:
    """A network and its data, trained an epoch at a time."""

    def __init__(self, case, seed, quick):
        load_data, parameters = CASES[case]
        self.X, y = load_data(validation=False, quick=quick)[0]
        network = LSHMLPClassifier(**parameters, max_iter=1, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            network.fit(self.X, y)
        self.target = network._target.encode(y)
        self.network, self.batch_size = network._network, network.batch_size
        self.rng = np.random.default_rng(seed)

    def epoch(self, n_threads):
        """Train an epoch; returns its samples a second."""
        order = self.rng.permutation(self.X.shape[0])
        with threadpool_limits(n_threads):
            start = time.perf_counter()
            self.network.train_epoch(self.X, self.target, None, order, self.batch_size, n_threads)
            return len(order) / (time.perf_counter() - start)


# -- what limits more threads -------------------------------------------------------------


@contextmanager
def timed_kernels():
    """Have all kernels note the seconds that they take, in the list that is given."""
    seconds = []

    def timed(kernel):
        def run(*args):
            start = time.perf_counter()
            try:
                return kernel(*args)
            finally:
                seconds.append(time.perf_counter() - start)

        return run

    originals = kernels.load(kernels.VARIANT)
    vars(kernels).update({name: timed(kernel) for name, kernel in originals.items()})
    try:
        yield seconds
    finally:
        vars(kernels).update(originals)


@contextmanager
def noted_rows(network):
    """Note which rows of each layer's weights each mini-batch has changed, in the list given."""
    batches, after_batch = [], network.schedule.after_batch

    def note(layers, passes, targets, n_steps):
        batches.append([done.groups and set(done.groups.rows.tolist()) for done in passes])
        after_batch(layers, passes, targets, n_steps)

    network.schedule.after_batch = note
    try:
        yield batches
    finally:
        del network.schedule.after_batch


def share_outside_kernels(trainer):
    """Share of one thread's time in which it may hold Python's lock, at most."""
    with timed_kernels() as seconds:
        rate = trainer.epoch(1)
    return 1 - sum(seconds) / (trainer.X.shape[0] / rate)


def share_waiting(trainer):
    """Share of two threads' time in which they do not run."""
    start, cpu = time.perf_counter(), time.process_time()
    trainer.epoch(2)
    return 1 - (time.process_time() - cpu) / (time.perf_counter() - start) / 2


def share_in_common(trainer):
    """Share of the selected rows that a mini-batch changes and the next one, too."""
    with noted_rows(trainer.network) as batches:
        trainer.epoch(1)
    depths = [depth for depth, rows in enumerate(batches[0]) if rows is not None]
    pairs = [(a[d], b[d]) for a, b in pairwise(batches) for d in depths]
    return sum(len(one & other) for one, other in pairs) / sum(len(one) for one, _ in pairs)


def bytes_moved(trainer):
    """Bytes a second that one thread moves if caches keep nothing."""
    log = trainer.network.log
    log.drain(trainer.network.layers)
    rate = trainer.epoch(1)
    batches = [batch for _, batch in log.batches]
    # Products read a weight each; steps read and write the weight and each of its states.
    n_read = sum(batch.selecting + batch.forward + batch.backward for batch in batches)
    moved = 4 * (n_read + 2 * sum(batch.steps for batch in batches))
    return moved * rate / trainer.X.shape[0]


def copying_rate(n_bytes=1 << 28, repeats=5):
    """Bytes a second that copying a large array reads and writes."""
    source = np.ones(n_bytes // 4, np.float32)
    target = np.empty_like(source)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        np.copyto(target, source)
        seconds.append(time.perf_counter() - start)
    return 2 * n_bytes / float(np.median(seconds))


def measure_limits(case, seed, options):
    """Measure what stands in the way of more threads."""
    trainer = Trainer(case, seed, options.quick)
    limits = {
        "outside_kernels": share_outside_kernels(trainer),
        "waiting": share_waiting(trainer),
        "rows_in_common": share_in_common(trainer),
        "bytes_a_second": bytes_moved(trainer),
        "bytes_a_second_of_copying": copying_rate(),
    }
    print(case, limits)
    return limits


# -- one thread, two threads, two processes -----------------------------------------------


def serve(pipe, *arguments):
    """Train an epoch with one thread whenever asked to, in a process of its own."""
    trainer = Trainer(*arguments)
    pipe.send("ready")
    while pipe.recv():
        pipe.send(trainer.epoch(1))


def measure(case, seed, options):
    """Train with one thread, two threads and two processes in turn."""
    here, there = multiprocessing.get_context("spawn").Pipe()
    arguments = (case, seed, options.quick)
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(there, *arguments))
    process.start()
    trainer = Trainer(*arguments)
    here.recv()
    turns = []
    for _ in range(options.turns):
        one, two = trainer.epoch(1), trainer.epoch(2)
        here.send(True)
        both = trainer.epoch(1) + here.recv()
        turns.append({"one_thread": one, "two_threads": two, "two_processes": both})
        print(case, {name: round(rate) for name, rate in turns[-1].items()}, flush=True)
    here.send(False)
    process.join()
    return turns


def summarise(turns):
    """Medians, and quartiles of the ratios to one thread."""
    rates = {name: np.array([turn[name] for turn in turns]) for name in turns[0]}
    ratios = {name: rates[name] / rates["one_thread"] for name in rates if name != "one_thread"}
    return {
        "samples_a_second": {name: float(np.median(found)) for name, found in rates.items()},
        "times_one_thread": {
            name: np.quantile(found, [0.25, 0.5, 0.75]).tolist() for name, found in ratios.items()
        },
    }


def main():
    options = parse_options(__doc__, repeats=1, turns=15)
    results = {}
    for case in CASES:
        turns = [
            turn
            for seed in range(options.seed, options.seed + options.repeats)
            for turn in measure(case, seed, options)
        ]
        limits = measure_limits(case, options.seed, options)
        results[case] = {"summary": summarise(turns), "limits": limits, "turns": turns}
        print(case, results[case]["summary"])
    write(__file__, options, results)


if __name__ == "__main__":
    main()
