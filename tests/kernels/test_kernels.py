"""Kernels of all variants against plain Python and against dense algebra: batches and tables."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_lsh import kernels

from ..support.kernel_cases import column_groups, normal, quick, ragged, run, seeds, widths

pytestmark = pytest.mark.parametrize("variant", kernels.USABLE)

SCALE = np.float32(0.37)


# forward.py


@given(batch=ragged(), width=widths, seed=seeds)
@quick
def test_sum_rows(variant, batch, width, seed):
    rng = np.random.default_rng(seed)
    weights, out = normal(rng, batch.n_columns, width), normal(rng, batch.n_rows, width)
    _, (*_, ours) = run(variant, "sum_rows", *batch[:3], weights, SCALE, out)
    expected = out + SCALE * batch.matrix() @ weights
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)


@given(batch=ragged(), width=widths, seed=seeds)
@quick
def test_dot_rows(variant, batch, width, seed):
    rng = np.random.default_rng(seed)
    weights, inputs = normal(rng, batch.n_columns, width), normal(rng, batch.n_rows, width)
    arguments = *column_groups(batch), weights, SCALE, inputs, batch.data
    _, (*_, ours) = run(variant, "dot_rows", *arguments)
    samples = np.repeat(np.arange(batch.n_rows), np.diff(batch.indptr))
    products = inputs.astype(float) @ weights.T
    expected = batch.data + SCALE * products[samples, batch.indices]
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)


def draw_neurons(data, batch, width, seed, kind):
    """Weights, biases, and inputs of a kind as kernels take them, and what all neurons respond."""
    rng = np.random.default_rng(seed)
    weights, bias = normal(rng, batch.n_columns, width), normal(rng, 1, batch.n_columns)
    given = data.draw(ragged(rows=batch.n_rows, columns=width))
    inputs = given[:3] if kind == "cells" else (given.matrix().astype(np.float32),)
    return (bias, weights, SCALE, *inputs), bias + SCALE * given.matrix() @ weights.T


@pytest.mark.parametrize("kind", ["rows", "cells"])
@given(data=st.data(), batch=ragged(), width=widths, seed=seeds)
@quick
def test_respond(variant, kind, data, batch, width, seed):
    layer, responses = draw_neurons(data, batch, width, seed, kind)
    room = [np.zeros_like(array) for array in column_groups(batch)]
    arguments = *batch[:2], *layer, *room, np.empty_like(batch.data)
    n, (*_, rows, starts, pairs, samples, ours) = run(variant, f"respond_{kind}", *arguments)
    expected, (*_, a, b, c, d) = run(variant, "group_by_column", *batch[:2], batch.n_columns, *room)
    assert n == expected
    for found, expected in zip((rows, starts, pairs, samples), (a, b, c, d), strict=True):
        np.testing.assert_array_equal(found, expected)
    expected = responses[np.repeat(np.arange(batch.n_rows), np.diff(batch.indptr)), batch.indices]
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["rows", "cells"])
@given(data=st.data(), batch=ragged(), width=widths, n_best=st.integers(1, 8), seed=seeds)
@quick
def test_best(variant, kind, data, batch, width, n_best, seed):
    layer, responses = draw_neurons(data, batch, width, seed, kind)
    out = np.empty_like(batch.indptr), np.empty_like(batch.indices), np.empty_like(batch.data)
    n, (*_, indptr, indices, kept) = run(variant, f"best_{kind}", *batch[:2], n_best, *layer, *out)
    np.testing.assert_array_equal(np.diff(indptr), np.minimum(np.diff(batch.indptr), n_best))
    assert n == indptr[-1]
    for s in range(batch.n_rows):
        ours = kept[indptr[s] : indptr[s + 1]]
        best = -np.sort(-responses[s][batch.row(s)])[:n_best]
        np.testing.assert_allclose(-np.sort(-ours), best, rtol=1e-4, atol=1e-5)
        expected = responses[s][indices[indptr[s] : indptr[s + 1]]]
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)


# grouping.py


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
    _, (*_, indices, values) = run(
        variant,
        "take_rows",
        batch.indptr.astype(index),
        batch.indices.astype(index).view(f"u{np.dtype(index).itemsize}"),
        batch.data.astype(dtype),
        rows,
        *(indptr, np.empty(indptr[-1], np.uint32), np.empty(indptr[-1], np.float32)),
    )
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
    out = [np.empty(n, np.uint32) for n in (most, most + 1, n_pairs, n_pairs)]
    n, (*_, columns, starts, pairs, samples) = run(
        variant, "group_by_column", *batch[:2], batch.n_columns, *out
    )
    np.testing.assert_array_equal(np.sort(pairs), np.arange(n_pairs))
    np.testing.assert_array_equal(columns[:n], np.unique(batch.indices))
    assert starts[0] == 0
    assert starts[n] == n_pairs
    for k in range(n):
        members = pairs[starts[k] : starts[k + 1]]
        assert (batch.indices[members] == columns[k]).all()
        assert (np.diff(members.astype(int)) > 0).all()
    np.testing.assert_array_equal(samples, np.searchsorted(batch.indptr, pairs, side="right") - 1)


@given(data=st.data(), batch=ragged(duplicates=False))
@quick
def test_put_first(variant, data, batch):
    first = data.draw(ragged(duplicates=False, rows=batch.n_rows, columns=batch.n_columns))
    out = np.empty(first.indices.size + batch.indices.size, np.uint32)
    n, (*_, indptr, indices) = run(
        variant,
        "put_first",
        *(*first[:2], *batch[:2], batch.n_columns, np.empty_like(batch.indptr), out),
    )
    assert n == indptr[-1]
    for s in range(batch.n_rows):
        others = [i for i in batch.row(s) if i not in first.row(s)]
        assert [*first.row(s), *others] == list(indices[indptr[s] : indptr[s + 1]])


# hashing.py


def scales_of(batch):
    """What brings each row's largest magnitude into [256, 512)."""
    scales = np.zeros(batch.n_rows, np.float32)
    for s in range(batch.n_rows):
        values = np.abs(batch.data[batch.indptr[s] : batch.indptr[s + 1]])
        if values.size and values.max() >= 2.0**-100:
            scales[s] = 2.0 ** (9 - np.frexp(values.max())[1])
    return scales


