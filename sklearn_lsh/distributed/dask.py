"""Estimators that take Dask's arrays and data frames."""

from __future__ import annotations

import copy
import math
from typing import Any, Self

import dask
import dask.array as da
import numpy as np
from dask.delayed import Delayed
from distributed import default_client
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from sklearn_lsh.distributed.fitting import fit_rounds
from sklearn_lsh.estimators import LSHMLPClassifier, LSHMLPRegressor
from sklearn_lsh.streaming.blocks import Blocks

__all__ = ["CollectionBlocks", "DaskLSHMLPClassifier", "DaskLSHMLPRegressor"]


class CollectionBlocks(Blocks):
    """The partitions of Dask's arrays or data frames, as blocks.

    Partitions are computed in the cluster when a task needs them, and once only if they were
    persisted there (``X.persist()``).

    Parameters
    ----------
    X : dask array of shape (n_samples, n_features), or data frame
        Samples.
    y : dask array, series or data frame
        Labels, label indicators or target values, in as many partitions.
    sample_weight : dask array or series, default=None
        In as many partitions.

    Attributes
    ----------
    n_blocks, n_features : int
        Number of partitions and of columns.

    Raises
    ------
    TypeError
        If they are not Dask's.
    ValueError
        If they are not in as many partitions.

    Examples
    --------
    >>> import dask.array as da
    >>> from sklearn_lsh.distributed.dask import CollectionBlocks
    >>> source = CollectionBlocks(da.ones((6, 2), chunks=(3, 2)), da.zeros(6, chunks=3))
    >>> source.n_blocks
    2
    >>> X, y = source.read(1)
    >>> X.shape
    (3, 2)
    """

    def __init__(self, X: Any, y: Any, sample_weight: Any = None) -> None:
        parts = {"X": X, "y": y}
        if sample_weight is not None:
            parts["sample_weight"] = sample_weight
        self._parts = [partitions_of(part, name) for name, part in parts.items()]
        lengths = {name: len(each) for name, each in zip(parts, self._parts, strict=True)}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"X, y and sample_weight must have as many partitions, got {lengths}.")
        self.n_blocks = lengths["X"]
        self.n_features = int(X.shape[1])

    def _read(self, number: int) -> tuple:
        """See `Blocks._read`."""
        return dask.compute(*(part[number] for part in self._parts))

    def submit(self, client: Any, number: int) -> Any:
        """Let the cluster compute a block.

        Parameters
        ----------
        client : dask.distributed.Client
            Of the cluster.
        number : int
            From 0 to ``n_blocks - 1``.

        Returns
        -------
        future : dask.distributed.Future
            Of what ``read(number)`` returns.
        """
        return client.compute(dask.delayed(tuple)([part[number] for part in self._parts]))

    def __getstate__(self) -> dict:
        # Tasks are handed their blocks.
        return {"n_blocks": self.n_blocks, "n_features": self.n_features}


def partitions_of(collection, name: str) -> list[Delayed]:
    """The partitions of an array, whole rows each, or of a data frame.

    Raises
    ------
    TypeError
        If it is neither.
    """
    if not (dask.is_dask_collection(collection) and hasattr(collection, "to_delayed")):
        raise TypeError(f"{name} must be a Dask array or data frame, got {type(collection)}.")
    if isinstance(collection, da.Array) and collection.ndim == 2:
        collection = collection.rechunk({1: -1})
    return list(np.ravel(collection.to_delayed()))


