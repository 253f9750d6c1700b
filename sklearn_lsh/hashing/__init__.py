"""Locality-sensitive hashing: families that code vectors, and tables that find them again.

Families are scikit-learn transformers; `LSHTables` holds what they code; `LSHSampler` estimates
sums over all rows from the few that tables find. All take NumPy arrays and,
through the array API standard, those of PyTorch, JAX, CuPy and others, with the same results.
"""

from sklearn_lsh.hashing.base import HashFamily
from sklearn_lsh.hashing.e2lsh import E2LSH
from sklearn_lsh.hashing.minhash import MinHash
from sklearn_lsh.hashing.sampling import LSHSampler
from sklearn_lsh.hashing.simhash import SimHash
from sklearn_lsh.hashing.simple import SimpleLSH
from sklearn_lsh.hashing.tables import LSHTables
from sklearn_lsh.hashing.wta import DWTA, WTA

# Those that an estimator's `hash_function` may name.
FAMILIES = {
    "simhash": SimHash,
    "wta": WTA,
    "dwta": DWTA,
    "minhash": MinHash,
    "e2lsh": E2LSH,
    "simple": SimpleLSH,
}

__all__ = [
    "DWTA",
    "E2LSH",
    "FAMILIES",
    "WTA",
    "HashFamily",
    "LSHSampler",
    "LSHTables",
    "MinHash",
    "SimHash",
    "SimpleLSH",
]
