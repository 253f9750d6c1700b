"""When to stop: no progress for a number of epochs."""

from __future__ import annotations

import numpy as np


class Plateau:
    """Watches a value that should rise, and counts the epochs in which it did not.

    The rule is scikit-learn's: an epoch counts as progress when the value reaches the best one
    so far plus a tolerance, while any higher value, by however little, is the new best one.
    A loss is watched by its negative. Lives as long as the network it watches, so that
    ``partial_fit`` and ``warm_start`` go on counting.

    Parameters
    ----------
    watches : str
        What the value is, for messages.

    Attributes
    ----------
    best : float
        Highest value so far.
    n_stale : int
        Number of epochs in a row without progress.
    """

    def __init__(self, watches: str):
        self.watches = watches
        self.best = -np.inf
        self.n_stale = 0

    def update(self, value: float, tol: float) -> bool:
        """Take in the value of one more epoch.

        Returns
        -------
        is_best : bool
            Whether it is the highest so far.
        """
        self.n_stale = self.n_stale + 1 if value < self.best + tol else 0
        is_best = bool(value > self.best)
        if is_best:
            self.best = float(value)
        return is_best
