"""Arrays of other libraries, through the array API standard.

NumPy arrays and SciPy's sparse ones take the compiled path. PyTorch, JAX, CuPy and whatever else
follows the standard is computed with where it lies. What only speaks DLPack (TensorFlow, say) is
read as a NumPy array.
"""

from __future__ import annotations

import importlib
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp

# NumPy's, sparse, or of a library that follows the standard: these have no type in common.
Array: TypeAlias = Any

# Numbers below are subnormal: some processors and libraries take them for zero, so all do here.
SUBNORMAL = float(np.finfo(np.float32).tiny)

_MISSING = (
    "Arrays of other libraries than NumPy need the package array-api-compat, which cannot be "
    "imported: pip install array-api-compat"
)


def namespace(*arrays):
    """Find the library of arrays, in the standard's terms.

    Returns
    -------
    xp : module or None
        None for what takes the compiled path: NumPy's arrays, sparse ones, lists, and what only
        speaks DLPack.

    Raises
    ------
    TypeError
        If the arrays are of different libraries.
    ImportError
        If ``array-api-compat`` is needed and missing.
    """
    arrays = [array for array in arrays if _is_foreign(array)]
    if not arrays:
        return None
    try:
        compat = importlib.import_module("array_api_compat")
    except ImportError as error:
        raise ImportError(_MISSING) from error
    arrays = [array for array in arrays if compat.is_array_api_obj(array)]
    return compat.array_namespace(*arrays) if arrays else None


def _is_foreign(array):
    native = isinstance(array, (np.ndarray, np.generic)) or sp.issparse(array)
    return not native and hasattr(array, "__dlpack__")


def device(array):
    """Device on which an array lies."""
    return importlib.import_module("array_api_compat").device(array)


def to_numpy(array):
    """Read any dense array as NumPy's, from whatever device; others are returned as they are."""
    if not _is_foreign(array):
        return array
    if hasattr(array, "detach"):  # PyTorch: gradients and devices are in the way
        array = array.detach().cpu()
    try:
        return np.from_dlpack(array)
    except (BufferError, RuntimeError, TypeError, ValueError):  # on another device, or read-only
        return np.asarray(array.get() if hasattr(array, "get") else array)


def put_beside(values, array):
    """Put a NumPy array where another array lies, as an array of its library."""
    xp = namespace(array)
    return values if xp is None else xp.asarray(values, device=device(array))


def constant(values, array, xp):
    """Put a NumPy array of constants beside an array, signed where it is unsigned.

    Few libraries compute with unsigned integers, or index by them.
    """
    if values.dtype.kind == "u":
        values = values.astype(np.int32)
    return xp.asarray(values, device=device(array))


def nearly_zero(array, xp):
    """Tell which values are zero or subnormal."""
    return xp.abs(array) < SUBNORMAL
