"""Output layers that learn from labels drawn uniformly: what hashing has to beat."""

import numpy as np

from sklearn_lsh import selection
from sklearn_lsh.csr import even_pattern, put_first
from sklearn_lsh.selection.base import Active
from sklearn_lsh.selection.exact import TopK
from sklearn_lsh.selection.negatives import Deck
from sklearn_lsh.selection.output import log_importance


class UniformOutput(TopK):
    """A sample's labels, and some that are drawn for the whole batch, standing for all others.

    Predictions compute all labels.

    Parameters
    ----------
    n_active : int
    hashing : Hashing
        Draws the labels.
    """

    computes_all = False  # in training

    def __init__(self, n_active, hashing):
        super().__init__(n_active)
        self.random_state = hashing.random_state
        self.n_dealt = 0

    def fit(self, weights, inputs):
        """See `Selection.fit`."""
        labels = np.arange(weights.n_neurons, dtype=np.uint32)
        self.deck = Deck(labels, self.random_state, self.n_dealt)

    def select(self, weights, inputs, targets=None):
        """See `Selection.select`."""
        if targets is None:
            return self.choose(weights, inputs)
        drawn = np.sort(self.deck.deal(self.n_active))
        self.n_dealt = self.deck.n_dealt
        shared = even_pattern(np.tile(drawn, (targets.n_rows, 1)))
        pattern = put_first(targets.pattern, shared, weights.n_neurons)
        n_represented = weights.n_neurons / drawn.shape[0]
        return Active(
            pattern, log_importance=log_importance(targets.pattern, pattern, n_represented)
        )


def use_uniform_outputs():
    """Let output layers that would hash draw labels instead, in this process."""
    selection.OutputLSH = UniformOutput
