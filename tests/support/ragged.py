"""Small ragged arrays by hand, and what a canonical target is."""

import numpy as np
import scipy.sparse as sp
from numpy.testing import assert_array_equal

from sklearn_lsh.csr import CSR


def csr(rows, n_columns):
    """A `CSR` of a list of dicts: column -> value."""
    return CSR(
        np.cumsum([0, *map(len, rows)]).astype(np.uint32),
        np.array([column for row in rows for column in row], np.uint32),
        np.array([value for row in rows for value in row.values()], np.float32),
        n_columns,
    )


def assert_canonical(target, expected):
    assert isinstance(target, sp.csr_array)
    assert target.dtype == np.float32
    assert target.shape == np.shape(expected)
    fresh = sp.csr_array((target.data, target.indices, target.indptr), shape=target.shape)
    fresh.check_format(full_check=True)
    assert fresh.has_canonical_format
    assert_array_equal(target.toarray(), expected)
