"""What a network makes of samples, as a transformer."""

from __future__ import annotations

from functools import partial
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
    clone,
)
from sklearn.utils._param_validation import validate_parameter_constraints
from sklearn.utils._tags import get_tags
from sklearn.utils.validation import check_is_fitted

from sklearn_lsh.csr import CSR
from sklearn_lsh.estimators.base import BaseLSHMLP
from sklearn_lsh.inputs import MatrixLike


class HiddenActivations(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """What a network passes on at a hidden layer: an embedding of samples.

    Networks learn to tell apart what they are trained on, and what they make of samples on the way
    often serves others: nearest neighbours, clustering, pictures, or classes that the network never
    saw (`sklearn_lsh.memory.LSHMemoryClassifier`).

    Parameters
    ----------
    network : LSHMLPClassifier or LSHMLPRegressor
        Fitted, and used as it is; or not fitted: then `fit` fits a clone of it.
    layer : int, default=-1
        Which hidden layer: 0 is the first, -1 the last.

    Attributes
    ----------
    network_ : LSHMLPClassifier or LSHMLPRegressor
        The fitted one.
    n_features_in_ : int
        Number of features of its inputs.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of these features, where X has names that are all strings.

    See Also
    --------
    sklearn_lsh.memory.LSHMemoryClassifier : Takes it as its ``embedding``.

    Notes
    -----
    Clones of a network, those in cross-validation included, are not fitted, and so are trained on
    what they are given. `sklearn.frozen.FrozenEstimator` around a fitted transformer keeps it.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_lsh import HiddenActivations, LSHMLPClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> network = LSHMLPClassifier((50, 20), max_iter=5, tol=0.1, random_state=0)
    >>> embedding = HiddenActivations(network.fit(X, y))
    >>> embedding.transform(X).shape
    (1797, 20)
    """

    _parameter_constraints: ClassVar[dict] = {"network": [BaseLSHMLP], "layer": [Integral]}

    network_: BaseLSHMLP

    def __init__(self, network: Any, layer: int = -1) -> None:
        self.network = network
        self.layer = layer

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: MatrixLike, y: ArrayLike | None = None) -> Self:
        """Fit a clone of the network, if the network is not fitted.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : array-like, default=None
            What the network learns; not looked at if the network is fitted.

        Returns
        -------
        self : object
            With a network that is fitted.

        Raises
        ------
        ValueError
            If a parameter, or what the network is given, is not valid.
        """
        fitted = self.network
        if not fitted.__sklearn_is_fitted__():
            fitted = clone(fitted).fit(X, y)
        _check_layer(fitted, self.layer)
        self.network_ = fitted
        return self

    def transform(self, X: MatrixLike) -> np.ndarray | csr_array:
        """Compute the activations of samples, in chunks and by the network's threads.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, as the network takes them.

        Returns
        -------
        activations : {ndarray, csr_array} of shape (n_samples, n_neurons), dtype=float32
            Sparse where the layer computes few of its neurons: those that predictions select.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the network is not fitted.
        ValueError
            If X is not valid, there is no such layer, or activations overflow float32.
        """
        depth = self._depth()
        view, X = self._fitted()._to_predict(X)
        network = view._network._with_selection(view.predict_selection)
        ask = partial(network.hidden, n_layers=depth + 1)
        with np.errstate(over="ignore", invalid="ignore"):  # which is refused
            parts = [part for _, part in network._in_chunks(ask, X, view.n_jobs)]
        activations = _joined(parts)
        values = activations.data if isinstance(activations, csr_array) else activations
        if not np.isfinite(values).all():
            raise ValueError("X is so large that activations are not finite: scale it.")
        return activations

    @property
    def n_features_in_(self) -> int:
        """Number of features of the network's inputs."""
        return self._fitted_attribute("n_features_in_")

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the network's inputs."""
        return self._fitted_attribute("feature_names_in_")

    @property
    def _n_features_out(self):
        return self._fitted().coefs_[self._depth()].shape[1]

    def __sklearn_is_fitted__(self) -> bool:
        """Tell whether there is a network that is fitted."""
        return "network_" in vars(self) or (
            isinstance(self.network, BaseLSHMLP) and self.network.__sklearn_is_fitted__()
        )

    def _fitted(self):
        check_is_fitted(self)
        return vars(self).get("network_", self.network)

    def _fitted_attribute(self, name):
        if not self.__sklearn_is_fitted__():
            raise AttributeError(f"{type(self).__name__} has no {name!r} before it is fitted.")
        return getattr(self._fitted(), name)

    def _depth(self):
        constraints = {"layer": self._parameter_constraints["layer"]}
        validate_parameter_constraints(constraints, {"layer": self.layer}, type(self).__name__)
        return _check_layer(self._fitted(), self.layer)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        if isinstance(self.network, BaseEstimator):
            tags.target_tags = get_tags(self.network).target_tags
        tags.transformer_tags.preserves_dtype = []
        return tags


def _check_layer(network, layer) -> int:
    """Return the number of a hidden layer, counted from the first."""
    n_hidden = network.n_layers_ - 2
    if isinstance(layer, bool) or not -n_hidden <= layer < n_hidden:
        raise ValueError(
            f"layer must be one of the network's {n_hidden} hidden layers, an integer from "
            f"{-n_hidden} to {n_hidden - 1}, got {layer!r}."
        )
    return layer % n_hidden


def _joined(parts: list) -> np.ndarray | csr_array:
    """Chunks of activations one below the other."""
    if not isinstance(parts[0], CSR):
        return np.concatenate(parts)
    lengths = np.concatenate([np.diff(part.indptr) for part in parts])
    indptr = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    indices = np.concatenate([part.indices for part in parts]).astype(np.int32)
    data = np.concatenate([part.data for part in parts])
    joined = csr_array((data, indices, indptr), shape=(len(lengths), parts[0].n_columns))
    joined.sort_indices()
    return joined
