"""Bad or unusual input: a clear error or the right result, never a crash."""

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor

X, Y = make_classification(
    60, n_features=8, n_informative=5, n_classes=3, n_clusters_per_class=1, random_state=0
)
HASHED = {"hidden_layer_sizes": (16,), "density": 0.5, "max_iter": 3, "random_state": 0}


def classifier(**parameters):
    return LSHMLPClassifier(**{**HASHED, **parameters})


def regressor(**parameters):
    return LSHMLPRegressor(**{**HASHED, **parameters})


def csr(indptr, indices, data, shape, container=sp.csr_array):
    """A sparse matrix made of its parts without SciPy looking at them."""
    matrix = container(shape)
    matrix.indptr, matrix.indices = np.asarray(indptr), np.asarray(indices)
    matrix.data = np.asarray(data, dtype=float)
    return matrix


# ---- values


@pytest.mark.parametrize("make", [classifier, regressor])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity(make, sparse, value):
    bad = X.copy()
    bad[3, 2] = value
    bad = sp.csr_array(bad) if sparse else bad
    with pytest.raises(ValueError, match=r"contains (NaN|infinity)"):
        make().fit(bad, Y)
    with pytest.raises(ValueError, match=r"contains (NaN|infinity)"):
        make().fit(X, Y).predict(bad)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("value", [1e39, -1e39])
def test_too_large_for_float32(sparse, value):
    bad = X.copy()
    bad[3, 2] = value
    bad = sp.csr_array(bad) if sparse else bad
    with pytest.raises(ValueError, match=r"X has values too large for float32.*1e\+39"):
        classifier().fit(bad, Y)
    with pytest.raises(ValueError, match=r"X has values too large for float32"):
        classifier().fit(X, Y).predict_proba(bad)


def test_target_too_large_for_float32():
    y = Y.astype(float)
    y[0] = -1e300
    with pytest.raises(ValueError, match=r"y has values too large for float32"):
        regressor().fit(X, y)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("solver", ["sgd", "adam", "adagrad", "rowwise_adagrad"])
def test_diverging(solver):
    with pytest.raises(ValueError, match=r"non-finite parameter weights"):
        regressor(solver=solver, learning_rate_init=1e30, max_iter=50).fit(X * 1e15, Y)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("rate", [1e3, 1e30])
def test_diverging_where_layers_are_sketched(rate):
    rng = np.random.default_rng(0)
    wide, labels = rng.uniform(size=(200, 40)), rng.integers(3, size=200)
    network = LSHMLPClassifier(
        (300, 300), density=0.1, solver="sgd", learning_rate_init=rate, max_iter=20, random_state=0
    )
    with pytest.raises(ValueError, match=r"non-finite parameter weights"):
        network.fit(wide * 1e3, labels)


@pytest.mark.parametrize("make", [classifier, regressor])
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
def test_all_zero(make, kind):
    estimator = make().fit(kind(np.zeros_like(X)), Y)
    assert np.isfinite(estimator.loss_)
    assert len(np.unique(estimator.predict(kind(np.zeros((5, 8)))))) == 1


def test_empty_rows():
    sparse = sp.random_array((40, 30), density=0.05, rng=0, format="csr")
    assert (np.diff(sparse.indptr) == 0).any()
    y = np.arange(40) % 4
    for settings in ({}, {"output_density": 0.5}):
        estimator = classifier(**settings).fit(sparse, y)
        assert_allclose(estimator.predict_proba(sparse).sum(axis=1), 1, rtol=1e-5)


def test_no_samples_no_features():
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        classifier().fit(np.empty((0, 8)), [])
    with pytest.raises(ValueError, match=r"0 feature\(s\)"):
        classifier().fit(np.empty((4, 0)), [0, 1, 0, 1])


# ---- sparse matrices made by hand


def test_duplicates_and_unsorted_indices():
    canonical = sp.csr_array(np.round(X, 2).astype(np.float32))
    rows = np.repeat(np.arange(60), np.diff(canonical.indptr))
    order = np.lexsort((-canonical.indices, rows))
    # Every entry twice, half of it each time, in descending order.
    messy = csr(
        2 * canonical.indptr,
        np.repeat(canonical.indices[order], 2),
        np.repeat(canonical.data[order] / 2, 2),
        X.shape,
    )
    before = messy.indptr.copy(), messy.indices.copy(), messy.data.copy()
    expected = classifier().fit(canonical, Y)
    estimator = classifier().fit(messy, Y)
    assert_allclose(estimator.loss_curve_, expected.loss_curve_, rtol=1e-5)
    assert_allclose(estimator.predict_proba(messy), expected.predict_proba(canonical), rtol=1e-4)
    for array, copy in zip((messy.indptr, messy.indices, messy.data), before, strict=True):
        assert_array_equal(array, copy)


