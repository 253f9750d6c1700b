"""``fit_rounds``: training by many workers, in rounds.

S. U. Stich, "Local SGD converges fast and communicates little", ICLR 2019,
https://arxiv.org/abs/1805.09767: replicas are trained apart, and merged from time to time.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import _fit_context
from sklearn.utils import check_random_state

from sklearn_lsh.distributed.crews import Crew, find_crew
from sklearn_lsh.distributed.replicas import Assignment, Common, bare
from sklearn_lsh.draft import draft_of
from sklearn_lsh.estimators.automatic import SMALLEST_BATCH
from sklearn_lsh.estimators.checkpoint import make_saver
from sklearn_lsh.estimators.draft import TRAINED, Interrupts
from sklearn_lsh.estimators.progress import FitCallbacks
from sklearn_lsh.estimators.resuming import StreamState
from sklearn_lsh.estimators.rounds import Position, Rounds, fetch_first, read_encoded
from sklearn_lsh.estimators.streams import MOST_SEED, Plan, StreamFit, StreamMixin, check_plan
from sklearn_lsh.estimators.training import Diverged, TrainingSet, TrainingSettings
from sklearn_lsh.inputs import Count, Samples
from sklearn_lsh.network import Network
from sklearn_lsh.network.centroids import CentroidSums
from sklearn_lsh.streaming.blocks import Source, check_source
from sklearn_lsh.streaming.order import EpochOrder

# Rounds of an epoch, where that is left to us: more are no more accurate, and each is merged.
N_ROUNDS = 1
# Rows by which hash tables are brought up to date with merged weights.
N_SAMPLE = 512
# Blocks by which settings are chosen.
N_FIRST = 8


def fit_rounds(
    network: Any,
    source: Source,
    client: Any,
    *,
    n_replicas: int,
    blocks_per_round: int | str = "auto",
    classes: ArrayLike | None = None,
    n_epochs: int | None = None,
    validation: Source | None = None,
    checkpoint: str | PathLike | None = None,
    checkpoint_every: float | str = "10min",
    resume: bool = True,
    retries: int = 3,
    timeout: float = 600,
) -> Any:
    """Train a network by many workers, on data that are read block by block.

    In each round replicas of the network learn from blocks of their own, as tasks of their own,
    and what they learnt is merged, row by row: a row moves by the mean of the replicas that moved
    it, each weighted by how far it did. Their mini-batches are smaller by the number of replicas,
    down to 32 rows, so that each takes as many steps as a network alone would. What comes of it
    depends on the number of replicas, not on that of the workers.

    Parameters
    ----------
    network : LSHMLPClassifier or LSHMLPRegressor
        Is trained in place. Its ``n_jobs`` has no meaning here: a replica has one thread.
    source : source of blocks
        See `LSHMLPClassifier.fit_batches`. Tasks read their blocks themselves, so workers must be
        able to; this process reads the first ones, too.
    client : dask.distributed.Client or executor
        Who does the tasks: a client of Dask, or anything that has ``submit`` as executors of
        ``concurrent.futures`` have it.
    n_replicas : int
        Replicas that are trained beside each other.
    blocks_per_round : int or "auto", default="auto"
        Blocks that a replica learns from in a round. "auto" makes an epoch one round.
    classes : array-like of shape (n_classes,), default=None
        See `LSHMLPClassifier.fit_batches`, as for all up to `resume`.
    n_epochs : int or None, default=None
        Highest number of epochs. None is `max_iter`.
    validation : source of blocks, default=None
        Rows to measure progress on after each epoch.
    checkpoint : str or path, default=None
        Folder for checkpoints, which are written between rounds.
    checkpoint_every : float or str, default="10min"
        Time between two of them.
    resume : bool, default=True
        Whether to go on with the training of which there is a checkpoint.
    retries : int, default=3
        How often a round is tried again of which a worker was lost.
    timeout : float, default=600
        Seconds that a round may take, and that workers may take to come.

    Returns
    -------
    network : object
        The trained estimator.

    Raises
    ------
    ValueError
        If a parameter or a block is not valid, or a replica would have no block to learn from.
    TypeError
        If the network is none of this package's, or the client of neither kind.
    RuntimeError
        If there are no workers, if one has another version of the package or other kernels, or if
        workers are lost again and again.
    TimeoutError
        If a replica does not end in time: it is named.

    Warns
    -----
    RuntimeWarning
        If what replicas learnt is not finite: the round is left out. If an epoch has no other, that
        is an error.

    References
    ----------
    S. U. Stich, "Local SGD converges fast and communicates little", ICLR 2019.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> import numpy as np
    >>> from sklearn_lsh import LSHMLPClassifier
    >>> from sklearn_lsh.distributed import fit_rounds
    >>> from sklearn_lsh.streaming import ArrayBlocks
    >>> X = np.random.default_rng(0).normal(size=(400, 3))
    >>> source = ArrayBlocks(X, X[:, 0] > 0, block_size=50)
    >>> network = LSHMLPClassifier(learning_rate_init=0.02, max_iter=20, tol=1, random_state=0)
    >>> with ThreadPoolExecutor(2) as pool:
    ...     network = fit_rounds(network, source, pool, n_replicas=4)
    >>> bool(network.score(X, X[:, 0] > 0) > 0.9)
    True
    """
    if not isinstance(network, StreamMixin):
        raise TypeError(
            f"network must be an LSHMLPClassifier or LSHMLPRegressor, got {type(network)}."
        )
    check_source(source, "source")
    plan = Plan(source, classes, n_epochs, N_FIRST, validation)
    division = make_division(source.n_blocks, n_replicas, blocks_per_round)
    check_limits(retries, timeout)
    hire = partial(find_crew(client), client, timeout=timeout, retries=int(retries))
    return _fit(network, plan, division, hire, (checkpoint, checkpoint_every), resume=resume)


@_fit_context(prefer_skip_nested_validation=True)
def _fit(network, plan: Plan, division: Division, hire, saving: tuple, *, resume: bool) -> Any:
    """Fit an estimator, as scikit-learn has it: with its parameters checked, and its callbacks."""
    check_plan(network, plan)
    saver = make_saver(network, plan, *saving, resume=resume, division=list(division))
    goes_on = network.warm_start and network.__sklearn_is_fitted__()
    with Interrupts() as interrupts, draft_of(network, TRAINED if goes_on else ()) as draft:
        callbacks = FitCallbacks(network, draft, Samples(None, None, None))
        fit = RoundsFit(draft, plan, interrupts, division, hire)
        fit.run(callbacks, saver, fresh=not goes_on)
    return network


class Division(NamedTuple):
    """How an epoch is divided: replicas, and blocks that each learns from in a round, at most."""

    n_replicas: int
    n_blocks: int

    def assign(self, seed: int, epoch: int, blocks: np.ndarray) -> list[list[Assignment]]:
        """Deal an epoch's blocks, in their order, to its rounds and to the replicas of each."""
        n_rounds = math.ceil(len(blocks) / (self.n_replicas * self.n_blocks))
        dealt = (np.array_split(part, self.n_replicas) for part in np.array_split(blocks, n_rounds))
        return [
            [
                Assignment(seed, epoch, number, replica, tuple(part.tolist()))
                for replica, part in enumerate(parts)
                if len(part) > 0
            ]
            for number, parts in enumerate(dealt)
        ]


