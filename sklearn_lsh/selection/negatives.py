"""Classes that are drawn at random, to be pushed down."""

import numpy as np


class Deck:
    """Numbers in random order, dealt without replacement.

    All numbers of a deck are dealt before one comes again; it then starts anew in the same order.

    Parameters
    ----------
    cards : ndarray of shape (n_cards,)
    random_state : RandomState
        Shuffles them.
    n_dealt : int, default=0
        How many were dealt before.
    """

    def __init__(self, cards, random_state, n_dealt=0):
        self.cards = random_state.permutation(cards)
        self.n_dealt = n_dealt

    def deal(self, n_wanted):
        """The next cards, at most as many as there are."""
        # Counted first: other threads may be dealing, too.
        first, self.n_dealt = self.n_dealt, self.n_dealt + n_wanted
        return self.cards.take(np.arange(first, first + n_wanted), mode="wrap")
