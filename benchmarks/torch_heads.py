"""PyTorch's output layers for many classes: hashed, sampled, adaptive and full softmax.

    python benchmarks/torch_heads.py

A model of one hidden layer tells lemmas of word forms. ``--parts steps`` takes the time of single
steps, of ours and of layers that draw as many classes; ``--parts rates`` finds each method's best
learning rate by validation rows, and ``--parts curves`` trains with it on all training rows, and
measures the loss and the share of test rows that are told right, and the seconds to there.
``--sets`` and ``--methods`` measure a part of these; what the JSON file has of others is kept.
Methods whose names end with "centroids" start at the centroids of their classes, which takes a
pass over the training rows; it is counted.
"""

import time
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from helpers.label_sets import load, some
from helpers.report import kept, names_in, parse_options, path_of, seeds_of, write
from helpers.torch_heads import (
    AdaptiveSoftmax,
    Bag,
    FullSoftmax,
    HashedSoftmax,
    SampledSoftmax,
    centroids_of,
)


class Method(NamedTuple):
    """A head, how many classes it computes for a batch besides the batch's, and how it starts."""

    head: str
    size: int | None = None
    at_centroids: bool = False

    def make(self, counts):
        """The head of a model."""
        sizes = () if self.size is None else (self.size,)
        return HEADS[self.head](WIDTH, counts, *sizes)


SETS = ("lemma-de", "lemma-hr")
PARTS = ("steps", "rates", "curves")
HEADS = {
    "full": FullSoftmax,
    "adaptive": AdaptiveSoftmax,
    "uniform": SampledSoftmax,
    "log-uniform": partial(SampledSoftmax, log_uniform=True),
    "hashed": HashedSoftmax,
}
METHODS = {
    "full": Method("full"),
    "adaptive": Method("adaptive"),
    **{
        f"{head} {size}{' centroids' * start}": Method(head, size, start)
        for head in ("log-uniform", "uniform", "hashed")
        for start in (False, True)
        for size in (1024, 4096)
    },
}
# Of Adam, for all layers of a model.
RATES = (0.001, 0.003, 0.01)
EPOCHS = {"rates": 2, "curves": 5}
WIDTH, BATCH_SIZE = 128, 512
# Training rows, drawn at random, so that a method's run takes minutes; and rows that are held out.
MOST_ROWS, MOST_HELD_OUT = 200_000, 5_000
# Classes of a step besides those of the batch, of which steps are timed, how many, and before.
STEP_HEADS = ("hashed", "uniform")
STEP_SIZES, N_STEPS, N_BEFORE = (512, 1024, 2048, 4096), 60, 20


class Task:
    """Rows of a set, of the classes that have training rows."""

    def __init__(self, name, *, validation, quick):
        train, held_out = load(name, validation=validation, quick=quick)
        self.X, Y = some(train, 2_000 if quick else MOST_ROWS)
        classes, self.y = np.unique(Y.indices, return_inverse=True)
        held_out = some(held_out, 4 * MOST_HELD_OUT)
        is_known = np.isin(held_out[1].indices, classes)
        rows = np.flatnonzero(is_known)[:MOST_HELD_OUT]
        self.X_held_out = held_out[0][rows]
        self.y_held_out = np.searchsorted(classes, held_out[1].indices[rows])
        self.counts = torch.bincount(torch.from_numpy(self.y)).float()

    def batches(self, order, size=BATCH_SIZE):
        """Rows and labels of mini-batches."""
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            yield self.X[rows], torch.from_numpy(self.y[rows])


