"""An output layer's start at the centroids of rows that come part by part."""

import copy

import numpy as np

from sklearn_lsh.network.initialization import ClassSums, chunks, put_centroids, sum_by_class
from sklearn_lsh.network.losses import LOSSES


class CentroidSums:
    """Sums over rows of what the last hidden layer answers to them, by class.

    Parameters
    ----------
    network : Network
        Is only read.

    Attributes
    ----------
    rows : ndarray of shape (n_classes, n_inputs), dtype=float32
        The sums.
    counts : ndarray of shape (n_classes,), dtype=float32
        Samples of each class, by their weights.
    total : ndarray of shape (n_inputs,)
        Sum over all samples.
    n_samples : float
        Sum of the weights.
    n_rows : int
    """

    def __init__(self, network):
        self._network = network
        self.rows = np.zeros((network.n_units[-1], network.n_units[-2]), np.float32)
        self.counts = np.zeros(network.n_units[-1], np.float32)
        self.total = np.zeros(network.n_units[-2])
        self.n_samples, self.n_rows = 0.0, 0

    def add(self, X, target, sample_weight, rows):
        """Add some rows, see `Network.start_at_centroids`."""
        size = self._network.chunk_size
        # Weights as they are, because the mean of all is not known yet.
        parts = chunks(X, target, sample_weight, rows, size, mean=1.0)
        hidden = (part._replace(inputs=self._network.hidden(part.inputs)) for part in parts)
        counts, mean, n_samples = sum_by_class(hidden, self.rows)
        self.counts += counts
        self.total += n_samples * mean
        self.n_samples += n_samples
        self.n_rows += len(rows)

    def joined(self, other) -> "CentroidSums":
        """The sums over these rows and those of another one."""
        both = copy.copy(self)
        both.rows, both.counts = self.rows + other.rows, self.counts + other.counts
        both.total = self.total + other.total
        both.n_samples, both.n_rows = self.n_samples + other.n_samples, self.n_rows + other.n_rows
        return both

    def start(self, network):
        """Start an output layer at the centroids. The sums are used up."""
        share = np.float32(self.n_rows / self.n_samples)  # so that weights are 1 on average
        self.rows *= share
        mean = (self.total / self.n_samples).astype(np.float32)
        sums = ClassSums(self.counts * share, mean, float(self.n_rows))
        odds = not LOSSES[network.loss].normalised
        put_centroids(network.layers[-1].weights, self.rows, sums, odds=odds)

    def __getstate__(self):
        # Whoever is sent the sums has a network.
        return {name: value for name, value in vars(self).items() if name != "_network"}
