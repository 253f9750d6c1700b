"""Short vectors that stand for long ones: their coordinates in few directions."""

import numpy as np
import scipy.sparse as sp

from sklearn_lsh import kernels
from sklearn_lsh.neighbors.metrics import METRICS
from sklearn_lsh.stored import Attributes

# Most directions of a sketch.
MAX_DIRECTIONS = 64
# Of these the widest, which are hashed.
HASHED_DIRECTIONS = 32
# Rows of the sample in which directions are sought.
SAMPLE_ROWS = 2048
# Iterations of the block power method.
POWER_ITERATIONS = 3
# Directions that it turns beside those wanted, which so come out more exactly (Halko et al. 2011).
OVERSAMPLING = 10
# Directions with a smaller share of the widest one's deviation count as rounding.
MIN_SHARE = 1e-3
# Deviations of the widest direction that the largest quantized value, 127, stands for.
QUANTIZED_DEVIATIONS = 4
# Between these, sums of products of products of values have room in float32.
SAFE_SIZES = (1e-9, 1e8)
# Rows that are quantized at once, which stay in a processor's cache.
CHUNK_ROWS = 1024


class PrincipalSketch:
    r"""Projections of rows and queries to few directions, in which they are compared and hashed.

    With the rows' mean :math:`m` and principal directions :math:`V`, sketches are
    :math:`V^T (x - m)`, and their distances those of the rows, but for what lies outside of the
    directions.

    For inner products, rows and queries may be quite different. The mean of the rows plays no
    part in the order of a query's products, and that of the queries, :math:`n`, adds the same
    number to each row's. So with two bases, :math:`A` and :math:`B`,

    .. math:: q \cdot x \sim [u,\ A^T (q - n)] \cdot [n \cdot (x - m) / u,\ B^T (x - m)],

    with any :math:`u`: here the length that queries typically have otherwise in a direction. The
    products of a sample of both are approximated best (Eckart and Young) by their singular
    vectors, :math:`(Q - n) (X - m)^T \approx U S W^T`, which are these sketches with
    :math:`A = (X - m)^T W S^{-1/2}` and :math:`B = (Q - n)^T U S^{-1/2}`.

    Sketches are compared quantized to eight bits, because what takes time is to read them, and
    because sums of their products are the same in any order. For hashing, they are whitened in
    part: a direction's deviation :math:`\sigma` becomes its square root. As they are, rows differ
    mostly in few directions, which most bits then tell of; with all deviations alike, bits tell
    of directions in which rows hardly differ.

    Parameters
    ----------
    rows, queries : ndarray or csr_array of shape (n_samples, n_features), dtype=float32
        Samples.
    for_products : bool
    random_state : RandomState
    """

    def __init__(self, rows, queries, for_products, random_state):
        self.for_products = for_products
        self.row_mean, self.query_mean = (_mean(matrix) for matrix in (rows, queries))
        if for_products:
            deviations = self._set_bases(rows, queries, random_state)
            self.unit = np.float32(np.sqrt((deviations**2).mean() / queries.shape[0]) + 1e-12)
        else:
            # A sparse sample stays uncentred: its first direction is then about its mean.
            self.query_mean = self.row_mean
            centred = rows if sp.issparse(rows) else rows - self.row_mean
            deviations, directions = principal_directions(centred, MAX_DIRECTIONS, random_state)
            self.row_basis = self.query_basis = directions
        deviations = deviations[:HASHED_DIRECTIONS]
        self.whitening = np.sqrt(deviations[0] / deviations).astype(np.float32)
        self.row_step = self.query_step = _quantization_step(self.rows(rows))
        if for_products:
            self.query_step = _quantization_step(self.queries(queries))

    def _set_bases(self, rows, queries, random_state):
        """Find the bases for products, and queries' deviations in their directions."""
        products = queries @ rows.T
        products = products.toarray() if sp.issparse(products) else products
        products -= queries @ self.row_mean[:, np.newaxis]
        products -= rows @ self.query_mean - self.query_mean @ self.row_mean
        n_directions = min(MAX_DIRECTIONS, rows.shape[1])
        values, right = principal_directions(products, n_directions, random_state)
        roots = np.sqrt(values)
        left = products @ right / values
        self.query_basis = _combine(rows, self.row_mean, right / roots)
        self.row_basis = _combine(queries, self.query_mean, left / roots)
        return roots

    def check_stored(self, for_products, n_features):
        """Check what was loaded."""
        stored = Attributes(self)
        stored.require(stored.flag("for_products") == for_products, "for_products", "the metric's")
        for name in ("row_mean", "query_mean"):
            stored.array(name, np.float32, (n_features,), finite=True)
        n_directions = None
        for name in ("row_basis", "query_basis"):
            basis = stored.array(name, np.float32, (n_features, n_directions), finite=True)
            n_directions = basis.shape[1]
        whitening = stored.array("whitening", np.float32, (None,), finite=True)
        is_short = 0 < whitening.shape[0] <= n_directions
        stored.require(is_short and (whitening > 0).all(), "whitening", "positive, of directions")
        for name in ("row_step", "query_step", *(["unit"] if for_products else [])):
            stored.require(stored.number(name, 0) > 0, name, "positive")

    @property
    def n_directions(self):
        """Length of the sketches."""
        return self.row_basis.shape[1] + self.for_products

    @property
    def n_hashed(self):
        """Length of what is hashed of them."""
        return self.whitening.shape[0] + self.for_products

    @property
    def metric(self):
        """How sketches are compared."""
        return METRICS["inner_product" if self.for_products else "euclidean"]

    def rows(self, rows):
        """Sketches of rows: ndarray of shape (n_rows, n_directions), float32."""
        projected = _project(rows, self.row_mean, self.row_basis)
        if not self.for_products:
            return projected
        biases = rows @ self.query_mean - self.query_mean @ self.row_mean
        return _prepend(biases / self.unit, projected)

    def queries(self, queries):
        """Sketches of queries: ndarray of shape (n_queries, n_directions), float32."""
        projected = _project(queries, self.query_mean, self.query_basis)
        return _prepend(self.unit, projected) if self.for_products else projected

    def quantize_rows(self, sketches):
        """Rows' sketches as they are compared: int8."""
        return _quantize(sketches, self.row_step)

    def quantize_queries(self, sketches):
        """Queries' sketches as they are compared: int8."""
        return _quantize(sketches, self.query_step)

    def whiten_rows(self, sketches):
        """Rows' sketches as they are hashed: for products, inversely to the queries'."""
        return self._scale(sketches, 1 / self.whitening if self.for_products else self.whitening)

    def whiten_queries(self, sketches):
        """Queries' sketches as they are hashed."""
        return self._scale(sketches, self.whitening)

    def score(self, pattern, queries, rows):
        """Score ragged lists of quantized rows for quantized queries, the nearer the higher."""
        scores = np.empty(pattern.n_pairs, np.float32)
        if self.for_products:
            kernels.score_quantized_products(pattern, queries, rows, scores)
        else:
            kernels.score_quantized_distances(pattern, queries, rows, scores)
        return scores

    def _scale(self, sketches, factors):
        scaled = sketches[:, : self.n_hashed].copy()
        scaled[:, self.for_products :] *= factors
        return scaled