class Model:
    """A hidden layer and a head, trained under a clock.

    Parameters
    ----------
    task : Task
    method : Method
    rate : float
    """

    def __init__(self, task, method, rate):
        self.task = task
        self.seconds = self.processor_seconds = 0.0
        self.body = Bag(task.X.shape[1], WIDTH)
        self.head = method.make(task.counts)
        if method.at_centroids:
            self.timed(self.start_at_centroids)
        sparse, dense = [self.body.vectors.weight], []
        (sparse if self.head.sparse else dense).extend(self.head.parameters())
        self.optimizers = [torch.optim.SparseAdam(sparse, lr=rate)]
        if dense:
            self.optimizers.append(torch.optim.Adam(dense, lr=rate, fused=True))

    def timed(self, function, *args):
        """Call a function with the clock running."""
        start = time.perf_counter(), time.process_time()
        result = function(*args)
        self.seconds += time.perf_counter() - start[0]
        self.processor_seconds += time.process_time() - start[1]
        return result

    def start_at_centroids(self):
        """Put the head's rows at centroids; heads of others have ours find them."""
        order = np.arange(len(self.task.y))
        batches = ((self.body(X), y) for X, y in self.task.batches(order))
        if isinstance(self.head, HashedSoftmax):
            self.head.start_at_centroids(batches)
            return
        with torch.no_grad():
            weight, bias = centroids_of(batches, self.head.weight)
            self.head.weight.copy_(weight)
            self.head.bias.copy_(bias)

    def step(self, X, y):
        """Train on a mini-batch."""
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        self.head(self.body(X), y).backward()
        for optimizer in self.optimizers:
            optimizer.step()

    def train(self, random_state):
        """Train for an epoch."""
        self.head.train()
        for X, y in self.task.batches(random_state.permutation(len(self.task.y))):
            self.timed(self.step, X, y)

    @torch.no_grad()
    def measure(self):
        """What the held-out rows say, off the clock."""
        self.head.eval()
        losses, right = [], []
        for start in range(0, len(self.task.y_held_out), BATCH_SIZE):
            part = slice(start, start + BATCH_SIZE)
            scores = self.head.scores(self.body(self.task.X_held_out[part]))
            y = torch.from_numpy(self.task.y_held_out[part])
            losses.append(torch.nn.functional.cross_entropy(scores, y, reduction="none"))
            right.append(scores.argmax(dim=1) == y)
        return {
            "seconds": self.seconds,
            "processor_seconds": self.processor_seconds,
            "loss": torch.cat(losses).mean().item(),
            "accuracy": torch.cat(right).float().mean().item(),
        }


def run(task, name, rate, seed, n_epochs):
    """Train a model; what it is like before training and after each epoch."""
    torch.manual_seed(seed)
    random_state = np.random.RandomState(seed)
    model = Model(task, METHODS[name], rate)
    curve = [model.measure()]
    for _ in range(n_epochs):
        model.train(random_state)
        curve.append(model.measure())
    told = (f"{point['processor_seconds']:.0f} s {point['accuracy']:.3f}" for point in curve)
    print(name, rate, ", ".join(told), flush=True)
    return curve


def measure_steps(task, seed):
    """Milliseconds of processor time of a step of each kind and size, in turn."""
    torch.manual_seed(seed)
    order = np.random.RandomState(seed).permutation(len(task.y))
    batches = list(task.batches(order[: (N_BEFORE + N_STEPS) * BATCH_SIZE]))
    n_before = min(N_BEFORE, len(batches) // 2)
    found = {}
    for size in STEP_SIZES:
        if 2 * size >= len(task.counts):
            continue
        models = {head: Model(task, Method(head, size), RATES[0]) for head in STEP_HEADS}
        for step, (X, y) in enumerate(batches):
            for model in models.values():
                if step == n_before:
                    model.processor_seconds = 0.0
                model.timed(model.step, X, y)
        n_timed = len(batches) - n_before
        milliseconds = {
            head: 1000 * model.processor_seconds / n_timed for head, model in models.items()
        }
        found[size] = {**milliseconds, "ratio": milliseconds["hashed"] / milliseconds["uniform"]}
        print(size, found[size], flush=True)
    return found


def find_rates(task, names, options):
    """Accuracies on validation rows by method and rate, the best epoch's."""
    n_epochs = 1 if options.quick else EPOCHS["rates"]
    return {
        name: {
            str(rate): max(
                point["accuracy"] for point in run(task, name, rate, options.seed, n_epochs)
            )
            for rate in RATES
        }
        for name in names
    }


def draw_curves(task, names, rates, options):
    """Curves of each method at its best rate, of each seed."""
    n_epochs = 1 if options.quick else EPOCHS["curves"]
    found = {}
    for name in names:
        rate = max(rates[name], key=rates[name].get)
        runs = [run(task, name, float(rate), seed, n_epochs) for seed in seeds_of(options)]
        found[name] = {"rate": float(rate), "runs": runs}
    return found


def main():
    """Measure the parts that are asked for, and keep the others."""
    options = parse_options(__doc__, repeats=1, parts="", sets="", methods="", threads=2)
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)  # moments that fade away would slow it down
    path = path_of(__file__, options)
    results = kept(path)
    parts, names = names_in(options.parts, PARTS), names_in(options.methods, METHODS)
    for name in names_in(options.sets, SETS):
        found = results.setdefault(name, {part: {} for part in PARTS})
        if {"steps", "rates"} & set(parts):
            task = Task(name, validation=True, quick=options.quick)
            if "steps" in parts:
                found["steps"] = measure_steps(task, options.seed)
                write(__file__, options, results, ["torch"])
            if "rates" in parts:
                for method in names:
                    found["rates"] |= find_rates(task, [method], options)
                    write(__file__, options, results, ["torch"])
        if "curves" in parts:
            task = Task(name, validation=False, quick=options.quick)
            for method in names:
                found["curves"] |= draw_curves(task, [method], found["rates"], options)
                write(__file__, options, results, ["torch"])


if __name__ == "__main__":
    main()
