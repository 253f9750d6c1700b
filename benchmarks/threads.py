"""What more threads bring, on Fashion-MNIST and ICD-10-CM, beside what the machine can give.

    python benchmarks/threads.py

trains the networks of `fashion_mnist.py` and `icd_coding.py`, epochs with one thread and with 2, 4,
... up to ``--most`` (by default 2) in turn, so that whatever else the machine does slows all alike.
Another kind of epoch is that of as many processes at once, with one thread and data of their own:
they share nothing but the machine, so that no program of as many threads can be expected to gain
more. Ratios are those of samples a second, within each turn; their medians and quartiles are
reported. BLAS gets as many threads as an epoch has.

What threads cost in accuracy is in `staleness.py`.

What limits more threads is measured, too: how much of one thread's time is not spent in compiled
kernels, which run without Python's lock; how much of their time the most threads wait; how many of
the rows of weights that a mini-batch changes the next one changes as well, which another thread is
at work on; and how many bytes of weights and of the optimizer's state are read and written each
second, if caches keep nothing, beside what copying a large array moves.

On a machine with 16 processors, in free-threaded Python without its lock and with it, from this
folder:

    python3.14t threads.py --most 16 --turns 5 --out results/threads_16_free.json
    PYTHON_GIL=1 python3.14t threads.py --most 16 --turns 3 --out results/threads_16.json
"""

import multiprocessing
import sys
import time
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
from helpers import fashion_data, icd_data
from helpers.report import parse_options, write
from helpers.training import FIXED, Trainer

from sklearn_lsh import LSHMLPClassifier, kernels

# Data of each case, and what the network is given.
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


def make_trainer(case, seed, quick):
    """A network of a case, with its data."""
    load_data, parameters = CASES[case]
    X, y = load_data(validation=False, quick=quick)[0]
    return Trainer(LSHMLPClassifier(**{**FIXED, **parameters}, random_state=seed), X, y)


def speed(trainer, n_threads):
    """Train an epoch; returns its samples a second."""
    return trainer.X.shape[0] / trainer.epoch(n_threads)


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

    def note(layers, caches, targets, n_steps):
        batches.append([cache.groups and set(cache.groups.rows.tolist()) for cache in caches])
        after_batch(layers, caches, targets, n_steps)

    network.schedule.after_batch = note
    try:
        yield batches
    finally:
        del network.schedule.after_batch


def share_outside_kernels(trainer):
    """Share of one thread's time in which it may hold Python's lock, at most."""
    with timed_kernels() as seconds:
        whole = trainer.epoch(1)
    return 1 - sum(seconds) / whole


def share_waiting(trainer, n_threads):
    """Share of the threads' time in which they do not run."""
    cpu = time.process_time()
    seconds = trainer.epoch(n_threads)
    return 1 - (time.process_time() - cpu) / seconds / n_threads


def share_in_common(trainer):
    """Share of the selected rows that a mini-batch changes and the next one, too."""
    with noted_rows(trainer.network) as batches:
        trainer.epoch(1)
    depths = [depth for depth, rows in enumerate(batches[0]) if rows is not None]
    pairs = [(a[d], b[d]) for a, b in pairwise(batches) for d in depths]
    return sum(len(one & other) for one, other in pairs) / sum(len(one) for one, _ in pairs)


def bytes_moved(trainer):
    """Bytes a second that one thread moves if caches keep nothing."""
    trainer.network.drain_work()
    seconds = trainer.epoch(1)
    batches = [work for _, work in trainer.network.log.batches]
    # Products read a weight each; steps read and write the weight and each of its states.
    n_read = sum(work.selecting + work.forward + work.backward for work in batches)
    moved = 4 * (n_read + 2 * sum(work.steps for work in batches))
    return moved / seconds


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


def measure_limits(trainer, n_threads):
    """Measure what stands in the way of more threads."""
    return {
        "outside_kernels": share_outside_kernels(trainer),
        "waiting": share_waiting(trainer, n_threads),
        "rows_in_common": share_in_common(trainer),
        "bytes_a_second": bytes_moved(trainer),
        "bytes_a_second_of_copying": copying_rate(),
    }


# -- threads and processes in turn --------------------------------------------------------


def serve(pipe, *arguments):
    """Train an epoch with one thread whenever asked to, in a process of its own."""
    trainer = make_trainer(*arguments)
    pipe.send("ready")
    while pipe.recv():
        pipe.send(speed(trainer, 1))


@contextmanager
def serving(n_processes, *arguments):
    """Pipes to so many processes that `serve`."""
    context = multiprocessing.get_context("spawn")
    pipes, others = zip(*(context.Pipe() for _ in range(n_processes)), strict=True)
    processes = [context.Process(target=serve, args=(pipe, *arguments)) for pipe in others]
    for process in processes:
        process.start()
    try:
        for pipe in pipes:
            pipe.recv()
        yield pipes
    finally:
        for pipe, process in zip(pipes, processes, strict=True):
            pipe.send(False)
            process.join()


def at_once(pipes):
    """Have processes train an epoch at once; returns all samples a second."""
    for pipe in pipes:
        pipe.send(True)
    return sum(pipe.recv() for pipe in pipes)


def measure(case, options):
    """Train with ever more threads, and with as many processes as most threads, in turn."""
    counts = [1 << power for power in range(options.most.bit_length())]
    trainer = make_trainer(case, options.seed, options.quick)
    trainer.epoch(options.most)
    turns = []
    with serving(options.most, case, options.seed, options.quick) as pipes:
        for _ in range(options.turns):
            rates = {f"threads_{count}": speed(trainer, count) for count in counts}
            turns.append(rates | {f"processes_{options.most}": at_once(pipes)})
            print(case, {name: round(rate) for name, rate in turns[-1].items()}, flush=True)
    limits = measure_limits(trainer, options.most)
    print(case, limits, flush=True)
    return {
        "summary": summarise(turns),
        "limits": limits,
        "turns": turns,
    }


def summarise(turns):
    """Medians, and quartiles of the ratios to one thread."""
    rates = {name: np.array([turn[name] for turn in turns]) for name in turns[0]}
    return {
        "samples_a_second": {name: float(np.median(found)) for name, found in rates.items()},
        "times_one_thread": {
            name: np.quantile(found / rates["threads_1"], [0.25, 0.5, 0.75]).tolist()
            for name, found in rates.items()
            if name != "threads_1"
        },
    }


def main():
    options = parse_options(__doc__, repeats=1, turns=15, most=2)
    has_lock = getattr(sys, "_is_gil_enabled", lambda: True)()
    results = {"has_lock": has_lock, "cases": {case: measure(case, options) for case in CASES}}
    write(__file__, options, results)


if __name__ == "__main__":
    main()
