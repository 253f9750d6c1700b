"""Signs of random projections for largest inner products."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from sklearn_lsh.csr import take
from sklearn_lsh.hashing.arrays import Array, constant, namespace
from sklearn_lsh.hashing.base import CHUNK_ROWS, MAX_BITS, inner_products
from sklearn_lsh.hashing.integer_projections import (
    SMALLEST,
    count_as_zero,
    project,
    project_arrays,
    quantize,
    quantize_arrays,
    row_scales,
    row_scales_of_arrays,
    row_sums,
)
from sklearn_lsh.hashing.simhash import SimHash
from sklearn_lsh.inputs import FLOAT32_MAX, Count, RandomState

# Greatest appended coordinate, in quantized units: thousands of times as large as the others are.
MAX_TAIL = 1 << 20
# Bits of squares, which are up to 2**18, that are summed apart from the higher ones: in int32.
LOW_BITS = 12
# Norms that bound ranges are so much greater than the row's: rounding puts it into no other range.
ABOVE = np.float32(1 + 2**-21)


class SimpleLSH(SimHash):
    r"""Simple-LSH: `SimHash` for largest inner products instead of smallest angles.

    Rows of data get one more coordinate, which makes them all as long as the longest, and queries
    a zero [1]_:

    .. math:: x \to [x, \sqrt{M^2 - |x|^2}], \qquad q \to [q, 0].

    Angles between the two are then in the order of inner products: each bit agrees with
    probability :math:`1 - \arccos(q \cdot x / (|q| M)) / \pi`, of which
    :math:`q \cdot x / (|q| M)` is the similarity of this family.

    Where a few rows are much longer than the others, these are hardly told apart. With
    ``n_ranges`` they are divided by their length into parts of equal size, each with its own M
    and its own buckets, and a query looks into the buckets of all of them [2]_.

    `transform` codes rows of data, `transform_queries` queries. `fit` learns the lengths from
    the data; rows that are longer than all of these count as if they were not.

    Parameters
    ----------
    n_bits : int, default=12
        Bits of a code within its range, from 1 to 16.
    n_tables : int, default=20
        Codes of a vector, at most 65,535.
    n_ranges : int, default=1
        Ranges of lengths. ``n_ranges * 2**n_bits`` must not be more than 65,536.
    projections : {"normal", "sparse"}, default="normal"
        See `SimHash`.
    random_state : int, RandomState instance or None, default=None
        Draws the projections.

    Attributes
    ----------
    norms_ : ndarray of shape (n_ranges,), dtype=float32
        Greatest length of a row in each range (M).
    projections_ : ndarray of shape (n_features + 1, n_tables, n_bits), dtype=int8
        Directions that the signs are taken along.
    n_buckets_ : int
        Number of different codes of a table.
    n_features_in_ : int
        Length of the vectors.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has names that are all strings.

    References
    ----------
    .. [1] B. Neyshabur and N. Srebro, "On symmetric and asymmetric LSHs for inner product
       search", ICML 2015.
    .. [2] X. Yan, J. Li, X. Dai, H. Chen and J. Cheng, "Norm-ranging LSH for maximum inner
       product search", NeurIPS 2018.

    Examples
    --------
    >>> from sklearn_lsh.hashing import SimpleLSH
    >>> family = SimpleLSH(random_state=0).fit([[3.0, 4.0], [1.0, 0.0]])
    >>> family.similarity([[1.0, 0.0]], [[2.0, 0.0]]).round(3)
    array([0.2])
    """

    _parameter_constraints: ClassVar[dict] = {
        **SimHash._parameter_constraints,
        "n_ranges": [Count()],
    }

    def __init__(
        self,
        n_bits: int = 12,
        n_tables: int = 20,
        *,
        n_ranges: int = 1,
        projections: str = "normal",
        random_state: RandomState = None,
    ) -> None:
        super().__init__(n_bits, n_tables, projections=projections, random_state=random_state)
        self.n_ranges = n_ranges

    def transform_queries(self, X: Array) -> Array:
        """Code queries.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features)
            See `transform`.

        Returns
        -------
        codes : array of shape (n_queries, n_tables) or (n_queries, n_ranges, n_tables)
            With more than one range a code for each of them.
        """
        return super().transform_queries(X)

    def query_codes(self, X: Array) -> Array:
        """As `transform_queries`, without checks.

        Parameters
        ----------
        X : ndarray or csr_array of shape (n_samples, n_features), dtype=float32 or float64
            See `HashFamily.codes`.

        Returns
        -------
        codes : array of shape (n_samples, n_tables) or (n_samples, n_ranges, n_tables)
            With several ranges of lengths, a code in each.
        """
        codes = self._code_in_chunks(X, super()._fill_codes, super()._compute_codes)
        if self.norms_.shape[0] == 1:
            return codes
        if isinstance(codes, np.ndarray):
            return codes[:, np.newaxis, :] + self._range_offsets[:, np.newaxis]
        return _add_offsets(codes, self._range_offsets)

    def probe_codes(self, X: Array, n_probes: int) -> Array:
        """As `SimHash.probe_codes`, in each range of lengths.

        Parameters
        ----------
        X : ndarray or csr_array of shape (n_samples, n_features), dtype=float32 or float64
            See `HashFamily.codes`.
        n_probes : int
            Buckets of each range in each table.

        Returns
        -------
        codes : ndarray of shape (n_samples, n_ranges * n_probes, n_tables)
            Range by range.
        """
        codes = super().probe_codes(X, n_probes)[:, np.newaxis] + self._range_offsets[:, None, None]
        return codes.reshape(X.shape[0], -1, codes.shape[-1])

    @property
    def _range_offsets(self):
        """The first code of each range."""
        offsets = np.arange(self.norms_.shape[0]) << self.projections_.shape[2]
        return offsets.astype(self.code_dtype)

    def _draw_functions(self, n_features, random_state):
        n_buckets = int(self.n_ranges) << int(self.n_bits)
        if n_buckets > 1 << MAX_BITS:
            raise ValueError(
                f"n_ranges * 2**n_bits must not be more than {1 << MAX_BITS}, got n_ranges="
                f"{self.n_ranges} and n_bits={self.n_bits}."
            )
        super()._draw_functions(n_features + 1, random_state)
        self.n_buckets_ = n_buckets

    def _check_drawn(self, stored):
        norms = stored.array("norms_", np.float32, (None,), finite=True)
        stored.require((norms > 0).all(), "norms_", "positive")
        self._check_projections(stored, self.n_features_in_ + 1, norms.shape[0])

    def adapt(self, X: Array) -> None:
        """Learn the lengths of rows.

        Parameters
        ----------
        X : ndarray or csr_array of shape (n_samples, n_features)
            See `HashFamily.adapt`.
        """
        squares, row_scalings = [], []
        for start in range(0, X.shape[0], CHUNK_ROWS):
            vectors = take(X, slice(start, start + CHUNK_ROWS))
            row_scalings.append(row_scales(vectors))
            squares.append(_squares(quantize(vectors, row_scalings[-1])))
        scales = np.concatenate(row_scalings).astype(np.float64)
        norms = np.sqrt(np.concatenate(squares)) / np.where(scales > 0, scales, 1)
        shares = np.arange(1, int(self.n_ranges) + 1) / int(self.n_ranges)
        greatest = np.quantile(norms, shares, method="higher")
        # Lengths of finite rows may have no room in float32.
        greatest = np.minimum(greatest, FLOAT32_MAX / 2).astype(np.float32)
        self.norms_ = np.maximum(greatest * ABOVE, SMALLEST)

    def _fill_codes(self, vectors, codes):
        scales = row_scales(vectors)
        quantized = quantize(vectors, scales)
        ranges, tails = self._complete(_squares(quantized), scales, self.norms_, np)
        products = project(quantized, self._directions).astype(np.int32, copy=False)
        products += tails.astype(np.int32)[:, np.newaxis] * self._last.astype(np.int32)
        self._pack(products, codes)
        codes += (ranges << self.projections_.shape[2]).astype(codes.dtype)[:, np.newaxis]

    def _compute_codes(self, vectors, xp):
        scales = row_scales_of_arrays(vectors, xp)
        quantized = quantize_arrays(vectors, scales, xp)
        squared = xp.astype(quantized * quantized, xp.int32)
        low = xp.sum(squared & ((1 << LOW_BITS) - 1), axis=1, dtype=xp.int32)
        high = xp.sum(squared >> LOW_BITS, axis=1, dtype=xp.int32)
        squares = xp.astype(low, xp.float32) + xp.astype(high, xp.float32) * (1 << LOW_BITS)
        norms = constant(self.norms_, vectors, xp)
        ranges, tails = self._complete(squares, scales, norms, xp)
        products = project_arrays(quantized, self._directions, xp)
        last = constant(self._last.astype(np.int32), vectors, xp)
        products = products + xp.astype(tails, xp.int32)[:, None] * last
        codes = self._pack_arrays(products, xp)
        return codes + (xp.astype(ranges, xp.int32) << self.projections_.shape[2])[:, None]

    @property
    def _matrix(self):
        """The queries' projections."""
        return self._directions

    @property
    def _directions(self):
        return self.projections_[:-1].reshape(self.projections_.shape[0] - 1, -1)

    @property
    def _last(self):
        return self.projections_[-1].reshape(-1)

    def _complete(self, squares, scales, norms, xp):
        """Range and last coordinate of each row, in integers, as float32 arrays.

        All in the rows' own units, in which ``squares`` are below 2**32.
        """
        with np.errstate(over="ignore"):
            beyond = squares[:, None] > (scales[:, None] * norms[None, :-1]) ** 2
            ranges = xp.sum(xp.astype(beyond, xp.int32), axis=1, dtype=xp.int32)
            longest = scales * xp.take(norms, ranges, axis=0)
            rest = longest * longest - squares
        most = xp.full_like(rest, float(MAX_TAIL) ** 2)
        rest = xp.where((scales == 0) | (rest > most), most, rest)
        rest = xp.where(rest < 0, xp.zeros_like(rest), rest)
        return ranges, xp.round(xp.sqrt(rest))

    def _similarity(self, x, y):
        """Inner products of rows x and queries y by the query's length and the greatest row's."""
        # Rounded as for codes, because on that depends in which of two ranges a row is.
        vectors = take(x, slice(0, x.shape[0]))
        scales = row_scales(vectors)
        squares = _squares(quantize(vectors, scales))
        ranges, _ = self._complete(squares, scales, self.norms_, np)
        norms = np.maximum(np.sqrt(inner_products(x, x)), self.norms_[ranges])
        longest = norms * np.sqrt(inner_products(y, y))
        shares = inner_products(x, y) / np.where(longest > 0, longest, 1)
        return np.where((scales == 0) | count_as_zero(y), 0, shares)


def _squares(quantized):
    """Sums of squares of integers, as float32, rounded as other libraries do it."""
    low = row_sums(quantized, lambda values: (values * values) % (1 << LOW_BITS))
    high = row_sums(quantized, lambda values: (values * values) // (1 << LOW_BITS))
    return low.astype(np.float32) + high.astype(np.float32) * np.float32(1 << LOW_BITS)


def _add_offsets(codes, offsets):
    xp = namespace(codes)
    added = xp.astype(codes, xp.int32)[:, None, :] + constant(offsets, codes, xp)[None, :, None]
    return xp.astype(added, codes.dtype)
