"""Digits, and small estimators that learn them: what several tests share."""

import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor

ignore_convergence = pytest.mark.filterwarnings(
    "ignore:Maximum iterations:sklearn.exceptions.ConvergenceWarning"
)
X, Y = load_digits(return_X_y=True)
X /= 16
X_TRAIN, X_TEST, Y_TRAIN, Y_TEST = train_test_split(X, Y, random_state=0, stratify=Y)
SMALL = slice(0, 300)

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


def classifier(**parameters):
    return LSHMLPClassifier(**{**HASHED, "max_iter": 3, **parameters})


def regressor(**parameters):
    return LSHMLPRegressor(**{**HASHED, "max_iter": 3, **parameters})
