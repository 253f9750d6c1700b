"""scikit-learn's callbacks: alone, through a pipeline, through a grid search."""

import io
from contextlib import redirect_stdout

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor

X, Y = load_digits(return_X_y=True)
X, Y = X[:300] / 16, Y[:300]


def classifier(**parameters):
    hashed = {"hidden_layer_sizes": (32,), "density": 0.5, "max_iter": 4, "random_state": 0}
    return LSHMLPClassifier(**{**hashed, **parameters})


class Recorder:
    """Notes what it is told; may stop after a number of epochs, or interrupt."""

    def __init__(self, stop_after=None, interrupt_after=None):
        self.stop_after = stop_after
        self.interrupt_after = interrupt_after
        self.events = []
        self.snapshots = []

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self.events.append(f"begin {context.task_name}")
        self.given = X, y, metadata

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.events.append(f"end {context.task_name}")
        self.snapshots.append(fitted_estimator)
        n_epochs = self.events.count("end epoch")
        if context.task_name == "epoch" and n_epochs == self.interrupt_after:
            raise KeyboardInterrupt
        return n_epochs == self.stop_after


def test_order_of_events():
    recorder = Recorder()
    estimator = classifier(max_iter=2).set_callbacks(recorder)
    weight = np.ones(300)
    labels = Y.tolist()
    estimator.fit(X, labels, weight)
    epoch = ["begin epoch", "end epoch"]
    assert recorder.events == ["setup", "begin fit", *epoch, *epoch, "end fit", "teardown"]
    # The data are those that the user gave.
    assert recorder.given == (X, labels, {"sample_weight": weight})


def test_training_is_the_same_with_callbacks():
    plain = classifier().fit(X, Y)
    watched = classifier().set_callbacks(Recorder()).fit(X, Y)
    assert watched.loss_curve_ == plain.loss_curve_


def test_fitted_estimators_are_snapshots():
    recorder = Recorder()
    classifier().set_callbacks(recorder).fit(X, Y)
    for n_epochs, snapshot in enumerate(recorder.snapshots[:-1], start=1):
        same = classifier(max_iter=n_epochs).fit(X, Y)
        assert_array_equal(snapshot.predict_proba(X), same.predict_proba(X))
        assert snapshot.loss_curve_ == same.loss_curve_


def test_callback_stops():
    estimator = classifier().set_callbacks(Recorder(stop_after=2)).fit(X, Y)
    assert estimator.n_iter_ == 2


@pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning")
def test_no_convergence_warning_when_a_callback_stops():
    classifier().set_callbacks(Recorder(stop_after=4)).fit(X, Y)


def test_interrupting_callback():
    recorder = Recorder(interrupt_after=3)
    with pytest.warns(UserWarning, match="interrupted by user"):
        estimator = classifier().set_callbacks(recorder).fit(X, Y)
    assert estimator.n_iter_ == 3
    assert recorder.events[-2:] == ["end fit", "teardown"]
    assert_array_equal(estimator.predict(X), recorder.snapshots[2].predict(X))


def test_partial_fit_has_no_callbacks():
    recorder = Recorder()
    classifier().set_callbacks(recorder).partial_fit(X, Y, classes=range(10))
    assert recorder.events == []


@pytest.mark.parametrize("early_stopping", [False, True])
def test_scoring_monitor(early_stopping):
    pd = pytest.importorskip("pandas")
    monitor = ScoringMonitor(scoring="accuracy")
    frame = pd.DataFrame(X).add_prefix("pixel ")
    estimator = classifier(early_stopping=early_stopping).set_callbacks(monitor)
    estimator.fit(frame, Y.astype(str))
    log = monitor.get_logs().data
    by_epoch = [row["accuracy"] for row in log if row["task_name"] == "epoch"]
    assert len(by_epoch) == 4
    at_end = [row["accuracy"] for row in log if row["task_name"] == "fit"]
    assert_allclose(at_end, estimator.score(frame, Y.astype(str)))


def test_scoring_monitor_of_a_regressor():
    monitor = ScoringMonitor(scoring="r2")
    estimator = LSHMLPRegressor(hidden_layer_sizes=(32,), density=0.5, max_iter=3, random_state=0)
    estimator.set_callbacks(monitor).fit(X, Y, np.ones(300))
    assert [row["task_name"] for row in monitor.get_logs().data].count("epoch") == 3


def test_scoring_monitor_in_a_grid_search():
    monitor = ScoringMonitor(scoring="accuracy")
    pipeline = make_pipeline(StandardScaler(), classifier(max_iter=3).set_callbacks(monitor))
    search = GridSearchCV(pipeline, {"lshmlpclassifier__density": [0.25, 0.5]}, cv=2)
    search.fit(X, Y)
    assert search.best_params_["lshmlpclassifier__density"] in (0.25, 0.5)
    # Two folds for each of two settings, and the last fit on everything.
    rows = [row for log in monitor.get_logs(select="all") for row in log.data]
    assert sum(row["task_name"] == "epoch" for row in rows) == 5 * 3


@pytest.mark.parametrize("depth", [1, None])
def test_progress_bar(depth):
    pytest.importorskip("rich")
    bar = ProgressBar(max_propagation_depth=depth)
    with redirect_stdout(io.StringIO()) as printed:
        classifier().set_callbacks(bar).fit(X, Y)
    assert "LSHMLPClassifier - fit" in printed.getvalue()
    pipeline = make_pipeline(StandardScaler(), classifier()).set_callbacks(bar)
    with redirect_stdout(io.StringIO()) as printed:
        pipeline.fit(X, Y)
    assert "Pipeline - fit" in printed.getvalue()
    assert "LSHMLPClassifier" in printed.getvalue()
    search = GridSearchCV(classifier(), {"density": [0.25, 0.5]}, cv=2).set_callbacks(bar)
    with redirect_stdout(io.StringIO()) as printed:
        search.fit(X, Y)
    assert "GridSearchCV - fit" in printed.getvalue()
