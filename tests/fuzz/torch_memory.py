"""The memory for PyTorch: learning, asking, copies."""

import copy

import numpy as np
import torch

from sklearn_lsh.torch import LSHMemory

from .judge import REFUSED, expect
from .parameters import COUNTS, FLOATS
from .torch_layer import WRONG_CLASSES, WRONG_VECTORS

PARAMETERS = {
    "n_slots": ([1, 2, 9, 100], {*COUNTS, True}),
    "margin": ([0, 0.1, 5.0], FLOATS),
    "age_noise": ([0, 8.0, 1e9], {*FLOATS, np.inf}),
    "seed": ([0, 7, None], {"foo", -1, 1.5}),
    "dtype": ([None, torch.float64], ()),
}


class Case:
    """A memory, and what the calls of a case have in common."""

    def __init__(self, call):
        self.call, self.rng = call, call.rng
        self.n_features = int(self.rng.integers(1, 6))
        given = {"n_slots": 9}
        for name, (right, _) in PARAMETERS.items():
            if call.chance(0.4):
                given[name] = call.pick(right)
        self.memory = call(LSHMemory, self.n_features, **given)

    def vectors(self):
        """Draw vectors; whether they have to be refused."""
        call, n = self.call, int(self.rng.integers(1, 12))
        shape = call.pick([(n,), (n,), (n, 2), ()])
        if call.chance(0.1):
            return call.pick(WRONG_VECTORS)(self.n_features), (2,), True
        values = self.rng.normal(size=(*shape, self.n_features))
        bad = call.chance(0.1)
        if bad:
            values[...] = call.pick([0, np.nan, np.inf])
        return torch.from_numpy(values).to(self.memory.keys.dtype), shape, bad


def play(call):
    """Make a case's calls."""
    torch.set_num_threads(1)
    torch.manual_seed(int(call.rng.integers(2**31)))
    case = Case(call)
    for _ in range(call.rng.integers(4, 12)):
        call.pick(ACTIONS)(call, case)


def learn(call, case):
    hidden, shape, bad = case.vectors()
    labels = torch.from_numpy(case.rng.integers(5, size=shape))
    if call.chance(0.1):
        labels = call.pick(WRONG_CLASSES[:3] + WRONG_CLASSES[4:])(shape, 5)
        bad = True
    loss = call(case.memory.forward, hidden, labels, refuse=bad)
    if loss is REFUSED:
        return
    expect(loss.shape == () and bool(loss >= 0), f"a loss of {loss}")
    used = case.memory.labels >= 0
    lengths = case.memory.keys[used].double().norm(dim=1)
    expect(bool(torch.allclose(lengths, torch.ones_like(lengths), atol=1e-4)), "no unit vectors")


def query(call, case):
    hidden, shape, bad = case.vectors()
    k = call.pick([1, len(case.memory.keys), 0, len(case.memory.keys) + 1, 1.5, "a", True])
    right = type(k) is int and 1 <= k <= len(case.memory.keys)
    nearest = call(case.memory.query, hidden, k, refuse=bad or not right)
    if nearest is not REFUSED:
        expect(nearest.labels.shape == nearest.scores.shape == (*shape, k), "another shape")
        expect(bool((nearest.scores.diff(dim=-1).nan_to_num(0) <= 0).all()), "not the best first")


def store(call, case):
    twin = copy.deepcopy(case.memory)
    twin.load_state_dict(case.memory.state_dict())
    case.memory = twin


def turn(call, case):
    case.memory.train(call.chance(0.5))
    if call.chance(0.2):
        case.memory.reset()


def build_wrongly(call, case):
    name = call.pick(name for name in PARAMETERS if PARAMETERS[name][1])
    wrong = call.pick(sorted(PARAMETERS[name][1], key=repr))
    if (name, wrong) != ("seed", None):
        call(LSHMemory, case.n_features, refuse=True, **{name: wrong})


ACTIONS = [*[learn, query] * 3, store, turn, build_wrongly]
