"""Kernels of losses, of all variants, against plain Python and NumPy."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given

from sklearn_lsh import kernels

from ..support.kernel_cases import normal, quick, ragged, run, seeds

pytestmark = pytest.mark.parametrize("variant", kernels.USABLE)


@given(batch=ragged(), seed=seeds)
@quick
def test_losses_row_by_row(variant, batch, seed):
    weight = normal(np.random.default_rng(seed), batch.n_rows)
    rows = [slice(*ends) for ends in pairwise(batch.indptr.tolist())]
    positive = np.abs(batch.data) + np.float32(0.1)
    negligible = np.float32(0.5)
    cases = {
        "subtract_highest": ((), batch.data, lambda s, row: row - row.max(initial=-np.inf)),
        "divide_by_sum": ((), positive, lambda s, row: row / row.sum()),
        "weigh_rows": (
            (weight, negligible),
            batch.data,
            lambda s, row: np.where(np.abs(row) < negligible, 0, weight[s] * row),
        ),
    }
    for name, (others, data, expected) in cases.items():
        _, (_, ours, *_) = run(variant, name, batch.indptr, data, *others)
        for s, row in enumerate(rows):
            np.testing.assert_allclose(ours[row], expected(s, data[row]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("targets_first", [0, 1])
@given(targets=ragged(duplicates=False), seed=seeds)
@quick
def test_subtract_targets(variant, targets_first, targets, seed):
    n_rows, n_columns = targets.n_rows, targets.n_columns
    predictions = normal(np.random.default_rng(seed), n_rows, n_columns)
    indptr = np.arange(n_rows + 1, dtype=np.uint32) * np.uint32(n_columns)
    places = np.empty_like(targets.indices)
    arguments = indptr, targets, targets_first, predictions.reshape(-1), places
    _, (*_, ours, places) = run(variant, "subtract_targets", *arguments)
    samples = np.repeat(np.arange(n_rows), np.diff(targets.indptr))
    columns = targets.indices
    if targets_first:
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