POWERS_OF_TEN = np.array([-45, -38, -31, -30, -1, 0, 1, 20, 38])


@given(batch=ragged(), seed=seeds)
@quick
def test_scale_rows(variant, batch, seed):
    rng = np.random.default_rng(seed)
    powers = 10.0 ** rng.choice(POWERS_OF_TEN, batch.data.shape)
    batch = batch._replace(data=(batch.data * powers).clip(-3e38, 3e38).astype(np.float32))
    out = np.empty(batch.n_rows, np.float32)
    _, (*_, scales) = run(variant, "scale_rows", batch.indptr, batch.data, out)
    np.testing.assert_array_equal(scales, scales_of(batch))


@given(batch=ragged())
@quick
def test_round_rows(variant, batch):
    scales = scales_of(batch)
    arguments = batch.indptr, batch.data, scales, np.empty_like(batch.data)
    _, (*_, whole) = run(variant, "round_rows", *arguments)
    expected = np.rint(batch.data * np.repeat(scales, np.diff(batch.indptr)))
    np.testing.assert_array_equal(whole, expected)


@given(batch=ragged(), width=widths, seed=seeds)
@quick
def test_project_rows(variant, batch, width, seed):
    rng = np.random.default_rng(seed)
    batch = batch._replace(data=rng.integers(-512, 513, batch.data.shape).astype(np.float32))
    projections = rng.integers(-127, 128, (batch.n_columns, width)).astype(np.int8)
    out = np.empty((batch.n_rows, width), np.int32)
    _, (*_, products) = run(variant, "project_rows", *batch[:3], projections, out)
    np.testing.assert_array_equal(products, batch.matrix() @ projections.astype(float))


@given(n_rows=st.integers(0, 5), n_tables=st.integers(1, 6), n_bits=st.integers(1, 16), seed=seeds)
@quick
def test_pack_signs(variant, n_rows, n_tables, n_bits, seed):
    rng = np.random.default_rng(seed)
    projections = normal(rng, n_rows, n_tables * n_bits)
    projections[rng.random(projections.shape) < 0.1] = 0
    if seed % 2:
        projections = (3 * projections).astype(np.int32)
    codes = np.empty((n_rows, n_tables), np.uint8 if n_bits <= 8 else np.uint16)
    _, (*_, codes) = run(variant, "pack_signs", projections, n_bits, codes)
    bits = (projections > 0).reshape(n_rows, n_tables, n_bits)
    np.testing.assert_array_equal(codes, bits @ (1 << np.arange(n_bits)[::-1]))


