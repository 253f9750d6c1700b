"""Which of a few random coordinates is largest."""

from __future__ import annotations

import numpy as np
from scipy.special import comb

from sklearn_lsh import kernels
from sklearn_lsh.csr import CSR
from sklearn_lsh.hashing.arrays import SUBNORMAL, constant, nearly_zero
from sklearn_lsh.hashing.base import HashFamily
from sklearn_lsh.inputs import RandomState

# Bits of a digit where a code has an even number of them: of windows of 4 coordinates, else 2.
DIGIT_BITS = 2
# Lengths of windows: of digits of one bit, and of more.
WIDTHS = (2, 1 << DIGIT_BITS)


class WTA(HashFamily):
    r"""Winner takes all: which of a window of random coordinates is largest.

    Codes depend on the order of coordinates alone, not on their size. A code is made of digits
    of two bits, from windows of four coordinates, or of one bit, from two, where the number of
    bits is odd (or there are fewer than four features). The digits of vectors x and y agree with
    probability

    .. math:: s = \sum_i \binom{R_i}{m - 1} / \binom{d}{m},

    where m is the length of a window, d the number of features, and :math:`R_i` the number of
    coordinates less than the i-th in both vectors [1]_. That is the similarity of this family;
    it takes equal coordinates into account, of which the first in a window wins. A code of D
    digits agrees with probability :math:`s^D`. Subnormal numbers count as zero.

    Parameters
    ----------
    n_bits : int, default=12
        Bits of a code, from 1 to 16: a table has ``2**n_bits`` buckets.
    n_tables : int, default=20
        Codes of a vector, at most 65,535.
    random_state : int, RandomState instance or None, default=None
        Draws the windows.

    Attributes
    ----------
    windows_ : ndarray of shape (n_tables, n_digits, m), dtype=uint32
        Coordinates of each window.
    n_buckets_ : int
        Number of different codes of a table.
    n_features_in_ : int
        Length of the vectors.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has names that are all strings.

    References
    ----------
    .. [1] J. Yagnik, D. Strelow, D. Ross and R. Lin, "The power of comparative reasoning",
       ICCV 2011.

    Examples
    --------
    >>> from sklearn_lsh.hashing import WTA
    >>> codes = WTA(random_state=0).fit_transform([[1.0, 2.0, 3.0, 0.5], [1.0, 4.0, 9.0, 0.25]])
    >>> bool((codes[0] == codes[1]).all())
    True
    """

    def __init__(
        self, n_bits: int = 12, n_tables: int = 20, *, random_state: RandomState = None
    ) -> None:
        super().__init__(n_bits, n_tables, random_state=random_state)

    def _draw_functions(self, n_features, random_state):
        wide = self.n_bits % DIGIT_BITS == 0 and n_features >= 1 << DIGIT_BITS
        digit_bits = DIGIT_BITS if wide else 1
        n_digits, width = int(self.n_bits) // digit_bits, 1 << digit_bits
        replace = n_features < width
        windows = [
            random_state.choice(n_features, width, replace=replace)
            for _ in range(int(self.n_tables) * n_digits)
        ]
        self.windows_ = np.array(windows, np.uint32).reshape(self.n_tables, n_digits, width)

    def _check_drawn(self, stored):
        shape = (self._n_features_out, None, None)
        windows = stored.array("windows_", np.uint32, shape, below=self.n_features_in_)
        _, n_digits, width = windows.shape
        is_whole = width in WIDTHS and width**n_digits == self.n_buckets_
        stored.require(is_whole, "windows_", f"of codes of {self.n_buckets_} buckets")

    @property
    def _digit_bits(self):
        return self.windows_.shape[2].bit_length() - 1

    @property
    def _max_tries(self):
        """Windows that are looked into for a digit."""
        return 1

    def _fill_codes(self, vectors, codes):
        dense = vectors.toarray() if isinstance(vectors, CSR) else vectors
        windows = self.windows_.reshape(-1, self.windows_.shape[2])
        kernels.pick_winners(dense, windows, self._digit_bits, self._max_tries, codes)

    def _compute_codes(self, vectors, xp):
        n_tables, n_digits, width = self.windows_.shape
        vectors = xp.where(nearly_zero(vectors, xp), xp.zeros_like(vectors), vectors)
        windows = constant(self.windows_.reshape(-1), vectors, xp)
        shape = (vectors.shape[0], n_tables * n_digits, width)
        values = xp.reshape(xp.take(vectors, windows, axis=1), shape)
        digits = xp.astype(xp.argmax(values, axis=2), xp.int32)
        digits = self._borrow(digits, xp.any(values != 0, axis=2), xp)
        places = self._digit_bits * np.arange(n_digits, dtype=np.int32)[::-1]
        powers = constant(1 << places, vectors, xp)
        digits = xp.reshape(digits, (vectors.shape[0], n_tables, n_digits))
        return xp.sum(digits * powers, axis=2, dtype=xp.int32)

    def _borrow(self, digits, filled, xp):
        """Replace the digits of windows without any non-zero."""
        return digits

    def _similarity(self, x, y):
        x, y = (_as_compared(vectors) for vectors in (x, y))
        return np.array([self._agreement(*pair) for pair in zip(x, y, strict=True)])

    def _agreement(self, x, y):
        """Probability that a digit agrees."""
        n_features, width = x.shape[0], self.windows_.shape[2]
        if n_features < width:
            return 1.0  # a single feature
        return agreeing_windows(x, y, width) / comb(n_features, width)

    def _collision_probability(self, similarity):
        return similarity ** self.windows_.shape[1]


