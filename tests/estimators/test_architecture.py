"""From parameters to the network that is built: widths, active neurons, optimizer."""

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor
from sklearn_lsh.estimators.architecture import (
    OUT_ACTIVATIONS,
    build_network,
    build_optimizer,
    check_unchanged,
    describe_network,
)
from sklearn_lsh.estimators.automatic import Facts, choose
from sklearn_lsh.estimators.density import all_neurons, auto_output
from sklearn_lsh.estimators.targets import class_target
from sklearn_lsh.network.losses import LOSSES

TARGET = class_target(np.arange(3000))
FACTS = Facts(n_rows=1000, n_outputs=3000, is_sparse=False)


def describe(estimator, *args):
    return describe_network(estimator, choose(estimator, FACTS), *args)


def test_every_loss_has_an_activation_of_its_outputs():
    assert OUT_ACTIVATIONS.keys() == LOSSES.keys()


@pytest.mark.parametrize(
    ("parameters", "n_units", "n_active"),
    [
        ({"hidden_layer_sizes": 600}, [7, 600, 3000], [None, 512]),
        ({"hidden_layer_sizes": (600, np.int64(40))}, [7, 600, 40, 3000], [None, None, 512]),
        ({"hidden_layer_sizes": [], "output_density": 0.1}, [7, 3000], [300]),
        ({"hidden_layer_sizes": (600,), "output_density": 1.0}, [7, 600, 3000], [30, None]),
        ({"hidden_layer_sizes": (50, 60), "density": 5}, [7, 50, 60, 3000], [5, 5, 512]),
        ({"hidden_layer_sizes": (600,), "density": 5, "selection": "all"},
         [7, 600, 3000], [None, None]),
    ],
)  # fmt: skip
def test_widths_and_active_neurons(parameters, n_units, n_active):
    described = describe(LSHMLPClassifier(**parameters), 7, TARGET, auto_output)
    assert described["n_units"] == n_units
    assert described["n_active"] == n_active
    assert described["loss"] == "softmax"


def test_the_rule_for_outputs_is_the_callers():
    estimator = LSHMLPClassifier((20,))
    assert describe(estimator, 7, TARGET, all_neurons)["n_active"] == [None, None]


@pytest.mark.parametrize("sizes", [(0,), (10, -3), (2.5,), ("a",)])
def test_bad_widths(sizes):
    with pytest.raises(ValueError, match="hidden_layer_sizes must be integers > 0, got"):
        describe(LSHMLPClassifier(sizes), 7, TARGET, auto_output)


def test_what_may_not_change():
    old = describe(LSHMLPClassifier((20,)), 7, TARGET, auto_output)
    check_unchanged(dict(old), old)
    new = {**old, "n_bits": 5, "selection": "topk"}
    with pytest.raises(ValueError, match=r"selection='topk', n_bits=5 in place of selection='lsh'"):
        check_unchanged(new, old)


@pytest.mark.parametrize("solver", ["adam", "adagrad", "rowwise_adagrad", "sgd"])
def test_optimizers_take_their_parameters(solver):
    given = {"beta_1": 0.5, "beta_2": 0.6, "epsilon": 0.1, "momentum": 0.3,
             "nesterovs_momentum": False}  # fmt: skip
    estimator = LSHMLPRegressor(solver=solver, learning_rate_init=0.25, **given)
    optimizer = build_optimizer(estimator, choose(estimator, FACTS))
    assert optimizer.name == solver
    assert optimizer.learning_rate == 0.25
    taken = {name: value for name, value in vars(optimizer).items() if name in given}
    assert taken
    assert taken == {name: given[name] for name in taken}


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
def test_sparse_data_count_their_non_zeros(kind):
    X = kind(np.eye(8)[[0, 1, 2, 3]])
    estimator = LSHMLPClassifier((20,), alpha=0.5)
    description = describe(estimator, 8, TARGET, all_neurons)
    settings, rng = choose(estimator, FACTS), np.random.RandomState(0)
    network = build_network(estimator, settings, description, X, np.arange(X.shape[0]), rng)
    assert network.n_units == [8, 20, 3000]
    assert network.alpha == 0.5
    # A single non-zero: weights are drawn for a fan-in of one.
    bound = np.abs(network.coefs[0]).max()
    fan_in = 1 if sp.issparse(X) else 8
    assert bound == pytest.approx((6 / (fan_in + 20)) ** 0.5, rel=0.02)