def test_stale_flags_are_not_believed():
    messy = csr([0, 2, 2], [1, 0], [1.0, 2.0], (2, 3))
    messy.has_sorted_indices = True
    messy.has_canonical_format = True
    dense = np.array([[2.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    estimator = classifier().fit(messy, [0, 1])
    assert_allclose(estimator.predict_proba(messy), estimator.predict_proba(dense), rtol=1e-5)


@pytest.mark.parametrize("container", [sp.csr_array, sp.csr_matrix, sp.csc_array, sp.csc_matrix])
@pytest.mark.parametrize("index", [-1, 3, 2**31 - 1])
def test_indices_outside(container, index):
    bad = csr([0, 1, 1, 2], [0, index], [1.0, 1.0], (3, 3), container)
    with pytest.raises(ValueError, match=r"indices must be from 0 to 2"):
        classifier().fit(bad, [0, 1, 2])
    good = classifier().fit(np.eye(3), [0, 1, 2])
    with pytest.raises(ValueError, match=r"indices must be from 0 to 2"):
        good.predict(bad)
    with pytest.raises(ValueError, match=r"indices must be from 0 to 2"):
        good.partial_fit(bad, [0, 1, 2])


def test_coo_indices_outside():
    bad = sp.coo_array(np.eye(3))
    bad.coords[1][0] = 7
    with pytest.raises(ValueError, match=r"indices must be from 0 to 2"):
        classifier().fit(bad, [0, 1, 2])


@pytest.mark.parametrize(
    "indptr", [[0, 2, 1, 2], [1, 1, 1, 2], [0, 1, 1, 9], [0, 1, 2], [0, -1, 1, 2]]
)
def test_bad_indptr(indptr):
    with pytest.raises(ValueError, match=r"indptr must start at 0, never decrease"):
        classifier().fit(csr(indptr, [0, 1], [1.0, 1.0], (3, 3)), [0, 1, 2])


def test_label_indices_outside():
    bad = csr(np.arange(61), np.full(60, 5), np.ones(60), (60, 4))
    with pytest.raises(ValueError, match=r"indices must be from 0 to 3"):
        classifier().fit(X, bad)


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("value", [np.float32, np.float64, np.int16, bool])
def test_sparse_dtypes(index, value):
    sparse = sp.csr_array((X > 0.5).astype(value))
    sparse.indptr, sparse.indices = sparse.indptr.astype(index), sparse.indices.astype(index)
    expected = classifier().fit(sp.csr_array((X > 0.5).astype(np.float64)), Y)
    estimator = classifier().fit(sparse, Y)
    assert_array_equal(estimator.predict_proba(sparse), expected.predict_proba(sparse))


@pytest.mark.parametrize("format", ["csr", "csc", "coo", "bsr", "lil", "dok", "dia"])
def test_sparse_formats(format):
    sparse = sp.csr_array(np.where(X > 0.5, X, 0))
    expected = classifier().fit(sparse, Y).predict_proba(sparse)
    other = sparse.asformat(format)
    assert_array_equal(classifier().fit(other, Y).predict_proba(other), expected)


# ---- memory layouts


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", ">f8", "f2", "i4", ">i8", "u1", "O"])
def test_dense_dtypes(dtype):
    whole = np.round(np.abs(X)).astype(dtype)
    expected = classifier().fit(whole.astype(float), Y).predict_proba(whole.astype(float))
    assert_allclose(classifier().fit(whole, Y).predict_proba(whole), expected, rtol=1e-5)


def test_float64_is_not_copied_as_a_whole(monkeypatch):
    """The network gets the user's own array, and the arrays of a canonical CSR matrix."""
    seen = []
    from sklearn_lsh.network import Network

    train_epoch = Network.train_epoch

    def spy(self, data, *args, **kwargs):
        seen.append(data)
        return train_epoch(self, data, *args, **kwargs)

    monkeypatch.setattr(Network, "train_epoch", spy)
    sparse = sp.csr_matrix(X)
    classifier(max_iter=1).fit(X, Y)
    classifier(max_iter=1).fit(sparse, Y)
    assert np.shares_memory(seen[0], X)
    assert np.shares_memory(seen[1].data, sparse.data)
    assert np.shares_memory(seen[1].indices, sparse.indices)


@pytest.mark.parametrize("layout", [np.asfortranarray, lambda a: np.repeat(a, 2, axis=1)[:, ::2]])
def test_layouts(layout):
    expected = classifier().fit(X, Y).predict_proba(X)
    assert_allclose(classifier().fit(layout(X), Y).predict_proba(layout(X)), expected, rtol=1e-5)


def spread_out(array):
    """The same values, every other element of a longer array."""
    return np.repeat(array, 2)[::2]


def big_endian(array):
    """The same values in the other byte order."""
    return array.astype(array.dtype.newbyteorder(">"))


def misaligned(array):
    """The same values, one byte off their natural place in memory."""
    room = np.empty(array.nbytes + 1, np.uint8)
    room[1:] = array.view(np.uint8)
    return room[1:].view(array.dtype)


@pytest.mark.parametrize("layout", [spread_out, misaligned, big_endian])
def test_layouts_of_sparse_parts(layout):
    sparse = sp.csr_array(X)
    expected = classifier(output_density=0.7).fit(sparse, Y).predict_proba(sparse)
    odd = csr(*map(layout, (sparse.indptr, sparse.indices)), [], X.shape)
    odd.data = layout(sparse.data)
    estimator = classifier(output_density=0.7).fit(odd, Y)
    assert_array_equal(estimator.predict_proba(odd), expected)


def test_misaligned():
    odd = misaligned(X.ravel()).reshape(X.shape)
    expected = classifier().fit(X, Y).predict_proba(X)
    assert_array_equal(classifier().fit(odd, Y).predict_proba(odd), expected)


@pytest.mark.parametrize("sparse", [False, True])
def test_read_only_memmap(tmp_path, sparse):
    joblib.dump((sp.csr_array(X) if sparse else X, Y, np.ones(60)), tmp_path / "data")
    mapped, y, weight = joblib.load(tmp_path / "data", mmap_mode="r")
    estimator = classifier(output_density=0.7).fit(mapped, y, weight)
    assert estimator.predict(mapped).shape == (60,)
    estimator.partial_fit(mapped, y, weight)


def test_input_is_left_alone():
    for data in (X.copy(), sp.csr_array(X)):
        before, y, weight = data.copy(), Y.copy(), np.ones(60)
        classifier().fit(data, y, weight).predict(data)
        assert (data != before).sum() == 0
        assert_array_equal(y, Y)
        assert_array_equal(weight, 1)


# ---- few of everything


@pytest.mark.parametrize("settings", [{}, {"output_density": 0.5}, {"selection": "all"}])
def test_one_class(settings):
    estimator = classifier(**settings).fit(X, np.full(60, "only"))
    assert set(estimator.predict(X)) == {"only"}
    assert_array_equal(estimator.predict_proba(X), np.ones((60, 1)))
    assert_array_equal(estimator.predict_log_proba(X), np.zeros((60, 1)))
    assert estimator.classes_.tolist() == ["only"]


@pytest.mark.parametrize("settings", [{}, {"output_density": 0.5}, {"selection": "topk"}])
def test_one_sample_one_feature_one_neuron(settings):
    one = {"hidden_layer_sizes": (1,), "density": 1}
    assert classifier(**settings).fit(X[:1], Y[:1]).predict(X[:1]) == Y[0]
    assert classifier(**settings).fit(X[:, :1], Y).predict(X[:, :1]).shape == (60,)
    assert classifier(**{**settings, **one}).fit(X, Y).predict(X).shape == (60,)
    assert regressor(**settings).fit(X[:1], Y[:1]).predict(X[:1]).shape == (1,)
    assert regressor(**{**settings, **one}).fit(X, Y).predict(X).shape == (60,)


def test_no_hidden_layer():
    estimator = classifier(hidden_layer_sizes=(), density=(), max_iter=5).fit(X, Y)
    assert [coef.shape for coef in estimator.coefs_] == [(8, 3)]


# ---- labels and targets


def test_unseen_classes():
    estimator = classifier().partial_fit(X, Y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match=r"classes not in `self.classes_`: \[7\]"):
        estimator.partial_fit(X, np.where(Y == 1, 7, Y))
    with pytest.raises(ValueError, match=r"is not the same as on last call to partial_fit"):
        estimator.partial_fit(X, Y, classes=[0, 1, 2, 3])
    with pytest.raises(ValueError, match=r"classes not in `self.classes_`"):
        classifier().partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(ValueError, match=r"classes not in `self.classes_`"):
        classifier().fit(X, Y, X_val=X, y_val=Y + 1)


def test_labels_are_not_cut_short():
    """Labels longer than any class are unseen, not the class that they begin with."""
    estimator = classifier().partial_fit(X, np.array(["a", "b", "c"])[Y], classes=["a", "b", "c"])
    with pytest.raises(ValueError, match=r"classes not in"):
        estimator.partial_fit(X, np.array(["ab", "b", "c"])[Y])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.linspace(0, 1, 60), "Unknown label type: continuous"),
        (np.c_[Y, Y], "Unknown label type: multiclass-multioutput"),
        (np.r_[Y[:-1], 0][:59], "inconsistent numbers of samples"),
        (None, "requires y to be passed"),
    ],
)
def test_bad_labels(y, message):
    with pytest.raises(ValueError, match=message):
        classifier().fit(X, y)


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
def test_no_labels_at_all(kind):
    y = kind(np.zeros((60, 30), int))
    estimator = classifier(output_density=0.2, max_iter=60, learning_rate_init=0.05).fit(X, y)
    assert estimator.predict(X).sum() / 60 < 1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_bad_regression_targets(bad):
    y = Y.astype(float)
    y[1] = bad
    with pytest.raises(ValueError, match=r"Input y contains"):
        regressor().fit(X, y)


