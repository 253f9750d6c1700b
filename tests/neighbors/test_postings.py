"""The inverted index against products of dense matrices."""

import copy

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from sklearn_lsh.csr import take
from sklearn_lsh.neighbors import postings as module
from sklearn_lsh.neighbors.postings import Postings

from ..support.kernel_cases import quick, seeds


def random_rows(rng, n_rows, n_features, density=0.3):
    """Sparse rows of small whole numbers, as an array."""
    dense = rng.integers(-2, 3, (n_rows, n_features)) * (rng.random((n_rows, n_features)) < density)
    return dense.astype(np.float32)


def check(best, expected, n_best):
    """Whether scores and rows are those of the highest, and bars those of the others."""
    n_best = min(n_best, expected.shape[1])
    order = np.argsort(-best.scores, axis=1)[:, :n_best]
    indices, scores = (np.take_along_axis(array, order, axis=1) for array in best[:2])
    np.testing.assert_allclose(scores, -np.sort(-expected, axis=1)[:, :n_best], rtol=1e-6)
    is_there = scores > -np.inf
    of_rows = np.take_along_axis(expected, indices.astype(int), axis=1)
    np.testing.assert_array_equal(of_rows[is_there], scores[is_there])
    for own, there in zip(indices, is_there, strict=True):
        assert len(set(own[there])) == there.sum()
    return scores


@given(
    n_rows=st.integers(1, 40),
    n_features=st.integers(1, 12),
    n_best=st.integers(1, 9),
    many=st.sampled_from([0, 0.5, np.inf]),
    seed=seeds,
)
@quick
def test_best(n_rows, n_features, n_best, many, seed):
    """Rows that come in parts, norms, rows that were deleted: few postings, many, and both."""
    rng = np.random.default_rng(seed)
    rows, queries = (random_rows(rng, n, n_features) for n in (n_rows, 6))
    norms = rng.integers(0, 3, n_rows).astype(np.float32)
    cuts = np.sort(rng.integers(0, n_rows + 1, 2))
    parts = np.split(np.arange(n_rows), cuts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MANY", many)
        patch.setattr(module, "BLOCK_ROWS", int(rng.integers(1, 50)))
        patch.setattr(module, "MOST_MET", int(rng.integers(1, 50)))
        patch.setattr(module, "GROWTH", rng.integers(3))
        postings = Postings(sp.csr_array(rows[parts[0]]), norms[parts[0]])
        for part in parts[1:]:
            postings.insert(sp.csr_array(rows[part]), norms[part])
        gone = rng.integers(0, n_rows, n_rows // 3)
        postings.delete(gone)
        best = postings.best(sp.csr_array(queries), n_best)
    expected = queries @ rows.T - norms
    expected[:, gone] = -np.inf
    scores = check(best, expected, n_best)
    assert postings.n_rows == n_rows
    # No row that was left out and shares a feature scores more than the bar.
    shares = (queries != 0) @ (rows != 0).T.astype(int) > 0
    for i in range(6):
        left_out = np.setdiff1d(np.flatnonzero(shares[i]), best.indices[i])
        assert expected[i, left_out].max(initial=-np.inf) <= best.bars[i] + 1e-6
    assert (best.bars <= scores.min(axis=1)).all() or n_best > n_rows
    # Others' scores are those of rows without products.
    kept = ~best.is_met & (best.scores > -np.inf)
    np.testing.assert_array_equal(best.scores[kept], -norms[best.indices[kept]])


@given(n_rows=st.integers(1, 40), many=st.sampled_from([0, 0.5, np.inf]), seed=seeds)
@quick
def test_sets(n_rows, many, seed):
    rng = np.random.default_rng(seed)
    rows, queries = (np.abs(random_rows(rng, n, 7)).clip(0, 1) for n in (n_rows, 6))
    sizes = queries.sum(axis=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MANY", many)
        postings = Postings(sp.csr_array(rows), rows.sum(axis=1))
        gone = rng.integers(0, n_rows, n_rows // 3)
        postings.delete(gone)
        best = postings.best(sp.csr_array(queries), 4, sizes)
    common = queries @ rows.T
    union = sizes[:, np.newaxis] + rows.sum(axis=1) - common
    expected = np.where(union > 0, common / np.maximum(union, 1), 1).astype(np.float32) - 1
    expected[:, gone] = -np.inf
    n_best = min(4, n_rows)
    scores = -np.sort(-best.scores, axis=1)[:, :n_best]
    np.testing.assert_allclose(scores, -np.sort(-expected, axis=1)[:, :n_best], atol=1e-6)


def test_rows_without_common_features_are_found_and_exact(monkeypatch):
    """As many as are wanted; a product less than zero is less than none."""
    monkeypatch.setattr(module, "MANY", np.inf)
    rows = sp.csr_array(np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32))
    best = Postings(rows).best(sp.csr_array(np.array([[2, 0, 0]], np.float32)), 3)
    order = np.argsort(-best.scores[0])
    assert best.scores[0, order].tolist() == [2, 0, 0]
    assert best.is_met[0, order].tolist() == [True, False, False]
    assert set(best.indices[0]) == {0, 2, 3}
    assert best.bars[0] == 0  # of the second row, which was left out


def test_postings_are_counted():
    rows = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 0]], np.float32)
    postings = Postings(sp.csr_array(rows))
    queries = sp.csr_array(np.array([[1, 1, 1], [0, 1, 0], [0, 0, 0]], np.float32))
    assert postings.count(queries).tolist() == [5, 2, 0]
    assert postings.nbytes == 4 * (4 + 2 * 5 + 2 * 3)


def test_rows_are_taken_as_batches_too():
    rows = sp.csr_array(random_rows(np.random.default_rng(0), 20, 9))
    batch = take(rows, slice(None))
    for one, other in zip(
        Postings(rows).best(rows, 3), Postings(batch).best(batch, 3), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_there_are_few_segments_and_copies_stay_as_they_are():
    rng = np.random.default_rng(0)
    rows = random_rows(rng, 400, 8)
    postings = Postings(sp.csr_array(rows[:4]))
    for start in range(4, 400, 4):
        before, n_rows = copy.copy(postings), postings.n_rows
        postings.insert(sp.csr_array(rows[start : start + 4]))
        postings.delete(np.array([start]))
        assert before.n_rows == n_rows
        assert before.best(sp.csr_array(rows[:1]), n_rows).scores.shape == (1, n_rows)
        assert len(postings.segments) <= np.log2(start + 4)
    expected = rows @ rows.T
    expected[:, 4::4] = -np.inf
    check(postings.best(sp.csr_array(rows), 5), expected, 5)


@pytest.mark.parametrize("shape", [(0, 3), (3, 3)])
def test_no_rows_no_entries_no_queries(shape):
    postings = Postings(sp.csr_array(shape, dtype=np.float32))
    best = postings.best(sp.csr_array((2, 3), dtype=np.float32), 2)
    expected = [0, 0] if shape[0] else [-np.inf, -np.inf]
    assert best.scores.tolist() == [expected] * 2
    assert postings.best(sp.csr_array((0, 3), dtype=np.float32), 2).scores.shape == (0, 2)