def principal_directions(matrix, n_directions, random_state):
    """Find the directions in which rows are longest, by a block power method.

    Parameters
    ----------
    matrix : ndarray or csr_array of shape (n_rows, n_features), dtype=float32
    n_directions : int
        Fewer are returned where there are not so many.
    random_state : RandomState

    Returns
    -------
    deviations : ndarray of shape (n_directions,), dtype=float32
        Singular values, in descending order.
    directions : ndarray of shape (n_features, n_directions), dtype=float32
        Right singular vectors.
    """
    unit = _unit_of(matrix)
    if unit != 1:
        scaled = matrix * np.float32(1 / unit)
        deviations, directions = principal_directions(scaled, n_directions, random_state)
        return deviations * unit, directions
    n_rows, n_features = matrix.shape
    unit = _power_of_two(matrix)
    matrix = matrix * (1 / unit)  # or squares of squares may not be finite
    shape = n_features, min(n_directions + OVERSAMPLING, n_rows, n_features)
    directions = random_state.standard_normal(shape).astype(np.float32)
    for _ in range(POWER_ITERATIONS):
        directions, _ = np.linalg.qr(matrix.T @ (matrix @ directions))
    projected = matrix @ directions
    squares, rotation = np.linalg.eigh(projected.T @ projected)
    deviations = np.sqrt(np.maximum(squares[::-1], 0))[:n_directions] + np.float32(1e-12)
    kept = int(np.count_nonzero(deviations >= MIN_SHARE * deviations[0]))
    return unit * deviations[:kept], np.ascontiguousarray(
        (directions @ rotation[:, ::-1])[:, :kept]
    )


def _power_of_two(matrix):
    """One near the largest magnitude of a matrix, or 1: to divide by it changes no digit."""
    largest = max(1.0, float(abs(matrix).max()))
    return np.float32(np.exp2(np.floor(np.log2(largest))))


def _unit_of(matrix):
    """A power of two as a unit for values whose products would overflow or vanish; else 1."""
    largest = abs(matrix).max()
    if largest == 0 or SAFE_SIZES[0] < largest < SAFE_SIZES[1]:
        return 1
    return np.float32(np.ldexp(1.0, np.clip(np.frexp(largest)[1], -100, 100)))


def _combine(matrix, mean, factors):
    """Sums of rows less their mean, times factors: ndarray of shape (n_features, n_directions)."""
    combined = matrix.T @ factors - np.outer(mean, factors.sum(axis=0))
    return np.ascontiguousarray(combined, dtype=np.float32)


def _project(matrix, mean, basis):
    projected = np.asarray(matrix @ basis, dtype=np.float32, order="C")
    projected -= mean @ basis
    return projected


def _prepend(first, projected):
    """Sketches with one more coordinate, the first."""
    out = np.empty((projected.shape[0], projected.shape[1] + 1), np.float32)
    out[:, 0], out[:, 1:] = first, projected
    return out


def _quantization_step(sketches):
    """What a quantized sketch's unit stands for."""
    widest = np.sqrt((sketches**2).mean(axis=0).max())
    return np.float32(QUANTIZED_DEVIATIONS * widest / 127 + 1e-30)


def _quantize(sketches, step):
    quantized = np.empty(sketches.shape, np.int8)
    for start in range(0, sketches.shape[0], CHUNK_ROWS):
        part = slice(start, start + CHUNK_ROWS)
        steps = sketches[part] / step
        np.rint(steps, out=steps)
        quantized[part] = np.clip(steps, -127, 127, out=steps)
    return quantized


def _mean(matrix):
    return np.asarray(matrix.mean(axis=0), dtype=np.float32).reshape(-1)