@given(
    n_rows=st.integers(0, 4),
    n_tables=st.integers(1, 4),
    n_digits=st.integers(1, 4),
    digit_bits=st.sampled_from([1, 2]),
    share=st.sampled_from([0.0, 0.2, 1.0]),
    borrows=st.booleans(),
    seed=seeds,
)
@quick
def test_pick_winners(variant, n_rows, n_tables, n_digits, digit_bits, share, borrows, seed):
    rng = np.random.default_rng(seed)
    width = 1 << digit_bits
    windows = [rng.choice(8, width, replace=False) for _ in range(n_tables * n_digits)]
    windows = np.array(windows, dtype=np.uint32)
    values = normal(rng, n_rows, 8) * (rng.random((n_rows, 8)) < share).astype(np.float32)
    codes = np.empty((n_rows, n_tables), rng.choice(CODE_TYPES))
    tries = len(windows) if borrows else 1
    _, (*_, codes) = run(variant, "pick_winners", values, windows, digit_bits, tries, codes)
    seen = values[:, windows]
    digits = seen.argmax(axis=2)
    filled = seen.any(axis=2)
    for i in range(n_rows):
        if not filled[i].any():
            digits[i] = 0
            continue
        for w in np.flatnonzero(~filled[i] & borrows):  # the next window that says something
            later = np.roll(filled[i], -w)
            digits[i, w] = digits[i, (w + later.argmax()) % len(windows)]
    powers = width ** np.arange(n_digits)[::-1]
    np.testing.assert_array_equal(codes, digits.reshape(n_rows, n_tables, n_digits) @ powers)


