"""Reading a network's outputs, dense and ragged."""

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
from numpy.testing import assert_array_equal

from sklearn_lsh.csr import CSR
from sklearn_lsh.estimators.outputs import argmax, likely_labels, refuse_large_table, to_dense

from ..support.ragged import csr


def test_argmax_of_dense_rows():
    assert argmax(np.array([[0.1, 0.5, 0.5], [0.9, 0.0, 0.9]])).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([{4: 0.1, 2: 0.9}], [2]),
        ([{}, {3: 0.5}, {}, {1: 0.2, 0: 0.1}, {}], [0, 3, 0, 1, 0]),
        # Equal ones: the lowest column, wherever it stands.
        ([{7: 0.5, 2: 0.5, 5: 0.5}, {6: 0.0}], [2, 6]),
        ([{}, {}], [0, 0]),
        ([{1: -3.0, 0: -4.0}], [1]),
    ],
)
def test_argmax_of_csr_rows(rows, expected):
    assert argmax(csr(rows, 10)).tolist() == expected


def test_argmax_agree_with_dense():
    rng = np.random.default_rng(0)
    dense = rng.integers(1, 6, (200, 30)).astype(np.float32) * (rng.random((200, 30)) < 0.2)
    sparse = sp.csr_array(dense)
    rows = CSR(sparse.indptr.astype(np.uint32), sparse.indices.astype(np.uint32), sparse.data, 30)
    assert_array_equal(argmax(rows), dense.argmax(axis=1))


def test_to_dense():
    chunks = [
        (slice(0, 2), csr([{2: 0.5, 0: 0.25}, {}], 3)),
        (slice(2, 3), np.float32([[1, 2, 3]])),
    ]
    dense = to_dense(chunks, np.empty((3, 3), np.float32), inactive=-1)
    assert_array_equal(dense, [[0.25, -1, 0.5], [-1, -1, -1], [1, 2, 3]])


@pytest.mark.parametrize(
    ("relative", "expected"), [(False, [[0], [], []]), (True, [[0], [1, 2], []])]
)
def test_likely_labels(relative, expected):
    ragged = [{0: 0.9, 1: 0.1}, {2: 0.2, 0: 0.1, 1: 0.15}, {}]
    dense = np.zeros((3, 3), np.float32)
    for row, values in enumerate(ragged):
        dense[row, list(values)] = list(values.values())
    for outputs in (csr(ragged, 3), dense):
        labels = likely_labels(outputs, relative=relative)
        assert labels.counts.tolist() == [len(row) for row in expected]
        assert labels.columns.tolist() == [column for row in expected for column in row]


def test_large_tables_are_refused():
    with sklearn.config_context(working_memory=1):  # MiB, 2**18 numbers
        refuse_large_table(2**9, 2**9)
        with pytest.raises(ValueError, match="of 513 classes for 512 samples would take 1 MiB"):
            refuse_large_table(2**9, 2**9 + 1)
