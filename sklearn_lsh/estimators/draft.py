"""What training changes of a draft (see `sklearn_lsh.draft`), and when Ctrl-C may end it.

`fit` and `partial_fit` work on drafts: whatever goes wrong (a refused y, weights that overflow, a
callback's error, memory that ends), the estimator is as it was before the call.
"""

from __future__ import annotations

import signal
import threading

# What training changes in place.
TRAINED = ("_network", "_history")


class Interrupts:
    """Ctrl-C, which training notices between two mini-batches.

    Anywhere else it could come between two changes that belong together. Only the main thread
    gets it, and only Python's own handler is replaced: users' handlers stay.

    Attributes
    ----------
    requested : bool
        Whether it came since `hold`.
    ended : bool
        Whether a training ended by it.
    """

    def __init__(self):
        self.requested = self.ended = False
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