@given(batch=ragged(duplicates=False, columns=9), n_bins=st.integers(1, 12), seed=seeds)
@quick
def test_lowest_ranks(variant, batch, n_bins, seed):
    rng = np.random.default_rng(seed)
    ranks = rng.permutation(9).astype(np.uint32)
    width = -(-9 // n_bins)
    first = rng.integers(n_bins, size=n_bins).astype(np.uint32)
    step = np.full(n_bins, n_bins - 1 or 1, np.uint32)
    out = np.empty((batch.n_rows, n_bins), np.uint32)
    arguments = *batch[:3], ranks, width, first, step, out
    _, (*_, lowest) = run(variant, "lowest_ranks", *arguments)
    for s in range(batch.n_rows):
        pairs = slice(batch.indptr[s], batch.indptr[s + 1])
        present = ranks[batch.indices[pairs][batch.data[pairs] != 0]]
        bins = [present[present // width == b] for b in range(n_bins)]
        for b in range(n_bins):
            walk = [b, *((int(first[b]) + k * int(step[b])) % n_bins for k in range(n_bins))]
            found = [bins[w].min() for w in walk if bins[w].size]
            assert lowest[s, b] == (found[0] if found else n_bins * width)


# tables.py


def make_tables(variant, rng, n_rows, n_tables, n_buckets):
    codes = rng.integers(n_buckets, size=(n_rows, n_tables)).astype(rng.choice(CODE_TYPES))
    owners = np.arange(n_rows, dtype=np.uint32)
    out = np.empty(n_tables * n_buckets + 1, np.uint32), np.empty(codes.size, np.uint32)
    _, (*_, indptr, members) = run(variant, "build_tables", codes, owners, n_buckets, *out)
    return codes, indptr, members


CODE_TYPES = [np.uint8, np.uint16]

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
    codes, indptr, members = make_tables(variant, rng, n_rows, n_tables, n_buckets)
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
    out = np.empty(n_tables * n_buckets + 1, np.uint32), np.empty(codes.size, np.uint32)
    _, (*_, indptr, members) = run(variant, "build_tables", codes, owners, n_buckets, *out)
    n, (indptr, members, _) = run(variant, "drop_repeats", indptr, members, n_owners)
    assert indptr[-1] == n
    for t in range(n_tables):
        for b in range(n_buckets):
            bucket = members[indptr[t * n_buckets + b] : indptr[t * n_buckets + b + 1]]
            assert sorted(bucket) == sorted(set(owners[codes[:, t] == b]))


@given(n_new=st.integers(0, 9), **sizes)
@quick
def test_merge_tables(variant, n_new, n_rows, n_tables, n_buckets, seed):
    rng = np.random.default_rng(seed)
    codes, *old = make_tables(variant, rng, n_rows, n_tables, n_buckets)
    new_codes, *new = make_tables(variant, rng, n_new, n_tables, n_buckets)
    leaving = (rng.random(n_rows) < 0.3).astype(np.uint8)
    out = np.empty_like(old[0]), np.empty(old[1].size + new[1].size, np.uint32)
    n, (*_, indptr, members) = run(variant, "merge_tables", *old, leaving, *new, *out)
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
    least=st.integers(1, 4),
    **sizes,
)
@quick
def test_count_votes(variant, n_queries, wanted, fill, least, n_rows, n_tables, n_buckets, seed):
    rng = np.random.default_rng(seed)
    codes, indptr, members = make_tables(variant, rng, n_rows, n_tables, n_buckets)
    wanted, fill = min(wanted, n_rows), min(fill, n_rows - 1) if least == 1 else -1
    # Each table is looked into once, or twice.
    n_probes = 1 + seed % 2
    queries = rng.integers(n_buckets, size=(n_queries, n_probes * n_tables)).astype(codes.dtype)
    out = np.empty(n_queries + 1, np.uint32), np.empty(n_queries * wanted, np.uint32)
    given = queries, n_buckets, indptr, members, n_rows, wanted, least, fill
    n, (*_, found_indptr, found) = run(variant, "count_votes", *given, *out)
    assert n == found_indptr[-1]
    for s in range(n_queries):
        votes = (np.tile(codes, n_probes) == queries[s]).sum(axis=1)
        chosen = found[found_indptr[s] : found_indptr[s + 1]]
        assert len(set(chosen)) == chosen.size
        n_hit = min(wanted, np.count_nonzero(votes >= least))
        assert sorted(votes[chosen[:n_hit]]) == sorted(votes)[n_rows - n_hit :]
        spare = [i % n_rows for i in range(fill, fill + n_rows) if votes[i % n_rows] == 0]
        assert list(chosen[n_hit:]) == (spare[: wanted - n_hit] if fill >= 0 else [])


@given(batch=ragged(), width=widths, seed=seeds)
@quick
def test_score_pairs(variant, batch, width, seed):
    rng = np.random.default_rng(seed)
    queries, rows = normal(rng, batch.n_rows, width), normal(rng, batch.n_columns, width)
    _, (*_, ours) = run(variant, "score_pairs", *batch[:2], queries, rows, batch.data)
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
    out = np.empty(n_queries + 1, np.uint32), np.empty(room, np.uint32), np.empty(room, np.float32)
    n, (*_, indptr, found, scores) = run(
        variant, "score_candidates", shared, *batch[:2], queries, rows, *out
    )
    assert n == indptr[-1]
    for s in range(n_queries):
        own = batch.indices[batch.indptr[s] : batch.indptr[s + 1]]
        expected = [*shared, *own[~np.isin(own, shared)]]
        pairs = slice(*indptr[s : s + 2])
        assert list(found[pairs]) == expected
        products = queries[s].astype(float) @ rows[expected].T
        np.testing.assert_allclose(scores[pairs], products, rtol=1e-4, atol=1e-5)


# ranking.py


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
    out = np.empty_like(batch.indptr), np.empty_like(batch.indices), np.empty_like(scores)
    n, (*_, indptr, indices, kept) = run(variant, "keep_best", *batch[:2], scores, n_best, *out)
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


# losses.py


@given(batch=ragged(), seed=seeds)
@quick
def test_losses_row_by_row(variant, batch, seed):
    weight = normal(np.random.default_rng(seed), batch.n_rows)
    rows = [slice(*ends) for ends in pairwise(batch.indptr.tolist())]
    positive = np.abs(batch.data) + np.float32(0.1)
    least = np.float32(0.5)
    cases = {
        "subtract_highest": ((), batch.data, lambda s, row: row - row.max(initial=-np.inf)),
        "divide_by_sum": ((), positive, lambda s, row: row / row.sum()),
        "weigh_rows": (
            (weight, least),
            batch.data,
            lambda s, row: np.where(np.abs(row) < least, 0, weight[s] * row),
        ),
    }
    for name, (others, data, expected) in cases.items():
        _, (_, ours, *_) = run(variant, name, batch.indptr, data, *others)
        for s, row in enumerate(rows):
            np.testing.assert_allclose(ours[row], expected(s, data[row]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("come_first", [0, 1])
@given(targets=ragged(duplicates=False), seed=seeds)
@quick
def test_subtract_targets(variant, come_first, targets, seed):
    n_rows, n_columns = targets.n_rows, targets.n_columns
    predictions = normal(np.random.default_rng(seed), n_rows, n_columns)
    indptr = np.arange(n_rows + 1, dtype=np.uint32) * np.uint32(n_columns)
    out = predictions.reshape(-1).copy(), np.empty_like(targets.indices)
    _, (*_, ours, places) = run(variant, "subtract_targets", indptr, *targets[:3], come_first, *out)
    samples = np.repeat(np.arange(n_rows), np.diff(targets.indptr))
    columns = targets.indices
    if come_first:
        columns = np.arange(columns.size) - targets.indptr[samples]
    np.testing.assert_array_equal(places, samples * n_columns + columns)
    predictions[samples, columns] -= targets.data
    np.testing.assert_allclose(ours, predictions.reshape(-1), rtol=1e-6)


def test_softmax_of_odd_rows(variant):
    data = np.array([1, np.nan, 2, np.inf, 3, -np.inf, 0, 0], np.float32)
    indptr = np.array([0, 3, 5, 5, 8], np.uint32)
    _, (_, ours) = run(variant, "subtract_highest", indptr, data)
    expected = [-1, np.nan, 0, np.nan, -np.inf, -np.inf, 0, 0]
    np.testing.assert_array_equal(ours, np.array(expected, np.float32))
    _, (_, ours) = run(variant, "divide_by_sum", indptr, np.exp(ours))
    assert np.isnan(ours[:5]).all()
    np.testing.assert_array_equal(ours[5:], np.float32([0, 0.5, 0.5]))
