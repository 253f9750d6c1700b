"""Signs of random projections."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import StrOptions

from sklearn_lsh import kernels
from sklearn_lsh.hashing.arrays import Array, constant
from sklearn_lsh.hashing.base import MAX_BITS, HashFamily, inner_products
from sklearn_lsh.hashing.integer_projections import (
    count_as_zero,
    draw_normal,
    project,
    project_arrays,
    quantize,
    quantize_arrays,
    row_scales,
    row_scales_of_arrays,
)
from sklearn_lsh.inputs import RandomState


def draw_sparse(shape, random_state):
    """Draw projections of -1, 0 and 1, two thirds of them 0: ndarray of dtype int8."""
    out = np.empty(shape, np.int8)
    for part in out:
        part[...] = np.int8([-1, 0, 0, 0, 0, 1])[random_state.randint(6, size=part.shape)]
    return out


PROJECTIONS = {"normal": draw_normal, "sparse": draw_sparse}


class SimHash(HashFamily):
    r"""Signs of random projections: for vectors at small angles.

    Each bit agrees with probability :math:`1 - \theta / \pi` for vectors at an angle
    :math:`\theta` [1]_, and a table's code of K bits with that to the power of K. The length of
    vectors plays no part. A vector of zeros has code 0.

    Vectors and projections are rounded to integers, so that their products are exact and
    codes are the same everywhere; see `sklearn_lsh.hashing.integer_projections`.

    Parameters
    ----------
    n_bits : int, default=12
        Bits of a code (K), from 1 to 16: a table has ``2**n_bits`` buckets.
    n_tables : int, default=20
        Codes of a vector (L).
    projections : {"normal", "sparse"}, default="normal"
        Normal numbers, or -1, 0 and 1 with probabilities 1/6, 2/3 and 1/6 [2]_, for which the
        formula holds the better the more features are not zero.
    random_state : int, RandomState instance or None, default=None
        Draws the projections.

    Attributes
    ----------
    projections_ : ndarray of shape (n_features, n_tables, n_bits), dtype=int8
        Directions that the signs are taken along.
    n_buckets_ : int
        Number of different codes of a table.
    n_features_in_ : int
        Length of the vectors.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has names that are all strings.

    References
    ----------
    .. [1] M. Charikar, "Similarity estimation techniques from rounding algorithms", STOC 2002.
    .. [2] D. Achlioptas, "Database-friendly random projections", PODS 2001.

    Examples
    --------
    >>> from sklearn_lsh.hashing import SimHash
    >>> family = SimHash(n_bits=8, n_tables=3, random_state=0)
    >>> codes = family.fit_transform([[1.0, 2.0], [2.0, 4.0], [-1.0, -2.0]])
    >>> codes.shape, codes.dtype
    ((3, 3), dtype('uint8'))
    >>> bool((codes[0] == codes[1]).all())
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        **HashFamily._parameter_constraints,
        "projections": [StrOptions(set(PROJECTIONS))],
    }

    def __init__(
        self,
        n_bits: int = 12,
        n_tables: int = 20,
        *,
        projections: str = "normal",
        random_state: RandomState = None,
    ) -> None:
        super().__init__(n_bits, n_tables, random_state=random_state)
        self.projections = projections

    @property
    def exact_probability(self) -> bool:
        """See `HashFamily.exact_probability`: with normal projections."""
        return self.projections == "normal"

    def _draw_functions(self, n_features, random_state):
        shape = (n_features, self.n_tables, self.n_bits)
        self.projections_ = PROJECTIONS[self.projections](shape, random_state)

    def _check_drawn(self, stored):
        self._check_projections(stored, self.n_features_in_, n_ranges=1)

    def _check_projections(self, stored, n_directions, n_ranges):
        shape = (n_directions, self._n_features_out, None)
        n_bits = stored.array("projections_", np.int8, shape).shape[2]
        is_whole = n_bits <= MAX_BITS and n_ranges << n_bits == self.n_buckets_
        stored.require(is_whole, "projections_", f"of codes of {self.n_buckets_} buckets")

    def _fill_codes(self, vectors, codes):
        quantized = quantize(vectors, row_scales(vectors))
        self._pack(project(quantized, self._matrix), codes)

    def _compute_codes(self, vectors, xp):
        quantized = quantize_arrays(vectors, row_scales_of_arrays(vectors, xp), xp)
        return self._pack_arrays(project_arrays(quantized, self._matrix, xp), xp)

    @property
    def max_probes(self) -> int:
        """Buckets of a table that `probe_codes` can name."""
        drawn = vars(self).get("projections_")
        return 1 << (int(self.n_bits) if drawn is None else drawn.shape[2])

    def probe_codes(self, X: Array, n_probes: int) -> Array:
        """Codes of the likeliest buckets: those on the other side of planes that are near.

        Q. Lv, W. Josephson, Z. Wang, M. Charikar and K. Li, "Multi-probe LSH: efficient indexing
        for high-dimensional similarity search", VLDB 2007.

        Parameters
        ----------
        X : ndarray or csr_array of shape (n_samples, n_features), dtype=float32 or float64
            See `HashFamily.codes`.
        n_probes : int
            Buckets of each table, at most ``2**n_bits``. The first is that of the query.

        Returns
        -------
        codes : ndarray of shape (n_samples, n_probes, n_tables)
            In the order in which to look.
        """
        _, n_tables, n_bits = self.projections_.shape
        if not 1 <= n_probes <= 1 << n_bits:
            raise ValueError(f"n_probes must be from 1 to {1 << n_bits}, got {n_probes}.")
        shape = (X.shape[0], n_probes, n_tables)
        return self._fill_in_chunks(X, np.empty(shape, self.code_dtype), self._fill_probes)

    def _fill_probes(self, vectors, codes):
        quantized = quantize(vectors, row_scales(vectors))
        products = project(quantized, self._matrix)
        kernels.probe_signs(products, self.projections_.shape[2], codes)

    @property
    def _matrix(self):
        return self.projections_.reshape(self.projections_.shape[0], -1)

    def _pack(self, products, codes):
        kernels.pack_signs(products, self.projections_.shape[2], codes)

    def _pack_arrays(self, products, xp):
        _, n_tables, n_bits = self.projections_.shape
        positive = xp.reshape(products > 0, (products.shape[0], n_tables, n_bits))
        powers = constant(1 << np.arange(n_bits, dtype=np.int32)[::-1].copy(), products, xp)
        return xp.sum(xp.astype(positive, xp.int32) * powers, axis=2, dtype=xp.int32)

    def _similarity(self, x, y):
        """Cosines; that of a vector of zeros is 1 with another one, and 0 with any other."""
        norms = np.sqrt(inner_products(x, x) * inner_products(y, y))
        cosines = inner_products(x, y) / np.where(norms > 0, norms, 1)
        zero_x, zero_y = count_as_zero(x), count_as_zero(y)
        return np.where(zero_x | zero_y, zero_x & zero_y, cosines)

    def _collision_probability(self, similarity):
        angles = np.arccos(np.clip(similarity, -1, 1))
        return (1 - angles / np.pi) ** self.projections_.shape[2]
