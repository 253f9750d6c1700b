"""Neural networks that compute only the neurons that matter, as scikit-learn estimators."""

from importlib.metadata import version

from sklearn_lsh._versions import show_versions
from sklearn_lsh.estimators import (
    Checkpoint,
    HiddenActivations,
    LSHMLPClassifier,
    LSHMLPRegressor,
)

__version__ = version("sklearn_lsh")

__all__ = [
    "Checkpoint",
    "HiddenActivations",
    "LSHMLPClassifier",
    "LSHMLPRegressor",
    "__version__",
    "show_versions",
]
