"""What all selections share."""

import copy
from typing import NamedTuple

import numpy as np

from sklearn_lsh.csr import Pattern, put_first
from sklearn_lsh.stored import Attributes


class Active(NamedTuple):
    """The active neurons of each sample.

    Attributes
    ----------
    pattern : Pattern
        Their numbers.
    preactivations : ndarray of dtype=float32, default=None
        What they answer, if that is known from choosing them.
    log_importance : ndarray of dtype=float32, default=None
        Logarithm of how many neurons each stands for, itself included: of the inverse of the
        probability with which it was drawn. By default each stands for itself.
    codes : ndarray of shape (n_samples, n_tables), dtype=uint8 or uint16, default=None
        The samples' own codes, if they were hashed.
    work : int, default=0
        Multiply-adds of choosing them.
    """

    pattern: Pattern
    preactivations: "np.ndarray | None" = None
    log_importance: "np.ndarray | None" = None
    codes: "np.ndarray | None" = None
    work: int = 0


class Selection:
    """Base of the selections.

    A selection is given a layer's weights, to look at and never to change, and its inputs.

    Parameters
    ----------
    n_active : int
        Neurons to select for each sample.

    Attributes
    ----------
    computes_all : bool
        Whether it computes all neurons to choose among them.
    is_fitted : bool
        Whether it knows enough of weights and inputs to select.
    """

    computes_all = False
    is_fitted = True

    def __init__(self, n_active):
        self.n_active = n_active

    def check_stored(self, n_inputs, n_neurons):
        """Check what was loaded."""
        Attributes(self).integer("n_active", 1, n_neurons)

    def grow(self, numbers, n_neurons, n_active):
        """Follow a layer that has new neurons; `fit` comes before anything is selected.

        Parameters
        ----------
        numbers : int ndarray, ascending
            The new number of each neuron that there was.
        n_neurons : int
            How many there are now.
        n_active : int
            How many of them to select for each sample.
        """
        self.n_active = n_active

    def is_outgrown(self, n_neurons, n_active):
        """Whether to begin anew with so many neurons, rather than `grow`."""
        return False

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

    def fit(self, weights, inputs):
        """Get to know the weights and a sample of the inputs, before training and after epochs."""

    def replaced(self, weights, *, same_inputs) -> "Selection":
        """Return the selection to go on with after weights were replaced by others.

        Parameters
        ----------
        weights : Weights
            The new ones.
        same_inputs : bool
            Whether the layer gets the inputs that it did before: no layer below has changed.
        """
        return self

    def refresh(self, weights, inputs):
        """Follow the weights, and the inputs as they are in the latest batch."""

    def refresh_work(self, weights):
        """Multiply-adds of a refresh."""
        return 0

    def drain_rebuilds(self):
        """Seconds that each rebuild of the tables took since this was last asked."""
        return []

    def occupancy(self):
        """How full the tables are, by name."""
        return {}

    def note(self, active, groups, targets):
        """Take note of a training batch.

        Parameters
        ----------
        active : Active
            What was selected.
        groups : Groups
            The same pairs by neuron.
        targets : CSR
            The samples' targets.
        """

    def reseed(self, random_state):
        """Let another generator draw what is drawn from now on."""

    def notes_since(self, before):
        """What was noted since a copy of this was made: arrays, or None."""
        return None

    def take_notes(self, notes):
        """Take over what a copy of this has noted (`notes_since`)."""

    def select(self, weights, inputs, targets=None) -> Active:
        """Name the active neurons of each sample.

        Parameters
        ----------
        weights : Weights
        inputs : ndarray of shape (n_samples, n_inputs) or CSR
        targets : CSR, default=None
            Neurons that are active whatever else is. They come first. They are given where
            errors are to be learnt from; selections then may draw others at random.
        """
        active = self.choose(weights, inputs)
        if targets is None:
            return active
        joined = put_first(targets.pattern, active.pattern, weights.n_neurons)
        return Active(joined, work=active.work)

    def choose(self, weights, inputs) -> Active:
        """As `select`, without targets."""
        raise NotImplementedError
