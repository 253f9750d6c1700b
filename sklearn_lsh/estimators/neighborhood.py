"""Training rows that are asked for their labels, and centroids of labels: both know rare labels.

A network learns what many rows have in common; of a label with two rows it learns next to nothing.
But a sample that is like one of these rows, in features that few others have, is easily told.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from sklearn.preprocessing import normalize

from sklearn_lsh.neighbors import LSHNeighborsTransformer
from sklearn_lsh.stored import Attributes

# Power of a neighbour's similarity that its vote counts.
VOTE_POWER = 2
# Frequent labels are likelier: power of a label's weight that its centroid is longer by.
FREQUENCY_POWER = 0.25
# Similarity of a row that is the same as a sample, but for rounding.
COPY = 0.999
# A label of as many rows is rare: a network has learnt next to nothing of it.
MOST_OF_RARE = 2
# Labels whose centroids are named.
N_CENTROIDS = 50
# Similarity of a row that shares nothing with a sample: it votes, too, if there is no other.
LEAST_SIMILARITY = 1e-6


class Evidence(NamedTuple):
    """What rows and centroids say of samples.

    Attributes
    ----------
    neighbors : csr_array of shape (n_samples, n_labels), dtype=float32
        Share of each label in the votes of the sample's nearest training rows. Each counts its
        cosine similarity, squared.
    centroids : csr_array of shape (n_samples, n_labels), dtype=float32
        Cosine similarity with the labels' centroids, times the fourth root of their weight, divided
        by the highest of the sample. Of the labels for which this is highest.
    copies : csr_array of shape (n_samples, n_labels), dtype=float32
        1 where one of a label's rows, of those nearest, is the same as the sample.
    """

    neighbors: sp.csr_array
    centroids: sp.csr_array
    copies: sp.csr_array


class Neighborhood:
    """Training rows, their labels, and centroids of these.

    Attributes
    ----------
    scale : ndarray of shape (n_features,), dtype=float32
        What features are multiplied by before rows are compared: of counts, rare ones say more.
    rows : LSHNeighborsTransformer
        Of the scaled rows.
    labels : csr_array of shape (n_rows, n_labels), dtype=float32
        Each row's labels, by its weight.
    sums : csr_array of shape (n_labels, n_features), dtype=float32
        Of each label's rows, scaled to unit length.
    centroids : LSHNeighborsTransformer
        Of centroids times a power of the labels' weight.
    is_rare : ndarray of shape (n_labels,), dtype=bool
        Whether a label has `MOST_OF_RARE` rows at most.
    """

    def __init__(self, X, labels, n_neighbors: int, *, seed: int, n_jobs: int | None = None):
        self.n_neighbors, self.seed = n_neighbors, seed
        self.scale = _weights_of_features(X)
        rows = self._prepare(X)
        self.rows = LSHNeighborsTransformer(
            n_neighbors=min(self.n_neighbors, X.shape[0]),
            metric="cosine",
            random_state=self.seed,
            n_jobs=n_jobs,
        ).fit(rows)
        self.labels, self.sums = labels, _by_rows(labels.T @ rows)
        self._describe_labels()

    def check_stored(self, n_features: int, n_labels: int) -> None:
        """Check what was loaded."""
        stored = Attributes(self)
        stored.integer("n_neighbors", 1)
        stored.integer("seed")
        stored.array("scale", np.float32, (n_features,), finite=True)
        n_rows = stored.sparse("labels", (None, n_labels)).shape[0]
        stored.array("is_rare", np.bool_, (n_labels,))
        if isinstance(stored.get("sums"), np.ndarray):
            stored.array("sums", np.float32, (n_labels, n_features), finite=True)
        else:
            stored.sparse("sums", (n_labels, n_features))
        for name, metric, size in (
            ("rows", "cosine", n_rows),
            ("centroids", "inner_product", n_labels),
        ):
            search = stored.part(name, LSHNeighborsTransformer)
            fits = vars(search).get("n_samples_fit_") == size and search.metric == metric
            fits = fits and search.n_features_in_ == n_features
            stored.require(fits, name, f"a search by {metric} among {size} rows")

    def with_rows(self, X, labels) -> Neighborhood:
        """The same with more rows."""
        new, rows = copy.copy(self), self._prepare(X)
        new.rows = copy.copy(self.rows).partial_fit(rows)
        new.labels = sp.vstack([self.labels, labels], format="csr")
        new.sums = _by_rows(self.sums + labels.T @ rows)
        new._describe_labels()
        return new

    def with_labels(self, numbers, n_labels: int) -> Neighborhood:
        """The same with more labels, of which there are no rows yet.

        Parameters
        ----------
        numbers : int ndarray of shape (n_known,)
            New numbers of the labels that are known.
        n_labels : int
        """
        new, shape = copy.copy(self), (len(numbers), n_labels)
        moved = sp.csr_array(
            (np.ones(len(numbers), np.float32), numbers, np.arange(len(numbers) + 1)), shape=shape
        )
        new.labels, new.sums = sp.csr_array(self.labels @ moved), _by_rows(moved.T @ self.sums)
        return new

    def _describe_labels(self):
        """Find the labels' centroids, and which are rare."""
        n_rows = np.bincount(self.labels.indices, self.labels.data > 0, self.labels.shape[1])
        self.is_rare = n_rows <= MOST_OF_RARE
        weights = np.asarray(self.labels.sum(axis=0)).reshape(-1)
        lengths = sp.diags_array((weights**FREQUENCY_POWER).astype(np.float32))
        self.centroids = LSHNeighborsTransformer(
            n_neighbors=min(N_CENTROIDS, len(weights)),
            metric="inner_product",
            random_state=self.seed,
            n_jobs=self.rows.n_jobs,
        ).fit(lengths @ normalize(self.sums))

    def ask(self, X, n_jobs: int | None = None) -> Evidence:
        """Find what rows and centroids say of samples."""
        X = self._prepare(X)
        distances, rows = _with_threads(self.rows, n_jobs).kneighbors(X)
        votes = np.maximum(1 - distances, LEAST_SIMILARITY) ** VOTE_POWER
        votes /= votes.sum(axis=1, keepdims=True)
        n_rows, n_labels = self.labels.shape
        neighbors = table_of(rows, votes, n_rows) @ self.labels
        copies = (table_of(rows, distances < 1 - COPY, n_rows) @ self.labels > 0).astype(np.float32)
        products, labels = _with_threads(self.centroids, n_jobs).kneighbors(X)
        products = np.maximum(-products, 0)
        products /= np.maximum(products.max(axis=1, keepdims=True), LEAST_SIMILARITY)
        return Evidence(neighbors, table_of(labels, products, n_labels), copies)

    def _prepare(self, X):
        """Scale features, and rows to unit length."""
        if sp.issparse(X):
            X = X @ sp.diags_array(self.scale)
        return normalize(X).astype(np.float32)


def _with_threads(search, n_jobs):
    """The same search by some threads."""
    return copy.copy(search).set_params(n_jobs=n_jobs)


def table_of(columns, values, n_columns: int) -> sp.csr_array:
    """Sparse array that has as many values in each row.

    Parameters
    ----------
    columns, values : ndarray of shape (n_rows, n_values)
    n_columns : int
    """
    indptr = np.arange(0, values.size + 1, values.shape[1])
    shape = values.shape[0], n_columns
    return sp.csr_array((values.ravel().astype(np.float32), columns.ravel(), indptr), shape=shape)


def _by_rows(matrix):
    """The same as CSR, if it is sparse."""
    return sp.csr_array(matrix) if sp.issparse(matrix) else matrix


def _weights_of_features(X) -> np.ndarray:
    """Weights by how few rows have a feature, as in TF-IDF, where values are counts; else 1.

    Whoever hands over other values has weighted them.
    """
    if not sp.issparse(X) or not np.array_equal(X.data, np.rint(X.data)):
        return np.ones(X.shape[1], np.float32)
    frequencies = np.bincount(X.indices, minlength=X.shape[1])
    return (1 + np.log((1 + X.shape[0]) / (1 + frequencies))).astype(np.float32)
