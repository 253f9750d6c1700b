"""Who does the tasks: Dask's workers, or those of an executor."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from operator import getitem
from typing import Any, NamedTuple, TypeVar

from sklearn_lsh import kernels
from sklearn_lsh.distributed.centroids import add_sums, sum_classes
from sklearn_lsh.distributed.replicas import (
    Assignment,
    Common,
    Learnt,
    head_of,
    merge,
    train_replica,
)
from sklearn_lsh.distributed.updates import add, add_in_pairs
from sklearn_lsh.network import Network
from sklearn_lsh.network.centroids import CentroidSums
from sklearn_lsh.network.layers import Layer

T = TypeVar("T")


class Build(NamedTuple):
    """What must be the same on all workers, lest they compute differently."""

    version: str
    kernels: str


def tell_build() -> Build:
    """Tell which build this process has."""
    return Build(version("sklearn_lsh"), kernels.VARIANT)


class Crew(ABC):
    """Workers that do a task for each replica.

    What tasks are given and return may stay with the workers: what is here are handles of it.

    Parameters
    ----------
    client : object
        Whom tasks are handed to.
    common : Common
        What all of them are given.
    timeout : float
        Seconds that a round may take.
    retries : int
        How often a round is tried again whose workers are gone.
    """

    # Errors that say that a worker is gone, or what it had.
    losses: tuple[type[BaseException], ...] = ()

    def __init__(self, client: Any, common: Common, timeout: float, retries: int):
        self.client, self.common, self.timeout, self.retries = client, common, timeout, retries
        # Rounds since the network here was up to date: should workers lose what they learnt, they
        # learn it again from there.
        self._rounds: list[tuple[Network, Sequence[Assignment]]] = []
        self._forget()

    def _forget(self) -> None:
        """Begin anew, after a loss."""
        self._common: Any = None
        self._layers: Any = None
        self._n_done = 0  # of the rounds

    def check_builds(self) -> None:
        """Refuse workers that have another version of the package, or other kernels.

        Raises
        ------
        RuntimeError
            If there are no workers, or one differs: it is named.
        """
        own = tell_build()
        for worker, build in self._builds().items():
            if build != own:
                raise RuntimeError(
                    f"{worker} has sklearn_lsh {build[0]} with kernels for {build[1]}, and this "
                    f"process has {own.version} for {own.kernels}: they would compute differently."
                )

    def sum_classes(self, network: Network, jobs: Sequence[Assignment]) -> CentroidSums:
        """Sum up the rows of all assignments by their classes, see `train` for errors."""

        def work() -> CentroidSums:
            layers = self._share(network.layers)
            sums = self._each(sum_classes, head_of(network), layers, jobs)
            return self._get(add_in_pairs(sums, partial(self._call, add_sums)))

        return self._insist(work, jobs)

    def train(self, network: Network, jobs: Sequence[Assignment]) -> Learnt:
        """Train a replica for each assignment, and merge them.

        Parameters
        ----------
        network : Network
            Its layers are those of the latest `fetch`.
        jobs : sequence of Assignment

        Raises
        ------
        TimeoutError
            If a replica has not ended in time: it is named.
        RuntimeError
            If workers are lost more often than a round is tried again.
        """
        self._rounds.append((head_of(network), jobs))
        return self._insist(lambda: self._catch_up(network), jobs)

    def fetch(self, network: Network) -> None:
        """Bring the layers of the network here up to date, see `train` for errors."""
        if not self._rounds:
            return

        def work() -> list[Layer]:
            self._catch_up(network)
            return self._get(self._layers)

        network.layers = self._insist(work, self._rounds[-1][1])
        self._rounds, self._n_done = [], 0

    def _catch_up(self, network: Network) -> Any:
        """Let workers learn what they have not yet, or not any more."""
        learnt = None
        if self._layers is None:
            self._layers = self._share(network.layers)
        for head, jobs in self._rounds[self._n_done :]:
            learnt = self._train_round(head, jobs)
            self._n_done += 1
        return learnt

    def _train_round(self, head: Network, jobs: Sequence[Assignment]) -> Learnt:
        updates = self._each(train_replica, head, self._layers, jobs)
        total = add_in_pairs(updates, partial(self._call, add))
        merged = self._call(merge, self._common, head, self._layers, total)
        layers, learnt = (self._call(getitem, merged, place) for place in (0, 1))
        known = self._get(learnt)
        self._layers = layers
        return known

    def _insist(self, work: Callable[[], T], jobs: Sequence[Assignment]) -> T:
        """Do some work, and again if a worker is lost."""
        for _ in range(self.retries + 1):
            try:
                if self._common is None:
                    self._common = self._share(self.common)
                return work()
            except self.losses as error:
                lost = error
                self._forget()
        raise RuntimeError(
            f"{str(jobs[0]).capitalize()} and those beside it were tried {self.retries + 1} times, "
            "and each time a worker was lost (retries)."
        ) from lost

    def _late(self, job: Assignment) -> TimeoutError:
        return TimeoutError(
            f"{str(job).capitalize()} has not ended within {self.timeout:g} seconds (timeout)."
        )

    @abstractmethod
    def _builds(self) -> dict[str, Build]:
        """Ask workers for their builds, by their names."""

    @abstractmethod
    def _share(self, value: Any) -> Any:
        """Let all workers have something."""

    @abstractmethod
    def _each(
        self, task: Callable, head: Network, layers: Any, jobs: Sequence[Assignment]
    ) -> list[Any]:
        """Do a task for each assignment."""

    @abstractmethod
    def _call(self, function: Callable, *arguments: Any) -> Any:
        """Compute something, of handles among others."""

    @abstractmethod
    def _get(self, handle: Any) -> Any:
        """Fetch what a handle stands for."""


class ExecutorCrew(Crew):
    """Workers of an executor as ``concurrent.futures`` has it. What they learnt is merged here."""

    def _builds(self) -> dict[str, Build]:
        return {"A worker": self.client.submit(tell_build).result(self.timeout)}

    def _share(self, value):
        return value

    def _each(self, task, head, layers, jobs):
        deadline = time.monotonic() + self.timeout
        futures = [self.client.submit(task, self._common, head, layers, job) for job in jobs]
        results = []
        try:
            for future, job in zip(futures, jobs, strict=True):
                try:
                    results.append(future.result(max(0.0, deadline - time.monotonic())))
                except FutureTimeoutError:
                    raise self._late(job) from None
        finally:
            for future in futures:
                future.cancel()
        return results

    def _call(self, function, *arguments):
        return function(*arguments)

    def _get(self, handle):
        return handle


class DaskCrew(Crew):
    """Dask's workers, who merge among themselves what they learnt.

    They keep the network from round to round, and what tasks have in common. Blocks that lie in
    the cluster are handed to tasks by the source's ``submit(client, i)``, the future of one.
    """

    def __init__(self, client, common, timeout, retries):
        super().__init__(client, common, timeout, retries)
        from distributed.client import FutureCancelledError
        from distributed.comm import CommClosedError
        from distributed.scheduler import KilledWorker

        self.losses = (FutureCancelledError, KilledWorker, CommClosedError)
        self._running: list[Any] = []
        self._jobs: Sequence[Assignment] = []

    def _builds(self) -> dict[str, Build]:
        with self._waiting():
            self.client.wait_for_workers(1, timeout=self.timeout)
        builds = self.client.run(tell_build, on_error="return").items()
        # One may die now as well as later.
        alive = {name: build for name, build in builds if not isinstance(build, self.losses)}
        for build in alive.values():
            if isinstance(build, Exception):  # as where the package is not installed
                raise build
        return {f"Worker {name}": build for name, build in alive.items()}

    def _share(self, value):
        with self._waiting():  # as after a loss: all may be gone, and one on its way
            (future,) = self.client.scatter(
                [value], broadcast=True, hash=False, timeout=self.timeout
            )
        return future

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """Say what it means if there are no workers."""
        try:
            yield
        except TimeoutError:
            raise RuntimeError(
                f"{self.client} has no workers: none came within {self.timeout:g} seconds "
                "(timeout)."
            ) from None

    def _each(self, task, head, layers, jobs):
        futures = [
            self._call(task, self._common, head, layers, job, self._blocks(job)) for job in jobs
        ]
        self._running, self._jobs = futures, jobs
        return futures

    def _blocks(self, job: Assignment):
        """Futures of the blocks that lie in the cluster."""
        submit = getattr(self.common.source, "submit", None)
        return None if submit is None else [submit(self.client, i) for i in job.blocks]

    def _call(self, function, *arguments):
        return self.client.submit(function, *arguments, pure=False)

    def _get(self, handle):
        from distributed import TimeoutError as DaskTimeoutError

        try:
            return handle.result(self.timeout)
        except DaskTimeoutError:
            pairs = zip(self._running, self._jobs, strict=False)
            late = [job for future, job in pairs if not future.done()]
            self.client.cancel(self._running)
            raise self._late((late or self._jobs)[0]) from None
        finally:
            self._running = []  # or workers would keep what they returned


def find_crew(client) -> type[Crew]:
    """Find the crew that suits a Dask client, or an executor.

    Raises
    ------
    TypeError
        If it is neither.
    """
    if type(client).__module__.partition(".")[0] == "distributed":
        return DaskCrew
    if callable(getattr(client, "submit", None)):
        return ExecutorCrew
    raise TypeError(
        "client must be a Dask client, or an executor with submit(function, *arguments), got "
        f"{client!r}."
    )
