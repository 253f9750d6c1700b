"""Kernels that reorder pairs, of all variants, against plain Python and NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_lsh import kernels

from ..support.kernel_cases import normal, quick, ragged, run, seeds

pytestmark = pytest.mark.parametrize("variant", kernels.USABLE)


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(data=st.data(), batch=ragged())
@quick
def test_take_rows(variant, dtype, index, data, batch):
    chosen = st.lists(st.integers(0, batch.n_rows - 1), max_size=8) if batch.n_rows else st.just([])
    rows = np.array(data.draw(chosen), dtype=np.int64)
    starts = batch.indptr.astype(index), rows, np.empty(rows.size + 1, np.uint32)
    n, (*_, indptr) = run(variant, "start_rows", *starts)
    np.testing.assert_array_equal(indptr, [0, *np.cumsum(np.diff(batch.indptr)[rows])])
    assert n == indptr[-1]
    X = (
        batch.indptr.astype(index),
        batch.indices.astype(index).view(f"u{np.dtype(index).itemsize}"),
        batch.data.astype(dtype),
    )
    room = indptr, np.empty(indptr[-1], np.uint32), np.empty(indptr[-1], np.float32)
    _, (*_, (_, indices, values)) = run(variant, "take_rows", X, rows, room)
    pairs = [np.arange(batch.indptr[r], batch.indptr[r + 1]) for r in rows]
    pairs = np.concatenate([*pairs, []]).astype(int)
    np.testing.assert_array_equal(indices, batch.indices[pairs])
    np.testing.assert_array_equal(values, batch.data[pairs])


@given(batch=ragged(), seed=seeds)
@quick
def test_count_products(variant, batch, seed):
    lengths = np.random.default_rng(seed).integers(6, size=batch.n_rows)
    other = np.concatenate([[0], np.cumsum(lengths)]).astype(np.uint32)
    n, _ = run(variant, "count_products", batch.indptr, other)
    assert n == np.diff(batch.indptr) @ lengths


@given(batch=st.one_of(ragged(), ragged(columns=3000)))
@quick
def test_group_by_column(variant, batch):
    n_pairs = batch.indices.size
    most = min(n_pairs, batch.n_columns)
    room = tuple(np.empty(n, np.uint32) for n in (most, most + 1, n_pairs, n_pairs))
    n, (*_, groups) = run(variant, "group_by_column", batch.pattern, batch.n_columns, room)
    columns, starts, pairs, samples = groups
    np.testing.assert_array_equal(np.sort(pairs), np.arange(n_pairs))
    np.testing.assert_array_equal(columns[:n], np.unique(batch.indices))
    assert starts[0] == 0
    assert starts[n] == n_pairs
    for k in range(n):
        members = pairs[starts[k] : starts[k + 1]]
        assert (batch.indices[members] == columns[k]).all()
        assert (np.diff(members.astype(int)) > 0).all()
    np.testing.assert_array_equal(samples, np.searchsorted(batch.indptr, pairs, side="right") - 1)


@given(batch=st.one_of(ragged(), ragged(columns=3000)), width=st.integers(1, 20), seed=seeds)
@quick
def test_sum_by_column(variant, batch, width, seed):
    deltas = normal(np.random.default_rng(seed), batch.n_rows, width)
    most = batch.indices.size + 1
    room = np.empty(most, np.uint32), np.full((most, width), np.nan, np.float32)
    n, (*_, columns, sums) = run(variant, "sum_by_column", batch, deltas, *room)
    assert sorted(columns[1 : n + 1]) == np.unique(batch.indices).tolist()
    found = np.zeros((batch.n_columns, width))
    found[columns[1 : n + 1]] = sums[1 : n + 1]
    np.testing.assert_allclose(found, batch.matrix().T @ deltas, rtol=1e-4, atol=1e-5)


@given(data=st.data(), batch=ragged(duplicates=False))
@quick
def test_put_first(variant, data, batch):
    first = data.draw(ragged(duplicates=False, rows=batch.n_rows, columns=batch.n_columns))
    n_pairs = first.indices.size + batch.indices.size
    room = np.empty_like(batch.indptr), np.empty(n_pairs, np.uint32)
    arguments = first.pattern, batch.pattern, batch.n_columns, room
    n, (*_, (indptr, indices)) = run(variant, "put_first", *arguments)
    assert n == indptr[-1]
    for s in range(batch.n_rows):
        others = [i for i in batch.row(s) if i not in first.row(s)]
        assert [*first.row(s), *others] == list(indices[indptr[s] : indptr[s + 1]])
