"""A network's ranking together with the labels of nearest training rows.

See "Asking the neighbours, too" in the guide's page on many classes.
"""

import numpy as np
from scipy import sparse

from sklearn_lsh.neighbors import LSHNeighborsTransformer

# Chosen on the validation rows of WordNet: neighbours, labels that the network names, and what
# each side's score may at least be taken to be.
N_NEIGHBORS, N_CANDIDATES = 20, 50
LEAST_PROBABILITY, LEAST_VOTE = 0.001, 0.01


def table(columns, values, n_columns):
    """Sparse matrix with a few values in each row."""
    n_rows, length = columns.shape
    indptr = np.arange(0, n_rows * length + 1, length)
    arrays = (values.ravel().astype(np.float32), columns.ravel(), indptr)
    return sparse.csr_array(arrays, shape=(n_rows, n_columns))


class Neighborhood:
    """Training rows and their labels, to be voted on by similarity.

    Parameters
    ----------
    X, Y : csr_array
        Rows, and label indicators.
    n_jobs : int
    """

    def __init__(self, X, Y, n_jobs):
        search = LSHNeighborsTransformer(
            n_neighbors=N_NEIGHBORS, metric="cosine", random_state=0, n_jobs=n_jobs
        )
        self.search, self.Y = search.fit(X), Y.astype(np.float32)

    def votes(self, X):
        """Share of each label among the neighbours; each counts its squared cosine."""
        distances, rows = self.search.kneighbors(X)
        weights = np.maximum(1 - distances, 1e-6) ** 2
        weights /= weights.sum(axis=1, keepdims=True)
        return table(rows, weights, self.Y.shape[0]) @ self.Y


def blend(network, neighborhood, X, k):
    """The k labels of each row that network and neighbours together rank first."""
    labels, probabilities = network.predict_top_k(X, N_CANDIDATES)
    own = table(labels, probabilities, neighborhood.Y.shape[1])
    votes = neighborhood.votes(X)
    scores = (own / LEAST_PROBABILITY).log1p() + (votes / LEAST_VOTE).log1p()
    rows = np.repeat(np.arange(X.shape[0]), np.diff(scores.indptr))
    order = np.lexsort((-scores.data, rows))  # row by row, the best first
    return scores.indices[order][scores.indptr[:-1, np.newaxis] + np.arange(k)]
