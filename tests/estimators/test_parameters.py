"""What parameters may be agrees with what there is to choose from."""

import inspect

import pytest
from sklearn.utils._param_validation import InvalidParameterError, StrOptions

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor
from sklearn_lsh.estimators.base import BaseLSHMLP
from sklearn_lsh.estimators.parameters import CONSTRAINTS, refuse_lbfgs, says_what_is_left_out
from sklearn_lsh.estimators.schedules import SCHEDULES
from sklearn_lsh.hashing import FAMILIES
from sklearn_lsh.network import optimizers
from sklearn_lsh.network.activations import ACTIVATIONS
from sklearn_lsh.selection import EXACT_SELECTIONS

ESTIMATORS = [LSHMLPClassifier, LSHMLPRegressor]
# Names of all optimizers that there are.
SOLVERS = [cls.name for cls in vars(optimizers).values() if hasattr(cls, "n_states")]


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("activation", ACTIVATIONS),
        ("hash_function", FAMILIES),
        ("learning_rate", SCHEDULES),
        ("selection", {"all", "lsh", *EXACT_SELECTIONS}),
        ("solver", SOLVERS),
    ],
)
def test_every_choice_may_be_named(name, choices):
    options = [each.options for each in CONSTRAINTS[name] if isinstance(each, StrOptions)]
    assert set().union(*options) - {"auto"} == set(choices)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_parameter_is_constrained(estimator):
    names = set(inspect.signature(estimator).parameters)
    assert estimator._parameter_constraints.keys() == names
    assert names > CONSTRAINTS.keys()
    assert issubclass(estimator, BaseLSHMLP)


def test_the_base_is_no_estimator():
    with pytest.raises(TypeError, match="abstract"):
        BaseLSHMLP()


def test_constructors_say_what_is_left_out():
    class Estimator:
        @says_what_is_left_out
        def __init__(self, alpha=1):
            """Take one parameter."""
            self.alpha = alpha

    assert Estimator(alpha=3).alpha == Estimator(3).alpha == 3
    assert list(inspect.signature(Estimator).parameters) == ["alpha"]
    with pytest.raises(TypeError, match=r"Estimator has no parameter 'max_fun' \(got 9\): it lim"):
        Estimator(max_fun=9)


def test_a_solver_is_left_out():
    refuse_lbfgs(LSHMLPRegressor(solver="sgd"))
    with pytest.raises(InvalidParameterError, match="'lbfgs' is left out: it is a batch method"):
        refuse_lbfgs(LSHMLPRegressor(solver="lbfgs"))
