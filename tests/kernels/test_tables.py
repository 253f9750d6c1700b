"""Kernels of hash tables, of all variants, against plain Python and NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_lsh import kernels

from ..support.kernel_cases import CODE_TYPES, empty_best, normal, quick, ragged, run, seeds, widths

pytestmark = pytest.mark.parametrize("variant", kernels.USABLE)


def make_tables(variant, rng, n_rows, n_tables, n_buckets):
    codes = rng.integers(n_buckets, size=(n_rows, n_tables)).astype(rng.choice(CODE_TYPES))
    owners = np.arange(n_rows, dtype=np.uint32)
    return codes, build(variant, codes, owners, n_buckets)


def build(variant, codes, owners, n_buckets):
    n_tables = codes.shape[1]
    room = np.empty(n_tables * n_buckets + 1, np.uint32), np.empty(codes.size, np.uint32)
    return run(variant, "build_tables", codes, owners, n_buckets, room)[1][-1]


sizes = {
    "n_rows": st.integers(0, 30),
    "n_tables": st.integers(1, 6),
    "n_buckets": st.sampled_from([1, 2, 4, 16]),
    "seed": seeds,
}


@given(**sizes)
@quick
def test_build_tables(variant, n_rows, n_tables, n_buckets, seed):
    rng = np.random.default_rng(seed)
    codes, (indptr, members) = make_tables(variant, rng, n_rows, n_tables, n_buckets)
    assert indptr[0] == 0
    assert indptr[-1] == members.size == codes.size
    for t in range(n_tables):
        for b in range(n_buckets):
            bucket = members[indptr[t * n_buckets + b] : indptr[t * n_buckets + b + 1]]
            np.testing.assert_array_equal(bucket, np.flatnonzero(codes[:, t] == b))


@given(n_owners=st.integers(1, 12), **sizes)
@quick
def test_build_tables_with_owners(variant, n_owners, n_rows, n_tables, n_buckets, seed):
    rng = np.random.default_rng(seed)
    codes = rng.integers(n_buckets, size=(n_rows, n_tables)).astype(np.uint16)
    owners = rng.integers(n_owners, size=n_rows).astype(np.uint32)
    tables = build(variant, codes, owners, n_buckets)
    n, ((indptr, members), _) = run(variant, "drop_repeats", tables, n_owners)
    assert indptr[-1] == n
    for t in range(n_tables):
        for b in range(n_buckets):
            bucket = members[indptr[t * n_buckets + b] : indptr[t * n_buckets + b + 1]]
            assert sorted(bucket) == sorted(set(owners[codes[:, t] == b]))


@given(n_new=st.integers(0, 9), **sizes)
@quick
def test_merge_tables(variant, n_new, n_rows, n_tables, n_buckets, seed):
    rng = np.random.default_rng(seed)
    codes, old = make_tables(variant, rng, n_rows, n_tables, n_buckets)
    new_codes, new = make_tables(variant, rng, n_new, n_tables, n_buckets)
    leaving = (rng.random(n_rows) < 0.3).astype(np.uint8)
    room = np.empty_like(old[0]), np.empty(old[1].size + new[1].size, np.uint32)
    n, (*_, (indptr, members)) = run(variant, "merge_tables", old, leaving, new, room)
    assert n == indptr[-1]
    for t in range(n_tables):
        for b in range(n_buckets):
            bucket = members[indptr[t * n_buckets + b] : indptr[t * n_buckets + b + 1]]
            stay = np.flatnonzero((codes[:, t] == b) & (leaving == 0))
            assert list(bucket) == [*stay, *np.flatnonzero(new_codes[:, t] == b)]


@given(
    n_queries=st.integers(0, 4),
    wanted=st.integers(1, 30),
    fill=st.integers(-1, 29),
    min_shared=st.integers(1, 4),
    **sizes,
)
@quick
def test_count_votes(
    variant, n_queries, wanted, fill, min_shared, n_rows, n_tables, n_buckets, seed
):
    rng = np.random.default_rng(seed)
    codes, tables = make_tables(variant, rng, n_rows, n_tables, n_buckets)
    wanted, fill = min(wanted, n_rows), min(fill, n_rows - 1) if min_shared == 1 else -1
    # Each table is looked into once, or twice.
    n_probes = 1 + seed % 2
    queries = rng.integers(n_buckets, size=(n_queries, n_probes * n_tables)).astype(codes.dtype)
    room = np.empty(n_queries + 1, np.uint32), np.empty(n_queries * wanted, np.uint32)
    arguments = queries, n_buckets, tables, n_rows, wanted, min_shared, fill, room
    n, (*_, (found_indptr, found)) = run(variant, "count_votes", *arguments)
    assert n == found_indptr[-1]
    for s in range(n_queries):
        votes = (np.tile(codes, n_probes) == queries[s]).sum(axis=1)
        chosen = found[found_indptr[s] : found_indptr[s + 1]]
        assert len(set(chosen)) == chosen.size
        n_hit = min(wanted, np.count_nonzero(votes >= min_shared))
        assert sorted(votes[chosen[:n_hit]]) == sorted(votes)[n_rows - n_hit :]
        spare = [i % n_rows for i in range(fill, fill + n_rows) if votes[i % n_rows] == 0]
        assert list(chosen[n_hit:]) == (spare[: wanted - n_hit] if fill >= 0 else [])


@given(batch=ragged(), width=widths, seed=seeds)
@quick
def test_score_pairs(variant, batch, width, seed):
    rng = np.random.default_rng(seed)
    queries, rows = normal(rng, batch.n_rows, width), normal(rng, batch.n_columns, width)
    _, (*_, ours) = run(variant, "score_pairs", batch.pattern, queries, rows, batch.data)
    samples = np.repeat(np.arange(batch.n_rows), np.diff(batch.indptr))
    expected = (queries.astype(float) @ rows.T)[samples, batch.indices]
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)


@given(batch=ragged(), n_shared=st.integers(0, 12), width=widths, seed=seeds)
@quick
def test_score_candidates(variant, batch, n_shared, width, seed):
    rng = np.random.default_rng(seed)
    n_queries, n_rows = batch.n_rows, batch.n_columns
    queries, rows = normal(rng, n_queries, width), normal(rng, n_rows, width)
    shared = rng.permutation(n_rows)[:n_shared].astype(np.uint32)
    room = batch.indices.size + n_queries * shared.size + 1
    arguments = shared, batch.pattern, queries, rows, empty_best(n_queries, room)
    n, (*_, (indptr, found, scores)) = run(variant, "score_candidates", *arguments)
    assert n == indptr[-1]
    for s in range(n_queries):
        own = batch.indices[batch.indptr[s] : batch.indptr[s + 1]]
        expected = [*shared, *own[~np.isin(own, shared)]]
        pairs = slice(*indptr[s : s + 2])
        assert list(found[pairs]) == expected
        products = queries[s].astype(float) @ rows[expected].T
        np.testing.assert_allclose(scores[pairs], products, rtol=1e-4, atol=1e-5)
