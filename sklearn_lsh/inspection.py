"""Pictures of networks and hash tables, in the manner of scikit-learn's displays.

A display is made by a class method from something fitted, keeps the numbers that it shows as
attributes, and can be drawn again by `plot`. Matplotlib is needed only then.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Self

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_lsh.csr import CSR, take
from sklearn_lsh.estimators.base import BaseLSHMLP
from sklearn_lsh.estimators.inputs import check_data
from sklearn_lsh.hashing import HashFamily, LSHTables
from sklearn_lsh.hashing.arrays import to_numpy

__all__ = [
    "ActiveNeuronsDisplay",
    "BucketOccupancyDisplay",
    "CollisionProbabilityDisplay",
    "DensityDisplay",
    "TrainingCurveDisplay",
]


class TrainingCurveDisplay:
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
        losses,
        *,
        validation_losses=None,
        validation_scores=None,
        work_shares=None,
        score_name="score",
    ):
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

    def plot(self, *, ax=None, **kwargs) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of them, default=None
            Where to draw, panel by panel: a single one gets the losses. By default in a new
            figure.
        **kwargs : dict
            Passed on to `matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : TrainingCurveDisplay
            The display itself.
        """
        panels = [
            ("loss", {"training": self.losses, "validation": self.validation_losses}),
            (self.score_name, {"validation": self.validation_scores}),
            ("multiply-adds, share of a dense network's", {"training": self.work_shares}),
        ]
        panels = [panel for panel in panels if any(map(_is_curve, panel[1].values()))]
        axes = _axes(len(panels)) if ax is None else ax
        self.axes_ = np.atleast_1d(np.asarray(axes, dtype=object)).ravel()
        self.figure_ = self.axes_[0].figure
        self.lines_ = []
        kwargs = {"marker": ".", **kwargs}
        for axes, (name, curves) in zip(self.axes_, panels, strict=False):
            for number, (label, curve) in enumerate(curves.items()):
                if _is_curve(curve):
                    look = {"color": f"C{int(label == 'validation')}", "label": label, **kwargs}
                    look["linestyle"] = kwargs.get("linestyle", ["-", "--"][number])
                    self.lines_ += axes.plot(np.arange(1, len(curve) + 1), curve, **look)
            axes.set(xlabel="epoch", ylabel=name)
            axes.xaxis.get_major_locator().set_params(integer=True)
        self.axes_[0].legend()
        if _is_curve(self.work_shares) and len(self.axes_) == len(panels):
            self.axes_[-1].set_ylim(0, None)
        return self


