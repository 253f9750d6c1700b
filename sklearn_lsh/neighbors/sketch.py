"""Short vectors that stand for long ones: their principal coordinates."""

import numpy as np
import scipy.sparse as sp
from sklearn.utils.extmath import randomized_svd

from sklearn_lsh import kernels
from sklearn_lsh.neighbors.metrics import METRICS

# Directions that a sketch keeps, those of them that are hashed, and rows of the sample in which
# they are sought.
N_DIRECTIONS, N_HASHED, N_SAMPLE = 64, 32, 2048


class Sketch:
    r"""Map rows and queries to few directions, in which they are compared and hashed.

    With the rows' mean :math:`m` and principal directions :math:`V`, sketches are
    :math:`V^T (x - m)`, and their distances those of the rows, but for what lies outside of the
    directions.

    For inner products, rows and queries may be quite different. The mean of the rows plays no
    part in the order of a query's products, and that of the queries, :math:`n`, adds the same
    number to each row's. So with the queries' principal directions

    .. math:: q \cdot x \sim [u,\ V^T (q - n)] \cdot [n \cdot (x - m) / u,\ V^T (x - m)],

    with any :math:`u`: here the length that queries typically have otherwise in a direction.

    Sketches are compared in whole numbers of eight bits, because what takes time is to read them,
    and because sums of their products are the same in any order: `coarse`. For hashing, they are stretched: a direction's deviation :math:`\sigma` becomes its
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
        if not for_products:
            self.query_mean = self.row_mean
        # A sparse sample stays uncentred: its first direction is then about its mean.
        sample, mean = (queries, self.query_mean) if for_products else (rows, self.row_mean)
        centred = sample if sp.issparse(sample) else sample - mean
        n_directions = min(N_DIRECTIONS, *centred.shape)
        _, deviations, directions = randomized_svd(
            centred, n_directions, n_iter=2, random_state=random_state
        )
        self.basis = np.ascontiguousarray(directions.T, dtype=np.float32)
        deviations = np.maximum(deviations, deviations[0] * 1e-3 + 1e-12)
        self.stretch = np.sqrt(deviations[0] / deviations[:N_HASHED]).astype(np.float32)
        if for_products:
            self.unit = np.float32(np.sqrt((deviations**2).mean() / centred.shape[0]) + 1e-12)
        self.row_step, self.query_step = (
            _step(part) for part in (self.rows(rows), self.queries(queries))
        )
        if not for_products:
            self.query_step = self.row_step

    @property
    def n_directions(self):
        """Length of the sketches."""
        return self.basis.shape[1] + self.for_products

    @property
    def metric(self):
        """How sketches are compared."""
        return METRICS["inner_product" if self.for_products else "euclidean"]

    def rows(self, rows):
        """Sketches of rows: ndarray of shape (n_rows, n_directions), float32."""
        projected = self._project(rows, self.row_mean)
        if not self.for_products:
            return projected
        biases = rows @ self.query_mean - self.query_mean @ self.row_mean
        return _with_first(biases / self.unit, projected)

    def queries(self, queries):
        """Sketches of queries: ndarray of shape (n_queries, n_directions), float32."""
        projected = self._project(queries, self.query_mean)
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

    def _project(self, matrix, mean):
        projected = np.asarray(matrix @ self.basis, dtype=np.float32, order="C")
        projected -= mean @ self.basis
        return projected


def _with_first(first, projected):
    out = np.empty((projected.shape[0], projected.shape[1] + 1), np.float32)
    out[:, 0], out[:, 1:] = first, projected
    return out


def _step(sketches):
    """Step of the whole numbers, 127 of which are four deviations of the widest direction."""
    return np.float32(4 * np.sqrt((sketches**2).mean(axis=0).max()) / 127 + 1e-30)


def _round(sketches, step):
    whole = np.rint(sketches / step, out=np.empty_like(sketches))
    return np.clip(whole, -127, 127, out=whole).astype(np.int8)


def _mean(matrix):
    return np.asarray(matrix.mean(axis=0), dtype=np.float32).reshape(-1)