class _DaskLSHMLP(MetaEstimatorMixin, BaseEstimator):
    """What both estimators have in common."""

    _network: type
    estimator: Any
    client: Any
    n_replicas: int | str
    blocks_per_round: int | str
    retries: int
    timeout: float

    def __sklearn_clone__(self) -> Self:
        # A client is not copied: that of a clone is the same.
        parameters = self.get_params(deep=False)
        return type(self)(**{**parameters, "estimator": clone(self.estimator, safe=False)})

    def __getstate__(self) -> dict:
        return {**super().__getstate__(), "client": None}  # which is of this process

    def _fit(self, X, y, sample_weight, **more) -> Self:
        source = CollectionBlocks(X, y, sample_weight)
        client = default_client() if self.client is None else self.client
        self.estimator_ = fit_rounds(
            self._network() if self.estimator is None else clone(self.estimator),
            source,
            client,
            n_replicas=self._count_replicas(client, source),
            blocks_per_round=self.blocks_per_round,
            retries=self.retries,
            timeout=self.timeout,
            **more,
        )
        self.n_features_in_ = self.estimator_.n_features_in_
        return self

    def _count_replicas(self, client, source) -> Any:
        if not (isinstance(self.n_replicas, str) and self.n_replicas == "auto"):
            return self.n_replicas
        return max(1, min(sum(client.nthreads().values()), source.n_blocks))

    def predict(self, X: Any) -> da.Array:
        """Predict for samples, in the cluster, when the result is computed.

        Parameters
        ----------
        X : dask array of shape (n_samples, n_features), or data frame
            Samples.

        Returns
        -------
        y : dask array of shape (n_samples,) or (n_samples, n_outputs)
            See `LSHMLPClassifier.predict`, `LSHMLPRegressor.predict`.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        TypeError
            If X is not Dask's.
        """
        (predictions,) = self._ask(X, lambda network, part: [network.predict(part)])
        return predictions

    def _ask(self, X, ask) -> list[da.Array]:
        """Join what the network answers to each partition, of the form of an example."""
        check_is_fitted(self)
        parts = partitions_of(X, "X")
        nameless = copy.copy(self.estimator_)
        vars(nameless).pop("feature_names_in_", None)
        examples = ask(nameless, np.zeros((1, self.n_features_in_), np.float32))
        lengths = X.chunks[0] if isinstance(X, da.Array) else [math.nan] * len(parts)
        network = dask.delayed(self.estimator_)
        answers = [dask.delayed(ask, nout=len(examples))(network, part) for part in parts]
        return [
            da.concatenate(
                [
                    da.from_delayed(answer[i], (n, *example.shape[1:]), dtype=example.dtype)
                    for answer, n in zip(answers, lengths, strict=True)
                ],
                allow_unknown_chunksizes=True,
            )
            for i, example in enumerate(examples)
        ]

    def to_local(self) -> Any:
        """Return the trained network, which takes NumPy's arrays and needs no cluster.

        Returns
        -------
        network : LSHMLPClassifier or LSHMLPRegressor
            It is not copied.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        """
        check_is_fitted(self)
        return self.estimator_


class DaskLSHMLPClassifier(ClassifierMixin, _DaskLSHMLP):
    """A network classifier that is trained on Dask's arrays and data frames, in the cluster.

    See `fit_rounds` for how. Predictions are Dask's arrays, too.

    Parameters
    ----------
    estimator : LSHMLPClassifier, default=None
        Has the parameters of the network. It is cloned. None is ``LSHMLPClassifier()``.
    client : dask.distributed.Client, default=None
        None is the one that was made last. It is not pickled.
    n_replicas : int or "auto", default="auto"
        Replicas that are trained beside each other. "auto" is one for each thread of the workers,
        so that what is learnt depends on the cluster.
    blocks_per_round : int or "auto", default="auto"
        Partitions that a replica learns from in a round. "auto" makes an epoch one round.
    retries : int, default=3
        How often a round is tried again of which a worker was lost.
    timeout : float, default=600
        Seconds that a round may take, and that workers may take to come.

    Attributes
    ----------
    estimator_ : LSHMLPClassifier
        The trained network.
    classes_ : ndarray of shape (n_classes,)
        Its classes.
    n_features_in_ : int
        Number of features.

    Examples
    --------
    >>> import dask.array as da
    >>> from dask.distributed import Client
    >>> from sklearn_lsh import LSHMLPClassifier
    >>> from sklearn_lsh.distributed.dask import DaskLSHMLPClassifier
    >>> X = da.random.default_rng(0).normal(size=(800, 3), chunks=(100, 3))
    >>> y = X[:, 0] > 0
    >>> network = LSHMLPClassifier(learning_rate_init=0.02, max_iter=20, tol=1, random_state=0)
    >>> with Client(processes=False, dashboard_address=":0") as client:
    ...     model = DaskLSHMLPClassifier(network, client=client, n_replicas=2).fit(X, y)
    ...     accuracy = (model.predict(X) == y).mean().compute()
    >>> bool(accuracy > 0.9)
    True
    """

    _network = LSHMLPClassifier

    def __init__(
        self,
        estimator: Any = None,
        *,
        client: Any = None,
        n_replicas: int | str = "auto",
        blocks_per_round: int | str = "auto",
        retries: int = 3,
        timeout: float = 600,
    ) -> None:
        self.estimator = estimator
        self.client = client
        self.n_replicas = n_replicas
        self.blocks_per_round = blocks_per_round
        self.retries = retries
        self.timeout = timeout

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, classes: Any = None) -> Self:
        """Train the network.

        Parameters
        ----------
        X : dask array of shape (n_samples, n_features), or data frame
            Training samples.
        y : dask array or series of shape (n_samples,), or of shape (n_samples, n_outputs)
            Their class labels or label indicators, in as many partitions.
        sample_weight : dask array or series of shape (n_samples,), default=None
            Weights of the samples.
        classes : array-like of shape (n_classes,), default=None
            All labels that y has. None computes all of y once to find them.

        Returns
        -------
        self : object
            The trained estimator.

        Raises
        ------
        TypeError
            If X or y is not Dask's.
        ValueError
            If they are not in as many partitions, and see `fit_rounds`.
        """
        self._fit(X, y, sample_weight, classes=classes)
        self.classes_ = self.estimator_.classes_
        return self

    def predict_top_k(self, X: Any, k: int) -> tuple[da.Array, da.Array]:
        """Find the likeliest classes or labels, in the cluster, when the result is computed.

        Parameters
        ----------
        X : dask array of shape (n_samples, n_features), or data frame
            Samples.
        k : int
            How many classes or labels to find.

        Returns
        -------
        labels, scores : dask array of shape (n_samples, k)
            See `LSHMLPClassifier.predict_top_k`.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        TypeError
            If X is not Dask's.
        ValueError
            If there are fewer than k classes.
        """
        labels, scores = self._ask(X, lambda network, part: network.predict_top_k(part, k))
        return labels, scores


