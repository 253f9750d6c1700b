"""What is left to the data: the rules, what a user sets, and what fitted estimators tell of it."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor
from sklearn_lsh.estimators.automatic import (
    DENSE_PACE,
    LARGEST_BATCH,
    MOST_WEIGHTS,
    NOISY_PACE,
    OF_SMALL,
    RATES,
    SMALLEST_BATCH,
    SPARSE_PACE,
    Facts,
    choose,
)
from sklearn_lsh.estimators.parameters import CONSTRAINTS
from sklearn_lsh.estimators.targets import RegressionTarget
from sklearn_lsh.estimators.training import TrainingSet

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


def facts(n_rows=50_000, n_outputs=3, is_sparse=False):
    return Facts(n_rows, n_outputs, is_sparse)


@pytest.mark.parametrize(
    ("given", "is_small"),
    [
        (facts(4_999), True),
        (facts(5_000), False),
        (facts(4_999, n_outputs=499), True),
        (facts(4_999, n_outputs=500), False),
        (facts(100, is_sparse=True), False),
    ],
)
def test_small_data_get_what_scikit_learn_has(given, is_small):
    assert (choose(LSHMLPClassifier(), given) == OF_SMALL) == is_small


@pytest.mark.parametrize("ours", [LSHMLPClassifier, LSHMLPRegressor])
def test_small_data_get_the_defaults_of_scikit_learn(ours):
    theirs = {LSHMLPClassifier: MLPClassifier, LSHMLPRegressor: MLPRegressor}[ours]().get_params()
    settings = ours(max_iter=2).fit(X, Y).settings_
    assert settings.pop("max_iter") == 2
    assert settings.pop("batch_size") == 200
    assert settings.pop("n_neighbors", None) is None
    assert settings == {name: theirs[name] for name in settings}


@pytest.mark.parametrize("is_sparse", [False, True])
def test_more_rows_take_fewer_epochs_and_larger_batches(is_sparse):
    sizes = (5_000, 50_000, 500_000, 5_000_000)
    settings = [choose(LSHMLPClassifier(), facts(n, is_sparse=is_sparse)) for n in sizes]
    epochs, batches = (
        [getattr(each, name) for each in settings] for name in ("max_iter", "batch_size")
    )
    pace = SPARSE_PACE if is_sparse else DENSE_PACE
    assert epochs == sorted(epochs, reverse=True)
    assert epochs[1] == pace.n_epochs
    assert {each.hidden_layer_sizes for each in settings} == {(pace.width,)}
    assert 2 <= epochs[-1] < epochs[0] <= pace.most
    assert batches == sorted(batches)
    assert batches == [64, 256, LARGEST_BATCH, LARGEST_BATCH]
    assert choose(LSHMLPClassifier(), facts(1, is_sparse=True)).batch_size == SMALLEST_BATCH


def test_numbers_take_larger_batches_and_fewer_epochs():
    classes, numbers = facts(8_000), facts(8_000)._replace(is_noisy=True)
    classes, numbers = (choose(LSHMLPRegressor(), each) for each in (classes, numbers))
    assert numbers.batch_size == 2 * classes.batch_size
    assert numbers.max_iter == NOISY_PACE.most < classes.max_iter
    assert choose(LSHMLPRegressor(), facts(4_999)._replace(is_noisy=True)) == OF_SMALL


@pytest.mark.parametrize(
    ("given", "asks"),
    [
        (facts(2_000, 100, True), True),
        (facts(2_000, 99, True), False),
        (facts(999, 100, True), False),
        (facts(2_000, 5_000, False), False),
    ],
)
def test_when_neighbours_are_asked(given, asks):
    assert (choose(LSHMLPClassifier(), given).n_neighbors is not None) == asks
    assert choose(LSHMLPClassifier(n_neighbors=None), given).n_neighbors is None
    assert choose(LSHMLPClassifier(n_neighbors=7), given).n_neighbors == 7
    assert choose(LSHMLPRegressor(), given).n_neighbors is None


@pytest.mark.parametrize("solver", sorted(CONSTRAINTS["solver"][0].options))
def test_every_solver_has_its_rate(solver):
    falling = choose(LSHMLPClassifier(solver=solver), facts())
    constant = choose(LSHMLPClassifier(solver=solver), facts(), streams=True)
    assert falling.learning_rate == "linear"
    assert falling.learning_rate_init == RATES[solver]
    assert constant.learning_rate == "constant"
    assert constant.learning_rate_init == RATES[solver] / 2


@pytest.mark.parametrize(
    ("is_sparse", "size", "rate"),
    [
        (False, 3, 0.01),
        (False, 64, 0.01),
        (False, 256, 0.005),
        (False, 784, 0.0029),
        (True, 0.1, 0.01),
        (True, 8, 0.01),
        (True, 32, 0.005),
        (True, 1e6, 0.001),
    ],
)
def test_larger_rows_are_learnt_from_more_slowly(is_sparse, size, rate):
    given = Facts(10_000, 3, is_sparse, 784, size)
    assert choose(LSHMLPClassifier(), given).learning_rate_init == rate


def test_layers_are_narrower_where_there_are_very_many_weights():
    given = Facts(10_000, 1_000, True, MOST_WEIGHTS // 256 - 1_000)
    more = given._replace(n_outputs=1_001)
    assert choose(LSHMLPClassifier(), given).hidden_layer_sizes == (256,)
    assert choose(LSHMLPClassifier(), more).hidden_layer_sizes == (128,)
    assert choose(LSHMLPClassifier(), more).max_iter == choose(LSHMLPClassifier(), given).max_iter


def test_facts_are_those_of_training_rows():
    dense = np.eye(6, dtype=np.float32)
    dense[:3] = -2
    data = TrainingSet(sp.csr_array(dense), None, None, np.array([0, 4]))
    assert Facts.of(data, SimpleNamespace(n_outputs=3)) == (2, 3, True, 6, 6.5, False)
    data.X = dense
    assert Facts.of(data, SimpleNamespace(n_outputs=3)) == (2, 3, False, 6, 6, False)
    assert Facts.of(data, RegressionTarget(np.zeros((6, 2)), "squared_error")).is_noisy


def test_what_is_set_stays():
    given = {
        "hidden_layer_sizes": (7,),
        "batch_size": 9,
        "learning_rate": "constant",
        "learning_rate_init": 0.25,
        "max_iter": 3,
        "n_neighbors": 4,
    }
    for of_data in (facts(), facts(100), facts(is_sparse=True)):
        assert choose(LSHMLPClassifier(**given), of_data)._asdict() == given


def test_estimators_tell_what_was_chosen(capsys):
    data = sp.csr_array(np.abs(X))
    network = LSHMLPClassifier(max_iter=3, verbose=True, random_state=0).fit(data, Y)
    assert network.settings_ == {
        "hidden_layer_sizes": (256,),
        "batch_size": 32,
        "learning_rate": "linear",
        "learning_rate_init": 0.01,
        "max_iter": 3,
        "n_neighbors": None,
    }
    assert network.n_iter_ == 3
    told = capsys.readouterr().out.splitlines()[0]
    assert told.startswith("Automatic: hidden_layer_sizes=(256,), batch_size=32, ")
    assert "max_iter" not in told
    assert not hasattr(LSHMLPClassifier(), "settings_")


def test_a_planned_end_is_no_warning(recwarn):
    LSHMLPClassifier(random_state=0).fit(sp.csr_array(np.abs(X)), Y)
    assert not [each for each in recwarn if "converged" in str(each.message)]


def test_a_planned_end_comes_when_it_is_planned():
    data = sp.csr_array(np.abs(X))
    settings = {"tol": 10.0, "n_iter_no_change": 1, "random_state": 0}
    assert LSHMLPClassifier(**settings).fit(data, Y).n_iter_ == SPARSE_PACE.most
    assert LSHMLPClassifier(**settings, max_iter=9).fit(data, Y).n_iter_ == 3
    stopping = LSHMLPClassifier(**settings, early_stopping=True).fit(data, Y)
    assert stopping.n_iter_ < SPARSE_PACE.most


def test_widths_stay_when_training_goes_on():
    network = LSHMLPClassifier(warm_start=True, max_iter=2, random_state=0).fit(X, Y)
    network.fit(sp.csr_array(X), Y)
    assert network.settings_["hidden_layer_sizes"] == (100,)
    assert network.coefs_[0].shape == (4, 100)
    network.partial_fit(X, Y)
    assert network.settings_["learning_rate"] == "constant"
