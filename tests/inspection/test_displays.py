"""Displays show the numbers that fitted objects have, and need matplotlib only to draw."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor
from sklearn_lsh.hashing import DWTA, E2LSH, LSHTables, MinHash, SimHash, SimpleLSH
from sklearn_lsh.inspection import (
    ActiveNeuronsDisplay,
    BucketOccupancyDisplay,
    CollisionProbabilityDisplay,
    DensityDisplay,
    TrainingCurveDisplay,
)

matplotlib = pytest.importorskip("matplotlib")
plt = pytest.importorskip("matplotlib.pyplot")
matplotlib.use("agg")

pytestmark = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning"
)

X, Y = load_digits(return_X_y=True)
X, Y = X[:300] / 16, Y[:300]


def classifier(**parameters):
    hashed = {"hidden_layer_sizes": (40, 30), "density": 0.5, "max_iter": 3, "random_state": 0}
    return LSHMLPClassifier(**{**hashed, **parameters})


@pytest.fixture(autouse=True)
def _no_figures_left():
    yield
    plt.close("all")


def test_training_curve_without_validation():
    network = classifier().fit(X, Y)
    display = TrainingCurveDisplay.from_estimator(network)
    losses, work = display.lines_
    assert_array_equal(losses.get_xdata(), [1, 2, 3])
    assert_array_equal(losses.get_ydata(), network.loss_curve_)
    first = [row for row in network.work_ if row["epoch"] == 1]
    done, dense = (
        sum(row[name] for row in first) for name in ("multiply_adds", "dense_multiply_adds")
    )
    assert_allclose(work.get_ydata()[0], done / dense)
    assert len(work.get_ydata()) == 3
    assert display.figure_ is display.axes_[0].figure


def test_training_curve_of_several_calls():
    network = classifier().fit(X, Y)
    for _ in range(2):
        network.partial_fit(X, Y)
    losses, work = TrainingCurveDisplay.from_estimator(network).lines_
    assert len(losses.get_ydata()) == len(work.get_ydata()) == 5
    assert_array_equal(np.isnan(work.get_ydata()), [True] * 4 + [False])


def test_training_curve_with_validation():
    network = classifier(scoring="balanced_accuracy").fit(X, Y, X_val=X[:50], y_val=Y[:50])
    pipeline = make_pipeline(MinMaxScaler(), network)
    display = TrainingCurveDisplay.from_estimator(pipeline, linestyle=":")
    curves = network.loss_curve_, network.validation_loss_curve_, network.validation_scores_
    for line, curve in zip(display.lines_[:3], curves, strict=True):
        assert_array_equal(line.get_ydata(), curve)
        assert line.get_linestyle() == ":"
    assert display.axes_[1].get_ylabel() == "balanced_accuracy"


@pytest.mark.parametrize(
    ("scoring", "name"), [(None, "R²"), ("loss", "loss"), (lambda *_: 0.0, "score")]
)
def test_name_of_the_score(scoring, name):
    network = LSHMLPRegressor(hidden_layer_sizes=(20,), max_iter=2, scoring=scoring, random_state=0)
    network.fit(X, Y, X_val=X, y_val=Y)
    display = TrainingCurveDisplay.from_estimator(network)
    assert display.axes_[1].get_ylabel() == name
    display = TrainingCurveDisplay.from_estimator(network, score_name="mine")
    assert display.axes_[1].get_ylabel() == "mine"


def test_training_curve_of_scikit_learn():
    dense = MLPClassifier((10,), max_iter=3, early_stopping=True).fit(X, Y)
    display = TrainingCurveDisplay.from_estimator(dense)
    assert_array_equal(display.lines_[1].get_ydata(), dense.validation_scores_)


def test_training_curve_of_something_else():
    with pytest.raises(TypeError, match="loss_curve_"):
        TrainingCurveDisplay.from_estimator(LogisticRegression().fit(X[:50], Y[:50]))


@pytest.mark.parametrize("convert", [np.asarray, sp.csr_array])
def test_active_neurons(convert):
    network = classifier(output_density=4).fit(convert(X), Y)
    display = ActiveNeuronsDisplay.from_estimator(network, convert(X))
    assert [len(load) for load in display.loads] == [40, 30, 10]
    assert_allclose([load.sum() for load in display.loads], [20, 15, 4], rtol=1e-5)
    for load, line in zip(display.loads, display.lines_, strict=True):
        assert (load >= 0).all()
        assert (load <= 1).all()
        assert_allclose(line.get_ydata(), np.sort(load)[::-1])
    # As many classes were computed as have a probability.
    computed = network.predict_proba(convert(X)) > 1e-30
    assert_allclose(display.loads[-1], computed.mean(axis=0), atol=0.02)


def test_active_neurons_of_dense_layers_and_pipelines():
    pipeline = make_pipeline(MinMaxScaler(), classifier(selection="all")).fit(X, Y)
    display = ActiveNeuronsDisplay.from_estimator(pipeline, X)
    assert all((load == 1).all() for load in display.loads)
    alone = ActiveNeuronsDisplay.from_estimator(make_pipeline(classifier()).fit(X, Y), X)
    assert_allclose(alone.loads[0].mean(), 0.5)


def test_active_neurons_follow_predict_selection():
    network = classifier().fit(X, Y)
    network.set_params(predict_selection="topk")
    responses = X.astype(np.float32) @ network.coefs_[0] + network.intercepts_[0]
    best = np.argsort(-responses, axis=1)[:, :20]
    expected = np.bincount(best.ravel(), minlength=40) / len(X)
    display = ActiveNeuronsDisplay.from_estimator(network, X)
    assert_allclose(display.loads[0], expected, atol=0.01)


def test_active_neurons_of_something_else():
    with pytest.raises(TypeError, match="MLPClassifier"):
        ActiveNeuronsDisplay.from_estimator(MLPClassifier((10,), max_iter=1).fit(X, Y), X)


def test_density():
    pipeline = make_pipeline(MinMaxScaler(), classifier(max_iter=1))
    grid = {"lshmlpclassifier__density": [1.0, 0.2], "lshmlpclassifier__solver": ["adam", "sgd"]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, Y)
    display = DensityDisplay.from_estimator(search)
    assert_array_equal(display.densities, [0.2, 1.0])
    results = search.cv_results_
    for density, score in zip(display.densities, display.scores, strict=True):
        tried = results["param_lshmlpclassifier__density"] == density
        assert score == results["mean_test_score"][tried].max()
    assert display.ax_.get_xlabel() == "density"
    assert_array_equal(display.time_line_.get_ydata(), display.seconds)


def test_density_by_name():
    search = GridSearchCV(classifier(max_iter=1), {"output_density": [2, 5]}, cv=2).fit(X, Y)
    assert DensityDisplay.from_estimator(search).name == "output_density"
    assert DensityDisplay.from_estimator(search, name="output_density").densities.tolist() == [2, 5]
    with pytest.raises(ValueError, match="name='density'"):
        DensityDisplay.from_estimator(search, name="density")


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"alpha": [0.1, 1.0]}, "name the one that is a density"),
        ({"density": ["auto", 0.5]}, "single numbers"),
        ({"density": [[0.5, 1.0], 0.5]}, "single numbers"),
    ],
)
def test_searches_without_a_density(grid, message):
    search = GridSearchCV(classifier(max_iter=1), grid, cv=2).fit(X, Y)
    with pytest.raises(ValueError, match=message):
        DensityDisplay.from_estimator(search)


def test_bucket_occupancy():
    family = SimHash(n_bits=3, n_tables=2, random_state=0).fit(X)
    codes = family.transform(X)
    display = BucketOccupancyDisplay.from_estimator(family, X)
    expected = [np.bincount(table, minlength=8) for table in codes.T]
    assert_array_equal(display.sizes, expected)
    for line, sizes in zip(display.lines_, expected, strict=False):
        assert_array_equal(line.get_ydata(), np.sort(sizes)[::-1])
    assert_array_equal(display.lines_[-1].get_ydata(), [300 / 8, 300 / 8])
    tables = LSHTables(codes, 8).delete(np.arange(100))
    assert BucketOccupancyDisplay.from_tables(tables).sizes.sum() == 2 * 200
    with pytest.raises(NotFittedError):
        BucketOccupancyDisplay.from_estimator(SimHash(), X)


@pytest.mark.parametrize(
    "family",
    [SimHash(3), SimpleLSH(2, n_ranges=3), DWTA(2), MinHash(4, n_hashes=1), E2LSH(4)],
    ids=repr,
)
@pytest.mark.parametrize("convert", [np.asarray, sp.csr_array])
def test_collision_probability(family, convert):
    family.fit(X)
    display = CollisionProbabilityDisplay.from_estimator(
        family, convert(X), n_pairs=60, n_draws=10, n_bins=4, random_state=0
    )
    assert display.similarities.shape == display.errors.shape == (4,)
    assert (np.diff(display.similarities) >= 0).all()
    assert (np.abs(display.measured - display.expected) <= 5 * display.errors).all()
    assert_array_equal(display.line_.get_ydata(), display.expected)
    assert type(family).__name__ in display.ax_.get_xlabel()


def test_collision_probability_of_something_else():
    with pytest.raises(TypeError, match="HashFamily"):
        CollisionProbabilityDisplay.from_estimator(MLPClassifier(), X)
    with pytest.raises(NotFittedError):
        CollisionProbabilityDisplay.from_estimator(SimHash(), X)
    with pytest.raises(ValueError, match="n_draws=1"):
        CollisionProbabilityDisplay.from_estimator(SimHash().fit(X), X, n_draws=1)


def test_drawn_into_given_axes_and_again():
    figure, ax = plt.subplots()
    network = classifier().fit(X, Y)
    display = ActiveNeuronsDisplay.from_estimator(network, X, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert display.plot() is display
    assert display.ax_ is not ax
    display = TrainingCurveDisplay.from_estimator(network, ax=ax)
    assert display.axes_.tolist() == [ax]
    assert display.figure_ is figure
    assert len(display.plot().axes_) == 2


def test_not_fitted():
    for draw in (
        lambda: TrainingCurveDisplay.from_estimator(classifier()),
        lambda: ActiveNeuronsDisplay.from_estimator(classifier(), X),
        lambda: DensityDisplay.from_estimator(GridSearchCV(classifier(), {"density": [0.5]})),
    ):
        with pytest.raises(NotFittedError):
            draw()


def test_matplotlib_is_not_imported_before_it_is_needed():
    code = "import sys, sklearn_lsh.inspection; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-P", "-c", code], check=True)
