"""The outputs that respond most, against sorting all of them."""

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.csr import take
from sklearn_lsh.network.ranking import best_outputs


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("k", [1, 3, 8])
def test_best_outputs(kind, k):
    # Whole numbers: many are equal, of which the lower columns come first.
    rng = np.random.default_rng(0)
    scores = rng.integers(1, 6, size=(50, 20)).astype(np.float32)
    if kind == "sparse":
        scores[:, 8:][rng.random((50, 12)) < 0.5] = 0
    outputs = take(sp.csr_array(scores) if kind == "sparse" else scores, slice(0, 50))
    places, columns = best_outputs(outputs, k)
    assert places.dtype == columns.dtype == np.int64
    np.testing.assert_array_equal(columns, np.argsort(-scores, axis=1, kind="stable")[:, :k])
    values = outputs.data if kind == "sparse" else outputs.reshape(-1)
    np.testing.assert_array_equal(values[places], np.take_along_axis(scores, columns, axis=1))
