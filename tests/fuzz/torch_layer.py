"""The output layer for PyTorch: training, exact and sampled answers, copies."""

import copy

import numpy as np
import torch

from sklearn_lsh.torch import LSHSoftmaxLoss

from .judge import REFUSED, expect
from .parameters import COUNTS

PARAMETERS = {
    "n_active": ([1, 4, 8, 100], COUNTS),
    "bias": ([True, False], ()),
    "hash_function": (["simhash", "dwta", "wta", "minhash"], {"foo", 3, None}),
    "n_bits": (["auto", 1, 5], {*COUNTS, 17}),
    "n_tables": ([1, 4], COUNTS),
    "ignore_index": ([-100, 0], {"foo", None, 0.5, True, 2**70}),
    "label_smoothing": ([0.0, 0.1, 1.0], {"foo", None, -0.1, 1.5, True}),
    "reduction": (["mean", "sum", "none"], {"foo", 3, None}),
    "seed": ([0, 7, None], {"foo", -1, 1.5}),
    "dtype": ([None, torch.float64, torch.bfloat16], ()),
}


WRONG_VECTORS = [
    lambda width: None,
    lambda width: "foo",
    lambda width: 3.0,
    lambda width: np.ones((2, width)),
    lambda width: torch.ones(2, width + 1),
    lambda width: torch.tensor(1.0),
    lambda width: torch.ones((2, width), dtype=torch.int64),
    lambda width: torch.ones((2, width), dtype=torch.complex64),
]
WRONG_CLASSES = [
    lambda shape, n: None,
    lambda shape, n: "foo",
    lambda shape, n: torch.full(shape, -1),
    lambda shape, n: torch.full(shape, n),
    lambda shape, n: torch.full(shape, 0.5),
    lambda shape, n: torch.full(shape, np.nan),
    lambda shape, n: torch.zeros((*shape, 3, 3), dtype=torch.int64),
]
WRONG_WEIGHTS = [
    lambda n: 3.0,
    lambda n: np.ones(n),
    lambda n: torch.ones(n, dtype=torch.int64),
    lambda n: torch.ones(n + 1),
    lambda n: torch.ones((n, 1)),
    lambda n: torch.full((n,), -1.0),
    lambda n: torch.full((n,), np.nan),
    lambda n: torch.full((n,), np.inf),
]


class Case:
    """A layer, and what the calls of a case have in common."""

    def __init__(self, call):
        self.rng, self.call = call.rng, call
        self.n_features, self.n_classes = (
            int(self.rng.integers(1, 6)),
            int(call.pick([1, 2, 20, 40])),
        )
        self.given = {"n_tables": 3, "n_active": 6}
        for name, (right, _) in PARAMETERS.items():
            if call.chance(0.3):
                self.given[name] = call.pick(right)
        if call.chance(0.2):
            self.given["class_weight"] = torch.from_numpy(self.rng.uniform(0.5, 2, self.n_classes))
        self.layer = REFUSED
        while self.layer is REFUSED:
            self.layer = self.build()

    def build(self):
        given, bad = dict(self.given), self.call.chance(0.2)
        if bad:
            wrong = {name: sorted(values, key=repr) for name, (_, values) in PARAMETERS.items()}
            wrong["class_weight"] = [make(self.n_classes) for make in WRONG_WEIGHTS]
            name = self.call.pick(name for name in wrong if wrong[name])
            given[name] = self.call.pick(wrong[name])
            bad = (name, given[name]) != ("seed", None)
        return self.call(LSHSoftmaxLoss, self.n_features, self.n_classes, refuse=bad, **given)

    def hidden(self):
        """Draw hidden vectors; whether they have to be refused."""
        call, n = self.call, int(self.rng.integers(1, 9))
        shape = call.pick([(n,), (n,), (n, 2), ()])
        wrong = call.chance(0.1)
        if wrong:
            return call.pick(WRONG_VECTORS)(self.n_features), (2,), True
        values = torch.from_numpy(self.rng.normal(size=(*shape, self.n_features)))
        values = values.to(self.layer.weight.dtype)
        if len(shape) == 1 and call.chance(0.3):
            values = values.repeat_interleave(2, dim=0)[::2]
        return values, shape, False

    def classes(self, shape):
        """Draw classes; whether they have to be refused."""
        call = self.call
        if call.chance(0.1):
            return call.pick(WRONG_CLASSES)(shape, self.n_classes), True
        kind = call.pick([torch.int64, torch.int64, torch.int32, torch.uint8])
        return torch.from_numpy(self.rng.integers(self.n_classes, size=shape)).to(kind), False


