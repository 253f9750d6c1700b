"""Pictures of fitted networks: how they trained, and which neurons compute."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_lsh.csr import CSR, take
from sklearn_lsh.estimators.base import BaseLSHMLP
from sklearn_lsh.inputs import check_data
from sklearn_lsh.inspection.display import Display, make_axes

# Colours of the curves, in Matplotlib's names.
_COLORS = {"training": "C0", "validation": "C1"}


class _Panel(NamedTuple):
    """A name, and curves by their labels, of which some may be missing."""

    name: str
    curves: dict


class TrainingCurveDisplay(Display):
    """Loss, validation score and work, epoch by epoch.

    One panel each, as far as they are known. It is recommended to use `from_estimator` to make
    one.

    Parameters
    ----------
    losses : array-like of shape (n_epochs,)
        Training loss in each epoch.
    validation_losses : array-like of shape (n_epochs,), default=None
        Loss on the validation set after each epoch.
    validation_scores : array-like of shape (n_epochs,), default=None
        Score on the validation set after each epoch.
    work_shares : array-like of shape (n_epochs,), default=None
        Multiply-adds of each epoch, as a share of those of a dense network.
    score_name : str, default="score"
        Name of the score.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        One for each panel: losses, validation score, work.
    figure_ : matplotlib Figure
        Figure with them.
    lines_ : list of matplotlib Line2D
        Training loss, validation loss, validation score and work, as far as they are drawn.

    See Also
    --------
    DensityDisplay : Score against density, over a fitted search.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_lsh import LSHMLPClassifier
    >>> from sklearn_lsh.inspection import TrainingCurveDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> network = LSHMLPClassifier((200,), density=0.2, tol=0.01, random_state=0)
    >>> network = network.fit(X[:1500] / 16, y[:1500], X_val=X[1500:] / 16, y_val=y[1500:])
    >>> display = TrainingCurveDisplay.from_estimator(network)
    >>> [ax.get_ylabel() for ax in display.axes_[:2]]
    ['loss', 'accuracy']
    >>> plt.show()
    """

    def __init__(
        self,
        losses: ArrayLike,
        *,
        validation_losses: ArrayLike | None = None,
        validation_scores: ArrayLike | None = None,
        work_shares: ArrayLike | None = None,
        score_name: str = "score",
    ) -> None:
        self.losses = losses
        self.validation_losses = validation_losses
        self.validation_scores = validation_scores
        self.work_shares = work_shares
        self.score_name = score_name

    @classmethod
    def from_estimator(cls, estimator, *, ax=None, score_name=None, **kwargs) -> Self:
        """Draw the curves of a fitted network.

        Parameters
        ----------
        estimator : LSHMLPClassifier, LSHMLPRegressor or Pipeline that ends with one
            Fitted. `MLPClassifier` and `MLPRegressor` will do as well.
        ax : matplotlib Axes or array-like of them, default=None
            Where to draw, panel by panel: a single one gets the losses. By default in a new
            figure.
        score_name : str, default=None
            Name of the validation score; by default what the estimator's `scoring` is.
        **kwargs : dict
            Passed on to `matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : TrainingCurveDisplay
            The display, drawn.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        TypeError
            If it has no `loss_curve_`.
        """
        estimator = _last_step(estimator)
        check_is_fitted(estimator)
        if not hasattr(estimator, "loss_curve_"):
            raise TypeError(
                f"A training curve needs an estimator with loss_curve_, got {estimator!r}."
            )
        if score_name is None:
            scoring = getattr(estimator, "scoring", None)
            default = "accuracy" if hasattr(estimator, "classes_") else "R²"
            score_name = scoring if isinstance(scoring, str) else default
            score_name = "score" if callable(scoring) else score_name
        return cls(
            estimator.loss_curve_,
            validation_losses=getattr(estimator, "validation_loss_curve_", None),
            validation_scores=getattr(estimator, "validation_scores_", None),
            work_shares=_work_shares(getattr(estimator, "work_", [])),
            score_name=score_name,
        ).plot(ax=ax, **kwargs)

    def _set_axes(self, ax):
        axes = make_axes(len(self._panels())) if ax is None else ax
        self.axes_ = np.atleast_1d(np.asarray(axes, dtype=object)).ravel()
        self.figure_ = self.axes_[0].figure

    def _panels(self):
        """The panels that have something to show."""
        panels = [
            _Panel("loss", {"training": self.losses, "validation": self.validation_losses}),
            _Panel(self.score_name, {"validation": self.validation_scores}),
            _Panel("multiply-adds, share of a dense network's", {"training": self.work_shares}),
        ]
        return [panel for panel in panels if any(map(_is_curve, panel.curves.values()))]

    def _draw(self, **kwargs):
        panels = self._panels()
        self.lines_ = []
        for axes, panel in zip(self.axes_, panels, strict=False):
            self._draw_panel(axes, panel, {"marker": ".", **kwargs})
        self.axes_[0].legend()
        if _is_curve(self.work_shares) and len(self.axes_) == len(panels):
            self.axes_[-1].set_ylim(0, None)

    def _draw_panel(self, axes, panel, kwargs):
        for (label, curve), linestyle in zip(panel.curves.items(), ["-", "--"], strict=False):
            if _is_curve(curve):
                color = _COLORS[label]
                style = {"color": color, "label": label, "linestyle": linestyle, **kwargs}
                self.lines_ += axes.plot(np.arange(1, len(curve) + 1), curve, **style)
        axes.set(xlabel="epoch", ylabel=panel.name)
        axes.xaxis.get_major_locator().set_params(integer=True)


class ActiveNeuronsDisplay(Display):
    """How often each neuron computes, layer by layer, when samples are predicted.

    A layer's curve runs from its busiest neuron to its idlest. A flat curve shares the work
    evenly; one that drops to zero has neurons that no sample ever finds. The area below it is
    the share of the layer that computes for a sample.

    It is recommended to use `from_estimator` to make one.

    Parameters
    ----------
    loads : list of ndarray of shape (n_neurons,)
        For each layer the share of the samples for which each neuron computes.
    layer_names : list of str
        Names of the layers.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the curves.
    figure_ : matplotlib Figure
        Figure with them.
    lines_ : list of matplotlib Line2D
        One for each layer.

    Notes
    -----
    A dense layer computes all its neurons for every sample: its curve is 1 everywhere.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_lsh import LSHMLPClassifier
    >>> from sklearn_lsh.inspection import ActiveNeuronsDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> network = LSHMLPClassifier((200,), density=0.2, tol=0.01, random_state=0)
    >>> display = ActiveNeuronsDisplay.from_estimator(network.fit(X / 16, y), X / 16)
    >>> [round(float(load.mean()), 2) for load in display.loads]
    [0.2, 1.0]
    >>> plt.show()
    """

    def __init__(self, loads: list[np.ndarray], *, layer_names: list[str]) -> None:
        self.loads = loads
        self.layer_names = layer_names

    @classmethod
    def from_estimator(cls, estimator, X, *, ax=None, **kwargs) -> Self:
        """Predict samples and draw how often each neuron had to compute.

        Parameters
        ----------
        estimator : LSHMLPClassifier, LSHMLPRegressor or Pipeline that ends with one
            Fitted.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples; a few hundred are enough.
        ax : matplotlib Axes, default=None
            Where to draw; by default in a new figure.
        **kwargs : dict
            Passed on to `matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : ActiveNeuronsDisplay
            The display, drawn.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        TypeError
            If it is not one of this package's networks.
        """
        if isinstance(estimator, Pipeline):
            check_is_fitted(estimator)
            X = estimator[:-1].transform(X) if len(estimator) > 1 else X
        estimator = _last_step(estimator)
        if not isinstance(estimator, BaseLSHMLP):
            raise TypeError(
                f"Active neurons are those of an LSHMLPClassifier or LSHMLPRegressor, got "
                f"{estimator!r}."
            )
        check_is_fitted(estimator)
        loads = _loads(estimator, check_data(estimator, X, reset=False))
        names = [f"hidden layer {i}" for i in range(1, len(loads))] + ["output layer"]
        return cls(loads, layer_names=names).plot(ax=ax, **kwargs)

    def _draw(self, **kwargs):
        self.lines_ = []
        for name, load in zip(self.layer_names, self.loads, strict=True):
            label = f"{name}: {load.sum():,.0f} of {len(load):,} a sample"
            ranks = (np.arange(len(load)) + 0.5) / len(load)
            self.lines_ += self.ax_.plot(ranks, np.sort(load)[::-1], label=label, **kwargs)
        self.ax_.set(
            xlabel="neurons, busiest first (share of the layer)",
            ylabel="share of the samples for which a neuron computes",
            xlim=(0, 1),
            ylim=(0, 1.05),
        )
        self.ax_.legend()


def _last_step(estimator):
    return estimator[-1] if isinstance(estimator, Pipeline) else estimator


def _work_shares(work):
    """Multiply-adds of all layers by epoch, as a share of those of a dense network.

    NaN for epochs of earlier calls, of which there is no count.
    """
    epochs = np.array([row["epoch"] for row in work], dtype=int)
    done, dense = (
        np.bincount(epochs, weights=[row[name] for row in work])
        for name in ("multiply_adds", "dense_multiply_adds")
    )
    return np.divide(done, dense, out=np.full(len(dense), np.nan), where=dense > 0)[1:]


def _is_curve(curve):
    return curve is not None and len(curve) > 0


def _loads(estimator, X):
    """Share of samples for which each neuron computes, layer by layer."""
    network = estimator._network
    if estimator.predict_selection is not None:
        network = network._with_selection(estimator.predict_selection)
    counts = [np.zeros(width) for width in network.n_units[1:]]
    starts = [*range(0, X.shape[0], network.chunk_size), X.shape[0]]
    for start, end in pairwise(starts):
        passes = network.forward(take(X, slice(start, end)))
        for count, done in zip(counts, passes, strict=True):
            if isinstance(done.outputs, CSR):
                count += np.bincount(done.outputs.indices, minlength=len(count))
            else:
                count += end - start
    return [count / X.shape[0] for count in counts]