def make_division(n_blocks: int, n_replicas: int, blocks_per_round: int | str) -> Division:
    """Divide an epoch of so many blocks.

    Raises
    ------
    ValueError
        If a parameter is not valid, or a replica would have nothing to learn from.
    """
    if not Count().is_satisfied_by(n_replicas):
        raise ValueError(f"n_replicas must be an integer >= 1, got {n_replicas!r}.")
    if n_replicas > n_blocks:
        raise ValueError(
            f"n_replicas={n_replicas} is more than the {n_blocks} blocks of the source: a replica "
            "would have no data. Make smaller blocks."
        )
    if isinstance(blocks_per_round, str) and blocks_per_round == "auto":
        blocks_per_round = math.ceil(n_blocks / (n_replicas * N_ROUNDS))
    elif not Count().is_satisfied_by(blocks_per_round):
        raise ValueError(
            f"blocks_per_round must be an integer >= 1 or 'auto', got {blocks_per_round!r}."
        )
    return Division(int(n_replicas), int(blocks_per_round))


def check_limits(retries: int, timeout: float) -> None:
    """Check how long, and how often, workers are waited for.

    Raises
    ------
    ValueError
        If one is not valid.
    """
    if not Count(0).is_satisfied_by(retries):
        raise ValueError(f"retries must be an integer >= 0, got {retries!r}.")
    is_number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if not (is_number and 0 < timeout < math.inf):
        raise ValueError(f"timeout must be a positive number of seconds, got {timeout!r}.")


