"""Fitted attributes that are read from the network and from the history of its training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from sklearn_lsh.draft import draft_of
from sklearn_lsh.estimators.draft import TRAINED
from sklearn_lsh.estimators.history import History
from sklearn_lsh.inputs import check_arrays
from sklearn_lsh.network import Network


class FittedAttributes:
    """Mixin: fitted attributes of which estimators keep no copy.

    So they are never behind, whoever looks at them during a fit: a callback, a scorer, or the
    user after an interruption.
    """

    _network: Network
    _history: History

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_network") and hasattr(self, "_history")

    def _read_fitted(self, part: str, name: str):
        """Read what a part of the estimator has by this name, without the underscore."""
        if part not in vars(self):
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r} before it is fitted"
            )
        return getattr(vars(self)[part], name.removesuffix("_"))

    def _set_parameters(self, name: str, given: Sequence[ArrayLike]) -> None:
        """Replace weights or biases, or refuse them and leave all as it was."""
        check_is_fitted(self)
        arrays = check_arrays(given, [array.shape for array in getattr(self, name)], name)
        with draft_of(self, TRAINED) as draft:
            draft._network.set_parameters(**{name.removesuffix("_"): arrays})
            draft._history.restart_watch()

    @property
    def coefs_(self) -> list[np.ndarray]:
        """Weights of each layer, float32 of shape (fan_in, fan_out), as the network holds them.

        They can be set, all layers' at once. The optimizer then forgets its earlier steps. Layers
        of which other neurons are now to be found, or for other inputs, find them exactly, at the
        cost of a dense layer, until the next training shows them inputs to make tables by.
        """
        return self._read_fitted("_network", "coefs_")

    @coefs_.setter
    def coefs_(self, coefs: Sequence[ArrayLike]) -> None:
        self._set_parameters("coefs_", coefs)

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """Biases of each layer, float32 of shape (fan_out,), as the network holds them.

        They can be set like `coefs_`.
        """
        return self._read_fitted("_network", "intercepts_")

    @intercepts_.setter
    def intercepts_(self, intercepts: Sequence[ArrayLike]) -> None:
        self._set_parameters("intercepts_", intercepts)

    @property
    def loss_(self) -> float:
        """Training loss in the last epoch, L2 penalty included."""
        return self._read_fitted("_history", "loss_")

    @property
    def best_loss_(self) -> float | None:
        """Lowest training loss; None with `early_stopping`."""
        return self._read_fitted("_history", "best_loss_")

    @property
    def loss_curve_(self) -> list[float]:
        """Training loss in each epoch since the first fit: of all calls that went on from it."""
        return self._read_fitted("_history", "loss_curve_")

    @property
    def work_(self) -> list[dict]:
        """What the last call of `fit` or `partial_fit` computed, for each epoch and layer."""
        return self._read_fitted("_history", "work_")

    @property
    def validation_scores_(self) -> list[float] | None:
        """Score on the validation set after each epoch; None without such a set."""
        return self._read_fitted("_history", "validation_scores_")

    @property
    def best_validation_score_(self) -> float | None:
        """Highest of the validation scores; None without a validation set."""
        return self._read_fitted("_history", "best_validation_score_")

    @property
    def validation_loss_curve_(self) -> list[float] | None:
        """Loss on the validation set after each epoch, without penalty."""
        return self._read_fitted("_history", "validation_loss_curve_")

    @property
    def t_(self) -> int:
        """Number of training samples seen, those seen again included."""
        return self._read_fitted("_history", "t_")

    @property
    def n_iter_(self) -> int:
        """Number of epochs of the last call of `fit` or `partial_fit`."""
        return self._read_fitted("_history", "n_iter_")

    @property
    def settings_(self) -> dict:
        """Parameters that may be "auto", as given or as the data of the last call have it."""
        settings = self._read_fitted("_settings", "_asdict")()
        return {name: value for name, value in settings.items() if hasattr(self, name)}