def play(call):
    """Make a case's calls."""
    torch.set_num_threads(1)
    torch.manual_seed(int(call.rng.integers(2**31)))
    case = Case(call)
    for _ in range(call.rng.integers(4, 12)):
        call.pick(ACTIONS)(call, case)


def train(call, case):
    hidden, shape, bad = case.hidden()
    labels, worse = case.classes(shape)
    loss = call(case.layer.forward, hidden, labels, refuse=bad or worse)
    if loss is REFUSED or bool((labels == case.layer.ignore_index).all()):
        return
    expect(loss.shape == (shape if case.layer.reduction == "none" else ()), "another shape")
    expect(bool(torch.isfinite(loss).all()) and bool((loss >= -1e-2).all()), f"a loss of {loss}")
    if loss.requires_grad:
        loss.sum().backward()
        with torch.no_grad():
            for parameter in case.layer.parameters():
                if parameter.grad is not None:
                    parameter -= 0.1 * parameter.grad.to_dense()
                    parameter.grad = None


def switch(call, case):
    case.layer.train(call.chance(0.6))


def start_at_centroids(call, case):
    batches, bad, counted = [], False, False
    for _ in range(call.rng.integers(1, 3)):
        hidden, shape, wrong = case.hidden()
        labels, worse = case.classes(shape)
        batches.append((hidden, labels))
        bad |= wrong or worse
        counted |= not (bad or bool((labels == case.layer.ignore_index).all()))
    if call.chance(0.1):
        batches, bad = call.pick([[], None, 3, [None]]), True
    call(case.layer.start_at_centroids, batches, refuse=bad or not counted)


def top_k(call, case):
    hidden, shape, bad = case.hidden()
    k = call.pick([1, 2, case.n_classes])
    if call.chance(0.1):
        k, bad = call.pick([0, -1, 1.5, "foo", None, case.n_classes + 1, True, []]), True
    found = call(
        case.layer.top_k, hidden, k, exact=call.chance(0.5), refuse=bad or k > case.n_classes
    )
    if found is not REFUSED:
        scores, classes = found
        expect(scores.shape == classes.shape == (*shape, k), "another shape")
        expect(bool((scores.diff(dim=-1) <= 0).all()), "not the highest first")
        rows = classes.reshape(-1, k).tolist()
        expect(
            all(len(set(row)) == k and max(row) < case.n_classes for row in rows), "other classes"
        )


def scores(call, case):
    hidden, shape, bad = case.hidden()
    found = call(case.layer.scores, hidden, refuse=bad)
    expect(found is REFUSED or found.shape == (*shape, case.n_classes), "another shape")


def log_partition(call, case):
    hidden, shape, bad = case.hidden()
    z = call(case.layer.log_partition, hidden, exact=call.chance(0.5), refuse=bad)
    expect(z is REFUSED or (z.shape == shape and bool(torch.isfinite(z).all())), "no logarithms")


def log_prob(call, case):
    hidden, shape, bad = case.hidden()
    classes, worse = case.classes((*shape, int(case.rng.integers(1, 4))))
    exact = call.chance(0.5)
    p = call(case.layer.log_prob, hidden, classes, exact=exact, refuse=bad or worse)
    if p is not REFUSED:
        expect(p.shape == classes.shape and bool(torch.isfinite(p).all()), "no logarithms")
        expect(not exact or bool((p <= 1e-2).all()), "probabilities above 1")


def refresh(call, case):
    hidden, _, bad = case.hidden()
    call(case.layer.refresh, hidden, refuse=bad and hidden is not None)


def store(call, case):
    state = copy.deepcopy(case.layer.state_dict())
    other = LSHSoftmaxLoss(case.n_features, case.n_classes, **case.given)
    other.load_state_dict(state)
    case.layer = call.pick([other, copy.deepcopy(case.layer)])


ACTIONS = [
    train,
    train,
    train,
    start_at_centroids,
    switch,
    top_k,
    scores,
    log_partition,
    log_prob,
    refresh,
    store,
]
