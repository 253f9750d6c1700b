"""Networks as ONNX graphs: what a runtime answers is what ``predict_selection="topk"`` does."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import is_classifier
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder, StandardScaler

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
skl2onnx = pytest.importorskip("skl2onnx")
# Imported after the packages that it needs.
import sklearn_lsh.onnx  # noqa: E402, F401

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 12)).astype(np.float32)
SPARSE = np.where(X > 0.5, X, 0)
MANY = np.arange(150) % 30
LABELS = (X[:, :8] + RNG.normal(size=(150, 8)) > 0.8).astype(int)
NUMBERS = X @ RNG.normal(size=(12, 6))
SETTINGS = {"max_iter": 3, "learning_rate_init": 0.01, "random_state": 0}
TWO_LAYERS = {"hidden_layer_sizes": (50, 40), "density": (0.2, 15)}
# Estimator, y, and what else it is told.
KINDS = {
    "one class": (LSHMLPClassifier, np.full(150, "only"), {}),
    "two classes": (LSHMLPClassifier, MANY % 2, {}),
    "two strings": (LSHMLPClassifier, np.array(["no", "yes"])[MANY % 2], {}),
    "truth values": (LSHMLPClassifier, MANY % 2 == 0, {}),
    "three classes": (LSHMLPClassifier, MANY % 3 - 5, {}),
    "bytes": (LSHMLPClassifier, (MANY % 3).astype(np.uint8), {}),
    "large numbers": (LSHMLPClassifier, MANY % 3 + 10**12, {}),
    "whole floats": (LSHMLPClassifier, MANY % 3 + 1.0, {}),
    "strings": (LSHMLPClassifier, np.array(["ä", "b", "c"], object)[MANY % 3], {}),
    "many classes": (LSHMLPClassifier, MANY, {"output_density": 7}),
    "labels": (LSHMLPClassifier, LABELS, {}),
    "sparse labels": (LSHMLPClassifier, sp.csr_array(LABELS), {}),
    "some labels": (LSHMLPClassifier, LABELS, {"output_density": 3}),
    "labels that share": (LSHMLPClassifier, LABELS, {"multilabel_loss": "softmax"}),
    "some labels that share": (
        LSHMLPClassifier,
        LABELS,
        {"multilabel_loss": "softmax", "output_density": 3},
    ),
    "a number": (LSHMLPRegressor, NUMBERS[:, 0], {}),
    "numbers": (LSHMLPRegressor, NUMBERS, {}),
    "some numbers": (LSHMLPRegressor, NUMBERS, {"output_density": 2}),
    "counts": (LSHMLPRegressor, np.exp(NUMBERS[:, 0] / 3), {"loss": "poisson"}),
    "some counts": (
        LSHMLPRegressor,
        np.exp(NUMBERS / 3),
        {"loss": "poisson", "output_density": 2},
    ),
}
LAYERS = {
    "dense": {"density": 1.0},
    "sketches": {},
    "tables": {"n_tables": 5, "n_bits": 4},
    "exact": {"selection": "topk"},
    "random": {"selection": "random"},
    "all": {"selection": "all"},
    "no hidden layer": {"hidden_layer_sizes": (), "density": "auto", "output_density": 7},
}


def convert(model, data, **options):
    """Convert a model, and return what runs it."""
    graph = skl2onnx.to_onnx(model, data[:1], **options)
    onnx.checker.check_model(graph, full_check=True)
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [given.name for given in session.get_inputs()]
    return lambda *arrays: session.run(None, dict(zip(names, arrays, strict=True)))


def assert_same_predictions(model, data, given=None, *, network=None):
    """A graph predicts as a model does, in which a network may be the last step."""
    __tracebackhide__ = True
    (network or model).set_params(predict_selection="topk")
    given = data if given is None else given
    options = {"options": {"zipmap": False}} if is_classifier(model) else {}
    answers = convert(model, given, **options)(given)
    if is_classifier(model):
        labels, probabilities = answers
        predicted, expected = model.predict(data), model.predict_proba(data)
        assert_array_equal(labels, predicted.toarray() if sp.issparse(predicted) else predicted)
        inactive = expected == np.finfo(np.float32).tiny
        assert_array_equal(probabilities == np.finfo(np.float32).tiny, inactive)
    else:
        (probabilities,), expected = answers, model.predict(data).reshape(len(given), -1)
        assert_array_equal(probabilities == 0, expected == 0)
    assert probabilities.dtype == np.float32
    # Probabilities may be small, and yet say which class is the likelier one.
    atol = 1e-37 if is_classifier(model) else 1e-5
    assert_allclose(probabilities, expected, rtol=1e-3, atol=atol)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("kind", KINDS)
def test_kinds(kind, activation):
    make, y, settings = KINDS[kind]
    model = make(activation=activation, **SETTINGS, **TWO_LAYERS, **settings).fit(X, y)
    assert_same_predictions(model, X)


@pytest.mark.parametrize("data", [X, SPARSE], ids=["dense", "sparse"])
@pytest.mark.parametrize("layers", LAYERS)
def test_layers(layers, data):
    """Whatever selected while training; first layers on sparse data have rows for inputs."""
    settings = {**SETTINGS, **TWO_LAYERS, "output_density": 9, **LAYERS[layers]}
    rows = sp.csr_array(data) if data is SPARSE else data
    model = LSHMLPClassifier(**settings).fit(rows, MANY)
    assert_same_predictions(model, rows, data)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("activation", ["identity", "relu"])
def test_equals_are_told_apart_alike(activation, seed):
    """Small integers, of which sums are exact: many neurons respond equally."""
    rng = np.random.default_rng(seed)
    data = rng.integers(-1, 2, size=(200, 6)).astype(np.float32)
    model = LSHMLPRegressor(
        "squared_error", (40, 30), activation, density=(12, 9), output_density=4, random_state=0
    )
    model.partial_fit(data[:20], rng.normal(size=(20, 15)))
    for name in ("coefs_", "intercepts_"):
        arrays = [rng.integers(-1, 2, size=array.shape) for array in getattr(model, name)]
        setattr(model, name, arrays)
    (answers,) = convert(model, data)(data)
    assert_array_equal(answers, model.set_params(predict_selection="topk").predict(data))


@pytest.mark.parametrize("shift", [-100, -60, -17, 17, 60])
@pytest.mark.parametrize("kind", ["two classes", "some labels"])
def test_small_and_large_probabilities(kind, shift):
    make, y, settings = KINDS[kind]
    model = make(**SETTINGS, **TWO_LAYERS, **settings).fit(X, y)
    *hidden, last = model.intercepts_
    model.intercepts_ = [*hidden, last + shift]
    assert_same_predictions(model, X)


@pytest.mark.parametrize("n_first", [1, 2, 3])
def test_classes_that_came_later(n_first):
    """A network that had one class at first has an output for each of two."""
    y, first = MANY % (n_first + 1), MANY % (n_first + 1) < n_first
    model = LSHMLPClassifier(**SETTINGS).partial_fit(X[first], y[first]).partial_fit(X, y)
    assert model.n_outputs_ == n_first + 1
    assert_same_predictions(model, X)


def test_selection_of_predictions_does_not_matter():
    model = LSHMLPClassifier(**SETTINGS, **TWO_LAYERS).fit(X, MANY)
    answers = convert(model, X)(X)
    same = convert(model.set_params(predict_selection="topk"), X)(X)
    assert_array_equal(answers[0], same[0])
    assert answers[1] == same[1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("kind", ["two classes", "strings", "labels"])
def test_options(kind, dtype):
    """Those of skl2onnx's classifiers, for inputs of all types."""
    _, y, settings = KINDS[kind]
    data = np.rint(3 * X).astype(dtype)
    model = LSHMLPClassifier(**SETTINGS, **settings).fit(data, y)
    labels, p = model.predict(data), model.predict_proba(data)
    names = [str(name) if kind == "strings" else int(name) for name in model.classes_]
    with_maps = convert(model, data)(data)
    assert_array_equal(with_maps[0], labels)
    assert all(list(row) == names for row in with_maps[1])
    assert_allclose([list(row.values()) for row in with_maps[1]], p, rtol=1e-4, atol=1e-6)
    with_columns = convert(model, data, options={"zipmap": "columns"})(data)
    assert_allclose(np.column_stack(with_columns[1:]), p, rtol=1e-4, atol=1e-6)
    with_classes = convert(model, data, options={"zipmap": False, "output_class_labels": True})
    assert_array_equal(with_classes(data)[2], model.classes_)
    if kind == "strings":
        as_numbers = convert(model, data, options={"nocl": True, "zipmap": False})(data)[0]
        assert_array_equal(model.classes_[as_numbers], labels)


