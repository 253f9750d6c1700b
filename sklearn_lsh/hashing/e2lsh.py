"""Random projections, cut into intervals of a width."""

from __future__ import annotations

from numbers import Real
from typing import ClassVar

import numpy as np
from scipy.stats import norm
from sklearn.utils._param_validation import Interval

from sklearn_lsh.csr import CSR
from sklearn_lsh.hashing.arrays import constant
from sklearn_lsh.hashing.base import HashFamily, inner_products
from sklearn_lsh.hashing.integer_projections import (
    MAX_PROJECTION,
    UNIT,
    draw_normal,
    project,
    project_large,
    quantize,
    row_sums,
)
from sklearn_lsh.hashing.multiply_shift import MOST_HASHES, MultiplyShift
from sklearn_lsh.inputs import Count, RandomState

# Steps of a width to which coordinates are rounded.
STEPS = 256
# Bits of a width of the projections, whose unit is a step by that of the directions.
SHIFT = (STEPS * UNIT).bit_length() - 1
# Most widths that the magnitudes of a vector may add up to: 32 bits hold their projections.
MAX_WIDTHS = 2**31 // (STEPS * MAX_PROJECTION) - 1
# Least and greatest width: those whose steps are normal numbers of float32.
WIDTHS = (1e-30, 1e30)
# Distances below, in widths, are taken for so much: the formula divides by them.
MIN_DISTANCE = 1e-12


