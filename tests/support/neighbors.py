"""Nearest rows by scikit-learn, and how many of them a search finds."""

import pickle

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.metrics import pairwise_distances


def distances_of(X, Y, metric):
    """Distances between all rows, by scikit-learn in float64."""
    X, Y = (M.toarray() if sp.issparse(M) else M for M in (X, Y))
    X, Y = X.astype(float), Y.astype(float)
    if metric == "inner_product":
        return -X @ Y.T
    if metric == "jaccard":
        return pairwise_distances(X != 0, Y != 0, metric="jaccard")
    return pairwise_distances(X, Y, metric=metric)


def recall(found, X, queries, metric, k):
    """Share of the nearest rows found; equally near ones count."""
    distances = distances_of(queries, X, metric)
    bars = np.sort(distances, axis=1)[:, k - 1 : k]
    near = np.take_along_axis(distances, found, axis=1) <= bars + 1e-5 * (1 + abs(bars))
    return near.mean()


def nearest_share(found, X, metric):
    """Share of each row's nearest other rows that was found, by differences in float64.

    As near as the farthest of these is as good, up to what float32 can tell apart.
    """
    if metric in ("inner_product", "jaccard"):
        distances = distances_of(X, X, metric)
    else:
        if metric == "cosine":
            X = X / np.linalg.norm(X, axis=1, keepdims=True)
        distances = np.array([((X - x) ** 2).sum(axis=1) for x in X])
    np.fill_diagonal(distances, np.inf)
    bars = np.partition(distances, found.shape[1] - 1, axis=1)[:, found.shape[1] - 1 :][:, :1]
    near = np.take_along_axis(distances, found, axis=1) <= bars + 1e-6 * np.abs(bars)
    return near.mean(axis=1)


def assert_repeatable(transformer, X, queries):
    """The same is found by a second fit, by threads, by a copy, and of a query alone."""
    __tracebackhide__ = True
    found = transformer.kneighbors(queries)
    for other in (
        clone(transformer).fit(X),
        clone(transformer).set_params(n_jobs=2).fit(X),
        pickle.loads(pickle.dumps(transformer)),
    ):
        for ours, theirs in zip(found, other.kneighbors(queries), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    for i in range(0, len(queries), 57):
        alone = transformer.kneighbors(queries[i : i + 1], return_distance=False)
        np.testing.assert_array_equal(alone[0], found[1][i])