def test_poisson_needs_non_negative_targets():
    with pytest.raises(ValueError, match=r"loss='poisson' needs y >= 0"):
        regressor(loss="poisson").fit(X, Y - 1.0)


@pytest.mark.parametrize("make", [classifier, regressor])
def test_column_vector(make):
    with pytest.warns(match=r"A column-vector y was passed"):
        estimator = make().fit(X, Y[:, np.newaxis])
    assert estimator.predict(X).shape == (60,)


@pytest.mark.parametrize("make", [classifier, regressor])
def test_changed_feature_count(make):
    estimator = make().fit(X, Y)
    for method in (estimator.predict, lambda data: estimator.partial_fit(data, Y)):
        with pytest.raises(ValueError, match=r"7 features, but .* is expecting 8 features"):
            method(X[:, :7])
    with pytest.raises(ValueError, match=r"7 features, but .* is expecting 8 features"):
        estimator.set_params(warm_start=True).fit(X[:, :7], Y)


def test_changed_targets():
    multi = regressor(warm_start=True).fit(X, np.c_[Y, Y])
    with pytest.raises(ValueError, match=r"`y` has 3 outputs, but the network was trained with 2"):
        multi.fit(X, np.c_[Y, Y, Y])
    with pytest.raises(ValueError, match=r"same classes as in the previous call to fit"):
        classifier(warm_start=True).fit(X, Y).fit(X, Y + 1)
    labels = classifier(warm_start=True).fit(X, np.eye(3, dtype=int)[Y])
    with pytest.raises(ValueError, match=r"label indicator matrix of shape \(n_samples, 3\)"):
        labels.fit(X, np.eye(4, dtype=int)[Y])
    with pytest.raises(ValueError, match=r"label indicator matrix"):
        labels.partial_fit(X, Y)


