"""What parameters that are left to the data become: the rules of ``"auto"``.

Few dense rows with few outputs are what the defaults of scikit-learn's networks are made for, and
get these. More rows are learnt in fewer epochs, at a higher rate that falls to zero: loss and
scores are too noisy to say when to stop. Sparse data and many outputs want fewest: their features
and labels are rare, and more epochs only learn the training rows by heart.
"""

from __future__ import annotations

from math import log2, sqrt
from typing import NamedTuple

from scipy.sparse import issparse

from sklearn_lsh.estimators.targets import RegressionTarget


class Pace(NamedTuple):
    """A width of the hidden layer, how many epochs it is trained for, and in which mini-batches.

    Attributes
    ----------
    width : int
        Neurons. A wide layer learns sparse data in fewer epochs than a narrow one needs.
    n_epochs : int
        Over `PACE_ROWS` rows.
    power : float
        Over other numbers of rows epochs are as many times more as rows are fewer, to this power.
    most : int
        Epochs over any number of rows.
    batch : int, default=1
        Rows of a mini-batch, over the root of the number of rows.
    """

    width: int
    n_epochs: int
    power: float
    most: int
    batch: int = 1


# The paces below, and all other numbers here, are measured by `benchmarks/defaults.py`, whose
# `UNSEEN` sets had no part in choosing them.
# Rows that a pace's epochs are for, and epochs that there are at least.
PACE_ROWS = 50_000
FEWEST_EPOCHS = 2
# Of classes by dense data with few outputs.
DENSE_PACE = Pace(128, 24, 0.6, 100)
# Of numbers by such data: their noise takes larger mini-batches and fewer epochs.
NOISY_PACE = Pace(128, 24, 0.6, 40, batch=2)
# Of all other data.
SPARSE_PACE = Pace(256, 8, 0.4, 15)
# Weights from which on these have narrow layers: with what Adam keeps of them 1.6 GB.
MOST_WEIGHTS = 1 << 27
NARROW = 128
# Dense rows from which on they are many.
MANY_ROWS = 5_000
# Outputs from which on they are many.
MANY_OUTPUTS = 500
# Rows of a mini-batch, at least and at most.
SMALLEST_BATCH = 32
LARGEST_BATCH = 512
# Rates at which a falling one starts, by the solver.
RATES = {"adam": 0.01, "adagrad": 0.03, "rowwise_adagrad": 0.1, "sgd": 0.1}
# The larger a row's inputs together, the further a step moves a response. So beyond some size, of
# dense and of sparse rows, rates fall with its root, to a share of them.
SIZE_OF_DENSE = 64
SIZE_OF_SPARSE = 8
LEAST_SHARE = 0.1
# What a constant rate is of a falling one's start.
CONSTANT_SHARE = 0.5
# Training rows that are asked for their labels.
N_NEIGHBORS = 25
# Labels and training rows from which on they are asked.
LABELS_ASKED = 100
ROWS_ASKED = 1_000


class Settings(NamedTuple):
    """Parameters of a fit, as given or as the data have it, by their names in the estimators."""

    hidden_layer_sizes: object
    batch_size: int
    learning_rate: str
    learning_rate_init: float
    max_iter: int
    n_neighbors: int | None

    @property
    def ends_as_planned(self) -> bool:
        """Whether training is over after the last epoch, whatever the loss does."""
        return self.learning_rate == "linear"


class Facts(NamedTuple):
    """What the rules look at.

    Attributes
    ----------
    n_rows : int
        Training rows.
    n_outputs : int
        Classes, labels or target values.
    is_sparse : bool
        Whether X is.
    n_features : int
    size : float
        Of a row's inputs: the number of features, if X is dense, or the mean sum of a row's
        absolute values.
    is_noisy : bool
        Whether numbers are to be predicted.
    """

    n_rows: int
    n_outputs: int
    is_sparse: bool
    n_features: int = 1
    size: float = 1
    is_noisy: bool = False

    @classmethod
    def of(cls, data, target) -> Facts:
        """Facts about a training set and its target."""
        X, rows, is_sparse = data.X, data.rows, issparse(data.X)
        size = abs(X).sum(axis=1, dtype=float)[rows].mean() if is_sparse else X.shape[1]
        is_noisy = isinstance(target, RegressionTarget)
        return cls(len(rows), target.n_outputs, is_sparse, X.shape[1], float(size), is_noisy)

    @property
    def has_rare_labels(self) -> bool:
        """Whether neighbours are worth being asked: where labels are many, some have few rows."""
        return self.is_sparse and self.n_outputs >= LABELS_ASKED and self.n_rows >= ROWS_ASKED

    @property
    def is_small(self) -> bool:
        """Whether the data are of the kind that scikit-learn's networks are made for."""
        return self.pace in (DENSE_PACE, NOISY_PACE) and self.n_rows < MANY_ROWS

    @property
    def pace(self) -> Pace:
        """How fast the data are learnt, or learnt by heart."""
        if not (self.is_sparse or self.n_outputs >= MANY_OUTPUTS):
            return NOISY_PACE if self.is_noisy else DENSE_PACE
        n_weights = SPARSE_PACE.width * (self.n_features + self.n_outputs)
        return SPARSE_PACE if n_weights <= MOST_WEIGHTS else SPARSE_PACE._replace(width=NARROW)


# Those of scikit-learn's networks.
OF_SMALL = Settings(
    hidden_layer_sizes=(100,),
    batch_size=200,
    learning_rate="constant",
    learning_rate_init=0.001,
    max_iter=200,
    n_neighbors=None,
)


def choose(estimator, facts: Facts, *, streams: bool = False) -> Settings:
    """Choose what an estimator's parameters leave to the data.

    Parameters
    ----------
    estimator : BaseLSHMLP
        Its parameters are read; those that are not "auto" stay as they are.
    facts : Facts
    streams : bool, default=False
        Whether the data are a part of more to come, so that nothing is known of the end.
    """
    automatic = OF_SMALL if facts.is_small else _of_large(estimator.solver, facts)
    if streams and automatic.learning_rate == "linear":
        rate = CONSTANT_SHARE * automatic.learning_rate_init
        automatic = automatic._replace(learning_rate="constant", learning_rate_init=rate)
    given: dict = {name: getattr(estimator, name, None) for name in Settings._fields}
    given = {name: value for name, value in given.items() if not is_auto(value)}
    return automatic._replace(**given)


def is_auto(value) -> bool:
    """Whether a parameter is left to the data."""
    return isinstance(value, str) and value == "auto"


def _of_large(solver: str, facts: Facts) -> Settings:
    """Settings for many rows or outputs, or sparse data."""
    n_rows, pace = max(1, facts.n_rows), facts.pace
    n_epochs = round(pace.n_epochs * (PACE_ROWS / n_rows) ** pace.power)
    batch_size = pace.batch << round(log2(n_rows) / 2)
    modest = SIZE_OF_SPARSE if facts.is_sparse else SIZE_OF_DENSE
    share = min(1, sqrt(modest / max(facts.size, 1)))
    rate = RATES[solver] * max(share, LEAST_SHARE)
    return Settings(
        hidden_layer_sizes=(pace.width,),
        batch_size=min(max(batch_size, SMALLEST_BATCH), LARGEST_BATCH),
        learning_rate="linear",
        learning_rate_init=float(f"{rate:.2g}"),
        max_iter=min(max(n_epochs, FEWEST_EPOCHS), pace.most),
        n_neighbors=N_NEIGHBORS if facts.has_rare_labels else None,
    )
