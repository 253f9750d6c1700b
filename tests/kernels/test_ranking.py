"""Kernels that find the best of many scores, of all variants, against plain Python and NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_lsh import kernels

from ..support.kernel_cases import empty_best, normal, quick, ragged, run, seeds

pytestmark = pytest.mark.parametrize("variant", kernels.USABLE)


ODD = np.array([np.nan, np.inf, -np.inf, 0, -0.0, 1, 1, 2, 3e38, -3e38, 1e-45], np.float32)


@pytest.mark.parametrize("kind", ["few", "many", "odd", "equal", "spread"])
@given(batch=ragged(most=30, columns=60), n_best=st.integers(1, 30), seed=seeds)
@quick
def test_keep_best(variant, kind, batch, n_best, seed):
    rng = np.random.default_rng(seed)
    n = batch.indices.size
    scores = {
        "few": rng.integers(4, size=n),
        "many": rng.normal(size=n),
        "odd": rng.choice(ODD, n),
        "equal": np.full(n, rng.choice(ODD)),
        "spread": rng.normal(size=n) * np.exp(rng.normal(scale=20, size=n)),
    }[kind].astype(np.float32)
    check_keep_best(variant, batch, scores, n_best)


def check_keep_best(variant, batch, scores, n_best):
    room = empty_best(batch.n_rows, batch.indices.size)
    n, (*_, best) = run(variant, "keep_best", batch.pattern, scores, n_best, room)
    indptr, indices, kept = best
    assert n == indptr[-1]
    values = np.where(np.isnan(scores), -np.inf, scores)
    for s in range(batch.n_rows):
        pairs = np.arange(batch.indptr[s], batch.indptr[s + 1])
        best = np.sort(pairs[np.argsort(-values[pairs], kind="stable")[:n_best]])
        np.testing.assert_array_equal(indices[indptr[s] : indptr[s + 1]], batch.indices[best])
        np.testing.assert_array_equal(kept[indptr[s] : indptr[s + 1]], scores[best])


@given(batch=ragged(rows=2, columns=5, most=2000), n_best=st.integers(1, 500), seed=seeds)
@quick
def test_keep_best_of_long_rows(variant, batch, n_best, seed):
    scores = normal(np.random.default_rng(seed), batch.indices.size)
    check_keep_best(variant, batch, scores, n_best)


@pytest.mark.parametrize("kind", ["few", "many", "odd", "equal", "ascending"])
@given(n_rows=st.integers(0, 4), width=st.integers(1, 700), n_best=st.integers(1, 90), seed=seeds)
@quick
def test_best_columns(variant, kind, n_rows, width, n_best, seed):
    rng = np.random.default_rng(seed)
    shape, n_best = (n_rows, width), min(n_best, width)
    scores = {
        "few": rng.integers(4, size=shape),
        "many": rng.normal(size=shape),
        "odd": rng.choice(ODD, shape),
        "equal": np.full(shape, rng.choice(ODD)),
        # With the stride of the samples: these see the lowest scores alone.
        "ascending": np.broadcast_to(np.arange(width) % 16, shape),
    }[kind].astype(np.float32)
    out = np.empty((n_rows, n_best), np.uint32), np.empty((n_rows, n_best), np.float32)
    _, (*_, columns, kept) = run(variant, "best_columns", scores.reshape(-1), width, *out)
    values = np.where(np.isnan(scores), -np.inf, scores)
    expected = np.sort(np.argsort(-values, axis=1, kind="stable")[:, :n_best], axis=1)
    np.testing.assert_array_equal(columns, expected)
    np.testing.assert_array_equal(kept, np.take_along_axis(scores, expected, axis=1))