class ActiveNeuronsDisplay:
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

    def __init__(self, loads, *, layer_names):
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

    def plot(self, *, ax=None, **kwargs) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; by default in a new figure.
        **kwargs : dict
            Passed on to `matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : ActiveNeuronsDisplay
            The display itself.
        """
        self.ax_ = _axes()[0] if ax is None else ax
        self.figure_ = self.ax_.figure
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
        return self


class DensityDisplay:
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

    def __init__(self, densities, scores, score_errors, seconds, *, name="density"):
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
            best[_share(results["params"][i][name])] = i
        densities = sorted(best)
        shown = [best[density] for density in densities]
        return cls(
            np.array(densities),
            scores[shown],
            np.asarray(results["std_test_score"])[shown],
            np.asarray(results["mean_fit_time"])[shown],
            name=name.rpartition("__")[2],
        ).plot(ax=ax, **kwargs)

    def plot(self, *, ax=None, **kwargs) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; by default in a new figure.
        **kwargs : dict
            Passed on to `matplotlib.axes.Axes.errorbar`.

        Returns
        -------
        display : DensityDisplay
            The display itself.
        """
        self.ax_ = _axes()[0] if ax is None else ax
        self.figure_ = self.ax_.figure
        look = {"marker": "o", "capsize": 3, "label": "score", **kwargs}
        self.errorbar_ = self.ax_.errorbar(self.densities, self.scores, self.score_errors, **look)
        self.time_ax_ = self.ax_.twinx()
        (self.time_line_,) = self.time_ax_.plot(
            self.densities, self.seconds, color="C1", linestyle="--", marker="s", label="seconds"
        )
        self.ax_.set(xlabel=self.name, ylabel="mean test score", xscale="log")
        self.time_ax_.set(ylabel="mean seconds to fit", ylim=(0, None))
        self.ax_.legend(handles=[self.errorbar_, self.time_line_])
        return self


class BucketOccupancyDisplay:
    """How full the buckets of hash tables are, from the fullest to the emptiest.

    One curve for each table. Where the rows spread evenly all are flat, at their mean; a curve
    that begins high and drops to zero is a table of which a few buckets hold nearly all rows, so
    that it tells them poorly apart.

    It is recommended to use `from_estimator` to make one.

    Parameters
    ----------
    sizes : ndarray of shape (n_tables, n_buckets)
        Number of members of each bucket.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the curves.
    figure_ : matplotlib Figure
        Figure with them.
    lines_ : list of matplotlib Line2D
        One for each table, then the mean.

    See Also
    --------
    sklearn_lsh.hashing.LSHTables.statistics : The same in numbers.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_lsh.hashing import SimHash
    >>> from sklearn_lsh.inspection import BucketOccupancyDisplay
    >>> X, _ = load_digits(return_X_y=True)
    >>> family = SimHash(n_bits=6, n_tables=4, random_state=0).fit(X)
    >>> display = BucketOccupancyDisplay.from_estimator(family, X)
    >>> display.sizes.sum(axis=1)
    array([1797, 1797, 1797, 1797])
    >>> plt.show()
    """

    def __init__(self, sizes):
        self.sizes = sizes

    @classmethod
    def from_estimator(cls, family, X, *, ax=None, **kwargs) -> Self:
        """Put rows into tables and draw how full the buckets are.

        Parameters
        ----------
        family : HashFamily
            Fitted.
        X : {array-like, sparse matrix} of shape (n_rows, n_features)
            Rows.
        ax : matplotlib Axes, default=None
            Where to draw; by default in a new figure.
        **kwargs : dict
            Passed on to `matplotlib.axes.Axes.step`.

        Returns
        -------
        display : BucketOccupancyDisplay
            The display, drawn.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the family is not fitted.
        """
        tables = LSHTables(family.transform(X), family.n_buckets_)
        return cls.from_tables(tables, ax=ax, **kwargs)

    @classmethod
    def from_tables(cls, tables, *, ax=None, **kwargs) -> Self:
        """Draw how full the buckets of tables are.

        Parameters
        ----------
        tables : LSHTables
            Of arrays of any library.
        ax : matplotlib Axes, default=None
            Where to draw; by default in a new figure.
        **kwargs : dict
            Passed on to `matplotlib.axes.Axes.step`.

        Returns
        -------
        display : BucketOccupancyDisplay
            The display, drawn.
        """
        sizes = np.diff(to_numpy(tables.indptr).astype(np.int64))
        return cls(sizes.reshape(tables.n_tables, -1)).plot(ax=ax, **kwargs)

    def plot(self, *, ax=None, **kwargs) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; by default in a new figure.
        **kwargs : dict
            Passed on to `matplotlib.axes.Axes.step`.

        Returns
        -------
        display : BucketOccupancyDisplay
            The display itself.
        """
        self.ax_ = _axes()[0] if ax is None else ax
        self.figure_ = self.ax_.figure
        self.lines_ = []
        sizes = np.sort(self.sizes, axis=1)[:, ::-1]
        ranks = np.arange(1, sizes.shape[1] + 1)
        look = {"where": "mid", "color": "C0", "alpha": max(0.15, 1 / len(sizes)), **kwargs}
        for number, table in enumerate(sizes):
            empty = np.count_nonzero(self.sizes == 0) / self.sizes.size
            label = f"a table ({empty:.0%} of all buckets are empty)" if number == 0 else None
            self.lines_ += self.ax_.step(ranks, table, **{"label": label, **look})
        mean = self.sizes.mean()
        self.lines_.append(self.ax_.axhline(mean, color="C1", linestyle="--", label="even"))
        self.ax_.set(
            xlabel="buckets, fullest first", ylabel="members", xscale="log", ylim=(0, None)
        )
        self.ax_.legend()
        return self


class CollisionProbabilityDisplay:
    """How often codes agree, measured, beside the formula.

    Pairs of rows are ordered by their similarity and cut into bins of equally many. A point is
    the mean over a bin of the share of tables in which the codes of a pair agree, measured over
    draws of the hash functions, with four standard errors; the line is the formula's.

    It is recommended to use `from_estimator` to make one.

    Parameters
    ----------
    similarities, measured, errors, expected : ndarray of shape (n_bins,)
        Mean similarity of a bin's pairs, the share of codes that agree, its standard error, and
        the mean probability by the formula.
    name : str, default="hash family"
        Name of the family.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the points and the line.
    figure_ : matplotlib Figure
        Figure with them.
    errorbar_ : matplotlib ErrorbarContainer
        What was measured.
    line_ : matplotlib Line2D
        The formula.

    See Also
    --------
    sklearn_lsh.hashing.HashFamily.collision_probability : The formula.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_lsh.hashing import SimHash
    >>> from sklearn_lsh.inspection import CollisionProbabilityDisplay
    >>> X, _ = load_digits(return_X_y=True)
    >>> family = SimHash(n_bits=4, random_state=0).fit(X)
    >>> display = CollisionProbabilityDisplay.from_estimator(family, X, random_state=0)
    >>> bool((abs(display.measured - display.expected) < 4 * display.errors).all())
    True
    >>> plt.show()
    """

    def __init__(self, similarities, measured, errors, expected, *, name="hash family"):
        self.similarities = similarities
        self.measured = measured
        self.errors = errors
        self.expected = expected
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        family,
        X,
        *,
        n_pairs=500,
        n_draws=20,
        n_bins=10,
        random_state=None,
        ax=None,
        **kwargs,
    ) -> Self:
        """Draw hash functions time and again, and compare how often codes of rows agree.

        Parameters
        ----------
        family : HashFamily
            Fitted. It is cloned for each draw and fitted to X.
        X : {array-like, sparse matrix} of shape (n_rows, n_features)
            Rows, of which pairs are compared.
        n_pairs : int, default=500
            Pairs that are drawn.
        n_draws : int, default=20
            Draws of the functions, each of ``n_tables`` codes. More than one, so that there are
            standard errors.
        n_bins : int, default=10
            Most points.
        random_state : int, RandomState instance or None, default=None
            Draws pairs and functions.
        ax : matplotlib Axes, default=None
            Where to draw; by default in a new figure.
        **kwargs : dict
            Passed on to `matplotlib.axes.Axes.errorbar`.

        Returns
        -------
        display : CollisionProbabilityDisplay
            The display, drawn.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the family is not fitted.
        TypeError
            If it is not a hash family.
        ValueError
            If there are fewer than two rows, two draws, or pairs than bins.
        """
        if not isinstance(family, HashFamily):
            raise TypeError(f"family must be a HashFamily, got {family!r}.")
        check_is_fitted(family)
        n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
        if n_rows < 2 or n_draws < 2 or not 1 <= n_bins <= n_pairs:
            raise ValueError(
                f"Two rows and two draws are needed, and n_pairs must not be less than n_bins: "
                f"got {n_rows} rows, n_draws={n_draws}, n_pairs={n_pairs}, n_bins={n_bins}."
            )
        random = check_random_state(random_state)
        X = to_numpy(family._check(X, reset=False))
        first = random.randint(n_rows, size=n_pairs)
        second = (first + random.randint(1, n_rows, size=n_pairs)) % n_rows
        x, y = X[first], X[second]
        agree = np.empty((n_draws, n_pairs))
        for draw in range(n_draws):
            seed = int(random.randint(np.iinfo(np.int32).max))
            family = clone(family).set_params(random_state=seed).fit(X)
            codes, queries = family.transform(x), family.transform_queries(y)
            if queries.ndim == 2:
                queries = queries[:, np.newaxis]
            agree[draw] = (codes[:, np.newaxis] == queries).any(axis=1).mean(axis=1)
        similarities = family.similarity(x, y)
        expected = family.collision_probability(similarities)
        bins = np.array_split(np.argsort(similarities, kind="stable"), n_bins)
        rates = np.array([agree[:, pairs].mean(axis=1) for pairs in bins])
        return cls(
            np.array([similarities[pairs].mean() for pairs in bins]),
            rates.mean(axis=1),
            rates.std(axis=1, ddof=1) / np.sqrt(n_draws),
            np.array([expected[pairs].mean() for pairs in bins]),
            name=type(family).__name__,
        ).plot(ax=ax, **kwargs)

    def plot(self, *, ax=None, **kwargs) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; by default in a new figure.
        **kwargs : dict
            Passed on to `matplotlib.axes.Axes.errorbar`.

        Returns
        -------
        display : CollisionProbabilityDisplay
            The display itself.
        """
        self.ax_ = _axes()[0] if ax is None else ax
        self.figure_ = self.ax_.figure
        (self.line_,) = self.ax_.plot(self.similarities, self.expected, "C1", label="formula")
        look = {"fmt": "o", "color": "C0", "capsize": 3, "label": "measured", **kwargs}
        self.errorbar_ = self.ax_.errorbar(
            self.similarities, self.measured, 4 * self.errors, **look
        )
        self.ax_.set(xlabel=f"similarity ({self.name})", ylabel="two codes agree", ylim=(0, None))
        self.ax_.legend()
        return self


def _axes(n_panels=1):
    """Make axes side by side in a new figure."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError("Drawing a display needs matplotlib: pip install matplotlib") from error
    size = plt.rcParams["figure.figsize"] if n_panels == 1 else (4 * n_panels, 3.6)
    return plt.subplots(1, n_panels, squeeze=False, figsize=size, layout="constrained")[1][0]


def _last_step(estimator):
    return estimator[-1] if isinstance(estimator, Pipeline) else estimator


def _work_shares(work):
    """Multiply-adds of all layers by epoch, as a share of those of a dense network."""
    epochs = np.array([row["epoch"] for row in work], dtype=int)
    done, dense = (
        np.bincount(epochs, weights=[row[name] for row in work])
        for name in ("multiply_adds", "dense_multiply_adds")
    )
    return done[1:] / dense[1:]


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


def _density_name(candidates):
    """Name of the parameter that is a density."""
    names = sorted({name for candidate in candidates for name in candidate})
    for wanted in ("density", "output_density"):
        found = [name for name in names if name.rpartition("__")[2] == wanted]
        if len(found) == 1:
            return found[0]
    raise ValueError(f"The search tried {names}: name the one that is a density.")


def _share(density):
    """A density as a number to draw."""
    if isinstance(density, str) or np.ndim(density):
        raise ValueError(f"Only densities that are single numbers can be drawn, not {density!r}.")
    return density
