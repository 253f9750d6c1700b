"""Probabilities are what classifiers have; what they are is tested by their behaviour."""

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor
from sklearn_lsh.estimators.probabilities import ProbabilityMixin


def test_classifiers_have_probabilities_and_regressors_none():
    assert issubclass(LSHMLPClassifier, ProbabilityMixin)
    for name in ("predict_proba", "predict_log_proba", "predict_top_k"):
        assert getattr(LSHMLPClassifier, name) is getattr(ProbabilityMixin, name)
        assert not hasattr(LSHMLPRegressor, name)
