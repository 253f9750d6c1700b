"""What all tests share."""

import os

# scikit-learn runs its array API checks only with this set before SciPy is imported.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

# The products of the tests are small: threads of BLAS only slow them down.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
import scipy.sparse as sp

from .support.digits import make_digits
from .support.selections import make_clustered


def pytest_configure(config):
    """Warnings are errors, but tests train for few epochs: what expects this one says so."""
    config.addinivalue_line(
        "filterwarnings", "ignore:Maximum iterations:sklearn.exceptions.ConvergenceWarning"
    )


@pytest.fixture(scope="session")
def digits():
    """Handwritten digits: ``digits.train``, ``digits.test``, ... are pairs of X and y."""
    return make_digits()


@pytest.fixture(params=[False, True], ids=["dense", "sparse"])
def clustered(request):
    """Data for networks that select, as dense rows and as sparse ones."""
    X, target = make_clustered()
    return (sp.csr_array(X) if request.param else X), target
