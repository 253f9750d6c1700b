"""With every neuron computed, training follows scikit-learn's MLP step for step."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from sklearn.datasets import load_digits, make_multilabel_classification, make_regression
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*maximum iterations:sklearn.exceptions.ConvergenceWarning"
)

X, Y = load_digits(return_X_y=True)
X, Y = X[:400] / 16, Y[:400]
COMMON = {
    "learning_rate": "constant",
    "hidden_layer_sizes": (30, 20),
    "alpha": 0.0,
    "shuffle": False,
    "batch_size": 64,
    "max_iter": 1,
    "warm_start": True,
    "random_state": 0,
}


def assert_same_training(ours, theirs, data, y, *weight, n_epochs=6):
    """Give both the same weights and compare the epochs that follow."""
    ours.fit(data, y, *weight)
    theirs.fit(data, y, *weight)
    for mine, other in zip(
        (*ours.coefs_, *ours.intercepts_), (*theirs.coefs_, *theirs.intercepts_), strict=True
    ):
        mine[...] = other
    ours.set_params(max_iter=n_epochs).fit(data, y, *weight)
    theirs.set_params(max_iter=n_epochs).fit(data, y, *weight)
    assert_allclose(ours.loss_curve_[1:], theirs.loss_curve_[1:], rtol=1e-4)
    for mine, other in zip(ours.coefs_, theirs.coefs_, strict=True):
        assert_allclose(mine, other, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize(
    "solver",
    [
        {"solver": "adam", "learning_rate_init": 0.003},
        {"solver": "sgd", "learning_rate_init": 0.05},
        {"solver": "sgd", "learning_rate_init": 0.05, "nesterovs_momentum": False},
        {"solver": "sgd", "learning_rate_init": 0.5, "momentum": 0.0},
        {"solver": "sgd", "learning_rate_init": 0.1, "learning_rate": "invscaling"},
    ],
    ids=lambda solver: "-".join(map(str, solver.values())),
)
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_solvers_and_activations(solver, activation):
    both = {**COMMON, **solver, "activation": activation}
    ours = LSHMLPClassifier(**both, selection="all")
    assert_same_training(ours, MLPClassifier(**both), X, Y)


@pytest.mark.parametrize("y", ["classes", "two classes", "labels", "one output", "three outputs"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("sparse", [False, True])
def test_kinds_of_targets(y, weighted, sparse):
    rng = np.random.default_rng(0)
    both = {**COMMON, "learning_rate_init": 0.003}
    if sparse:
        # Lazy moments of inputs that are zero in a mini-batch stay as they are, so that only the
        # solver without any does the same.
        both |= {"solver": "sgd", "learning_rate_init": 0.1, "momentum": 0.0}
    ours, theirs = LSHMLPClassifier(**both, selection="all"), MLPClassifier(**both)
    if y == "labels":
        data, target = make_multilabel_classification(400, random_state=0)
        data = data / data.max()
    elif y.endswith(("output", "outputs")):
        ours, theirs = LSHMLPRegressor(**both, selection="all"), MLPRegressor(**both)
        data, target = make_regression(400, n_targets=3 if "three" in y else 1, random_state=0)
        target = target / 100
    else:
        data, target = X, (Y % 2 if y == "two classes" else Y)
    weight = [rng.uniform(0.5, 2, len(data))] if weighted else []
    data = sp.csr_array(data) if sparse else data
    assert_same_training(ours, theirs, data, target, *weight)


def test_poisson():
    rng = np.random.default_rng(0)
    data = rng.normal(size=(300, 10))
    y = rng.poisson(np.exp(data[:, 0] * 0.5)).astype(float)
    both = {**COMMON, "loss": "poisson"}
    assert_same_training(LSHMLPRegressor(**both, selection="all"), MLPRegressor(**both), data, y)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_penalty_in_the_loss(solver):
    """The penalty is applied as decay, which is the same to first order in the learning rate."""
    both = {**COMMON, "alpha": 1.0, "solver": solver, "learning_rate_init": 1e-4, "momentum": 0.0}
    ours, theirs = LSHMLPClassifier(**both, selection="all"), MLPClassifier(**both)
    ours.fit(X, Y), theirs.fit(X, Y)
    for mine, other in zip(
        (*ours.coefs_, *ours.intercepts_), (*theirs.coefs_, *theirs.intercepts_), strict=True
    ):
        mine[...] = other
    ours.fit(X, Y)
    theirs.fit(X, Y)
    assert_allclose(ours.loss_, theirs.loss_, rtol=1e-3)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_stops_in_the_same_epoch(early_stopping):
    both = {
        **COMMON,
        "early_stopping": early_stopping,
        "max_iter": 300,
        "tol": 1e-2,
        "learning_rate_init": 0.01,
        "n_iter_no_change": 3,
        "warm_start": False,
    }
    ours = LSHMLPClassifier(**both, selection="all").fit(X, Y % 2)
    theirs = MLPClassifier(**both).fit(X, Y % 2)
    assert abs(ours.n_iter_ - theirs.n_iter_) <= max(3, theirs.n_iter_ // 3)
    assert ours.t_ == ours.n_iter_ * theirs.t_ // theirs.n_iter_
