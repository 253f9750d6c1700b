"""Ragged batches: what they are made of, and what is done with them, against plain loops."""

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh import csr
from sklearn_lsh.csr import Pattern

from .support import ragged

ROWS = [{4: 1.0, 1: 2.0}, {}, {0: 3.0, 4: 0.0, 2: -1.0}, {4: 5.0}]
BATCH = ragged.csr(ROWS, 6)
DENSE = np.array(
    [[0, 2, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0], [3, 0, -1, 0, 0, 0], [0, 0, 0, 0, 5, 0]], np.float32
)


def lists(pattern):
    """The columns of each row."""
    return [part.tolist() for part in np.split(pattern.indices, pattern.indptr[1:-1])]


def make_pattern(rows):
    return ragged.csr([dict.fromkeys(row, 1.0) for row in rows], 100).pattern


def test_parts_of_a_batch():
    np.testing.assert_array_equal(BATCH.toarray(), DENSE)
    assert lists(BATCH.pattern) == [list(row) for row in ROWS]
    assert BATCH.n_rows == BATCH.pattern.n_rows == csr.n_samples(BATCH) == csr.n_samples(DENSE) == 4
    assert BATCH.pattern.n_pairs == csr.n_nonzero(BATCH) == 6
    assert csr.n_nonzero(DENSE) == 24
    assert csr.lengths_of(BATCH.indptr).tolist() == [2, 0, 3, 1]


def test_groups_by_column():
    groups = csr.group(BATCH.pattern, 6)
    assert groups.rows.tolist() == [0, 1, 2, 4]
    found = [part.tolist() for part in np.split(groups.pairs, groups.starts[1:-1])]
    assert found == [[2], [1], [4], [0, 3, 5]]
    assert groups.samples.tolist() == [2, 0, 2, 0, 2, 3]
    assert {array.dtype for array in groups} == {np.dtype(np.uint32)}


def test_rows_of_the_same_length():
    columns = np.array([[5, 3, 1], [0, 2, 4]], np.uint32)
    assert lists(csr.even_pattern(columns)) == columns.tolist()
    indptr, data = csr.ragged_rows(DENSE)
    assert indptr.tolist() == [0, 6, 12, 18, 24]
    assert np.shares_memory(data, DENSE)
    assert csr.ragged_rows(BATCH)[1] is BATCH.data


def test_the_best_pairs_of_each_row():
    pattern = make_pattern([[7, 3, 9], [], [5], [1, 2, 3, 4]])
    scores = np.array([0.5, 2, 1, -1, 4, 4, 6, 4], np.float32)
    best = csr.keep_best(pattern, scores, 2)
    assert lists(best) == lists(best.pattern) == [[3, 9], [], [5], [1, 3]]
    assert best.scores.tolist() == [2, 1, -1, 4, 6]


def test_the_best_columns_of_each_row():
    scores = np.array([[1, 9, 3, 9], [np.nan, 2, np.nan, 1]], np.float32)
    columns, best = csr.best_columns(scores, 2)
    assert columns.tolist() == [[1, 3], [1, 3]]
    assert best.tolist() == [[9, 9], [2, 1]]
    assert csr.best_columns(scores[:1], 9)[0].tolist() == [[0, 1, 2, 3]]


def test_some_columns_come_first_and_once():
    first, others = make_pattern([[8, 2], [], [5]]), make_pattern([[1, 2, 3], [4, 0], []])
    assert lists(csr.put_first(first, others, 9)) == [[8, 2, 1, 3], [4, 0], [5]]


def test_dense_arrays_as_pairs():
    pairs = csr.as_csr(DENSE)
    np.testing.assert_array_equal(pairs.toarray(), DENSE)
    assert pairs.pattern.n_pairs == DENSE.size
    assert csr.as_csr(BATCH) is BATCH


def test_zeros_are_left_out():
    left = csr.without_zeros(BATCH)
    np.testing.assert_array_equal(left.toarray(), DENSE)
    assert lists(left) == [[4, 1], [], [0, 2], [4]]


@pytest.mark.parametrize("n_rows", [0, 1, 3, 4])
def test_first_rows_are_views(n_rows):
    for batch in (DENSE, BATCH):
        first = csr.first_rows(batch, n_rows)
        dense = first if batch is DENSE else first.toarray()
        np.testing.assert_array_equal(dense, DENSE[:n_rows])
    assert n_rows == 0 or np.shares_memory(first.data, BATCH.data)


def test_products_are_those_of_inputs_with_outputs_of_their_sample():
    indptr = np.array([0, 5, 7, 8, 8], np.uint32)
    assert csr.count_products(BATCH, indptr) == 2 * 5 + 0 * 2 + 3 * 1
    assert csr.count_products(DENSE, indptr) == 6 * 8


