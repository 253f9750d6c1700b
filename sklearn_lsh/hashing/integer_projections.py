r"""Random projections in integers: the same on all processors and in all libraries.

A sum of floats depends on the order of its terms, which differs from one BLAS, batch or device to
the next, and with it codes would. So vectors are rounded to integers of at most 512 and the
projections to integers of at most 127: products of 256 of them, which is how many are summed
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
from sklearn_lsh.csr import CSR, ragged_rows, take
from sklearn_lsh.hashing.arrays import constant

# Greatest magnitude of a quantized value: ten bits with its sign, as many as TF32 has.
MAX_VALUE = 512
# Standard deviation of normal projections, which are integers.
UNIT = 32
# Greatest magnitude of a projection: what int8 holds, four standard deviations.
MAX_PROJECTION = 127
# Features whose products are summed in float32: BLOCK * MAX_VALUE * MAX_PROJECTION < 2**24.
BLOCK = 256

# Exponents of the powers of two that a vector's largest magnitude may reach: to float32's last.
_EXPONENTS = np.arange(-100, 128)
POWERS = np.exp2(_EXPONENTS).astype(np.float32)
# Vectors whose largest magnitude is below count as zero.
SMALLEST = POWERS[0]
# Scales, by the number of powers that the largest magnitude reaches.
SCALES = np.concatenate([[0], np.exp2(8.0 - _EXPONENTS)]).astype(np.float32)


def draw_normal(shape, random_state):
    """Draw normal projections: ndarray of dtype int8, whose unit is `UNIT`."""
    out = np.empty(shape, np.int8)
    for part in out:  # not at once: the floats of wide vectors would fill the memory
        drawn = np.rint(UNIT * random_state.standard_normal(part.shape))
        part[...] = np.clip(drawn, -MAX_PROJECTION, MAX_PROJECTION)
    return out


def row_scales(vectors):
    """Powers of two that bring each vector's largest magnitude into [256, 512), or 0."""
    indptr, data = ragged_rows(vectors)
    scales = np.empty(indptr.shape[0] - 1, np.float32)
    kernels.scale_rows(indptr, data, scales)
    return scales


def count_as_zero(X):
    """Tell which rows of a matrix are quantized to zeros: they all are projected alike."""
    return row_scales(take(X, slice(0, X.shape[0]))) == 0


def quantize(vectors, scales):
    """Round scaled vectors to integers, held as float32: dense or `CSR` as they are."""
    indptr, data = ragged_rows(vectors)
    quantized = np.empty_like(data)
    kernels.round_rows(indptr, data, scales, quantized)
    if isinstance(vectors, CSR):
        return vectors._replace(data=quantized)
    return quantized.reshape(vectors.shape)


def row_sums(vectors, function):
    """Sums over rows of a function that leaves zeros zero, in float64."""
    if not isinstance(vectors, CSR):
        return function(vectors).sum(axis=1, dtype=np.float64)
    rows = np.repeat(np.arange(vectors.n_rows), np.diff(vectors.indptr))
    return np.bincount(rows, function(vectors.data), vectors.n_rows)


def project(quantized, projections):
    """Multiply integer vectors of values up to `MAX_VALUE` by projections, exactly.

    Parameters
    ----------
    quantized : ndarray of shape (n_samples, n_features), dtype=float32, or CSR
    projections : ndarray of shape (n_features, n_projections), dtype=int8

    Returns
    -------
    products : ndarray of shape (n_samples, n_projections), dtype=int32 or float32
    """
    if isinstance(quantized, CSR):
        products = np.empty((quantized.n_rows, projections.shape[1]), np.int32)
        kernels.project_rows(quantized, projections, products)
        return products
    if quantized.shape[1] <= BLOCK:
        return quantized @ projections.astype(np.float32)
    return project_blocks(quantized, projections.astype(np.float32), np.int32, np.ndarray.astype)


def project_blocks(quantized, projections, integer, astype):
    """As `project`, with any library's arrays of float32: `BLOCK` features at a time."""
    products = None
    n_features = quantized.shape[1]
    for start in range(0, n_features, BLOCK):
        part = slice(start, min(start + BLOCK, n_features))
        summand = astype(quantized[:, part] @ projections[part, :], integer)
        products = summand if products is None else products + summand
    return products


# The same with arrays of other libraries.


def row_scales_of_arrays(vectors, xp):
    """As `row_scales`."""
    largest = xp.max(xp.abs(vectors), axis=1)
    reached = xp.searchsorted(constant(POWERS, vectors, xp), largest, side="right")
    return xp.take(constant(SCALES, vectors, xp), reached, axis=0)


def quantize_arrays(vectors, scales, xp):
    """As `quantize`."""
    return xp.round(vectors * scales[:, None])


def project_arrays(quantized, projections, xp):
    """As `project`, in int32."""
    factors = constant(projections.astype(np.float32), quantized, xp)
    return project_blocks(quantized, factors, xp.int32, xp.astype)


def project_large(quantized, factors, xp):
    """Multiply integers of any size by projections, digit by digit to the base `MAX_VALUE`.

    Products are right modulo 2**32: the caller sees to it that they are not larger.
    """
    astype = np.ndarray.astype if xp is np else xp.astype
    if quantized.shape[0] == 0 or float(xp.max(xp.abs(quantized))) <= MAX_VALUE:
        return project_blocks(quantized, factors, xp.int32, astype)
    high = xp.round(quantized / MAX_VALUE)
    low = project_blocks(quantized - MAX_VALUE * high, factors, xp.int32, astype)
    return low + MAX_VALUE * project_large(high, factors, xp)
