"""What all tests share."""

import os

# scikit-learn runs its array API checks only with this set before SciPy is imported.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

# The products of the tests are small: threads of BLAS only slow them down.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
import scipy.sparse as sp

from .support.selections import make_clustered


@pytest.fixture(params=[False, True], ids=["dense", "sparse"])
def clustered(request):
    """Data for networks that select, as dense rows and as sparse ones."""
    X, target = make_clustered()
    return (sp.csr_array(X) if request.param else X), target
