"""Short vectors that stand for long ones: their coordinates in few directions."""

import numpy as np
import scipy.sparse as sp

from sklearn_lsh import kernels
from sklearn_lsh.neighbors.metrics import METRICS

# Directions that a sketch keeps, those of them that are hashed, and rows of the sample in which
# they are sought.
N_DIRECTIONS, N_HASHED, N_SAMPLE = 64, 32, 2048
# Steps of the power method, and directions that it turns beside those wanted.
N_STEPS, N_SPARE = 3, 10
# Rows that are rounded at once.
BLOCK = 1024
# Directions with a smaller share of the widest one's deviation count as rounding.
LEAST_SHARE = 1e-3


class Sketch:
    r"""Map rows and queries to few directions, in which they are compared and hashed.

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

    Sketches are compared in whole numbers of eight bits, because what takes time is to read them,
    and because sums of their products are the same in any order: `coarse`. For hashing, they are
    stretched: a direction's deviation :math:`\sigma` becomes its
    square root. As they are, rows differ mostly in few directions, which most bits then tell of;
    with all deviations alike, bits tell of directions in which rows hardly differ.

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
            deviations, directions = principal_directions(centred, N_DIRECTIONS, random_state)
            self.row_basis = self.query_basis = directions
        self.stretch = np.sqrt(deviations[0] / deviations[:N_HASHED]).astype(np.float32)
        self.row_step = self.query_step = _step(self.rows(rows))
        if for_products:
            self.query_step = _step(self.queries(queries))

    def _set_bases(self, rows, queries, random_state):
        """Find the bases for products, and queries' deviations in their directions."""
        products = queries @ rows.T
        products = products.toarray() if sp.issparse(products) else products
        products -= queries @ self.row_mean[:, np.newaxis]
        products -= rows @ self.query_mean - self.query_mean @ self.row_mean
        n_directions = min(N_DIRECTIONS, rows.shape[1])
        values, right = principal_directions(products, n_directions, random_state)
        roots = np.sqrt(values)
        left = products @ right / values
        self.query_basis = _combine(rows, self.row_mean, right / roots)
        self.row_basis = _combine(queries, self.query_mean, left / roots)
        return roots

    @property
    def n_directions(self):
        """Length of the sketches."""
        return self.row_basis.shape[1] + self.for_products

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
        return _with_first(biases / self.unit, projected)

    def queries(self, queries):
        """Sketches of queries: ndarray of shape (n_queries, n_directions), float32."""
        projected = _project(queries, self.query_mean, self.query_basis)
        return _with_first(self.unit, projected) if self.for_products else projected

    def coarse_rows(self, sketches):
        """Rows' sketches as they are compared: int8."""
        return _round(sketches, self.row_step)

    def coarse_queries(self, sketches):
        """Queries' sketches as they are compared: int8."""
        return _round(sketches, self.query_step)

    def hashed_rows(self, sketches):
        """Rows' sketches as they are hashed: for products shrunk where queries are stretched."""
        return self._stretched(sketches, 1 / self.stretch if self.for_products else self.stretch)

    def hashed_queries(self, sketches):
        """Queries' sketches as they are hashed: stretched."""
        return self._stretched(sketches, self.stretch)

    def score(self, indptr, indices, queries, rows):
        """Score ragged lists of coarse rows for coarse queries, the nearer the higher."""
        name = "score_coarse_products" if self.for_products else "score_coarse_distances"
        scores = np.empty(indices.shape[0], np.float32)
        getattr(kernels, name)(indptr, indices, queries, rows, scores)
        return scores

    def _stretched(self, sketches, factors):
        hashed = sketches[:, : factors.shape[0] + self.for_products].copy()
        hashed[:, self.for_products :] *= factors
        return hashed


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
    shape = matrix.shape[1], min(n_directions + N_SPARE, *matrix.shape)
    directions = random_state.standard_normal(shape).astype(np.float32)
    for _ in range(N_STEPS):
        directions, _ = np.linalg.qr(matrix.T @ (matrix @ directions))
    projected = matrix @ directions
    squares, turn = np.linalg.eigh(projected.T @ projected)
    deviations = np.sqrt(np.maximum(squares[::-1], 0))[:n_directions] + np.float32(1e-12)
    kept = int(np.count_nonzero(deviations >= LEAST_SHARE * deviations[0]))
    return deviations[:kept], np.ascontiguousarray((directions @ turn[:, ::-1])[:, :kept])


def _combine(matrix, mean, factors):
    """Sums of rows less their mean, times factors: ndarray of shape (n_features, n_directions)."""
    combined = matrix.T @ factors - np.outer(mean, factors.sum(axis=0))
    return np.ascontiguousarray(combined, dtype=np.float32)


def _project(matrix, mean, basis):
    projected = np.asarray(matrix @ basis, dtype=np.float32, order="C")
    projected -= mean @ basis
    return projected


def _with_first(first, projected):
    out = np.empty((projected.shape[0], projected.shape[1] + 1), np.float32)
    out[:, 0], out[:, 1:] = first, projected
    return out


def _step(sketches):
    """Step of the whole numbers, 127 of which are four deviations of the widest direction."""
    return np.float32(4 * np.sqrt((sketches**2).mean(axis=0).max()) / 127 + 1e-30)


def _round(sketches, step):
    whole = np.empty(sketches.shape, np.int8)
    for start in range(0, sketches.shape[0], BLOCK):  # which stays in a processor's cache
        part = slice(start, start + BLOCK)
        steps = sketches[part] / step
        np.rint(steps, out=steps)
        whole[part] = np.clip(steps, -127, 127, out=steps)
    return whole


def _mean(matrix):
    return np.asarray(matrix.mean(axis=0), dtype=np.float32).reshape(-1)
