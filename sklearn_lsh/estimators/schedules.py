"""Learning-rate schedules: those of scikit-learn for the ``sgd`` solver, and one for all solvers.

A schedule keeps no state of its own: the current rate lives in the optimizer, so it goes on
where it was in the next call of ``partial_fit``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

# scikit-learn's: an adaptive rate that is not higher ends the training.
SMALLEST_ADAPTIVE_RATE = 1e-6
# scikit-learn's: what an adaptive rate is divided by.
ADAPTIVE_DIVISOR = 5.0


class Reaction(NamedTuple):
    """What a schedule does about training that makes no progress."""

    stops: bool
    """Whether training ends."""
    message: str
    """What is done, for the progress report."""


@dataclass(frozen=True)
class Constant:
    """The rate stays; no progress ends the training."""

    learning_rate_init: float
    power_t: float

    def begin(self, optimizer, n_steps: int) -> None:
        """Adjust the optimizer before the first of a fit's mini-batches, ``n_steps`` in all."""
        optimizer.decay = 0.0
        optimizer.learning_rate = self.learning_rate_init

    def after_epoch(self, optimizer, n_seen: int, share_done: float) -> None:
        """Adjust the rate when an epoch is over.

        Parameters
        ----------
        optimizer : Optimizer
        n_seen : int
            Samples seen since the first fit.
        share_done : float
            Share of the epochs of this fit that are over.
        """

    def on_plateau(self, optimizer) -> Reaction:
        """React to training that makes no progress."""
        return Reaction(True, "Stopping.")


class InverseScaling(Constant):
    """The rate falls with the number of samples seen: init / (t + 1) ** power_t."""

    def begin(self, optimizer, n_steps: int) -> None:
        """Leave the rate where it was."""
        optimizer.decay = 0.0

    def after_epoch(self, optimizer, n_seen: int, share_done: float) -> None:
        """Set the rate that belongs to the number of samples seen."""
        try:
            divisor = (n_seen + 1) ** self.power_t
        except OverflowError:
            divisor = math.inf
        optimizer.learning_rate = self.learning_rate_init / divisor


class Adaptive(Constant):
    """No progress divides the rate by five, until it is too small to matter."""

    def begin(self, optimizer, n_steps: int) -> None:
        """Leave the rate where it was."""
        optimizer.decay = 0.0

    def on_plateau(self, optimizer) -> Reaction:
        """Go on with a smaller rate, unless it is too small."""
        if optimizer.learning_rate <= SMALLEST_ADAPTIVE_RATE:
            return Reaction(True, "Learning rate too small. Stopping.")
        optimizer.learning_rate /= ADAPTIVE_DIVISOR
        return Reaction(False, f"Setting learning rate to {optimizer.learning_rate:f}")


class Linear(Constant):
    """The rate falls to zero over the mini-batches of a fit, in equal steps."""

    def begin(self, optimizer, n_steps: int) -> None:
        """Set how far the rate falls with each mini-batch."""
        optimizer.decay = self.learning_rate_init / n_steps

    def after_epoch(self, optimizer, n_seen: int, share_done: float) -> None:
        """Set the rate that belongs to the epochs that are left, free from rounding."""
        optimizer.learning_rate = self.learning_rate_init * (1 - share_done)


SCHEDULES = {
    "constant": Constant,
    "invscaling": InverseScaling,
    "adaptive": Adaptive,
    "linear": Linear,
}
# The others are for ``sgd`` alone, as in scikit-learn: other solvers scale their steps.
FOR_ALL_SOLVERS = {"linear"}


def make_schedule(name: str, solver: str, learning_rate_init: float, power_t: float) -> Constant:
    """Make a schedule by its name; a constant one where the solver does without."""
    if solver != "sgd" and name not in FOR_ALL_SOLVERS:
        name = "constant"
    return SCHEDULES[name](float(learning_rate_init), float(power_t))
