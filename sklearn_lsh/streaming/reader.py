"""A thread that reads what is needed next, while the one before it is learnt from."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Self

# What is worked on or waits to be fetched, at most.
N_AHEAD = 2


class Read(NamedTuple):
    """What came of a job: a value, or an error."""

    value: Any
    error: BaseException | None = None


class Reader:
    """The results of jobs, in their order, which another thread works on a few ahead.

    An error in a job is raised where its result is fetched. To be used in a ``with`` statement, at
    the end of which the thread has ended.

    Parameters
    ----------
    jobs : iterable
    work : callable
        ``work(job)`` gives the result.
    n_ahead : int, default=2
        Results that are worked on or wait to be fetched, at most: no more are in memory.
    """

    def __init__(self, jobs: Iterable, work: Callable, n_ahead: int = N_AHEAD):
        self._queue: queue.SimpleQueue[Read] = queue.SimpleQueue()
        self._room = threading.Semaphore(n_ahead)
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(iter(jobs), work), daemon=True)

    def _run(self, jobs, work) -> None:
        end: BaseException = StopIteration()
        try:
            for job in jobs:
                self._room.acquire()
                if self._is_closed.is_set():
                    return
                self._queue.put(Read(work(job)))
        except BaseException as error:
            end = error
        self._queue.put(Read(None, end))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __iter__(self) -> Iterator:
        return self

    def __next__(self):
        read = self._queue.get()
        if read.error is not None:
            self._queue.put(read)  # whoever asks again is told again
            raise read.error
        self._room.release()
        return read.value

    def __exit__(self, *error) -> None:
        self._is_closed.set()
        self._room.release()  # it may wait for room
        self._thread.join()
