"""Output layers that learn from labels drawn uniformly: what hashing has to beat."""

import numpy as np

from sklearn_lsh.csr import Pattern, even_rows, put_first
from sklearn_lsh.selection import SELECTIONS, HiddenLSH
from sklearn_lsh.selection.base import Active, Selection
from sklearn_lsh.selection.exact import most_responding


class UniformOutput(Selection):
    """A sample's labels, and some that are drawn for the whole batch, standing for all others.

    Predictions compute all labels.

    Parameters
    ----------
    n_active : int
    random_state : RandomState
    **ignored
        What hashing would need.
    """

    def __init__(self, n_active, *, random_state, **ignored):
        super().__init__(n_active)
        self.random_state = random_state
        self.n_drawn = 0

    def fit(self, layer, inputs):
        """See `Selection.fit`."""
        self.deck = self.random_state.permutation(np.arange(layer.n_neurons, dtype=np.uint32))

    def select(self, layer, inputs, labels=None):
        """See `Selection.select`."""
        if labels is None:
            return most_responding(layer, inputs, self.n_active)
        first, self.n_drawn = self.n_drawn, self.n_drawn + self.n_active
        places = np.arange(first, first + self.n_active)
        drawn = np.sort(self.deck.take(places, mode="wrap"))
        shared = Pattern(even_rows(labels.n_rows, drawn.shape[0]), np.tile(drawn, labels.n_rows))
        active = put_first(labels.pattern, shared, layer.n_neurons)
        n_own = np.diff(labels.indptr)
        lengths = np.stack([n_own, np.diff(active[0]) - n_own], axis=1).reshape(-1)
        stand_for = np.log(np.float32([1, layer.n_neurons / drawn.shape[0]]))
        log_importance = np.repeat(np.tile(stand_for, labels.n_rows), lengths)
        return Active(*active, log_importance=log_importance)


def use_uniform_outputs():
    """Let ``selection="lsh"`` mean this for output layers, in this process."""
    SELECTIONS["lsh"] = (HiddenLSH, UniformOutput)