@pytest.mark.parametrize("n_rows", [1, 7, 150])
def test_any_number_of_rows(n_rows):
    model = LSHMLPRegressor(**SETTINGS, **TWO_LAYERS).fit(X, NUMBERS)
    (answers,) = convert(model, X)(X[:n_rows])
    assert answers.shape == (n_rows, 6)


@pytest.mark.parametrize("kind", ["many classes", "some labels that share", "some counts"])
def test_old_operators(kind):
    make, y, settings = KINDS[kind]
    model = make(**SETTINGS, **TWO_LAYERS, **settings).fit(X, y)
    old = convert(model, X, target_opset={"": 11, "ai.onnx.ml": 1})(X)
    for answers, others in zip(old, convert(model, X)(X), strict=True):
        assert np.array_equal(answers, others)
    with pytest.raises(ValueError, match="target_opset must be 11 or more, got 10"):
        convert(model, X, target_opset={"": 10, "ai.onnx.ml": 1})


def network(**settings):
    return LSHMLPClassifier(**SETTINGS, **TWO_LAYERS, output_density=9, **settings)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scaled_data(dtype):
    data, y = load_digits(return_X_y=True)
    data = data.astype(dtype)
    model = make_pipeline(StandardScaler(), network()).fit(data, y)
    assert_same_predictions(model, data, network=model[-1])


