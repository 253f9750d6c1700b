"""Lowest ranks of sets under a random permutation."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from sklearn_lsh import kernels
from sklearn_lsh.csr import as_csr
from sklearn_lsh.hashing.arrays import SUBNORMAL, constant, nearly_zero
from sklearn_lsh.hashing.base import HashFamily, inner_products
from sklearn_lsh.hashing.multiply_shift import MOST_HASHES, MultiplyShift
from sklearn_lsh.inputs import Count, RandomState
from sklearn_lsh.stored import MOST


class MinHash(HashFamily):
    r"""Lowest ranks under a random permutation: for sets that overlap.

    A vector is the set of its features that are not zero. All hashes come from one permutation
    of the features, which is cut into as many bins: a hash is the lowest rank of the set's
    features in its bin [1]_. An empty bin takes over that of another one, by a walk over the bins
    of its own, which is the same for all sets and ends at the first that is not empty: optimal
    densification [2]_. Two hashes then agree with probability J, the Jaccard similarity of the
    sets (1 for two empty sets).

    A code is K hashes, reduced to ``n_bits`` bits by multiply-shift hashing [3]_, and agrees with
    probability :math:`J^K + (1 - J^K) 2^{-n\_bits}`, exactly for K = 1. The hashes of a set are
    not quite independent, the less the fewer features a set has in comparison with the bins.

    Parameters
    ----------
    n_bits : int, default=12
        Bits of a code, from 1 to 16: a table has ``2**n_bits`` buckets.
    n_tables : int, default=20
        Codes of a vector, at most 65,535.
    n_hashes : int, default=2
        Hashes of a code (K), at most 65,535.
    random_state : int, RandomState instance or None, default=None
        Draws the permutation, the walks and the multiply-shift functions.

    Attributes
    ----------
    ranks_ : ndarray of shape (n_features,), dtype=uint32
        Rank of each feature in the permutation.
    n_buckets_ : int
        Number of different codes of a table.
    n_features_in_ : int
        Length of the vectors.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has names that are all strings.

    References
    ----------
    .. [1] P. Li, A. Owen and C.-H. Zhang, "One permutation hashing", NIPS 2012.
    .. [2] A. Shrivastava, "Optimal densification for fast and accurate minwise hashing",
       ICML 2017.
    .. [3] M. Dietzfelbinger, "Universal hashing and k-wise independent random variables via
       integer arithmetic without primes", STACS 1996.

    Examples
    --------
    >>> from sklearn_lsh.hashing import MinHash
    >>> family = MinHash(n_hashes=1, random_state=0).fit([[1, 1, 0]])
    >>> family.similarity([[1, 1, 0]], [[0, 1, 1]])
    array([0.33333333])
    """

    _parameter_constraints: ClassVar[dict] = {
        **HashFamily._parameter_constraints,
        "n_hashes": [Count(1, MOST_HASHES)],
    }

    def __init__(
        self,
        n_bits: int = 12,
        n_tables: int = 20,
        *,
        n_hashes: int = 2,
        random_state: RandomState = None,
    ) -> None:
        super().__init__(n_bits, n_tables, random_state=random_state)
        self.n_hashes = n_hashes

    @property
    def exact_probability(self) -> bool:
        """See `HashFamily.exact_probability`: with a single hash."""
        return self.n_hashes == 1

    @property
    def independent_tables(self) -> bool:
        """See `HashFamily.independent_tables`: all hashes are of one order of the features."""
        return False

    def _draw_functions(self, n_features, random_state):
        n_bins = int(self.n_tables) * int(self.n_hashes)
        if n_bins > MOST:
            raise ValueError(f"n_tables * n_hashes must not be more than {MOST}, got {n_bins}.")
        self.ranks_ = random_state.permutation(n_features).astype(np.uint32)
        self._width = -(-n_features // n_bins)
        # Steps that share no factor with the number of bins pass through all of them.
        steps = 1 + np.flatnonzero(np.gcd(np.arange(1, n_bins + 1), n_bins) == 1)
        self._first = random_state.randint(n_bins, size=n_bins).astype(np.uint32)
        self._step = steps[random_state.randint(len(steps), size=n_bins)].astype(np.uint32)
        self._reduction = MultiplyShift(self.n_tables, self.n_hashes, self.n_bits, random_state)

    def _check_drawn(self, stored):
        n_features, n_tables = self.n_features_in_, self._n_features_out
        stored.array("ranks_", np.uint32, (n_features,), below=n_features)
        reduction = stored.part("_reduction", MultiplyShift)
        reduction.check_stored(n_tables, None, self.n_buckets_)
        n_bins = n_tables * reduction.n_hashes
        width = stored.integer("_width", 1)
        stored.require(width == -(-n_features // n_bins), "_width", "ranks by bins")
        stored.array("_first", np.uint32, (n_bins,), below=n_bins)
        steps = stored.array("_step", np.uint32, (n_bins,))
        # Otherwise a walk never ends.
        stored.require((np.gcd(steps, n_bins) == 1).all(), "_step", f"coprime to {n_bins}")

    def _fill_codes(self, vectors, codes):
        vectors = as_csr(vectors)
        lowest = np.empty((vectors.n_rows, self._first.shape[0]), np.uint32)
        walks = self._first, self._step
        kernels.lowest_ranks(vectors, self.ranks_, self._width, walks, lowest)
        codes[...] = self._reduction.codes(lowest.view(np.int32))

    def _compute_codes(self, vectors, xp):
        n_bins, width = self._first.shape[0], self._width
        n_features = self.ranks_.shape[0]
        # Features in the order of their ranks, of which each bin holds the next few.
        order = constant(np.argsort(self.ranks_).astype(np.int32), vectors, xp)
        present = ~xp.take(nearly_zero(vectors, xp), order, axis=1)
        rest = n_bins * width - n_features
        if rest:
            none = xp.zeros((vectors.shape[0], rest), dtype=xp.bool, device=order.device)
            present = xp.concat([present, none], axis=1)
        binned = xp.reshape(xp.astype(present, xp.int32), (vectors.shape[0], n_bins, width))
        filled = xp.any(binned != 0, axis=2)
        starts = constant(width * np.arange(n_bins, dtype=np.int32), vectors, xp)
        ranks = starts + xp.astype(xp.argmax(binned, axis=2), xp.int32)
        lowest = xp.where(filled, ranks, xp.full_like(ranks, n_bins * width))
        return self._reduction.codes(self._borrow(lowest, filled, xp), xp)

    def _borrow(self, lowest, filled, xp):
        """Let empty bins walk on until all have found one that is not."""
        n_bins = self._first.shape[0]
        out, found = lowest, filled
        for k in range(n_bins):
            if bool(xp.all(found)):
                break
            place = (self._first.astype(np.int64) + k * self._step.astype(np.int64)) % n_bins
            source = constant(place.astype(np.int32), lowest, xp)
            out = xp.where(found, out, xp.take(lowest, source, axis=1))
            found = found | xp.take(filled, source, axis=1)
        return out

    def _similarity(self, x, y):
        """Jaccard similarities."""
        x, y = (as_sets(vectors) for vectors in (x, y))
        both = inner_products(x, y)
        union = inner_products(x, x) + inner_products(y, y) - both
        return np.where(union > 0, both / np.maximum(union, 1), 1.0)

    def _collision_probability(self, similarity):
        return self._reduction.collision_probability(similarity)


def as_sets(vectors):
    """Replace non-zeros by ones, in float64."""
    if isinstance(vectors, np.ndarray):
        return (np.abs(vectors) >= SUBNORMAL).astype(np.float64)
    vectors = vectors.copy()
    vectors.data = (np.abs(vectors.data) >= SUBNORMAL).astype(np.float64)
    return vectors
