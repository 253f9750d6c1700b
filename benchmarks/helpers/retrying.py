"""The biased form of sampling that has been printed, to be measured beside the unbiased ones."""

import numpy as np

from sklearn_lsh.hashing import LSHSampler


class Retrying(LSHSampler):
    """One row of one table, and of the next table when a bucket is empty, as if it were not."""

    def sample(self, X):
        """Sample as has been printed: do not use it."""
        lookups = self._lookups(self.family_.transform_queries(X))
        starts, held = lookups.starts[:, 0], lookups.n_held[:, 0]
        queries = np.arange(len(X))
        tables = (self._random.uniform(size=held.shape) * (held > 0)).argmax(axis=1)
        starts, held = starts[queries, tables], held[queries, tables]
        found = held > 0
        places = (starts + self._random.uniform(size=len(X)) * held).astype(int)[found]
        indptr = [0, *np.cumsum(found)]
        counts = self._matrix(held[found].astype(float), self._members(places), indptr)
        counts.data /= self._collision_probabilities(X, counts)
        return counts