class DWTA(WTA):
    r"""Densified winner takes all: `WTA` for sparse vectors.

    Windows without any non-zero say nothing about a vector: they borrow the digit of the next
    one that has one, so that the windows of both vectors are the same wherever neither is
    empty [1]_. Digits agree with probability

    .. math:: s = \left(A + \tfrac{1}{m} E\right) / (1 - N),

    where A is the probability that both windows have a non-zero and agree (see `WTA`), E that
    one of them is empty, in which case its borrowed digit agrees by chance, and N that both are.
    That is the similarity of this family. For vectors without zeros it is that of `WTA`. A code
    of D digits agrees with about :math:`s^D`: digits that are borrowed are not quite independent.

    Parameters
    ----------
    n_bits : int, default=12
        Bits of a code, from 1 to 16: a table has ``2**n_bits`` buckets.
    n_tables : int, default=20
        Codes of a vector, at most 65,535.
    random_state : int, RandomState instance or None, default=None
        Draws the windows.

    Attributes
    ----------
    windows_ : ndarray of shape (n_tables, n_digits, m), dtype=uint32
        Coordinates of each window.
    n_buckets_ : int
        Number of different codes of a table.
    n_features_in_ : int
        Length of the vectors.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has names that are all strings.

    References
    ----------
    .. [1] B. Chen and A. Shrivastava, "Densified winner take all (WTA) hashing for sparse
       datasets", UAI 2018.

    Examples
    --------
    >>> from sklearn_lsh.hashing import DWTA
    >>> DWTA(n_tables=3, random_state=0).fit_transform([[0.0, 2.0, 0.0, 0.5]]).shape
    (1, 3)
    """

    def __init__(
        self, n_bits: int = 12, n_tables: int = 20, *, random_state: RandomState = None
    ) -> None:
        super().__init__(n_bits, n_tables, random_state=random_state)

    @property
    def exact_probability(self) -> bool:
        """See `HashFamily.exact_probability`: with codes of a single digit."""
        return self.windows_.shape[1] == 1

    @property
    def independent_tables(self) -> bool:
        """See `HashFamily.independent_tables`: tables borrow digits from each other."""
        return False

    @property
    def _max_tries(self):
        return self.windows_.shape[0] * self.windows_.shape[1]

    def _borrow(self, digits, filled, xp):
        # After each round a digit is the first among twice as many windows.
        step = 1
        while step < digits.shape[1]:
            digits = xp.where(filled, digits, xp.roll(digits, -step, axis=1))
            filled = filled | xp.roll(filled, -step, axis=1)
            step *= 2
        return xp.where(filled, digits, xp.zeros_like(digits))

    def _agreement(self, x, y):
        n_features, width = x.shape[0], self.windows_.shape[2]
        if n_features < width:
            return 1.0  # a single feature
        empty = [x == 0, y == 0, (x == 0) & (y == 0)]
        in_x, in_y, in_both = (agreeing_windows(x[e], y[e], width) for e in empty)
        agree = agreeing_windows(x, y, width) - in_x - in_y + in_both
        n_x, n_y, n_both = (comb(np.count_nonzero(e), width) for e in empty)
        by_chance = (n_x + n_y - 2 * n_both) / width
        filled = comb(n_features, width) - n_both
        return (agree + by_chance) / filled if filled else 1.0


def _as_compared(vectors):
    """Vectors with the differences that codes see: in float32, subnormal numbers being zero."""
    dense = vectors if isinstance(vectors, np.ndarray) else vectors.toarray()
    dense = dense.astype(np.float32)
    return np.where(np.abs(dense) < SUBNORMAL, np.float32(0), dense)


def agreeing_windows(x, y, width):
    """Number of windows in which the same coordinate wins in both vectors.

    Of coordinates that are equal in a vector the first in the window's random order wins: with
    t others that are nowhere greater than a coordinate and somewhere equal, it comes before all
    of them in 1 / (t + 1) of the orders.
    """
    if x.shape[0] == 0:
        return 0.0
    # [j, i] compares the j-th coordinate with the i-th.
    not_greater = np.less_equal.outer(x, x) & np.less_equal.outer(y, y)
    less = np.less.outer(x, x) & np.less.outer(y, y)
    n_less = less.sum(axis=0)
    n_tied = not_greater.sum(axis=0) - n_less - 1  # but for itself
    return sum(
        (comb(n_less, width - 1 - t) * comb(n_tied, t)).sum() / (t + 1) for t in range(width)
    )