@pytest.mark.parametrize("rows", [slice(1, 3), np.array([3, 0, 0]), np.array([], int)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_are_copied_in_float32(rows, dtype):
    X = np.asfortranarray(DENSE.astype(dtype))
    taken = csr.take(X, rows)
    assert taken.flags.c_contiguous
    assert not np.shares_memory(taken, X)
    for index in (np.int32, np.int64):
        sparse = sp.csr_array(X)
        sparse.indptr, sparse.indices = sparse.indptr.astype(index), sparse.indices.astype(index)
        batch = csr.take(sparse, rows)
        assert {batch.indptr.dtype, batch.indices.dtype} == {np.dtype(np.uint32)}
        for found in (taken, batch.data):
            assert found.dtype == np.float32
        np.testing.assert_array_equal(batch.toarray(), DENSE[rows])
    np.testing.assert_array_equal(taken, DENSE[rows])


def test_a_pattern_is_a_plain_tuple_to_kernels():
    assert tuple(Pattern(*BATCH.pattern)) == (BATCH.indptr, BATCH.indices)


def test_batches_of_more_pairs_than_32_bits_number():
    # A single row of many entries, taken so often that its pairs would be too many.
    X = sp.csr_array(np.ones((1, 2**16), np.float32))
    with pytest.raises(ValueError, match="A batch has 4295032832 pairs"):
        csr.take(X, np.zeros(2**16 + 1, np.int64))
    with pytest.raises(ValueError, match="A batch has 4294967296 pairs"):
        csr.even_rows(2**16, 2**16)
    with pytest.raises(ValueError, match="A batch has 4294967296 pairs"):
        csr.as_csr(np.broadcast_to(np.float32(1), (2**16, 2**16)))
    many = np.broadcast_to(np.uint32(0), 2**31)
    pattern = Pattern(np.array([0, 2**31], np.uint32), many)
    with pytest.raises(ValueError, match="A batch has 4294967296 pairs"):
        csr.put_first(pattern, pattern, 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_rows_one_after_the_other_are_views_where_they_can_be(index, dtype):
    dense = (np.arange(24).reshape(6, 4) % 5).astype(dtype)
    sparse = sp.csr_array(dense)
    sparse.indices, sparse.indptr = sparse.indices.astype(index), sparse.indptr.astype(index)
    for X, is_shared in ((dense, dtype == np.float32), (sparse, dtype == np.float32)):
        found, expected = csr.rows_between(X, 2, 5), csr.take(X, slice(2, 5))
        if isinstance(expected, csr.CSR):
            for ours, theirs in zip(found[:3], expected[:3], strict=True):
                np.testing.assert_array_equal(ours, theirs)
                assert ours.dtype == theirs.dtype
            assert np.shares_memory(found.data, X.data) == is_shared
            assert np.shares_memory(found.indices, X.indices) == (index == np.int32)
        else:
            np.testing.assert_array_equal(found, expected)
            assert np.shares_memory(found, X) == is_shared


@pytest.mark.parametrize("convert", [np.asarray, sp.csr_array])
def test_rows_of_several_matrices_in_any_order(convert):
    rng = np.random.default_rng(0)
    matrices = [rng.integers(3, size=(n, 4)).astype(dtype) for n, dtype in [(5, "f4"), (3, "f8")]]
    rows = [np.array([4, 0, 3]), np.array([2, 1])]
    order = rng.permutation(5)
    found = csr.mixed([*zip(map(convert, matrices), rows, strict=True)], order)
    expected = np.concatenate([m[r] for m, r in zip(matrices, rows, strict=True)])[order]
    assert found.dtype == np.float32
    if sp.issparse(found):
        found.check_format(full_check=True)
        assert found.indices.dtype == np.int32
        found = found.toarray()
    np.testing.assert_array_equal(found, expected)


def test_scipy_has_the_same_parts():
    batch = ragged.csr([{0: 1.0, 3: 2.0}, {}, {1: 3.0}], 4)
    found = batch.as_csr_array()
    np.testing.assert_array_equal(found.toarray(), batch.toarray())
    assert np.shares_memory(found.indices, batch.indices)
    wide = batch._replace(n_columns=2**31 + 1).as_csr_array()
    assert wide.shape == (3, 2**31 + 1)
    assert wide.indices.dtype == np.int64


def test_each_column_alone_is_a_group():
    groups = csr.each_alone(np.array([7, 2], np.uint32))
    assert [part.tolist() for part in groups] == [[7, 2], [0, 1, 2], [0, 1], [0, 1]]


def test_sums_of_columns():
    batch = ragged.csr([{0: 1.0, 3: 2.0}, {}, {3: 3.0}], 4)
    deltas = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(3, 2))
    columns, sums = csr.sum_by_column(batch, deltas)
    assert columns.tolist() == [0, 3]
    np.testing.assert_array_equal(sums, (batch.toarray().T @ deltas)[columns])
