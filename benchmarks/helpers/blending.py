"""A network's ranking together with the labels of the nearest training rows.

The guide's page on many classes shows this file.
"""

import numpy as np
from scipy.sparse import csr_array

# Labels that the network is asked for, and what the score of each side may at least be taken to
# be: chosen on the validation rows of WordNet.
N_CANDIDATES = 50
LEAST_PROBABILITY = 0.001
LEAST_VOTE = 0.01


def table(columns, values, n_columns):
    """Sparse matrix with as many values in each row."""
    indptr = np.arange(0, values.size + 1, values.shape[1])
    values = values.ravel().astype(np.float32)
    return csr_array((values, columns.ravel(), indptr), shape=(len(indptr) - 1, n_columns))


def vote(search, Y, X):
    """Share of each label among the nearest rows; each counts its squared similarity."""
    distances, rows = search.kneighbors(X)
    weights = np.maximum(1 - distances, 1e-6) ** 2
    weights /= weights.sum(axis=1, keepdims=True)
    return table(rows, weights, Y.shape[0]) @ Y


def blend(network, search, Y, X, k):
    """The k labels of each row that network and neighbours together rank first."""
    labels, probabilities = network.predict_top_k(X, N_CANDIDATES)
    own = table(labels, probabilities, Y.shape[1])
    scores = (own / LEAST_PROBABILITY).log1p() + (vote(search, Y, X) / LEAST_VOTE).log1p()
    rows = np.repeat(np.arange(X.shape[0]), np.diff(scores.indptr))
    order = np.lexsort((-scores.data, rows))  # row by row, the best first
    return scores.indices[order][scores.indptr[:-1, np.newaxis] + np.arange(k)]
