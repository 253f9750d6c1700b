"""A picture of a fitted search over densities."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from sklearn_lsh.inspection.display import Display


class DensityDisplay(Display):
    """Score and fitting time against density, over a fitted search.

    It is recommended to use `from_estimator` to make one.

    Parameters
    ----------
    densities : array-like of shape (n_candidates,)
        Densities that were tried, in ascending order.
    scores, score_errors : array-like of shape (n_candidates,)
        Mean test scores over the folds, and their standard deviations.
    seconds : array-like of shape (n_candidates,)
        Mean time to fit.
    name : str, default="density"
        Name of the parameter.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the scores.
    time_ax_ : matplotlib Axes
        Axes with the seconds, which share the densities with `ax_`.
    figure_ : matplotlib Figure
        Figure with both.
    errorbar_ : matplotlib ErrorbarContainer
        The scores.
    time_line_ : matplotlib Line2D
        The seconds.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn_lsh import LSHMLPClassifier
    >>> from sklearn_lsh.inspection import DensityDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> network = LSHMLPClassifier((200,), tol=0.1, random_state=0)
    >>> search = GridSearchCV(network, {"density": [0.1, 0.5, 1.0]}, cv=2).fit(X / 16, y)
    >>> display = DensityDisplay.from_estimator(search)
    >>> display.densities.tolist()
    [0.1, 0.5, 1.0]
    >>> plt.show()
    """

    def __init__(
        self,
        densities: ArrayLike,
        scores: ArrayLike,
        score_errors: ArrayLike,
        seconds: ArrayLike,
        *,
        name: str = "density",
    ) -> None:
        self.densities = densities
        self.scores = scores
        self.score_errors = score_errors
        self.seconds = seconds
        self.name = name

    @classmethod
    def from_estimator(cls, search, *, name=None, ax=None, **kwargs) -> Self:
        """Draw what a search found out about the density.

        Parameters
        ----------
        search : GridSearchCV, RandomizedSearchCV or another fitted search
            It must have tried several values of the density, alone or with other parameters: for
            each density the candidate with the best mean score is shown.
        name : str, default=None
            Name of the parameter, such as ``"network__density"``; by default the one that is
            called, or ends with, ``density`` (or ``output_density``, if there is no such one).
        ax : matplotlib Axes, default=None
            Where to draw; by default in a new figure.
        **kwargs : dict
            Passed on to `matplotlib.axes.Axes.errorbar`.

        Returns
        -------
        display : DensityDisplay
            The display, drawn.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the search is not fitted.
        ValueError
            If the search has no such parameter.
        """
        check_is_fitted(search, "cv_results_")
        results = search.cv_results_
        name = _density_name(results["params"]) if name is None else name
        if any(name not in candidate for candidate in results["params"]):
            raise ValueError(f"name={name!r} is not a parameter that the search tried.")
        scores = np.asarray(results["mean_test_score"], dtype=float)
        best = {}
        for i in np.argsort(scores, kind="stable"):  # the best comes last, and stays
            best[_as_number(results["params"][i][name])] = i
        densities = sorted(best)
        shown = [best[density] for density in densities]
        return cls(
            np.array(densities),
            scores[shown],
            np.asarray(results["std_test_score"])[shown],
            np.asarray(results["mean_fit_time"])[shown],
            name=name.rpartition("__")[2],
        ).plot(ax=ax, **kwargs)

    def _draw(self, **kwargs):
        style = {"marker": "o", "capsize": 3, "label": "score", **kwargs}
        self.errorbar_ = self.ax_.errorbar(self.densities, self.scores, self.score_errors, **style)
        self.time_ax_ = self.ax_.twinx()
        (self.time_line_,) = self.time_ax_.plot(
            self.densities, self.seconds, color="C1", linestyle="--", marker="s", label="seconds"
        )
        self.ax_.set(xlabel=self.name, ylabel="mean test score", xscale="log")
        self.time_ax_.set(ylabel="mean seconds to fit", ylim=(0, None))
        self.ax_.legend(handles=[self.errorbar_, self.time_line_])


def _density_name(candidates):
    """Name of the parameter that is a density."""
    names = sorted({name for candidate in candidates for name in candidate})
    for wanted in ("density", "output_density"):
        found = [name for name in names if name.rpartition("__")[2] == wanted]
        if len(found) == 1:
            return found[0]
    raise ValueError(f"The search tried {names}: name the one that is a density.")


def _as_number(density):
    """A density as a number to draw."""
    if isinstance(density, str) or np.ndim(density):
        raise ValueError(f"Only densities that are single numbers can be drawn, not {density!r}.")
    return density
