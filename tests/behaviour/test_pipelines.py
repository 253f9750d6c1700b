"""The estimators inside of scikit-learn's own tools."""

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor

X, Y = load_digits(return_X_y=True)
X, Y = X[:400], Y[:400]


def classifier(**parameters):
    hashed = {"hidden_layer_sizes": (32,), "density": 0.5, "max_iter": 15, "random_state": 0}
    return LSHMLPClassifier(**{**hashed, "learning_rate_init": 0.01, **parameters})


def test_text_pipeline():
    words = ["red apple", "green pear", "blue plum", "yellow lemon"]
    texts = [f"{a} {b}" for a in words for b in ("ripe", "fresh", "sour", "sweet") * 5]
    names = np.repeat(["apple", "pear", "plum", "lemon"], 20)
    pipeline = make_pipeline(TfidfVectorizer(), classifier(output_density=0.75))
    assert pipeline.fit(texts, names).score(texts, names) == 1
    assert pipeline.predict(["a sweet red apple"]).tolist() == ["apple"]


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_grid_search_over_density(n_jobs):
    pipeline = Pipeline([("scale", MinMaxScaler()), ("net", classifier())])
    grid = {"net__density": [0.25, 8, (1.0,)], "net__selection": ["lsh", "topk"]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=n_jobs).fit(X, Y)
    assert search.best_score_ > 0.7
    assert len(search.cv_results_["params"]) == 6


def test_cross_validation():
    scores = cross_val_score(make_pipeline(MinMaxScaler(), classifier()), X, Y, cv=3)
    assert scores.min() > 0.7
    reg = LSHMLPRegressor(hidden_layer_sizes=(32,), density=0.5, max_iter=60, random_state=0)
    reg.set_params(learning_rate_init=0.01)
    assert cross_val_score(make_pipeline(MinMaxScaler(), reg), X, Y, cv=3).mean() > 0.3


def test_calibration():
    calibrated = CalibratedClassifierCV(classifier(output_density=0.5), cv=2).fit(X / 16, Y)
    assert calibrated.score(X / 16, Y) > 0.8


def test_own_validation_set_in_a_pipeline():
    with sklearn.config_context(enable_metadata_routing=True):
        net = classifier(early_stopping=True).set_fit_request(
            X_val=True, y_val=True, sample_weight=True
        )
        pipeline = make_pipeline(MinMaxScaler(), net, transform_input=["X_val"])
        pipeline.fit(X[:300], Y[:300], X_val=X[300:], y_val=Y[300:], sample_weight=np.ones(300))
        best = pipeline[-1].best_validation_score_
        assert pipeline.score(X[300:], Y[300:]) == pytest.approx(best)


def test_sample_weight_is_routed_through_a_search():
    with sklearn.config_context(enable_metadata_routing=True):
        net = classifier(max_iter=3).set_fit_request(sample_weight=True)
        net.set_score_request(sample_weight=True)
        search = GridSearchCV(net, {"density": [0.5]}, cv=2)
        weight = np.where(Y < 5, 1.0, 0.0)
        search.fit(X / 16, Y, sample_weight=weight)
    assert set(search.predict(X / 16)) <= set(range(5))


def test_partial_fit_requests():
    with sklearn.config_context(enable_metadata_routing=True):
        net = classifier().set_partial_fit_request(sample_weight=True, classes=True)
        assert net.get_metadata_routing().partial_fit.requests["classes"] is True


def test_output_containers():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(X / 16)
    assert_array_equal(
        classifier().fit(frame, Y).predict(frame), classifier().fit(X / 16, Y).predict(X / 16)
    )
