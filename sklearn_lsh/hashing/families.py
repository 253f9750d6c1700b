"""Hash families: functions that agree on two vectors the more often the more alike these are.

Each codes a vector once for each of ``n_tables`` tables, with ``n_bits`` bits a code.
"""

import numpy as np

from sklearn_lsh import kernels

# Codes are unsigned 16-bit integers.
MOST_BITS = 16
# Vectors coded at once, so that the projections of many never need much memory.
CHUNK = 4096


class HashFamily:
    """Base of the families.

    Parameters
    ----------
    n_features : int
        Length of the vectors.
    n_bits : int
        Bits of a code (K), from 1 to 16.
    n_tables : int
        Codes of a vector (L).
    random_state : RandomState
        Draws the family's functions.

    Attributes
    ----------
    n_buckets : int
        Number of different codes.
    """

    def __init__(self, n_features, n_bits, n_tables, random_state):
        self.n_bits = n_bits
        self.n_tables = n_tables
        self.n_buckets = 1 << n_bits
        self.draw(n_features, random_state)

    def draw(self, n_features, random_state):
        """Draw the functions."""
        raise NotImplementedError

    def codes(self, vectors) -> np.ndarray:
        """Code vectors.

        Parameters
        ----------
        vectors : ndarray of shape (n_samples, n_features), dtype=float32

        Returns
        -------
        codes : ndarray of shape (n_samples, n_tables), dtype=uint16
        """
        codes = np.empty((vectors.shape[0], self.n_tables), np.uint16)
        for start in range(0, vectors.shape[0], CHUNK):
            rows = slice(start, start + CHUNK)
            self._fill(np.ascontiguousarray(vectors[rows]), codes[rows])
        return codes


class SimHash(HashFamily):
    """Signs of random projections: agrees with probability ``1 - angle / pi`` for each bit.

    Charikar, "Similarity estimation techniques from rounding algorithms", STOC 2002.
    """

    def draw(self, n_features, random_state):
        """See `HashFamily.draw`."""
        shape = (n_features, self.n_tables * self.n_bits)
        self.projections = random_state.standard_normal(shape).astype(np.float32)

    def _fill(self, vectors, codes):
        kernels.pack_signs(vectors @ self.projections, self.n_bits, codes)


class DWTA(HashFamily):
    """Densified winner takes all: which of a window of random coordinates is largest.

    Depends on the order of coordinates alone, not on their size. Windows without any non-zero
    borrow the next window's answer, so that sparse vectors are coded well too.

    Yagnik et al., "The power of comparative reasoning", ICCV 2011; Chen & Shrivastava,
    "Densified winner take all (WTA) hashing for sparse datasets", UAI 2018.
    """

    # A window of 4 coordinates gives a digit of 2 bits; an odd number of bits takes windows of 2.
    DIGIT_BITS = 2

    def draw(self, n_features, random_state):
        """See `HashFamily.draw`."""
        self.digit_bits = self.DIGIT_BITS if self.n_bits % self.DIGIT_BITS == 0 else 1
        n_windows = self.n_tables * (self.n_bits // self.digit_bits)
        width = 1 << self.digit_bits
        replace = n_features < width
        self.windows = np.stack(
            [random_state.choice(n_features, width, replace=replace) for _ in range(n_windows)]
        ).astype(np.uint32)

    def _fill(self, vectors, codes):
        kernels.pick_winners(vectors, self.windows, self.digit_bits, codes)


FAMILIES = {"simhash": SimHash, "dwta": DWTA}
