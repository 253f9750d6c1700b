"""Pictures of hash families and tables: how full buckets are, how often codes agree."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_lsh.hashing import HashFamily, LSHTables
from sklearn_lsh.hashing.arrays import to_numpy
from sklearn_lsh.inspection.display import Display


class BucketOccupancyDisplay(Display):
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

    def __init__(self, sizes: np.ndarray) -> None:
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

    def _draw(self, **kwargs):
        self.lines_ = []
        sizes = np.sort(self.sizes, axis=1)[:, ::-1]
        ranks = np.arange(1, sizes.shape[1] + 1)
        style = {"where": "mid", "color": "C0", "alpha": max(0.15, 1 / len(sizes)), **kwargs}
        for number, table in enumerate(sizes):
            empty = np.count_nonzero(self.sizes == 0) / self.sizes.size
            label = f"a table ({empty:.0%} of all buckets are empty)" if number == 0 else None
            self.lines_ += self.ax_.step(ranks, table, **{"label": label, **style})
        mean = self.sizes.mean()
        self.lines_.append(self.ax_.axhline(mean, color="C1", linestyle="--", label="even"))
        self.ax_.set(
            xlabel="buckets, fullest first", ylabel="members", xscale="log", ylim=(0, None)
        )
        self.ax_.legend()


class CollisionProbabilityDisplay(Display):
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

    def __init__(
        self,
        similarities: np.ndarray,
        measured: np.ndarray,
        errors: np.ndarray,
        expected: np.ndarray,
        *,
        name: str = "hash family",
    ) -> None:
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
        X = to_numpy(family._check(X, reset=False))
        pairs = _measure_pairs(family, X, n_pairs, n_draws, check_random_state(random_state))
        bins = np.array_split(np.argsort(pairs.similarities, kind="stable"), n_bins)
        rates = np.array([pairs.agreement[:, chosen].mean(axis=1) for chosen in bins])
        return cls(
            np.array([pairs.similarities[chosen].mean() for chosen in bins]),
            rates.mean(axis=1),
            rates.std(axis=1, ddof=1) / np.sqrt(n_draws),
            np.array([pairs.expected[chosen].mean() for chosen in bins]),
            name=type(family).__name__,
        ).plot(ax=ax, **kwargs)

    def _draw(self, **kwargs):
        (self.line_,) = self.ax_.plot(self.similarities, self.expected, "C1", label="formula")
        style = {"fmt": "o", "color": "C0", "capsize": 3, "label": "measured", **kwargs}
        self.errorbar_ = self.ax_.errorbar(
            self.similarities, self.measured, 4 * self.errors, **style
        )
        self.ax_.set(xlabel=f"similarity ({self.name})", ylabel="two codes agree", ylim=(0, None))
        self.ax_.legend()


class _Agreement(NamedTuple):
    """How alike pairs of rows are, and how often their codes agree.

    Attributes
    ----------
    similarities, expected : ndarray of shape (n_pairs,)
        Similarity of each pair, and its probability of a collision by the formula.
    agreement : ndarray of shape (n_draws, n_pairs)
        Share of the tables in which codes agree, at each draw of the functions.
    """

    similarities: np.ndarray
    expected: np.ndarray
    agreement: np.ndarray


def _measure_pairs(family, X, n_pairs, n_draws, random) -> _Agreement:
    """Draw pairs of rows, and then functions that code them, time and again."""
    n_rows = X.shape[0]
    first = random.randint(n_rows, size=n_pairs)
    second = (first + random.randint(1, n_rows, size=n_pairs)) % n_rows
    x, y = X[first], X[second]
    agreement = np.empty((n_draws, n_pairs))
    for draw in range(n_draws):
        seed = int(random.randint(np.iinfo(np.int32).max))
        family = clone(family).set_params(random_state=seed).fit(X)
        codes, queries = family.transform(x), family.transform_queries(y)
        if queries.ndim == 2:
            queries = queries[:, np.newaxis]
        agreement[draw] = (codes[:, np.newaxis] == queries).any(axis=1).mean(axis=1)
    similarities = family.similarity(x, y)
    return _Agreement(similarities, family.collision_probability(similarities), agreement)
