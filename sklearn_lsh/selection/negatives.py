"""Classes that are drawn at random, to be pushed down."""

import numpy as np

from sklearn_lsh.stored import Attributes

# Cards that a deck may have dealt: their numbers are integers of 64 bits.
MOST_DEALT = 2**62


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

    def check_stored(self, n_cards, dtype):
        """Check what was loaded."""
        stored = Attributes(self)
        cards = stored.array("cards", dtype, (n_cards,), below=n_cards)
        is_there = np.zeros(n_cards, bool)
        is_there[cards] = True
        stored.require(is_there.all(), "cards", f"all numbers below {n_cards}")
        stored.integer("n_dealt", 0, MOST_DEALT)

    def deal(self, n_wanted):
        """The next cards, at most as many as there are."""
        # Counted first: other threads may be dealing, too.
        first, self.n_dealt = self.n_dealt, self.n_dealt + n_wanted
        return self.cards.take(np.arange(first, first + n_wanted), mode="wrap")
