"""Kernels of the inverted index, of all variants, against dense algebra."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_lsh import kernels

from ..support.kernel_cases import quick, ragged, run

pytestmark = pytest.mark.parametrize("variant", kernels.USABLE)


@st.composite
def searches(draw):
    """Queries, some of which are chosen, dense rows, and the rows' lists by feature."""
    n_features = draw(st.integers(1, 6))
    queries = draw(ragged(columns=n_features))
    rows = draw(ragged(columns=n_features, duplicates=False))
    # Small whole numbers, whose products are exact and may cancel out.
    queries = queries._replace(data=np.rint(2 * queries.data))
    dense = np.rint(2 * rows.matrix())
    columns, owners = np.nonzero(dense.T)
    indptr = np.searchsorted(columns, np.arange(n_features + 1)).astype(np.uint32)
    lists = indptr, owners.astype(np.uint32), dense.T[columns, owners].astype(np.float32)
    chosen = [s for s in range(queries.n_rows) if draw(st.booleans())]
    return queries, np.array(chosen, np.uint32), dense, lists


@given(searches())
@quick
def test_count_postings(variant, search):
    queries, _, dense, lists = search
    out = np.empty(queries.n_rows, np.int64)
    _, (*_, counts) = run(variant, "count_postings", tuple(queries), lists[0], out)
    lengths = np.count_nonzero(dense, axis=0)
    assert counts.tolist() == [lengths[queries.row(s)].sum() for s in range(queries.n_rows)]


@given(search=searches(), data=st.data(), n_others=st.integers(0, 4))
@quick
def test_meet_rows(variant, search, data, n_others):
    queries, chosen, dense, lists = search
    n_rows = dense.shape[0]
    order = np.array(data.draw(st.permutations(range(n_rows))), np.uint32)[: n_rows - n_rows // 3]
    room = sum(int(np.diff(lists[0])[queries.row(s)].sum()) + n_others for s in chosen) + 1
    out = (
        np.zeros(n_rows, np.float32),
        np.zeros(chosen.size, np.uint32),
        np.zeros(chosen.size + 1, np.uint32),
        np.zeros(room, np.uint32),
        np.zeros(room, np.float32),
    )
    arguments = tuple(queries), chosen, lists, order, n_others, out
    _, (*_, (sums, counts, indptr, rows, products)) = run(variant, "meet_rows", *arguments)
    assert not sums.any()
    expected = queries.matrix()[chosen] @ dense.T
    for i in range(chosen.size):
        found, values = (array[indptr[i] : indptr[i + 1]] for array in (rows, products))
        np.testing.assert_array_equal(values, expected[i, found])
        assert sorted(found[: counts[i]]) == np.flatnonzero(expected[i]).tolist()
        others = [r for r in order if expected[i, r] == 0][:n_others]
        assert found[counts[i] :].tolist() == others


@given(
    search=searches(),
    data=st.data(),
    is_set=st.booleans(),
    block=st.integers(1, 7),
    n_best=st.integers(1, 3),
)
@quick
def test_best_in_blocks(variant, search, data, is_set, block, n_best):
    queries, chosen, dense, lists = search
    n_rows = dense.shape[0]
    norms = np.array(data.draw(st.lists(st.integers(0, 9), min_size=n_rows, max_size=n_rows)))
    norms = np.where(norms == 9, np.inf, norms).astype(np.float32)
    sizes = np.full(queries.n_rows, 5 if is_set else -1, np.float32)
    shape = chosen.size, 2 * n_best
    best = (
        np.zeros(chosen.size, np.uint32),
        np.full(chosen.size, -np.inf, np.float32),
        np.zeros(shape, np.uint32),
        np.zeros(shape, np.float32),
    )
    numbers = (norms, sizes), (block, n_best), best
    arguments = tuple(queries), chosen, lists, *numbers
    _, (*_, (counts, _, columns, scores)) = run(variant, "best_in_blocks", *arguments)
    products = queries.matrix()[chosen] @ dense.T
    expected = products - norms
    if is_set:
        with np.errstate(invalid="ignore"):
            expected = (2 * products - norms - 5) / np.maximum(norms + 5 - products, 1)
        expected[:, norms == np.inf] = -np.inf
    for i, n in enumerate(counts):
        assert len(set(columns[i, :n])) == n
        np.testing.assert_allclose(scores[i, :n], expected[i, columns[i, :n]], rtol=1e-6)
        highest = -np.sort(-expected[i])[:n_best]
        found = -np.sort(-scores[i, :n])[:n_best]
        np.testing.assert_allclose(found, highest[np.isfinite(highest)], rtol=1e-6)
