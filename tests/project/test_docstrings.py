"""Docstrings: the examples run, and every parameter is described."""

import doctest
import inspect
import re

import pytest

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor

ESTIMATORS = [LSHMLPClassifier, LSHMLPRegressor]
METHODS = ["fit", "partial_fit", "predict", "predict_proba", "predict_log_proba"]


def described(doc, section):
    """Names described in a section of a numpydoc docstring, in order."""
    body = re.split(rf"^{section}\n-+\n", inspect.cleandoc(doc), flags=re.M)[1]
    body = re.split(r"^\S.*\n-+\n", body, flags=re.M)[0]
    names = re.findall(r"^(\w[\w, ]*) : ", body, flags=re.M)
    return [name for group in names for name in group.split(", ")]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_examples(estimator):
    globs = {}
    for test in doctest.DocTestFinder(recurse=False).find(estimator, globs=globs):
        assert test.examples
        runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
        assert runner.run(test).failed == 0


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_parameters_are_described(estimator):
    assert described(estimator.__doc__, "Parameters") == list(
        inspect.signature(estimator).parameters
    )


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("method", METHODS)
def test_arguments_are_described(estimator, method):
    function = getattr(estimator, method, None)
    if function is not None:
        names = list(inspect.signature(function).parameters)[1:]
        assert described(function.__doc__, "Parameters") == names


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_attributes_are_described(estimator):
    fitted = estimator(max_iter=1).fit([[0.0], [1.0]], [0, 1])
    public = {name for name in dir(fitted) if name.endswith("_") and name[0] != "_"}
    assert public | {"feature_names_in_"} == set(described(estimator.__doc__, "Attributes"))
