"""Learning-rate schedules of the ``sgd`` solver, with scikit-learn's meaning.

A schedule keeps no state of its own: the current rate lives in the optimizer, so it goes on
where it was in the next call of ``partial_fit``.
"""

from __future__ import annotations

from dataclasses import dataclass

SMALLEST_ADAPTIVE_RATE = 1e-6


@dataclass(frozen=True)
class Constant:
    """The rate stays; no progress ends the training."""

    learning_rate_init: float
    power_t: float

    def after_epoch(self, optimizer, n_seen: int) -> None:
        """Adjust the rate when an epoch is over and `n_seen` samples have been seen in all."""

    def on_plateau(self, optimizer) -> tuple[bool, str]:
        """React to training that makes no progress.

        Returns
        -------
        stop : bool
            Whether training ends.
        message : str
            What is done, for the progress report.
        """
        return True, "Stopping."


class InverseScaling(Constant):
    """The rate falls with the number of samples seen: init / (t + 1) ** power_t."""

    def after_epoch(self, optimizer, n_seen: int) -> None:
        """Set the rate that belongs to the number of samples seen."""
        optimizer.learning_rate = self.learning_rate_init / (n_seen + 1) ** self.power_t


class Adaptive(Constant):
    """No progress divides the rate by five, until it is too small to matter."""

    def on_plateau(self, optimizer) -> tuple[bool, str]:
        """Go on with a smaller rate, unless it is too small."""
        if optimizer.learning_rate <= SMALLEST_ADAPTIVE_RATE:
            return True, "Learning rate too small. Stopping."
        optimizer.learning_rate /= 5.0
        return False, f"Setting learning rate to {optimizer.learning_rate:f}"


SCHEDULES = {"constant": Constant, "invscaling": InverseScaling, "adaptive": Adaptive}


def make_schedule(estimator) -> Constant:
    """Make the schedule that an estimator's parameters ask for.

    Only the ``sgd`` solver has one: ``adam`` and ``adagrad`` scale their own steps.
    """
    name = estimator.learning_rate if estimator.solver == "sgd" else "constant"
    return SCHEDULES[name](float(estimator.learning_rate_init), float(estimator.power_t))