def test_not_fitted():
    for method in ("predict", "predict_proba", "predict_log_proba"):
        with pytest.raises(NotFittedError):
            getattr(classifier(), method)(X)
    for name in ("coefs_", "intercepts_", "classes_", "loss_curve_"):
        assert not hasattr(classifier(), name)


# ---- weights


@pytest.mark.parametrize("make", [classifier, regressor])
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.full(60, -1.0), "Negative values in data passed to `sample_weight`"),
        (np.zeros(60), "at least one non-zero"),
        (np.full(60, 1e-60), "zero in float32"),
        (np.full(60, 1e60), "sample_weight has values too large for float32"),
        (np.full(60, np.nan), "sample_weight contains NaN"),
        (np.ones(59), "sample_weight.shape"),
        (np.ones((60, 2)), "1D array or scalar"),
    ],
)
def test_bad_sample_weight(make, weight, message):
    with pytest.raises(ValueError, match=message):
        make().fit(X, Y, weight)


def test_bad_class_weight():
    with pytest.raises(ValueError, match=r"finite weights that are not negative"):
        classifier(class_weight={0: -1}).fit(X, Y)
    with pytest.raises(ValueError, match=r"zero: they are sample_weight times class_weight"):
        classifier(class_weight={0: 0, 1: 0, 2: 0}).fit(X, Y)
    with pytest.raises(ValueError, match=r"classes.* are not in class_weight"):
        classifier(class_weight={5: 1.0}).fit(X, Y)
    with pytest.raises(ValueError, match=r"no meaning for label indicators"):
        classifier(class_weight={0: 1}).fit(X, np.eye(3, dtype=int)[Y])
    with pytest.raises(ValueError, match=r"'balanced' is not supported by partial_fit"):
        classifier(class_weight="balanced").partial_fit(X, Y, classes=[0, 1, 2])