class RoundsFit(StreamFit):
    """One call of `fit_rounds`, on a draft of the estimator.

    Parameters
    ----------
    draft, plan, interrupts
        See `StreamFit`.
    division : Division
    hire : callable
        ``hire(common=common)`` makes the `Crew`.
    """

    def __init__(self, draft, plan, interrupts, division: Division, hire: Callable[..., Crew]):
        super().__init__(draft, plan, interrupts)
        self._division, self._hire = division, hire

    def _begin(self) -> StreamState:
        """See `StreamFit._begin`."""
        rng = check_random_state(self.draft.random_state)
        return StreamState(rng, int(rng.randint(MOST_SEED)))

    @contextmanager
    def _open(self, state: StreamState) -> Iterator[ReplicaStream]:
        """See `StreamFit._open`. Only the first blocks are read here."""
        start = Position()
        encode = partial(read_encoded, self.draft, self.plan.source)
        with Rounds(self._order_of(state.seed), encode, start) as rounds:
            rounds.n_epochs = 1
            yield ReplicaStream(self, state, rounds, fetch_first(rounds, start))

    def _sum_classes(self, state: StreamState) -> CentroidSums:
        """See `StreamFit._sum_classes`. Tasks do it, for all rows."""
        network, n_blocks = self.draft._network, self.plan.source.n_blocks
        (jobs,) = self._division._replace(n_blocks=n_blocks).assign(0, 0, np.arange(n_blocks))
        return self._hire_for(batch_size=1).sum_classes(network, jobs)

    def _hire_for(self, batch_size: int, sample: TrainingSet | None = None) -> Crew:
        crew = self._hire(common=Common(bare(self.draft), self.plan.source, batch_size, sample))
        crew.check_builds()
        return crew

    def _watch(self, stream, state, saver) -> None:
        """See `StreamFit._watch`."""

        def before_round(fetch: Callable[[], None], stopping: bool) -> None:
            if saver.is_due(stopping=stopping):
                fetch()
                saver.save(self.draft, state)

        stream.before_round = before_round
        stream.rounds.n_epochs = 0

    def rounds_of(self, state: StreamState) -> list[list[Assignment]]:
        """Tell what the replicas of an epoch learn from, round by round."""
        epoch, n_blocks = state.position.epoch, self.plan.source.n_blocks
        order = EpochOrder(n_blocks, 1, state.seed if self.draft.shuffle else None, epoch)
        return self._division.assign(state.seed or 0, epoch, order.blocks)

    def passes(self, stream: ReplicaStream, settings: TrainingSettings) -> ReplicaPasses:
        """Make the passes of a training."""
        n_replicas = self._division.n_replicas
        # Each takes as many steps as a network alone would: fewer learn less. But rows of small
        # mini-batches take more time.
        smallest = min(SMALLEST_BATCH, settings.batch_size)
        batch_size = max(smallest, math.ceil(settings.batch_size / n_replicas))
        n_batches = math.ceil(stream.state.n_rows / (n_replicas * batch_size))
        crew = self._hire_for(batch_size, first_rows(stream.data, N_SAMPLE))
        return ReplicaPasses(self, stream, crew, n_batches)


def first_rows(data: TrainingSet, n_rows: int) -> TrainingSet:
    """Return the first rows of a set."""
    weights = None if data.sample_weight is None else data.sample_weight[:n_rows]
    return TrainingSet(data.X[:n_rows], data.target[:n_rows], weights, data.rows[:n_rows])


class ReplicaStream:
    """Data that replicas read, as `train` takes them.

    Parameters
    ----------
    fit : RoundsFit
    state : StreamState
    rounds : Rounds
        Of the first blocks.
    data : TrainingSet
        Their rows.

    Attributes
    ----------
    course : Course
    before_round : callable
        ``before_round(fetch, stopping)`` is called before each round. ``fetch()`` brings the
        network here up to date.
    """

    before_round: Callable[[Callable[[], None], bool], None]

    def __init__(self, fit: RoundsFit, state: StreamState, rounds: Rounds, data):
        self.fit, self.state, self.rounds, self.data = fit, state, rounds, data
        self.course = state.course

    def passes(self, settings: TrainingSettings, random_state) -> ReplicaPasses:
        """See `Passable.passes`."""
        return self.fit.passes(self, settings)


class ReplicaPasses:
    """`Passes` by replicas, round by round.

    Parameters
    ----------
    fit : RoundsFit
    stream : ReplicaStream
    crew : Crew
    n_batches : int
        That each replica learns from in an epoch.
    """

    def __init__(self, fit: RoundsFit, stream: ReplicaStream, crew: Crew, n_batches: int):
        self.n_rows, self.n_batches = stream.state.n_rows, n_batches
        self._fit, self._stream, self._crew = fit, stream, crew

    def train(self, network: Network, is_stopped: Callable[[], bool]) -> float:
        """See `Passes.train`."""
        position, data = self._stream.state.position, self._stream.data
        fetch = partial(self._crew.fetch, network)
        if not network.is_prepared:  # or each replica would hash by functions of its own
            network.prepare(data.X, data.rows, data.sample_weight)
        for jobs in self._fit.rounds_of(self._stream.state)[position.number :]:
            self._stream.before_round(fetch, is_stopped())
            if is_stopped():
                fetch()
                return np.nan
            self._train_round(network, jobs)
        if position.n_rows == 0:
            raise Diverged
        fetch()
        self.n_rows, loss = position.n_rows, position.mean_loss(network)
        position.end_epoch()
        return loss

    def _train_round(self, network: Network, jobs: list[Assignment]) -> None:
        position = self._stream.state.position
        learnt = self._crew.train(network, jobs)
        if not learnt.is_finite:
            warnings.warn(
                f"What was learnt in round {position.number} of epoch {position.epoch} is not "
                "finite: the round is left out.",
                RuntimeWarning,
                stacklevel=2,
            )
        vars(network).update(vars(learnt.head) | {"layers": network.layers})
        position.losses = learnt.losses
        position.end_round(learnt.n_rows, len(learnt.losses))
