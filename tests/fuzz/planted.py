"""No part of the package, but functions that do what none may do: what the fuzzer must find."""

import os
import signal

from . import judge


def hang(n):
    """Never end."""
    while True:
        pass


def die(n):
    """Take the process along."""
    os.kill(os.getpid(), signal.SIGSEGV)


def name_nothing(n):
    """Refuse without saying what."""
    raise ValueError("Something is wrong.")


def raise_another(n):
    """Raise what is neither ValueError nor TypeError."""
    raise KeyError(n)


def change(values):
    """Change what was handed in."""
    values[0] += 1


class Thing:
    """An object of which a refused call changes the state."""

    state = 0

    def change(self, n):
        """Change, then refuse."""
        self.state = n
        raise ValueError(f"n must be another, got {n}.")


def play(call):
    """Make calls that are wrong, each in a case of its own."""
    judge.LIMIT[signal.ITIMER_PROF] = 0.2
    kind = call.pick([hang, die, name_nothing, raise_another, change, Thing().change, abs])
    # abs(3) is not wrong, and so must not be refused.
    call(kind, [3] if kind is change else 3, refuse=kind is abs)