# ---- parameters


@pytest.mark.parametrize("make", [classifier, regressor])
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"density": 0}, "'density' parameter .* Got 0 instead"),
        ({"density": 0.0}, "'density' parameter .* Got 0.0 instead"),
        ({"density": 1.5}, "'density' parameter .* Got 1.5 instead"),
        ({"density": -1}, "'density' parameter .* Got -1 instead"),
        ({"density": "most"}, "'density' parameter .* Got 'most' instead"),
        ({"density": 17}, "density=17 .* from 1 to the width of the layer, which is 16"),
        ({"density": (0.5, 0.5)}, "one value for each hidden layer: there are 1 hidden"),
        ({"density": (0,)}, r"density\[0\]=0 .* from 1 to the width"),
        ({"density": (2.5,)}, r"density\[0\] must be a float in \(0, 1\].* Got 2.5"),
        ({"density": (None,)}, r"density\[0\] must be .* Got None"),
        ({"output_density": 0}, "'output_density' parameter .* Got 0 instead"),
        ({"output_density": 1.01}, "'output_density' parameter .* Got 1.01 instead"),
        ({"output_density": 4}, "output_density=4 .* from 1 to the width .* is [13]"),
        ({"output_density": [0.5]}, "'output_density' parameter"),
        ({"n_tables": 0}, "'n_tables' parameter .* Got 0 instead"),
        ({"n_bits": 0}, "'n_bits' parameter .* Got 0 instead"),
        ({"selection": "best"}, "'selection' parameter .* Got 'best' instead"),
        ({"predict_selection": "all"}, "'predict_selection' parameter .* Got 'all' instead"),
        ({"hash_function": "md5"}, "'hash_function' parameter .* Got 'md5' instead"),
        ({"scoring": "no such score"}, "'scoring' parameter"),
        ({"hidden_layer_sizes": (3, 0)}, r"hidden_layer_sizes must be integers > 0, got \[3, 0\]"),
        ({"hidden_layer_sizes": (3.5,)}, r"hidden_layer_sizes must be integers > 0"),
        ({"solver": "lbfgs"}, "'lbfgs' is left out: it is a batch method"),
    ],
)
def test_bad_parameters(make, parameters, message):
    with pytest.raises(ValueError, match=message):
        make(**parameters).fit(X, Y)


@pytest.mark.parametrize("estimator", [LSHMLPClassifier, LSHMLPRegressor])
def test_max_fun_is_refused(estimator):
    with pytest.raises(TypeError, match=r"no parameter 'max_fun'.*'lbfgs', which is left out"):
        estimator(max_fun=100)
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'no_such'"):
        estimator(no_such=100)


def test_samples_for_which_outputs_overflow():
    """An answer is finite, or refused."""
    estimator = classifier(output_density=2).fit(X, Y)
    far = np.full((1, X.shape[1]), 3e38)
    far[:, ::2] *= -1
    for name, k in (("predict", ()), ("predict_proba", ()), ("predict_top_k", (2,))):
        with pytest.raises(ValueError, match="X has samples for which the network's outputs are"):
            getattr(estimator, name)(far, *k)


def test_counts_that_overflow():
    regressor = LSHMLPRegressor("poisson", (), max_iter=1, random_state=0)
    regressor.fit(X, np.abs(X[:, 0]))
    assert np.isfinite(regressor.predict(X)).all()
    with pytest.raises(ValueError, match="outputs are not finite in float32"):
        regressor.predict(1e30 * np.sign(regressor.coefs_[0].T))


def test_labels_of_kinds_without_a_common_order():
    mixed = np.array([1, "a"] * (len(Y) // 2), object)
    estimator = classifier(warm_start=True).fit(X, Y)
    for refused in (
        lambda: estimator.fit(X[: len(mixed)], mixed),
        lambda: classifier().fit(X[: len(mixed)], mixed),
        lambda: estimator.partial_fit(X[: len(mixed)], mixed),
        lambda: estimator.partial_fit(X[:1], ["a"]),
    ):
        with pytest.raises(ValueError, match=r"`?y`? |Unknown label type"):
            refused()
