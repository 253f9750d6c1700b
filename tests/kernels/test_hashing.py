"""Kernels from vectors to codes, of all variants, against plain Python and NumPy."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_lsh import kernels

from ..support.kernel_cases import CODE_TYPES, normal, quick, ragged, run, seeds, widths

pytestmark = pytest.mark.parametrize("variant", kernels.USABLE)


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
    _, (*_, rounded) = run(variant, "round_rows", *arguments)
    expected = np.rint(batch.data * np.repeat(scales, np.diff(batch.indptr)))
    np.testing.assert_array_equal(rounded, expected)


@given(batch=ragged(), width=widths, seed=seeds)
@quick
def test_project_rows(variant, batch, width, seed):
    rng = np.random.default_rng(seed)
    batch = batch._replace(data=rng.integers(-512, 513, batch.data.shape).astype(np.float32))
    projections = rng.integers(-127, 128, (batch.n_columns, width)).astype(np.int8)
    out = np.empty((batch.n_rows, width), np.int32)
    _, (*_, products) = run(variant, "project_rows", batch, projections, out)
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
    n_rows=st.integers(0, 3),
    n_tables=st.integers(1, 3),
    n_bits=st.integers(1, 6),
    share=st.floats(0, 1),
    seed=seeds,
)
@quick
def test_probe_signs(variant, n_rows, n_tables, n_bits, share, seed):
    rng = np.random.default_rng(seed)
    n_probes = 1 + int(share * (2**n_bits - 1))
    projections = (100 * normal(rng, n_rows, n_tables * n_bits)).astype(rng.choice(["f4", "i4"]))
    codes = np.empty((n_rows, n_probes, n_tables), rng.choice([np.uint8, np.uint16]))
    _, (*_, codes) = run(variant, "probe_signs", projections, n_bits, codes)
    bits = projections.reshape(n_rows, n_tables, n_bits).astype(float)
    powers = 1 << np.arange(n_bits)[::-1]
    subsets = [s for n in range(n_bits + 1) for s in combinations(range(n_bits), n)]
    for i in range(n_rows):
        for t in range(n_tables):
            code = int((bits[i, t] > 0) @ powers)
            cost = {
                code ^ int(powers[list(s)].sum()): (bits[i, t, list(s)] ** 2).sum() for s in subsets
            }
            found = codes[i, :, t]
            assert found[0] == code
            assert len(set(found)) == n_probes
            expected = np.sort(list(cost.values()))[:n_probes]
            np.testing.assert_allclose([cost[c] for c in found], expected, rtol=1e-4, atol=1e-2)


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
    _, (*_, lowest) = run(variant, "lowest_ranks", batch, ranks, width, (first, step), out)
    for s in range(batch.n_rows):
        pairs = slice(batch.indptr[s], batch.indptr[s + 1])
        present = ranks[batch.indices[pairs][batch.data[pairs] != 0]]
        bins = [present[present // width == b] for b in range(n_bins)]
        for b in range(n_bins):
            walk = [b, *((int(first[b]) + k * int(step[b])) % n_bins for k in range(n_bins))]
            found = [bins[w].min() for w in walk if bins[w].size]
            assert lowest[s, b] == (found[0] if found else n_bins * width)
