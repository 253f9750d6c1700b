"""Who does the tasks: Dask's workers, or those of an executor."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from importlib.metadata import version
from typing import Any, NamedTuple

from sklearn_lsh import kernels
from sklearn_lsh.distributed.centroids import add_sums, sum_classes
from sklearn_lsh.distributed.replicas import Assignment, Common, train_replica
from sklearn_lsh.distributed.updates import add, add_in_pairs
from sklearn_lsh.network import Network


class Build(NamedTuple):
    """What must be the same on all workers, lest they compute differently."""

    version: str
    kernels: str


def tell_build() -> Build:
    """Tell which build this process has."""
    return Build(version("sklearn_lsh"), kernels.VARIANT)


class Work(NamedTuple):
    """What is done for each assignment, and how two results are added up."""

    task: Callable
    add: Callable


TRAINING = Work(train_replica, add)
CENTROIDS = Work(sum_classes, add_sums)


class Crew(ABC):
    """Workers that do a task for each replica.

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
        self._sent: Any = None  # the future of what tasks have in common, once workers have it

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

    def do(self, work: Work, network: Network, jobs: Sequence[Assignment]) -> Any:
        """Do the work of all assignments, and add up the results.

        Returns
        -------
        total : object
            None if no row counts.

        Raises
        ------
        TimeoutError
            If a replica has not ended in time: it is named.
        RuntimeError
            If workers are lost more often than a round is tried again.
        """
        for _ in range(self.retries + 1):
            try:
                return self._do(work, network, jobs)
            except self.losses as error:
                lost = error
                self._sent = None
        raise RuntimeError(
            f"{str(jobs[0]).capitalize()} and those beside it were tried {self.retries + 1} times, "
            "and each time a worker was lost (retries)."
        ) from lost

    @abstractmethod
    def _builds(self) -> dict[str, Build]:
        """Ask workers for their builds, by their names."""

    @abstractmethod
    def _do(self, work: Work, network: Network, jobs: Sequence[Assignment]) -> Any:
        """As `do`, once."""

    def _late(self, job: Assignment) -> TimeoutError:
        return TimeoutError(
            f"{str(job).capitalize()} has not ended within {self.timeout:g} seconds (timeout)."
        )


class ExecutorCrew(Crew):
    """Workers of an executor as ``concurrent.futures`` has it; their updates are added up here."""

    def _builds(self) -> dict[str, Build]:
        return {"A worker": self.client.submit(tell_build).result(self.timeout)}

    def _do(self, work, network, jobs):
        deadline = time.monotonic() + self.timeout
        futures = [self.client.submit(work.task, self.common, network, job) for job in jobs]
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
        return add_in_pairs(results, work.add)


class DaskCrew(Crew):
    """Dask's workers, which add up among themselves what they learnt.

    All get the network once a round, and once what tasks have in common. Blocks that lie in the
    cluster are handed to tasks by the source's ``submit(client, i)``, the future of one.
    """

    def __init__(self, client, common, timeout, retries):
        super().__init__(client, common, timeout, retries)
        from distributed.client import FutureCancelledError
        from distributed.scheduler import KilledWorker

        self.losses = (FutureCancelledError, KilledWorker)

    def _builds(self) -> dict[str, Build]:
        try:
            self.client.wait_for_workers(1, timeout=self.timeout)
        except TimeoutError:
            raise RuntimeError(
                f"{self.client} has no workers: none came within {self.timeout:g} seconds "
                "(timeout)."
            ) from None
        return {f"Worker {name}": build for name, build in self.client.run(tell_build).items()}

    def _do(self, work, network, jobs):
        from distributed import TimeoutError as DaskTimeoutError

        client = self.client
        if self._sent is None:
            self._sent = client.scatter(self.common, broadcast=True, hash=False)
        network = client.scatter(network, broadcast=True, hash=False)
        futures = [
            client.submit(work.task, self._sent, network, job, self._blocks(job), pure=False)
            for job in jobs
        ]
        total = add_in_pairs(futures, lambda *pair: client.submit(work.add, *pair, pure=False))
        try:
            return total.result(self.timeout)
        except DaskTimeoutError:
            late = [pair for pair in zip(futures, jobs, strict=True) if not pair[0].done()]
            client.cancel([future for future, _ in late])
            raise self._late(late[0][1] if late else jobs[0]) from None

    def _blocks(self, job: Assignment):
        """Futures of the blocks that lie in the cluster."""
        submit = getattr(self.common.source, "submit", None)
        return None if submit is None else [submit(self.client, i) for i in job.blocks]


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
