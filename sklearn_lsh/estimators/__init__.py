"""The scikit-learn face: parameters, validation, labels, fitting and predicting."""

from sklearn_lsh.estimators.checkpoint import Checkpoint
from sklearn_lsh.estimators.classifier import LSHMLPClassifier
from sklearn_lsh.estimators.hidden import HiddenActivations
from sklearn_lsh.estimators.regressor import LSHMLPRegressor

__all__ = ["Checkpoint", "HiddenActivations", "LSHMLPClassifier", "LSHMLPRegressor"]
