"""Handwritten digits, and small estimators that learn them: what several tests share."""

from typing import NamedTuple

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor

HASHED = {"hidden_layer_sizes": (64,), "density": 0.25, "random_state": 0}
SETTINGS = {
    "dense": {"hidden_layer_sizes": (64,), "random_state": 0},
    "lsh": HASHED,
    "dwta": {**HASHED, "hash_function": "dwta"},
    "topk": {**HASHED, "selection": "topk"},
    "two layers": {**HASHED, "hidden_layer_sizes": (64, 48), "density": (0.25, 12)},
    "output": {**HASHED, "output_density": 6},
}
each_setting = pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)


class Samples(NamedTuple):
    """Images with pixels from 0 to 1, and what they show."""

    X: np.ndarray
    y: np.ndarray

    @classmethod
    def fixed(cls, *arrays):
        """Arrays that no test can change for the next one."""
        for array in arrays:
            array.setflags(write=False)
        return cls(*arrays)


class Digits(NamedTuple):
    """All images, in two parts, and the first 300."""

    all: Samples
    train: Samples
    test: Samples
    few: Samples


def make_digits():
    X, y = load_digits(return_X_y=True)
    X /= 16
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
    parts = (X, y), (X_train, y_train), (X_test, y_test), (X[:300], y[:300])
    return Digits(*(Samples.fixed(*part) for part in parts))


def classifier(**parameters):
    return LSHMLPClassifier(**{**HASHED, "max_iter": 3, **parameters})


def regressor(**parameters):
    return LSHMLPRegressor(**{**HASHED, "max_iter": 3, **parameters})
