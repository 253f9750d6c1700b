"""Data in a file, handed from one process to another.

It is also imported in the opponents' environments, so that NumPy and SciPy have to do.
"""

import numpy as np
from scipy import sparse

# Arrays that make up a CSR matrix, in the file.
PARTS = ("data", "indices", "indptr", "shape")


def save(path, **matrices):
    """Save dense arrays and CSR matrices by their names."""
    arrays = {}
    for name, matrix in matrices.items():
        if sparse.issparse(matrix):
            arrays |= {f"{name}_{part}": getattr(matrix, part) for part in PARTS}
        else:
            arrays[name] = matrix
    np.savez(path, **arrays)


def load(path, *names):
    """Load what was saved under these names, in their order."""
    with np.load(path) as arrays:
        return [arrays[name] if name in arrays else _sparse(arrays, name) for name in names]


def _sparse(arrays, name):
    data, indices, indptr, shape = (arrays[f"{name}_{part}"] for part in PARTS)
    return sparse.csr_array((data, indices, indptr), shape=tuple(shape))
