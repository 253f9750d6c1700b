"""When to stop: no progress for a number of epochs."""

from __future__ import annotations

import numpy as np


class Plateau:
    """Monitors a value that should rise, and counts the epochs in which it did not.

    The rule is scikit-learn's: an epoch counts as progress when the value reaches the best one
    so far plus a tolerance, while any higher value, by however little, is the new best one.
    A loss is monitored by its negative.

    Attributes
    ----------
    best : float
        Highest value so far.
    n_no_improvement : int
        Number of epochs in a row without progress.
    """

    def __init__(self):
        self.best = -np.inf
        self.n_no_improvement = 0

    def update(self, value: float, tol: float) -> bool:
        """Take in the value of one more epoch.

        Returns
        -------
        is_best : bool
            Whether it is the highest so far.
        """
        self.n_no_improvement = self.n_no_improvement + 1 if value < self.best + tol else 0
        is_best = bool(value > self.best)
        if is_best:
            self.best = float(value)
        return is_best