def test_regressor_in_a_pipeline():
    last = LSHMLPRegressor(**SETTINGS, **TWO_LAYERS)
    model = make_pipeline(StandardScaler(), last).fit(X, NUMBERS)
    assert_same_predictions(model, X, network=last)


def test_texts():
    """The steps before may make sparse matrices, for which ONNX has dense ones."""
    words = np.array([f"word{i}" for i in range(12)])
    texts = np.array([" ".join(words[row > 0.5]) or "none" for row in X])
    # Without `lowercase`, for which the runtime needs a certain locale.
    steps = [TfidfVectorizer(lowercase=False), MaxAbsScaler(), network()]
    model = make_pipeline(*steps).fit(texts, MANY)
    assert_same_predictions(model, texts, texts.reshape(-1, 1), network=model[-1])


def test_columns():
    data = np.rint(2 * X)
    steps = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), [0, 1, 2]), (StandardScaler(), [3, 4, 5])
    )
    model = make_pipeline(steps, network()).fit(data, MANY)
    assert_same_predictions(model, data, network=model[-1])


def test_grid_search():
    search = GridSearchCV(network(), {"alpha": [0.0, 1.0]}, cv=2).fit(X, MANY)
    assert_same_predictions(search, X, network=search.best_estimator_)


@pytest.mark.parametrize("make", [LSHMLPClassifier, LSHMLPRegressor])
@pytest.mark.parametrize("wrap", [lambda model: model, make_pipeline])
def test_what_is_not_fitted_is_no_graph(make, wrap):
    with pytest.raises(NotFittedError, match=make.__name__):
        skl2onnx.to_onnx(wrap(make()), X[:1])


def test_labels_that_onnx_does_not_have():
    halves = [0.5, 1.0, 1.5]
    model = LSHMLPClassifier((5,)).partial_fit(X, np.ones(150), classes=halves)
    with pytest.raises(ValueError, match="classes_ must be integers of 64 bits, or strings"):
        convert(model, X, options={"zipmap": False})
