"""What all selections share."""

import copy
from typing import NamedTuple

import numpy as np

from sklearn_lsh.csr import Pattern, put_first


class Active(NamedTuple):
    """The active neurons of each sample.

    Attributes
    ----------
    indptr, indices : ndarray of dtype=uint32
        Their numbers, as in `CSR`.
    responses : ndarray of dtype=float32, default=None
        What they answer, if that is known from choosing them.
    log_importance : ndarray of dtype=float32, default=None
        Logarithm of how many neurons each stands for, itself included: of the inverse of the
        probability with which it was drawn. By default each stands for itself.
    codes : ndarray of shape (n_samples, n_tables), dtype=uint16, default=None
        The samples' own codes, if they were hashed.
    work : int, default=0
        Multiply-adds of choosing them.
    """

    indptr: np.ndarray
    indices: np.ndarray
    responses: "np.ndarray | None" = None
    log_importance: "np.ndarray | None" = None
    codes: "np.ndarray | None" = None
    work: int = 0


class Selection:
    """Base of the selections.

    Parameters
    ----------
    n_active : int
        Neurons to select for each sample.
    **hashing
        How to hash, see `LSH`. Selections without hashing ignore it.
    """

    def __init__(self, n_active, **hashing):
        self.n_active = n_active

    def widened(self, n_active):
        """The same selection, to predict with at least so many active neurons."""
        wide = copy.copy(self)
        wide.n_active = max(self.n_active, n_active)
        return wide

    def n_held(self, n_neurons):
        """Most numbers that selecting from so many neurons holds for a sample."""
        return n_neurons

    def misses_few(self, n_neurons):
        """Whether it finds nearly all that respond most among so many neurons."""
        return False

    def fit(self, layer, inputs):
        """Get to know the layer and a sample of its inputs, before training and after epochs."""

    def refresh(self, layer, inputs):
        """Follow the layer's weights, and the inputs as they are in the latest batch."""

    def refresh_work(self, layer):
        """Multiply-adds of a refresh."""
        return 0

    def drain_rebuilds(self):
        """Seconds that each rebuild of the tables took since this was last asked."""
        return []

    def occupancy(self):
        """How full the tables are, by name."""
        return {}

    def note(self, done, targets):
        """Take note of a training batch.

        Parameters
        ----------
        done : Pass
            What the layer was given and what it answered.
        targets : CSR
            The samples' targets.
        """

    def select(self, layer, inputs, labels=None):
        """Name the active neurons of each sample.

        Parameters
        ----------
        layer : SelectedLayer
        inputs : ndarray of shape (n_samples, n_inputs) or CSR
        labels : CSR, default=None
            Neurons that are active whatever else is. They come first. They are given where
            errors are to be learnt from; selections then may draw others at random.

        Returns
        -------
        Active
        """
        active = self.choose(layer, inputs)
        if labels is None:
            return active
        joined = put_first(labels.pattern, Pattern(*active[:2]), layer.n_neurons)
        return Active(*joined, work=active.work)

    def choose(self, layer, inputs):
        """As `select`, without labels."""
        raise NotImplementedError
