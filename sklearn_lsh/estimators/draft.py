"""Calls that change an estimator succeed, or leave it as it was.

This is the one place of that rule. `fit` and `partial_fit` work on a draft, a copy of which the
estimator takes over all attributes at once when the call has succeeded. Whatever goes wrong before
(a refused y, weights that overflow, a callback's error, memory that ends) changes the draft alone.
Threads that predict meanwhile see the estimator as it was before the call.
"""

from __future__ import annotations

import copy
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# What training changes in place.
TRAINED = ("_network", "_history")


@contextmanager
def draft_of(estimator, *, goes_on: bool) -> Iterator:
    """Yield a copy of an estimator to be fitted, and take it over if there is no error.

    Parameters
    ----------
    estimator : BaseLSHMLP
    goes_on : bool
        Whether the network that there is will be trained further: the draft trains a copy of it.
    """
    draft = copy.copy(estimator)
    if goes_on:
        for name in TRAINED:
            setattr(draft, name, copy.deepcopy(getattr(estimator, name)))
    had = set(vars(draft))
    yield draft
    vars(estimator).update(vars(draft))
    for name in had - vars(draft).keys():
        delattr(estimator, name)


class Interrupts:
    """Ctrl-C, which training notices between two mini-batches.

    Anywhere else it could come between two changes that belong together. Only the main thread
    gets it, and only Python's own handler is replaced: users' handlers stay.

    Attributes
    ----------
    requested : bool
        Whether it came since `hold`.
    """

    def __init__(self):
        self.requested = False
        self._holds = False

    def __enter__(self):
        return self

    def hold(self) -> None:
        """From now on to the end of the context, note Ctrl-C instead of raising an error."""
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._note)
            self._holds = True

    def check(self) -> None:
        """Raise the error that Ctrl-C would have raised."""
        if self.requested:
            raise KeyboardInterrupt

    def _note(self, number, frame) -> None:
        self.requested = True

    def __exit__(self, *error):
        if self._holds:
            signal.signal(signal.SIGINT, signal.default_int_handler)