class E2LSH(HashFamily):
    r"""Random projections, cut into intervals of a width: for small Euclidean distances.

    A hash is :math:`\lfloor (a \cdot x + b) / r \rfloor` with normal a, uniform b, and the width
    r. Those of vectors at distance c agree with probability

    .. math:: p(c) = 1 - 2 \Phi(-r / c)
        - \frac{2 c}{\sqrt{2 \pi} r} \left(1 - e^{-r^2 / 2 c^2}\right)

    [1]_. The similarity of this family is the distance c. A code is K hashes, reduced to ``n_bits``
    bits by multiply-shift hashing [2]_, and agrees with probability
    :math:`p^K + (1 - p^K) 2^{-n\_bits}`.

    Vectors are rounded to steps of ``width / 256`` and projected in integers, so that codes
    are the same everywhere, see `sklearn_lsh.hashing.integer_projections`. Therefore magnitudes
    of a vector's values must not add up to more than 66,000 widths: centre the data, or choose a
    larger width.

    Parameters
    ----------
    n_bits : int, default=12
        Bits of a code, from 1 to 16: a table has ``2**n_bits`` buckets.
    n_tables : int, default=20
        Codes of a vector, at most 65,535.
    n_hashes : int, default=4
        Hashes of a code (K), at most 65,535.
    width : float, default=4.0
        Width of the intervals (r), in the units of the data: a few times the distance of near
        neighbours.
    random_state : int, RandomState instance or None, default=None
        Draws the projections and the multiply-shift functions.

    Attributes
    ----------
    projections_ : ndarray of shape (n_features, n_tables, n_hashes), dtype=int8
        Directions, in units of 1 / 32.
    offsets_ : ndarray of shape (n_tables, n_hashes), dtype=int32
        What is added to projections, in units of ``width / 8192``.
    n_buckets_ : int
        Number of different codes of a table.
    n_features_in_ : int
        Length of the vectors.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has names that are all strings.

    References
    ----------
    .. [1] M. Datar, N. Immorlica, P. Indyk and V. Mirrokni, "Locality-sensitive hashing scheme
       based on p-stable distributions", SCG 2004.
    .. [2] M. Dietzfelbinger, "Universal hashing and k-wise independent random variables via
       integer arithmetic without primes", STACS 1996.

    Examples
    --------
    >>> from sklearn_lsh.hashing import E2LSH
    >>> family = E2LSH(n_hashes=1, width=10.0, random_state=0).fit([[0.0, 0.0]])
    >>> family.similarity([[0.0, 0.0]], [[3.0, 4.0]])
    array([5.])
    >>> family.collision_probability([1.0, 5.0, 20.0]).round(2)
    array([0.92, 0.61, 0.2 ])
    """

    _parameter_constraints: ClassVar[dict] = {
        **HashFamily._parameter_constraints,
        "n_hashes": [Count(1, MOST_HASHES)],
        "width": [Interval(Real, *WIDTHS, closed="both")],
    }

    def __init__(
        self,
        n_bits: int = 12,
        n_tables: int = 20,
        *,
        n_hashes: int = 4,
        width: float = 4.0,
        random_state: RandomState = None,
    ) -> None:
        super().__init__(n_bits, n_tables, random_state=random_state)
        self.n_hashes = n_hashes
        self.width = width

    def _draw_functions(self, n_features, random_state):
        shape = (n_features, self.n_tables, self.n_hashes)
        self.projections_ = draw_normal(shape, random_state)
        self.offsets_ = random_state.randint(1 << SHIFT, size=shape[1:]).astype(np.int32)
        self._reduction = MultiplyShift(self.n_tables, self.n_hashes, self.n_bits, random_state)
        self._width = float(self.width)

    def _check_drawn(self, stored):
        n_tables = self._n_features_out
        shape = (self.n_features_in_, n_tables, None)
        n_hashes = stored.array("projections_", np.int8, shape).shape[2]
        stored.array("offsets_", np.int32, (n_tables, n_hashes))
        reduction = stored.part("_reduction", MultiplyShift)
        reduction.check_stored(n_tables, n_hashes, self.n_buckets_)
        stored.number("_width", *WIDTHS)

    def _fill_codes(self, vectors, codes):
        sizes = row_sums(vectors, np.abs)
        self._check_size(sizes.max(initial=0))
        quantized = quantize(vectors, np.full(sizes.shape[0], self._scale))
        if isinstance(vectors, CSR):
            products = project(quantized, self._matrix)
        else:
            products = project_large(quantized, self._matrix.astype(np.float32), np)
        codes[...] = self._reduction.codes((products + self.offsets_.reshape(-1)) >> SHIFT)

    def _compute_codes(self, vectors, xp):
        if vectors.shape[0]:
            self._check_size(float(xp.max(xp.sum(xp.abs(vectors), axis=1))))
        quantized = xp.round(vectors * float(self._scale))
        matrix = constant(self._matrix.astype(np.float32), vectors, xp)
        offsets = constant(self.offsets_.reshape(-1), vectors, xp)
        products = project_large(quantized, matrix, xp)
        return self._reduction.codes((products + offsets) >> SHIFT, xp)

    @property
    def _matrix(self):
        return self.projections_.reshape(self.projections_.shape[0], -1)

    @property
    def _scale(self):
        return np.float32(STEPS / self._width)

    def _check_size(self, largest):
        if not largest / self._width <= MAX_WIDTHS:  # nor NaN, of a network that diverges
            raise ValueError(
                "The magnitudes of a vector's values in X must not add up to more than "
                f"{MAX_WIDTHS} times width={self._width:.3g}, but they do to {largest:.3g}. Centre "
                "the data, or choose a larger width: hash_function=E2LSH(width=...), where a name "
                "stands for the family."
            )

    def _similarity(self, x, y):
        """Distances."""
        return np.sqrt(inner_products(x - y, x - y))

    def _collision_probability(self, similarity):
        distances = np.maximum(similarity, MIN_DISTANCE * self._width) / self._width
        return self._reduction.collision_probability(hash_probability(distances))


def hash_probability(distance):
    """Probability that a hash agrees, by the distance in widths."""
    r = 1 / distance
    return 1 - 2 * norm.cdf(-r) - 2 / (np.sqrt(2 * np.pi) * r) * (1 - np.exp(-(r**2) / 2))
