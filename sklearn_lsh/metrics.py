r"""Metrics of the first few labels of a ranking, and scorers that make use of them.

A ranking is what `LSHMLPClassifier.predict_top_k` answers: the labels of each sample, the
likeliest first. The truth is what a classifier is fitted on: a label indicator matrix, sparse or
dense, of which labels are column numbers, or an array with one class for each sample. With
:math:`y_{i,(j)}` being 1 if sample :math:`i` has the :math:`j`-th label of its ranking, else 0:

.. math::
    P@k = \frac{1}{nk} \sum_i \sum_{j=1}^k y_{i,(j)}, \qquad
    nDCG@k = \frac{1}{n} \sum_i \frac{\sum_{j=1}^k y_{i,(j)} / \log_2(j + 1)}
             {\sum_{j=1}^{\min(k, |y_i|)} 1 / \log_2(j + 1)}

Samples without labels count as 0, as in :func:`sklearn.metrics.ndcg_score`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array, issparse
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import _check_sample_weight, check_consistent_length

from sklearn_lsh.inputs import (
    MatrixLike,
    check_label_numbers,
    check_same_kind,
    check_sparse,
    csr_of_ones,
    find_places,
    indicator,
    read_labels,
)

__all__ = [
    "label_propensities",
    "ndcg_at_k",
    "precision_at_k",
    "propensity_scored_precision_at_k",
    "top_k_scorer",
]


def precision_at_k(
    y_true: MatrixLike,
    top_k: ArrayLike,
    *,
    k: int | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Share of the first k labels that are right.

    Parameters
    ----------
    y_true : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
        Label indicators, or classes.
    top_k : array-like of shape (n_samples, n_ranked)
        Labels, or classes, that were predicted, the likeliest first. Those of a sample differ.
    k : int, default=None
        How many of them to look at. None is all.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the samples.

    Returns
    -------
    precision : float
        From 0 to 1, which a sample with fewer labels than k cannot reach.

    Raises
    ------
    ValueError
        If shapes do not fit together, `k` is not from 1 to the number of columns of `top_k`,
        a label is predicted twice for a sample or is no column of `y_true`, or a weight is
        negative or all are zero.
    TypeError
        If labels are neither all numbers nor all strings, in `y_true` and `top_k` alike.

    Examples
    --------
    >>> from sklearn_lsh.metrics import precision_at_k
    >>> precision_at_k([[1, 0, 1], [0, 0, 1]], [[2, 0], [1, 2]])
    0.75
    """
    ranking = _Ranking(y_true, top_k, k)
    return ranking.average(ranking.hits.mean(axis=1), sample_weight)


