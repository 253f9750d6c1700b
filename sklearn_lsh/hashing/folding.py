"""Universal hashing: several integers folded into one of few buckets."""

import numpy as np

from sklearn_lsh.hashing.arrays import constant


class Folding:
    r"""Fold the hashes of each table into a number of ``n_bits`` bits.

    The multiply-add-shift scheme: the high bits of :math:`b + \sum_k a_k h_k` modulo
    :math:`2^{32}`, with random a and b. Hashes that differ are folded alike with probability
    ``2**-n_bits`` (as long as a difference is no multiple of ``2**(32 - n_bits)``).

    Dietzfelbinger, "Universal hashing and k-wise independent random variables via integer
    arithmetic without primes", STACS 1996.

    Parameters
    ----------
    n_tables, n_hashes, n_bits : int
    random_state : RandomState
    """

    def __init__(self, n_tables, n_hashes, n_bits, random_state):
        self.n_bits = n_bits
        drawn = random_state.randint(-(2**31), 2**31, size=(n_tables, n_hashes + 1), dtype=np.int32)
        self.factors, self.summands = drawn[:, 1:], drawn[:, 0]

    def fold(self, hashes, xp=None):
        """Fold hashes.

        Parameters
        ----------
        hashes : int32 array of shape (n_samples, n_tables * n_hashes)
        xp : module, default=None
            The library of the array; None is NumPy.

        Returns
        -------
        codes : int32 array of shape (n_samples, n_tables)
        """
        factors, summands = self.factors, self.summands
        if xp is None:
            xp = np
        else:
            factors, summands = (constant(array, hashes, xp) for array in (factors, summands))
        # Products and sums wrap around, which is what is wanted.
        products = xp.reshape(hashes, (hashes.shape[0], *self.factors.shape)) * factors
        mixed = xp.sum(products, axis=2, dtype=xp.int32) + summands
        return (mixed >> (32 - self.n_bits)) & ((1 << self.n_bits) - 1)


def fold_probability(p_hashes, n_bits):
    """Probability that two codes agree whose hashes all agree with probability ``p_hashes``."""
    return p_hashes + (1 - p_hashes) * 0.5**n_bits
