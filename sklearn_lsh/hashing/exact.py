r"""Random projections in whole numbers: the same on all processors and in all libraries.

A sum of floats depends on the order of its terms, which differs from one BLAS, batch or device to
the next, and with it codes would. So vectors are rounded to whole numbers of at most 512 and the
projections to whole numbers of at most 127: products of 256 of them, which is how many are summed
in float32 at a time, stay below :math:`2^{24}` and are exact in any order. What is left to sum is
summed in 32-bit integers. (Only a vector of more than 33,000 values could overflow these, if all
of them had the signs of one projection: for a million values that is an event of 130 standard
deviations.) The factors have few enough bits for the ten of NVIDIA's TF32, too.

Vectors are scaled by a power of two, which changes no digit, so that their largest magnitude is in
[256, 512). Rounding then turns a vector by an angle of about :math:`0.3 / 512` times the ratio of
its largest value to its typical one. Vectors whose largest magnitude is below :math:`2^{-100}`
count as zero.
"""

import numpy as np

from sklearn_lsh import kernels
from sklearn_lsh.csr import CSR
from sklearn_lsh.hashing.arrays import constant

RANGE = 512
# Standard deviation of normal projections, and the largest that eight bits hold: 4 of these.
UNIT, MOST = 32, 127
# Products that are summed in float32: BLOCK * RANGE * MOST < 2**24.
BLOCK = 256

_EXPONENTS = np.arange(-100, 128)
POWERS = np.exp2(_EXPONENTS).astype(np.float32)
# By the number of powers that the largest magnitude reaches.
SCALES = np.concatenate([[0], np.exp2(8.0 - _EXPONENTS)]).astype(np.float32)


def draw_normal(shape, random_state):
    """Draw normal projections: ndarray of dtype int8, whose unit is `UNIT`."""
    out = np.empty(shape, np.int8)
    for part in out:  # not at once: the floats of wide vectors would fill the memory
        drawn = np.rint(UNIT * random_state.standard_normal(part.shape))
        part[...] = np.clip(drawn, -MOST, MOST)
    return out


def row_starts(vectors):
    """``indptr`` of a batch, and all its values in a row."""
    if isinstance(vectors, CSR):
        return vectors.indptr, vectors.data
    n_rows, width = vectors.shape
    return np.arange(n_rows + 1, dtype=np.uint32) * np.uint32(width), vectors.reshape(-1)


def scales_of(vectors):
    """Powers of two that bring each vector's largest magnitude into [256, 512), or 0."""
    indptr, data = row_starts(vectors)
    scales = np.empty(indptr.shape[0] - 1, np.float32)
    kernels.scale_rows(indptr, data, scales)
    return scales


def round_to_whole(vectors, scales):
    """Scaled vectors in whole numbers, as float32: dense or `CSR` as they are."""
    indptr, data = row_starts(vectors)
    whole = np.empty_like(data)
    kernels.round_rows(indptr, data, scales, whole)
    if isinstance(vectors, CSR):
        return vectors._replace(data=whole)
    return whole.reshape(vectors.shape)


def sum_rows(vectors, function):
    """Sums over rows of a function that leaves zeros zero, in float64."""
    if not isinstance(vectors, CSR):
        return function(vectors).sum(axis=1, dtype=np.float64)
    rows = np.repeat(np.arange(vectors.n_rows), np.diff(vectors.indptr))
    return np.bincount(rows, function(vectors.data), vectors.n_rows)


def project(whole, projections):
    """Multiply vectors of whole numbers up to `RANGE` by projections, exactly.

    Parameters
    ----------
    whole : ndarray of shape (n_samples, n_features), dtype=float32, or CSR
    projections : ndarray of shape (n_features, n_projections), dtype=int8

    Returns
    -------
    products : ndarray of shape (n_samples, n_projections), dtype=int32 or float32
    """
    if isinstance(whole, CSR):
        products = np.empty((whole.n_rows, projections.shape[1]), np.int32)
        kernels.project_rows(whole.indptr, whole.indices, whole.data, projections, products)
        return products
    if whole.shape[1] <= BLOCK:
        return whole @ projections.astype(np.float32)
    return project_blocks(whole, projections.astype(np.float32), np.int32, np.ndarray.astype)


def project_blocks(whole, projections, integer, astype):
    """As `project`, with any library's arrays of float32: `BLOCK` features at a time."""
    products = None
    n_features = whole.shape[1]
    for start in range(0, n_features, BLOCK):
        part = slice(start, min(start + BLOCK, n_features))
        summand = astype(whole[:, part] @ projections[part, :], integer)
        products = summand if products is None else products + summand
    return products


# The same with arrays of other libraries.


def scales_of_arrays(vectors, xp):
    """As `scales_of`."""
    largest = xp.max(xp.abs(vectors), axis=1)
    reached = xp.searchsorted(constant(POWERS, vectors, xp), largest, side="right")
    return xp.take(constant(SCALES, vectors, xp), reached, axis=0)


def round_arrays(vectors, scales, xp):
    """As `round_to_whole`."""
    return xp.round(vectors * scales[:, None])


def project_arrays(whole, projections, xp):
    """As `project`, in int32."""
    factors = constant(projections.astype(np.float32), whole, xp)
    return project_blocks(whole, factors, xp.int32, xp.astype)


def project_large(whole, factors, xp):
    """Multiply whole numbers of any size by projections, digit by digit to the base `RANGE`.

    Products are right modulo 2**32: the caller sees to it that they are not larger.
    """
    astype = np.ndarray.astype if xp is np else xp.astype
    if whole.shape[0] == 0 or float(xp.max(xp.abs(whole))) <= RANGE:
        return project_blocks(whole, factors, xp.int32, astype)
    high = xp.round(whole / RANGE)
    low = project_blocks(whole - RANGE * high, factors, xp.int32, astype)
    return low + RANGE * project_large(high, factors, xp)
