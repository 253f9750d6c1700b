"""Multiply-shift hashing: several integers become the number of one of few buckets."""

import numpy as np

from sklearn_lsh.hashing.arrays import constant
from sklearn_lsh.stored import Attributes

# Bits of the sums of which codes are the highest.
MOST_BITS = 32
# Most hashes of a code: vectors that differ hardly ever agree in as many.
MOST_HASHES = 2**16 - 1


class MultiplyShift:
    r"""Universal hash functions, one for each table: vectors of integers to ``n_bits`` bits.

    The multiply-add-shift scheme: the high bits of :math:`b + \sum_k a_k h_k` modulo
    :math:`2^{32}`, with random a and b. Vectors that differ collide with probability
    ``2**-n_bits`` (as long as a difference is no multiple of ``2**(32 - n_bits)``).

    Dietzfelbinger, "Universal hashing and k-wise independent random variables via integer
    arithmetic without primes", STACS 1996.

    Parameters
    ----------
    n_tables, n_hashes, n_bits : int
    random_state : RandomState
    """

    def __init__(self, n_tables, n_hashes, n_bits, random_state):
        self.n_bits = int(n_bits)
        shape = int(n_tables), int(n_hashes) + 1
        drawn = random_state.randint(-(2**31), 2**31, size=shape, dtype=np.int32)
        self.multipliers, self.summands = drawn[:, 1:], drawn[:, 0]

    def check_stored(self, n_tables, n_hashes, n_buckets):
        """Check what was loaded; ``n_hashes`` is None where nothing else tells."""
        stored = Attributes(self)
        n_bits = stored.integer("n_bits", 1, MOST_BITS)
        stored.require(1 << n_bits == n_buckets, "n_bits", f"bits of {n_buckets} buckets")
        shape = stored.array("multipliers", np.int32, (n_tables, n_hashes)).shape
        stored.require(shape[1] > 0, "multipliers", "of at least one hash")
        stored.array("summands", np.int32, (n_tables,))

    @property
    def n_hashes(self):
        """Integers of which a table's code is made."""
        return self.multipliers.shape[1]

    def codes(self, hashes, xp=None):
        """Hash the integers of each table.

        Parameters
        ----------
        hashes : int32 array of shape (n_samples, n_tables * n_hashes)
        xp : module, default=None
            The library of the array; None is NumPy.

        Returns
        -------
        codes : int32 array of shape (n_samples, n_tables)
        """
        multipliers, summands = self.multipliers, self.summands
        if xp is None:
            xp = np
        else:
            multipliers, summands = (
                constant(array, hashes, xp) for array in (multipliers, summands)
            )
        # Products and sums wrap around, which is what is wanted.
        products = xp.reshape(hashes, (hashes.shape[0], *self.multipliers.shape)) * multipliers
        sums = xp.sum(products, axis=2, dtype=xp.int32) + summands
        return (sums >> (MOST_BITS - self.n_bits)) & ((1 << self.n_bits) - 1)

    def collision_probability(self, p):
        """Probability that two codes agree whose hashes agree each with probability ``p``.

        The hashes all agree, or their codes collide by chance.
        """
        p_all = p**self.n_hashes
        return p_all + (1 - p_all) * 0.5**self.n_bits
