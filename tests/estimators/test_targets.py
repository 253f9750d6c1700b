"""From y to the network's target, and from its outputs back."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal

from sklearn_lsh.estimators.targets import (
    BinaryTarget,
    MultiClassTarget,
    MultiLabelTarget,
    RegressionTarget,
    class_target,
    encode_labels,
)
from sklearn_lsh.inputs import indicator

from ..support.ragged import assert_canonical, csr

# ---- targets


def test_classes():
    y = np.array(["b", "a", "c", "b"])
    target = class_target(y)
    assert isinstance(target, MultiClassTarget)
    assert_canonical(target.encode(y), [[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]])
    outputs = [
        (slice(0, 2), np.array([[0.1, 0.7, 0.2], [0.4, 0.3, 0.3]], np.float32)),
        (slice(2, 4), csr([{2: 0.9, 0: 0.1}, {1: 1.0}], 3)),
    ]
    assert target.predict(outputs, 4).tolist() == ["b", "a", "c", "b"]
    tiny = np.finfo(np.float32).tiny
    expected = [[0.1, 0.7, 0.2], [0.4, 0.3, 0.3], [0.1, tiny, 0.9], [tiny, 1, tiny]]
    assert_array_equal(target.probabilities(outputs, 4), np.array(expected, np.float32))


def test_two_classes():
    y = np.array([5, 3, 3, 5])
    target = class_target(y)
    assert isinstance(target, BinaryTarget)
    assert_canonical(target.encode(y), [[1], [0], [0], [1]])
    outputs = [(slice(0, 3), np.array([[0.75], [0.25], [0.5]], np.float32))]
    assert target.predict(outputs, 3).tolist() == [5, 3, 3]
    assert_array_equal(target.probabilities(outputs, 3), [[0.25, 0.75], [0.75, 0.25], [0.5, 0.5]])


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix, sp.csr_array])
def test_labels(kind):
    y = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 1]])
    given = kind(y)
    target = class_target(given)
    assert isinstance(target, MultiLabelTarget)
    assert_canonical(target.encode(given), y)
    outputs = [
        (slice(0, 1), np.array([[0.9, 0.5, 0.6]], np.float32)),
        (slice(1, 3), csr([{2: 0.4}, {2: 0.8, 1: 0.7}], 3)),
    ]
    predicted = target.predict(outputs, 3)
    assert type(predicted) is type(given)
    if sp.issparse(predicted):
        assert predicted.has_sorted_indices
        predicted = predicted.toarray()
    assert_array_equal(predicted, y)


def test_untidy_labels():
    """Explicit zeros, duplicates and disorder mean what they mean; the matrix is left alone."""
    y = sp.csr_array((np.array([1, 0, 1]), np.array([2, 1, 0]), np.array([0, 3])), shape=(1, 3))
    assert_canonical(MultiLabelTarget(y).encode(y), [[1, 0, 1]])
    assert y.data.tolist() == [1, 0, 1]
    assert y.indices.tolist() == [2, 1, 0]


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
def test_regression(kind):
    y = np.array([[1.5, 0.0], [0.0, -2.0]])
    target = RegressionTarget(kind(y), "squared_error")
    assert_canonical(target.encode(kind(y)), y)
    outputs = [(slice(0, 1), np.array([[3, 4]], np.float32)), (slice(1, 2), csr([{1: 7.0}], 2))]
    predicted = target.predict(outputs, 2)
    assert_array_equal(predicted, [[3, 4], [0, 7]])
    assert predicted.dtype == np.float64


def test_regression_with_one_output():
    y = np.array([1.5, 0.0, 3.0])
    target = RegressionTarget(y, "squared_error")
    assert_canonical(target.encode(y), y[:, np.newaxis])
    assert target.predict([(slice(0, 3), np.ones((3, 1), np.float32))], 3).tolist() == [1, 1, 1]


def test_many_classes_are_never_dense():
    """A dense one-hot matrix of this would have 4e10 elements."""
    y = np.random.default_rng(0).permutation(200_000).astype("U")
    target = class_target(y)
    encoded = target.encode(y)
    assert encoded.shape == (200_000, 200_000)
    assert encoded.nnz == 200_000
    outputs = [(slice(0, 2), csr([{150_000: 0.5, 3: 0.2}, {1: 0.1}], 200_000))]
    assert_array_equal(target.predict(outputs, 2), target.classes[[150_000, 1]])


@pytest.mark.parametrize(
    ("classes", "labels"),
    [([1, 2, 3], [1, 4]), (["a", "b"], ["a", "bb"]), ([0.0, 1.0], [0.5]), (["a", "b"], [1, 2])],
)
def test_unknown_labels(classes, labels):
    with pytest.raises(ValueError, match=r"classes not in `self\.classes_`"):
        encode_labels(np.array(labels), np.array(classes))


def test_equal_labels_of_another_type():
    assert encode_labels(np.array([3.0, 1.0]), np.array([1, 2, 3])).tolist() == [2, 0]
    assert encode_labels(np.array(["b"], object), np.array(["a", "b"])).tolist() == [1]


# ---- indicators of many labels


def labels_as(y, dtype=np.uint8, index=np.int32, duplicates=1, zeros=False):
    """A CSR indicator, its columns in descending order, with entries repeated or zero."""
    rows, columns = np.nonzero(np.ones_like(y) if zeros else y)
    order = np.lexsort((-columns, rows))
    rows, columns = (np.repeat(part[order], duplicates) for part in (rows, columns))
    indptr = np.searchsorted(rows, np.arange(len(y) + 1)).astype(index)
    matrix = sp.csr_array((y[rows, columns].astype(dtype), columns, indptr), shape=y.shape)
    matrix.indices, matrix.indptr = columns.astype(index), indptr
    return matrix


Y = np.array([[1, 0, 1, 1], [0, 0, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0]])


@pytest.mark.parametrize("dtype", [np.uint8, bool, np.float64, np.float32, np.int64, np.int8])
@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("untidy", [{}, {"duplicates": 2}, {"zeros": True}])
def test_kinds_of_indicators(dtype, index, untidy):
    y = labels_as(Y, dtype, index, **untidy)
    before = y.data.copy(), y.indices.copy()
    target = class_target(y)
    assert isinstance(target, MultiLabelTarget)
    assert_canonical(target.encode(y), Y)
    for part, was in zip((y.data, y.indices), before, strict=True):
        assert_array_equal(part, was)


def test_repeated_labels_do_not_overflow():
    """256 times 1 is 0 in uint8."""
    assert_canonical(indicator(labels_as(Y, np.uint8, duplicates=256)), Y)


def test_shares():
    target = class_target(sp.csr_array(Y), "softmax")
    shares = Y / np.maximum(Y.sum(axis=1, keepdims=True), 1)
    assert_canonical(target.encode(sp.csr_array(Y)), shares.astype(np.float32))
    # Of equal shares all are found, whether outputs are dense or not.
    dense = np.array([[0.33, 0.01, 0.33, 0.33], [0.05, 0.9, 0.05, 0]], np.float32)
    ragged = csr([{3: 0.33, 0: 0.33, 1: 0.01, 2: 0.33}, {0: 0.05, 1: 0.9}], 4)
    for outputs in (dense, ragged):
        predicted = target.predict([(slice(0, 2), outputs)], 2)
        assert_array_equal(predicted.toarray(), [[1, 0, 1, 1], [0, 1, 0, 0]])


def test_samples_without_labels_teach_a_softmax_nothing():
    target = class_target(sp.csr_array(Y), "softmax")
    assert target.weigh(None, Y).tolist() == [1, 0, 1, 1]
    assert target.weigh(np.float32([1, 2, 3, 4]), sp.csr_array(Y)).tolist() == [1, 0, 3, 4]
    assert target.weigh(None, Y[[0, 2]]) is None
    assert class_target(Y).weigh(None, Y) is None
    with pytest.raises(ValueError, match="needs samples with labels"):
        target.weigh(None, np.zeros_like(Y))


def test_labels_are_never_dense():
    """This would be 1.6e11 elements."""
    n = 400_000
    y = sp.eye_array(n, format="csr", dtype=np.uint8)
    for loss in ("logistic", "softmax"):
        target = class_target(y, loss)
        assert target.encode(y).nnz == n
        predicted = target.predict([(slice(0, 2), csr([{n - 1: 0.9}, {}], n))], 2)
        assert predicted.nnz == 1
