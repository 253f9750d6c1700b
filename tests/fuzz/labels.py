"""What a y may be, and what it may not."""

import numpy as np
import pandas as pd
import scipy.sparse as sp

from .arrays import Given, layout, lying_sparse, numbers, pick, sparse

# Classes that numbers are turned into.
CLASSES = {
    "int64": lambda codes: codes,
    "int8": lambda codes: codes.astype("i1"),
    "uint64": lambda codes: codes.astype("u8") + np.uint64(2**63),
    "negative": lambda codes: -3 * codes,
    "big-endian": lambda codes: codes.astype(">i4"),
    "floats": lambda codes: codes.astype(float),
    "float32": lambda codes: codes.astype("f4"),
    "strings": lambda codes: np.array([f"{'x' * (code % 3)}{code}" for code in codes]),
    "objects": lambda codes: np.array([f"class {code}" for code in codes], object),
    "integers as objects": lambda codes: codes.astype(object),
    "list": lambda codes: codes.tolist(),
    "column": lambda codes: codes[:, np.newaxis],
    "series": lambda codes: pd.Series(codes.astype(str)),
    "categories": lambda codes: pd.Categorical(codes.astype(str)),
    "read-only": lambda codes: np.broadcast_to(codes, codes.shape),
    "strided": lambda codes: np.repeat(codes, 2)[::2],
}
WRONG_CLASSES = [
    lambda rng, n: np.full(n, np.nan),
    lambda rng, n: np.arange(n) / 3 + 0.1,
    lambda rng, n: np.array([None] * n, object),
    lambda rng, n: np.array([1, "a"] * n, object)[: max(2, n)],
    lambda rng, n: np.zeros(n + 1, int),
    lambda rng, n: np.zeros(0, int),
    lambda rng, n: np.arange(3 * n).reshape(n, 3),
    lambda rng, n: np.zeros((n, 2, 2), int),
    lambda rng, n: np.full(n, 1j),
    lambda rng, n: np.full(n, np.inf),
    lambda rng, n: [[0], [0, 1]] * n,
    lambda rng, n: "text",
    lambda rng, n: None,
    lambda rng, n: {},
    lambda rng, n: np.float64(1),
]
WRONG_VALUES = [
    lambda rng, n: np.full(n, np.nan),
    lambda rng, n: np.full(n, np.inf),
    lambda rng, n: np.full(n, 1e39),
    lambda rng, n: np.full(n, "a"),
    lambda rng, n: np.array([None] * n, object),
    lambda rng, n: np.zeros((n, 2, 2)),
    lambda rng, n: np.zeros((n, 0)),
    lambda rng, n: np.zeros(n + 1),
    lambda rng, n: np.zeros(0),
    lambda rng, n: np.full(n, 1j),
    lambda rng, n: [[0.0], [0.0, 1.0]] * n,
    lambda rng, n: "text",
    lambda rng, n: None,
    lambda rng, n: {},
]


class Classes:
    """Labels of one class for each sample."""

    def __init__(self, rng):
        self.n_classes = int(pick(rng, [1, 2, 2, 3, 5, 30]))
        self.kind = pick(rng, CLASSES)
        # Whether calls name all, and others come now and then.
        self.grow = rng.random() < 0.5
        self.all = self.make(np.arange(self.n_classes)) if rng.random() < 0.5 else None

    def make(self, codes):
        """Turn numbers into labels."""
        return self.kind(np.asarray(codes))

    def draw(self, rng, n):
        """Draw labels for n samples."""
        if rng.random() < 0.1:
            return Given(pick(rng, WRONG_CLASSES)(rng, n), bad=True)
        if self.grow and rng.random() < 0.3:
            self.n_classes += int(rng.integers(1, 9))
        codes = rng.integers(self.n_classes, size=n)
        return Given(self.make(codes), np.ravel(np.asarray(self.make(codes))))


class Indicators:
    """Any number of labels for each sample."""

    def __init__(self, rng):
        self.n_classes = int(pick(rng, [1, 2, 4, 30]))
        self.is_sparse, self.grow = rng.random() < 0.5, rng.random() < 0.5
        self.all = None

    def draw(self, rng, n):
        """Draw labels for n samples."""
        if self.grow and rng.random() < 0.2:
            self.n_classes += int(rng.integers(-1, 4))
        shape = n, max(1, self.n_classes)
        if rng.random() < 0.1:
            return lying_sparse(rng, shape)
        if rng.random() < 0.05:
            return Given(pick(rng, WRONG_CLASSES)(rng, n))
        array = (rng.random(shape) < 0.4).astype(pick(rng, ["i8", "i4", "u1", "f8", "f4", "?"]))
        if self.is_sparse:
            return Given(sparse(rng, shape, array).value, array)
        return Given(layout(rng, array), array)


class Values:
    """What a regressor learns."""

    def __init__(self, rng):
        self.n_outputs = int(pick(rng, [0, 0, 1, 3]))
        self.only_positive = rng.random() < 0.5
        self.all = None

    def draw(self, rng, n):
        """Draw values for n samples."""
        if rng.random() < 0.1:
            return Given(pick(rng, WRONG_VALUES)(rng, n), bad=True)
        shape = (n, self.n_outputs) if self.n_outputs else (n,)
        if self.n_outputs and rng.random() < 0.05:
            return lying_sparse(rng, shape)
        array = numbers(rng, shape)
        if self.only_positive:
            array = np.abs(array)
        array = array.astype(pick(rng, ["f8", "f8", "f4", "i8", "O"]))
        if self.n_outputs and rng.random() < 0.2 and array.dtype != object:
            return Given(sp.csr_array(array), array)
        return Given(layout(rng, array), array)
