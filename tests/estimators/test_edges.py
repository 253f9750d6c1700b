"""Numbers, weights, labels and parameters at the edge of what is allowed: right, or refused."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.metrics import r2_score

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor
from sklearn_lsh.hashing import E2LSH, MinHash, SimHash, SimpleLSH
from sklearn_lsh.inputs import Quantity, moderate_weights

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 6))
Y = np.arange(60) % 3
INDICATOR = np.eye(3, dtype=int)[Y]
HASHED = {"hidden_layer_sizes": (40,), "density": 0.2, "max_iter": 2, "random_state": 0}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def classifier(**parameters):
    return LSHMLPClassifier(**{**HASHED, **parameters})


def regressor(**parameters):
    return LSHMLPRegressor(**{**HASHED, **parameters})


# ---- parameters, those of a hash family inside a network among them


@pytest.mark.parametrize("nothing", [np.array([]), pd.NA, pd.Series([1, 2])], ids=repr)
@pytest.mark.parametrize("name", ["solver", "early_stopping", "learning_rate", "selection"])
def test_values_that_are_neither_true_nor_false(name, nothing):
    fitted = classifier().fit(X, Y).set_params(**{name: nothing})
    for fit in (classifier(**{name: nothing}).fit, fitted.partial_fit):
        with pytest.raises(ValueError, match=f"'{name}' parameter of LSHMLPClassifier"):
            fit(X, Y)


def test_arrays_of_one_number():
    with pytest.raises(ValueError, match="hidden_layer_sizes must be integers > 0"):
        classifier(hidden_layer_sizes=np.array(3)).fit(X, Y)
    with pytest.raises(ValueError, match="density must be a float"):
        classifier(density=np.array(3)).fit(X, Y)


def test_numbers_of_a_few_bits():
    """Products of what is given in 8 bits may need more."""
    numbers = {"n_tables": 200, "n_bits": 5, "max_iter": 100, "hidden_layer_sizes": 7}
    numbers |= {"batch_size": 3, "output_density": 3}
    small = {name: np.uint8(number) for name, number in numbers.items()}
    settings = {"learning_rate": "linear", "random_state": 0, "n_iter_no_change": 1000}
    fits = [LSHMLPClassifier(**given, **settings).fit(X, Y) for given in (numbers, small)]
    assert_array_equal(*(fit.loss_curve_ for fit in fits))
    assert_array_equal(*(fit.predict_proba(X) for fit in fits))


def test_quantities():
    quantity = Quantity(0, closed="left")
    assert all(quantity.is_satisfied_by(x) for x in (0, 0.5, 10**300))
    assert not any(quantity.is_satisfied_by(x) for x in (-1, np.nan, np.inf, "1", None, 10**400))
    assert not Quantity(0, closed="neither").is_satisfied_by(0)


@pytest.mark.parametrize(
    "bad",
    [
        {"n_bits": 17},
        {"n_bits": 33, "hash_function": "minhash"},
        {"n_bits": True},
        {"n_tables": True},
        {"batch_size": True},
        {"max_iter": True},
        {"n_iter_no_change": True},
        {"hidden_layer_sizes": True},
        *({name: 10**400} for name in ("alpha", "learning_rate_init", "power_t", "tol", "epsilon")),
        {"n_tables": 2**16},
    ],
)
def test_numbers_that_are_none(bad):
    name, value = next(iter(bad.items()))
    with pytest.raises(ValueError, match=f"'{name}' parameter of .* Got {value}"):
        classifier(**bad).fit(X, Y)


def test_widths_that_are_no_numbers():
    for sizes in ([True], [3, 2.5], ["3"]):
        with pytest.raises(ValueError, match="hidden_layer_sizes must be integers > 0"):
            classifier(hidden_layer_sizes=sizes).fit(X, Y)


@pytest.mark.parametrize(
    ("family", "message"),
    [
        (E2LSH(width=-1.0), "'width' parameter of E2LSH"),
        (E2LSH(width=np.nan), "'width' parameter of E2LSH"),
        (MinHash(n_hashes=0), "'n_hashes' parameter of MinHash"),
        (MinHash(n_hashes=1.5), "'n_hashes' parameter of MinHash"),
        (SimHash(n_bits=17), "'n_bits' parameter of SimHash"),
        (SimHash(projections="other"), "'projections' parameter of SimHash"),
        (SimpleLSH(n_ranges=True), "'n_ranges' parameter of SimpleLSH"),
    ],
    ids=repr,
)
def test_families_inside_a_network_are_checked_before_anything_else(family, message):
    for estimator in (classifier(hash_function=family), regressor(hash_function=family)):
        for method in (estimator.fit, estimator.partial_fit):
            with pytest.raises(ValueError, match=message) as caught:
                method(None, None)
            assert "hash_function=" in str(caught.value)
        assert not vars(estimator).keys() - estimator.get_params().keys()


def test_a_family_is_asked_about_what_the_network_gives_it():
    # Its own bits are too many, but the network has others.
    family = SimHash(n_bits=17)
    assert classifier(hash_function=family, n_bits=3, n_tables=2).fit(X, Y).n_iter_ == 2
    assert family.n_bits == 17


@pytest.mark.parametrize("y", [Y, Y % 2, INDICATOR], ids=["classes", "binary", "labels"])
def test_parameters_of_predictions_are_checked_when_they_are_used(y):
    estimator = classifier().fit(X, y)
    calls = [
        estimator.predict,
        estimator.predict_proba,
        estimator.predict_log_proba,
        estimator.predict_top_k,
        estimator.count_work,
    ]
    for bad in ({"predict_selection": "foo"}, {"predict_selection": "lsh"}, {"n_jobs": "all"}):
        estimator.set_params(**{"predict_selection": None, "n_jobs": None, **bad})
        for call in calls:
            with pytest.raises(ValueError, match=f"'{next(iter(bad))}' parameter of"):
                call(X)


def test_binary_classes_are_ranked_by_the_selection_that_is_asked_for():
    wide = RNG.standard_normal((200, 30))
    y = (wide[:, 0] > 0).astype(int)
    estimator = LSHMLPClassifier((400,), density=0.05, n_tables=2, max_iter=3, random_state=0)
    estimator.fit(wide, y)
    scores = {}
    for selection in (None, "topk"):
        estimator.set_params(predict_selection=selection)
        codes, ranked = estimator.predict_top_k(wide, 2)
        proba = estimator.predict_proba(wide)
        assert_array_equal(ranked, np.take_along_axis(proba, codes, axis=1))
        scores[selection] = proba
    assert (scores[None] != scores["topk"]).any()


# ---- numbers that float32 does not hold


@pytest.mark.parametrize("solver", ["adam", "adagrad", "rowwise_adagrad"])
@pytest.mark.parametrize("epsilon", [1e-46, 5e-324, 1e300])
def test_epsilon_beyond_float32(solver, epsilon):
    idle = X.copy()
    idle[:, 3] = 0
    near = min(max(epsilon, 1.2e-38), 3.4e38)
    fitted, expected = (
        classifier(solver=solver, epsilon=value, density=1.0).fit(idle, Y)
        for value in (epsilon, near)
    )
    assert_allclose(fitted.loss_curve_, expected.loss_curve_, rtol=1e-5)


def test_a_power_beyond_all_numbers():
    schedule = {"solver": "sgd", "learning_rate": "invscaling"}
    estimator = classifier(**schedule, power_t=1e308, max_iter=4).fit(X, Y)
    assert estimator._network.optimizer.learning_rate == 0


@pytest.mark.parametrize("alpha", [1e-4, 1e10])
def test_two_threads_that_decay_weights_to_nothing(alpha):
    for seed in range(4):
        estimator = LSHMLPRegressor(
            hidden_layer_sizes=(40,),
            alpha=alpha,
            batch_size=1,
            max_iter=2,
            n_jobs=2,
            random_state=seed,
        ).fit(np.tile(X, (3, 8)), np.tile(X[:, 0], 3))
        assert np.isfinite(estimator.loss_)
        assert alpha < 1 or max(np.abs(coef).max() for coef in estimator.coefs_) < 0.1


def test_two_threads_go_on_with_the_factor_that_there_is():
    # Strong decay, so that the common factor has to be multiplied in within an epoch. A step that
    # another thread divides by the old one would be 10**12 times too long.
    strong = LSHMLPRegressor(
        "squared_error", (40,), alpha=300, batch_size=1, max_iter=3, solver="sgd"
    )
    for seed in range(4):
        strong.set_params(n_jobs=2, random_state=seed).fit(np.tile(X, (5, 8)), np.tile(X[:, 0], 5))
        assert max(np.abs(coef).max() for coef in strong.coefs_) < 1


# ---- weights


@pytest.mark.parametrize("make", [classifier, regressor])
@pytest.mark.parametrize("scale", [3e38, 1e-44])
def test_weights_of_which_sums_are_beyond_float32(make, scale):
    ratios = np.where(Y == 0, 0.5, 1.0)
    given, usual = (
        make(alpha=0, max_iter=5).fit(X, Y, ratios * by, X_val=X, y_val=Y, sample_weight_val=ratios)
        for by in (scale, 1)
    )
    assert_allclose(given.loss_curve_, usual.loss_curve_, rtol=0.03)
    assert given.loss_curve_[-1] < given.loss_curve_[0]


@pytest.mark.parametrize("scale", [3e38, 1e-44])
def test_weights_of_validation_rows_that_are_beyond_float32(scale):
    ratios = np.where(Y == 0, 0.5, 1.0)
    given, usual = (
        classifier().fit(X, Y, X_val=X, y_val=Y, sample_weight_val=ratios * by) for by in (scale, 1)
    )
    assert_allclose(given.validation_loss_curve_, usual.validation_loss_curve_, rtol=0.03)
    assert_allclose(given.validation_scores_, usual.validation_scores_, rtol=0.03)


def test_moderate_weights_are_left_alone():
    assert moderate_weights(None) is None
    weights = np.array([0, 1, 2], np.float32)
    assert moderate_weights(weights) is weights
    assert_allclose(moderate_weights(np.float32(1e38) * weights), [0, 0.5, 1])
    assert_allclose(moderate_weights(np.float32(1e-30) * weights), [0, 0.5, 1])


def test_class_weights_times_weights_beyond_float32():
    weighted = classifier(class_weight={0: 1e30})
    with pytest.raises(ValueError, match="sample_weight times class_weight must be finite"):
        weighted.fit(X, Y, np.full(60, 1e30))
    with pytest.raises(TypeError, match=r"class_weight\[0\] must be a number, got 'a'"):
        classifier(class_weight={0: "a"}).fit(X, Y)


# ---- y


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (Y.astype(str), "y must be an array of numbers, got an array of <U21"),
        (np.array(["a", 1, 2] * 20, object), "y must be an array of numbers: could not convert"),
        (np.array([None, 1, 2] * 20, object), "y contains NaN, None or infinity"),
        (np.array([np.nan, 1, 2] * 20, object), "y contains NaN, None or infinity"),
        (np.zeros(60, "datetime64[s]"), "y must be an array of numbers"),
        (sp.coo_array(np.ones(60)), "y must have two dimensions if it is sparse, got 1"),
        (np.ones((60, 2, 2)), "dim"),
    ],
)
def test_targets_of_a_regressor_that_are_no_numbers(y, message):
    for method in (regressor().fit, regressor().partial_fit):
        with pytest.raises(ValueError, match=message):
            method(X, y)


def test_objects_that_are_numbers():
    numbers = regressor().fit(X, Y.astype(object))
    assert_array_equal(numbers.predict(X), regressor().fit(X, Y).predict(X))


def test_samples_of_one_dimension():
    one = sp.coo_array(np.ones(60))
    for make in (classifier, regressor):
        with pytest.raises(ValueError, match="X must have two dimensions if it is sparse, got 1"):
            make().fit(one, Y)
        with pytest.raises(ValueError, match="X must have two dimensions if it is sparse, got 1"):
            make().fit(X, Y).predict(one)


@pytest.mark.parametrize("container", [sp.csr_array, sp.csc_matrix, sp.coo_array])
def test_sparse_targets_of_one_column(container):
    with pytest.warns(DataConversionWarning):
        expected = classifier().fit(X, Y[:, np.newaxis])
    column = container(Y[:, np.newaxis])
    found = classifier().fit(X, column)
    assert_array_equal(found.classes_, [0, 1, 2])
    assert_array_equal(found.predict_proba(X), expected.predict_proba(X))
    assert found.score(X, Y) == expected.score(X, Y)
    going_on = classifier().partial_fit(X, column, classes=[0, 1, 2])
    assert_array_equal(going_on.partial_fit(X, column).classes_, [0, 1, 2])
    numbers = regressor().fit(X, column)
    assert_array_equal(numbers.predict(X), regressor().fit(X, Y).predict(X))


def test_a_regressor_scores_sparse_targets():
    targets = sp.csr_array(INDICATOR.astype(float))
    estimator = regressor().fit(X, targets)
    expected = r2_score(targets.toarray(), estimator.predict(X))
    assert estimator.score(X, targets) == pytest.approx(expected)
    assert estimator.score(X, targets, np.arange(60)) != expected


@pytest.mark.parametrize(
    ("classes", "error", "message"),
    [
        ([], ValueError, "classes must be a list of one class or more, got"),
        ([[0, 1, 2]], ValueError, "classes must be a list of one class or more, got"),
        ([0, None], TypeError, "classes must have labels that are all numbers or all strings"),
        ([0, np.nan, 2], ValueError, "classes has labels that are NaN"),
        (list("abc"), TypeError, "y has labels that are numbers, but those of classes are strings"),
        ([0, 1], ValueError, "has classes not in"),
    ],
)
def test_bad_classes(classes, error, message):
    with pytest.raises(error, match=message):
        classifier().partial_fit(X, Y, classes=classes)


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_classes_of_label_indicators_are_their_columns(container):
    y = container(INDICATOR)
    for classes in (list("abc"), [0, 1], [1, 2, 3], []):
        with pytest.raises(ValueError, match="classes of label indicators are the numbers of the"):
            classifier().partial_fit(X, y, classes=classes)
        with pytest.raises(ValueError, match="classes of label indicators are the numbers of the"):
            classifier().partial_fit(X, y).partial_fit(X, y, classes=classes)
    given = classifier().partial_fit(X, y, classes=[0, 1, 2]).partial_fit(X, y, classes=[2, 1, 0])
    without = classifier().partial_fit(X, y).partial_fit(X, y)
    assert_array_equal(given.predict_proba(X), without.predict_proba(X))


def test_indices_outside_are_found_before_anything_reads_them():
    y = sp.csc_array(INDICATOR)
    y.indices[:] = 10**9
    with pytest.raises(ValueError, match="matrix y is not valid: its indices must be from 0 to 59"):
        classifier().partial_fit(X, y)
    wrong = sp.csr_array(np.eye(60))
    wrong.indices = wrong.indices + 0.5
    with pytest.raises(
        ValueError, match="matrix X is not valid: its indices must be a list of int"
    ):
        classifier().fit(wrong, Y)
    ragged = sp.lil_array(np.eye(60))
    ragged.rows[0] = [10**6]
    with pytest.raises(ValueError, match="matrix X is not valid: its indices must be from 0 to 59"):
        classifier().fit(ragged, Y)


# ---- shapes that are only declared


@pytest.mark.parametrize("container", [sp.csr_array, sp.coo_array])
def test_huge_shapes_are_refused_without_memory_for_them(container):
    for n_columns in (2**32, 2**40, 2**62):
        wide = container((60, n_columns), dtype=np.float32)
        with pytest.raises(ValueError, match=f"X has {n_columns} columns"):
            classifier().fit(wide, Y)
        with pytest.raises(ValueError, match=f"y has {n_columns} columns"):
            classifier().fit(X, wide.astype(int))
        with pytest.raises(ValueError, match=f"X has {n_columns} columns"):
            SimHash().fit(wide)
    wide = container((60, 2**32 - 1), dtype=np.float32)
    with pytest.raises(ValueError, match="weights do not fit into memory: X has 4294967295 feat"):
        classifier(hidden_layer_sizes=(1000,)).fit(wide, Y)
    with pytest.raises(ValueError, match=r"weights do not fit into memory.*4294967295 outputs"):
        classifier(hidden_layer_sizes=(1000,)).fit(X, wide.astype(int))
    with pytest.raises(ValueError, match=r"hidden_layer_sizes is \[1000000000000\]"):
        classifier(hidden_layer_sizes=[10**12]).fit(X, Y)


# ---- training that goes astray, or goes on


def test_divergence_is_called_so_and_not_after_the_scorers_error():
    rng = np.random.default_rng(0)
    far, targets = rng.normal(size=(200, 5)) * 1000, rng.normal(size=200) * 1000
    diverging = LSHMLPRegressor(
        "squared_error",
        (20,),
        solver="sgd",
        learning_rate_init=0.1,
        early_stopping=True,
        random_state=0,
    )
    with np.errstate(all="ignore"), pytest.warns(ConvergenceWarning, match="Training diverged in"):
        diverging.fit(far, targets)
    assert np.isfinite(diverging.predict(far)).all()
    diverging.set_params(early_stopping=False)
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="non-finite parameter weights"):
        diverging.fit(far, targets, X_val=far, y_val=targets)


def test_warm_start_with_early_stopping_learns_again():
    y = (X[:, 0] > 0).astype(int)
    settings = {"early_stopping": True, "validation_fraction": 0.4, "learning_rate_init": 0.05}
    estimator = LSHMLPClassifier((40,), n_iter_no_change=5, random_state=0, **settings)
    estimator.set_params(warm_start=True).fit(X, y)
    assert estimator.score(X, y) > 0.9
    for _ in range(3):
        estimator.fit(X, 1 - y)
    assert estimator.score(X, 1 - y) > 0.9


def test_scorers_that_return_no_number():
    for found in ("high", None, [1, 2]):
        estimator = classifier(early_stopping=True, scoring=lambda *_, found=found: found)
        with pytest.raises(ValueError, match="scoring must be a scorer that returns a number, but"):
            estimator.fit(X, Y)


def test_a_validation_set_that_leaves_nothing_to_train_on():
    with pytest.raises(ValueError, match=r"Decrease 'validation_fraction' \(0.99\)"):
        classifier(early_stopping=True, validation_fraction=0.99).fit(X, Y)