def ndcg_at_k(
    y_true: MatrixLike,
    top_k: ArrayLike,
    *,
    k: int | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Normalised discounted cumulative gain: right labels count the more, the earlier they come.

    Parameters
    ----------
    y_true : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
        See `precision_at_k`.
    top_k : array-like of shape (n_samples, n_ranked)
        See `precision_at_k`.
    k : int, default=None
        How many labels to look at. None is all.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the samples.

    Returns
    -------
    ndcg : float
        From 0 to 1, where all labels of a sample, or k of them, come first.

    Raises
    ------
    ValueError
        As `precision_at_k`.

    See Also
    --------
    sklearn.metrics.ndcg_score : The same from the scores of all labels, as a dense array.

    References
    ----------
    K. Järvelin and J. Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM
    Transactions on Information Systems 20(4), 2002.

    Examples
    --------
    >>> from sklearn_lsh.metrics import ndcg_at_k
    >>> ndcg_at_k([[1, 0, 1], [0, 0, 1]], [[2, 0], [2, 1]])
    1.0
    """
    ranking = _Ranking(y_true, top_k, k)
    discounts = 1 / np.log2(np.arange(2, ranking.k + 2))
    best = np.concatenate([[0], np.cumsum(discounts)])[np.minimum(ranking.n_true, ranking.k)]
    return ranking.average(_ratio(ranking.hits @ discounts, best), sample_weight)


def propensity_scored_precision_at_k(
    y_true: MatrixLike,
    top_k: ArrayLike,
    propensities: ArrayLike,
    *,
    k: int | None = None,
    classes: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    r"""Precision at k in which a right label counts the more, the rarer it is.

    Rare labels are often missing from the truth, and are worth more when they are found. A label
    :math:`l` that is noted with the probability :math:`p_l` where it should be, counts
    :math:`1 / p_l`, which makes the sum an unbiased estimate of that over the whole truth [1]_.
    As in the extreme-classification repository the sum is divided by the highest possible one:

    .. math::
        PSP@k = \sum_i \sum_{j=1}^k \frac{y_{i,(j)}}{p_{(j)}} \Big/
                \sum_i \max_{|S| \leq k} \sum_{l \in S} \frac{y_{il}}{p_l}

    Parameters
    ----------
    y_true : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
        See `precision_at_k`.
    top_k : array-like of shape (n_samples, n_ranked)
        See `precision_at_k`.
    propensities : array-like of shape (n_labels,)
        Probability of each label to be noted, in (0, 1], see `label_propensities`.
    k : int, default=None
        How many labels to look at. None is all.
    classes : array-like of shape (n_labels,), default=None
        Where y is an array of classes: which classes the propensities are of, sorted. None is
        those of `y_true`.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the samples.

    Returns
    -------
    precision : float
        From 0 to 1; 0 where no sample has labels.

    Raises
    ------
    ValueError
        As `precision_at_k`, and if there is not one propensity in (0, 1] for each label.

    References
    ----------
    .. [1] H. Jain, Y. Prabhu and M. Varma, "Extreme multi-label loss functions for
       recommendation, tagging, ranking & other missing label applications", KDD 2016.

    Examples
    --------
    >>> from sklearn_lsh.metrics import propensity_scored_precision_at_k
    >>> y = [[1, 0], [0, 1]]
    >>> propensity_scored_precision_at_k(y, [[0], [0]], propensities=[1.0, 0.25])
    0.2
    """
    ranking = _Ranking(y_true, top_k, k)
    gains = 1 / _check_propensities(propensities)
    truth = ranking.truth.as_indicator(classes)
    if len(gains) != truth.shape[1]:
        raise ValueError(
            f"propensities must have one value for each of the {truth.shape[1]} labels, got "
            f"{len(gains)}."
        )
    samples = np.repeat(np.arange(truth.shape[0]), np.diff(truth.indptr))
    truth.data = gains[truth.indices]
    # Each sample's labels, the rarest first: its best ranking is the first k of them.
    order = np.lexsort((-truth.data, samples))
    places = np.arange(truth.nnz) - truth.indptr[samples]
    best = np.where(places < ranking.k, truth.data[order], 0)
    best = np.bincount(samples, weights=best, minlength=truth.shape[0])
    # A hit is one of the sample's own labels, so that its gain stands in the truth.
    rows, columns = np.nonzero(ranking.hits)
    hits = ranking.truth.columns(ranking.top[rows, columns], classes)
    found = np.bincount(rows, weights=gains[hits], minlength=truth.shape[0])
    most = ranking.average(best, sample_weight)
    return ranking.average(found, sample_weight) / most if most else 0.0


def label_propensities(
    y: MatrixLike, *, a: float = 0.55, b: float = 1.5, classes: ArrayLike | None = None
) -> np.ndarray:
    r"""Estimate how likely each label is to be noted where it should be, from how often it is.

    .. math:: p_l = \frac{1}{1 + C (n_l + b)^{-a}}, \quad C = (\log n - 1) (b + 1)^a

    for :math:`n` samples, of which :math:`n_l` have the label [1]_. The authors found a = 0.5 and
    b = 0.4 for Wikipedia, 0.6 and 2.6 for Amazon's products, and take the defaults elsewhere.

    Parameters
    ----------
    y : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
        Label indicators, or classes, of the training samples.
    a, b : float, default=0.55, 1.5
        Parameters of the model.
    classes : array-like of shape (n_labels,), default=None
        Where y is an array of classes: which there are, sorted. None is those of `y`.

    Returns
    -------
    propensities : ndarray of shape (n_labels,)
        From 0 to 1, in the order of the columns, or of the sorted classes.

    References
    ----------
    .. [1] H. Jain, Y. Prabhu and M. Varma, "Extreme multi-label loss functions for
       recommendation, tagging, ranking & other missing label applications", KDD 2016.

    Examples
    --------
    >>> from sklearn_lsh.metrics import label_propensities
    >>> label_propensities(["a", "b", "b", "b"]).round(2)
    array([0.72, 0.78])
    """
    for name, value in (("a", a), ("b", b)):
        if not isinstance(value, Real) or not 0 <= value < np.inf:
            raise ValueError(f"{name} must be a number from 0, and finite, got {value!r}.")
    truth = _Truth(y, "y").as_indicator(classes)
    counts = np.bincount(truth.indices, minlength=truth.shape[1])
    # For fewer than e samples the formula has no meaning; with C = 0 all labels are noted.
    c = max(0.0, np.log(truth.shape[0]) - 1) * (b + 1) ** a
    with np.errstate(divide="ignore"):  # b = 0, and labels that nothing has
        return 1 / (1 + c * (counts + b) ** -a)


@dataclass(frozen=True)
class TopKScorer:
    """Scorer of scikit-learn's form that ranks by `predict_top_k`; see `top_k_scorer`."""

    metric: Callable
    k: int
    parameters: dict = field(default_factory=dict)

    def __call__(self, estimator, X, y, sample_weight=None) -> float:
        """Score a fitted estimator."""
        labels = _predict_top_k(estimator, X, self.k)
        return self.metric(y, labels, sample_weight=sample_weight, **self.parameters)


def top_k_scorer(metric: Callable, k: int = 5, **parameters: Any) -> TopKScorer:
    """Make a scorer of a metric in this module.

    For `GridSearchCV`, `cross_val_score` or the parameter `scoring` of an estimator. Of a
    pipeline the last step is asked for its ranking.

    Parameters
    ----------
    metric : callable
        ``metric(y_true, top_k, sample_weight=None, **parameters)``.
    k : int, default=5
        How many labels to rank.
    **parameters
        Given to the metric.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y, sample_weight=None)``.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn_lsh import LSHMLPClassifier
    >>> from sklearn_lsh.metrics import precision_at_k, top_k_scorer
    >>> clf = LSHMLPClassifier(learning_rate_init=0.01, tol=0.01, random_state=0)
    >>> X, y = load_iris(return_X_y=True)
    >>> scores = cross_val_score(clf, X, y, cv=3, scoring=top_k_scorer(precision_at_k, k=1))
    >>> scores.shape
    (3,)
    """
    if not callable(metric):
        raise TypeError(f"metric must be a function of this module or one like it, got {metric!r}.")
    if not isinstance(k, Integral) or isinstance(k, bool) or k < 1:
        raise ValueError(f"k must be an integer from 1, got {k!r}.")
    return TopKScorer(metric, k, parameters)


def _predict_top_k(estimator, X, k: int) -> np.ndarray:
    """Rank labels by an estimator or the last step of a pipeline."""
    if isinstance(estimator, Pipeline):
        if len(estimator) > 1:
            X = estimator[:-1].transform(X)
        return _predict_top_k(estimator[-1], X, k)
    if not hasattr(estimator, "predict_top_k"):
        raise TypeError(f"{type(estimator).__name__} has no method predict_top_k.")
    return estimator.predict_top_k(X, k)[0]


class _Truth:
    """What is right: label indicators or classes, checked.

    Attributes
    ----------
    y : csr_array of ones of shape (n_samples, n_labels), or ndarray of shape (n_samples,)
        Label indicators, or classes.
    name : str
        Of the parameter that they were given as.
    """

    def __init__(self, y, name: str):
        self.name = name
        self.y: Any
        if issparse(y):
            check_sparse(y, name)
            self.y = indicator(y)
        else:
            self.y = self._read(y)
        if self.n_samples == 0:
            raise ValueError(f"{name} has no samples.")

    def _read(self, y):
        y = read_labels(y, self.name)
        if y.ndim == 1:
            return y
        if y.ndim != 2 or y.dtype.kind not in "biuf":
            raise ValueError(
                f"{self.name} must be label indicators, an array of numbers of shape (n_samples, "
                f"n_labels), or classes, of shape (n_samples,). Got an array of {y.dtype} of shape "
                f"{y.shape}."
            )
        return indicator(y)

    @property
    def n_samples(self) -> int:
        """How many samples there are."""
        return self.y.shape[0]

    @property
    def is_indicator(self) -> bool:
        """Whether labels are columns, rather than classes."""
        return issparse(self.y)

    def as_indicator(self, classes=None) -> csr_array:
        """Return a canonical CSR array of ones, of which classes are the columns."""
        if self.is_indicator:
            check_label_numbers(classes, self.y.shape[1])
            return self.y.copy()
        columns = self.columns(self.y, classes)
        n_columns = len(np.unique(self.y) if classes is None else classes)
        return csr_of_ones(columns, np.arange(len(columns) + 1), n_columns)

    def columns(self, labels, classes=None) -> np.ndarray:
        """Numbers of the columns that labels stand for: themselves, or places in `classes`."""
        if self.is_indicator:
            n_labels = self.y.shape[1]
            if labels.dtype.kind not in "iu" or (
                labels.size and not 0 <= labels.min() <= labels.max() < n_labels
            ):
                raise ValueError(
                    f"Predicted labels must be the numbers of the columns of {self.name}, integers "
                    f"from 0 to {n_labels - 1}."
                )
            return labels.astype(np.int64)
        classes = np.unique(self.y) if classes is None else self._read_classes(classes)
        columns, unknown = find_places(labels, classes)
        if len(unknown):
            raise ValueError(
                f"{self.name} has classes that are not in classes: {np.unique(unknown)[:10]}."
            )
        return columns

    def _read_classes(self, classes):
        classes = read_labels(classes, "classes")
        check_same_kind(classes, "classes", self.y, self.name)
        if classes.ndim != 1 or len(classes) == 0 or (classes[1:] <= classes[:-1]).any():
            raise ValueError(
                "classes must be a list of one class or more, sorted and each once, got "
                f"{classes!r}."
            )
        return classes


class _Ranking:
    """Predicted labels compared with the truth.

    Attributes
    ----------
    truth : _Truth
    top : ndarray of shape (n_samples, k)
    hits : bool ndarray of shape (n_samples, k)
        Which of them are right.
    n_true : ndarray of shape (n_samples,)
        How many labels each sample has.
    """

    def __init__(self, y_true, top_k, k: int | None):
        top = read_labels(top_k, "top_k")
        if top.ndim != 2 or top.shape[1] == 0:
            raise ValueError(
                "top_k must have shape (n_samples, n_ranked), with a label or more, got "
                f"{top.shape}."
            )
        is_integer = isinstance(k, Integral) and not isinstance(k, bool)
        if k is not None and not (is_integer and 1 <= k <= top.shape[1]):
            raise ValueError(
                "k must be an integer from 1 to the number of columns of top_k, which is "
                f"{top.shape[1]}, or None, got {k!r}."
            )
        self.k = top.shape[1] if k is None else int(k)
        self.top = top[:, : self.k]
        self.truth = _Truth(y_true, "y_true")
        check_consistent_length(self.truth.y, top)
        in_order = np.sort(self.top, axis=1)
        repeated = (in_order[:, 1:] == in_order[:, :-1]).any(axis=1)
        if repeated.any():
            row = int(repeated.argmax())
            raise ValueError(f"top_k has a label twice in row {row}: {self.top[row].tolist()}.")
        if self.truth.is_indicator:
            self._find_in_indicator(self.truth.y)
        else:
            check_same_kind(self.top, "top_k", self.truth.y, "y_true")
            self.hits = self.top == self.truth.y[:, np.newaxis]
            self.n_true = np.ones(len(self.top), int)

    def _find_in_indicator(self, y):
        columns = self.truth.columns(self.top)
        self.n_true = np.diff(y.indptr)
        n_labels = y.shape[1]
        samples = np.arange(len(self.top), dtype=np.int64)
        true = np.repeat(samples, self.n_true) * n_labels + y.indices
        self.hits = np.isin(samples[:, np.newaxis] * n_labels + columns, true)

    def average(self, values, sample_weight) -> float:
        """Mean over the samples."""
        if sample_weight is None:
            return float(np.average(values))
        weights = _check_sample_weight(
            sample_weight, self.top, dtype=np.float64, ensure_non_negative=True
        )
        if weights.max() > np.finfo(np.float64).max / len(weights):  # their sum may overflow
            weights = weights / weights.max()
        return float(np.average(values, weights=weights))


def _ratio(values, most) -> np.ndarray:
    """Values as shares of the highest possible, 0 where that is 0."""
    return np.divide(values, most, out=np.zeros(len(values)), where=most > 0)


def _check_propensities(propensities) -> np.ndarray:
    propensities = read_labels(propensities, "propensities")
    if (
        propensities.dtype.kind == "U"
        or propensities.ndim != 1
        or not ((propensities > 0) & (propensities <= 1)).all()
    ):
        raise ValueError(
            "propensities must be a one-dimensional array of numbers in (0, 1], got "
            f"{propensities!r}."
        )
    return propensities.astype(np.float64)
