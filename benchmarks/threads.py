"""What two threads bring, on Fashion-MNIST and ICD-10-CM, beside what the machine can give.

    python benchmarks/threads.py

trains the networks of `fashion_mnist.py` and `icd_coding.py`, epochs with one thread and with two
in turn, so that whatever else the machine does slows both alike. A third kind of epoch is that of
two processes at once, with one thread and data of their own: they share nothing but the machine,
so that no program of two threads can be expected to gain more. Ratios are those of samples a
second, within each turn; their medians and quartiles are reported. BLAS gets as many threads as
an epoch has.
"""

import multiprocessing
import time
import warnings

import fashion_data
import icd_data
import numpy as np
from common import parse_options, write
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from sklearn_lsh import LSHMLPClassifier

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
        results[case] = {"summary": summarise(turns), "turns": turns}
        print(case, results[case]["summary"])
    write(__file__, options, results)


if __name__ == "__main__":
    main()
