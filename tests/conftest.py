"""What all tests share."""

import os

# scikit-learn runs its array API checks only with this set before SciPy is imported.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

# The products of the tests are small: threads of BLAS only slow them down.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