class DaskLSHMLPRegressor(RegressorMixin, _DaskLSHMLP):
    """A network regressor that is trained on Dask's arrays and data frames, in the cluster.

    See `fit_rounds` for how. Predictions are Dask's arrays, too.

    Parameters
    ----------
    estimator : LSHMLPRegressor, default=None
        Has the parameters of the network. It is cloned. None is ``LSHMLPRegressor()``.
    client : dask.distributed.Client, default=None
        None is the one that was made last. It is not pickled.
    n_replicas : int or "auto", default="auto"
        Replicas that are trained beside each other. "auto" is one for each thread of the workers,
        so that what is learnt depends on the cluster.
    blocks_per_round : int or "auto", default="auto"
        Partitions that a replica learns from in a round. "auto" makes an epoch one round.
    retries : int, default=3
        How often a round is tried again of which a worker was lost.
    timeout : float, default=600
        Seconds that a round may take, and that workers may take to come.

    Attributes
    ----------
    estimator_ : LSHMLPRegressor
        The trained network.
    n_features_in_ : int
        Number of features.

    Examples
    --------
    >>> import dask.array as da
    >>> from dask.distributed import Client
    >>> from sklearn_lsh import LSHMLPRegressor
    >>> from sklearn_lsh.distributed.dask import DaskLSHMLPRegressor
    >>> X = da.random.default_rng(0).normal(size=(800, 3), chunks=(100, 3))
    >>> network = LSHMLPRegressor(learning_rate_init=0.02, max_iter=20, tol=1, random_state=0)
    >>> with Client(processes=False, dashboard_address=":0") as client:
    ...     model = DaskLSHMLPRegressor(network, client=client, n_replicas=2).fit(X, X[:, 0])
    ...     errors = (model.predict(X) - X[:, 0]).compute()
    >>> bool((errors**2).mean() < 0.1)
    True
    """

    _network = LSHMLPRegressor

    def __init__(
        self,
        estimator: Any = None,
        *,
        client: Any = None,
        n_replicas: int | str = "auto",
        blocks_per_round: int | str = "auto",
        retries: int = 3,
        timeout: float = 600,
    ) -> None:
        self.estimator = estimator
        self.client = client
        self.n_replicas = n_replicas
        self.blocks_per_round = blocks_per_round
        self.retries = retries
        self.timeout = timeout

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train the network.

        Parameters
        ----------
        X : dask array of shape (n_samples, n_features), or data frame
            Training samples.
        y : dask array or series of shape (n_samples,), or of shape (n_samples, n_outputs)
            Their target values, in as many partitions.
        sample_weight : dask array or series of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        self : object
            The trained estimator.

        Raises
        ------
        TypeError
            If X or y is not Dask's.
        ValueError
            If they are not in as many partitions, and see `fit_rounds`.
        """
        return self._fit(X, y, sample_weight)
