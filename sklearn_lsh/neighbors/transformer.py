"""The scikit-learn face of the search."""

from __future__ import annotations

import copy
import warnings
from numbers import Integral, Real
from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils._param_validation import Interval, StrOptions, validate_parameter_constraints
from sklearn.utils.validation import check_is_fitted

from sklearn_lsh.draft import draft_of
from sklearn_lsh.hashing import FAMILIES, HashFamily
from sklearn_lsh.inputs import Count, MatrixLike, RandomState, check_data
from sklearn_lsh.neighbors.building import build_index
from sklearn_lsh.neighbors.index import Index
from sklearn_lsh.neighbors.metrics import METRICS, Vectors
from sklearn_lsh.neighbors.space import Space
from sklearn_lsh.neighbors.tuning import N_QUERIES
from sklearn_lsh.stored import Attributes, Stored

AUTO = StrOptions({"auto"})


class LSHNeighborsTransformer(
    Stored, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Graph of the nearest neighbours, found by sketches and hashing.

    In place of scikit-learn's `KNeighborsTransformer` where comparing all rows takes too long.
    Rows have short sketches, principal coordinates. Either a query's sketch is compared with all
    of them, or they lie in hash tables, and a query looks into the buckets of each table where
    rows like it are likeliest to be [1]_. What is nearest by its sketch is compared exactly.
    Sparse rows lie in an inverted index, too: a query is compared with those that share a feature
    with it, exactly.

    Which it is, and how much to look at, is found out by `fit`: it measures the recall for a sample
    of the rows, each as a query for the others, and takes the setting that costs least. Where
    comparing all rows costs less, as for a few hundred of them, or for sparse ones that share few
    features with each other, that is what is done.

    Parameters
    ----------
    mode : {"distance", "connectivity"}, default="distance"
        Whether the graph of `transform` has distances or ones. As in scikit-learn, "distance"
        has a neighbour more, because each sample counts as its own neighbour.
    n_neighbors : int, default=5
        Neighbours of each sample.
    metric : {"euclidean", "l2", "cosine", "inner_product", "jaccard"}, default="euclidean"
        Distance. That of "inner_product" is the negative product, which `mode="connectivity"`
        suits. "jaccard" compares which features are not zero.
    recall : float, default=0.9
        Share of the ``n_neighbors`` nearest rows that is to be found, on average.
    n_bits : int or "auto", default="auto"
        Bits of a code. "auto" makes about as many buckets as there are rows.
    n_tables, n_probes : int or "auto", default="auto"
        Tables, and buckets that a query looks into in each of them.
    hash_function : {"auto", "simhash", "wta", "dwta", "minhash", "e2lsh"} or HashFamily, \
            default="auto"
        Hash family. "auto" is `MinHash` for "jaccard" and `SimHash` otherwise. Families code
        sketches, except for "jaccard". Only `SimHash` knows several buckets of a table. An object
        keeps its own settings, but for ``n_tables``. With a family, or a number of bits, tables or
        buckets, sketches are not all compared.
    random_state : int, RandomState instance or None, default=None
        Draws the hash functions and the sample.
    n_jobs : int, default=None
        Threads that search. None means 1 unless in a `joblib.parallel_backend` context.

    Attributes
    ----------
    n_bits_, n_tables_, n_probes_, n_directions_, n_finalists_ : int
        How much a search looks at. Directions are those of the sketches where all of these are
        compared, and 0 with tables. Finalists are the rows that are compared exactly, and 0 where
        all candidates are. All are 0 where all rows are compared.
    recall_ : float
        Share of the ``n_neighbors`` nearest rows that the search finds, on average: measured when
        the index was made, by up to 128 queries, whose nearest rows were found in float64. Rows
        that are as near as the last of these count as found, too. So where many rows are equally
        near to a query, as where it is near to none, any of them will do: but not in place of
        those that are nearer. Where all rows are compared, it is 1 but for rounding.
    index_ : object
        Rows and tables; its form may change.
    n_samples_fit_ : int
        Number of rows, those included that were deleted.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has names that are all strings.

    Notes
    -----
    It computes in float32. With an int as ``random_state`` results do not depend on ``n_jobs``.

    References
    ----------
    .. [1] Q. Lv, W. Josephson, Z. Wang, M. Charikar and K. Li, "Multi-probe LSH: efficient
       indexing for high-dimensional similarity search", VLDB 2007.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_lsh.neighbors import LSHNeighborsTransformer
    >>> X, _ = load_digits(return_X_y=True)
    >>> transformer = LSHNeighborsTransformer(n_neighbors=5, random_state=0)
    >>> graph = transformer.fit_transform(X)
    >>> graph.shape, graph.nnz == 6 * len(X)
    ((1797, 1797), True)
    """

    _parameter_constraints: ClassVar[dict] = {
        "mode": [StrOptions({"distance", "connectivity"})],
        "n_neighbors": [Count()],
        "metric": [StrOptions(set(METRICS))],
        "recall": [Interval(Real, 0, 1, closed="right")],
        "n_bits": [AUTO, *HashFamily._parameter_constraints["n_bits"]],
        "n_tables": [AUTO, *HashFamily._parameter_constraints["n_tables"]],
        "n_probes": [AUTO, Count()],
        "hash_function": [StrOptions({"auto", *FAMILIES}), HashFamily],
        "random_state": ["random_state"],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        *,
        mode: str = "distance",
        n_neighbors: int = 5,
        metric: str = "euclidean",
        recall: float = 0.9,
        n_bits: int | str = "auto",
        n_tables: int | str = "auto",
        n_probes: int | str = "auto",
        hash_function: str | HashFamily = "auto",
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.mode = mode
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.recall = recall
        self.n_bits = n_bits
        self.n_tables = n_tables
        self.n_probes = n_probes
        self.hash_function = hash_function
        self.random_state = random_state
        self.n_jobs = n_jobs

    # Rows

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: MatrixLike, y: object = None, *, queries: MatrixLike | None = None) -> Self:
        """Put rows into hash tables.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : None
            Ignored.
        queries : {array-like, sparse matrix} of shape (n_queries, n_features), default=None
            A sample of the queries to come, where these are unlike the rows: recall is measured for
            one half of it, and the other says in what directions rows matter. A thousand or so
            are enough. By default the rows.

        Returns
        -------
        self : object
            With the rows as they are now.

        Raises
        ------
        ValueError
            If a parameter, X or queries is not valid.
        """
        with draft_of(self) as draft:
            draft._fit(X, queries)
        return self

    def _fit(self, X, queries):
        """As `fit`, on a draft."""
        X = check_data(self, X, reset=True)
        self._sparse = sp.issparse(X)
        self._space = Space.around(METRICS[self.metric], X)
        self._queries = None
        if queries is not None:
            given = self._in_form_of_rows(check_data(self, queries, reset=False))
            self._queries = self._space.queries(given[: 2 * N_QUERIES])
        rows = self._space.rows(X)
        self._build(rows, np.arange(rows.n_rows), X)
        self._count_rows(rows.n_rows)

    def partial_fit(self, X: MatrixLike, y: object = None) -> Self:
        """Put more rows in.

        Sketches and hash functions stay as they are until there are twice as many rows as when
        they were made. Then all is made anew.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows. They get the next indices, from ``n_samples_fit_`` onwards.
        y : None
            Ignored.

        Returns
        -------
        self : object
            With the rows as they are now.

        Raises
        ------
        ValueError
            If X is not valid, or sparse where the rows are dense, or the other way round.
        """
        if not hasattr(self, "index_"):
            return self.fit(X)
        self._validate_params()
        X = check_data(self, X, reset=False)
        if sp.issparse(X) != self._sparse:
            kinds = ("dense", "sparse") if self._sparse else ("sparse", "dense")
            raise ValueError(f"X is {kinds[0]}, but the rows in the tables are {kinds[1]}.")
        with draft_of(self) as draft:
            index = self.index_.changed()
            index.insert(self._space.rows(X), self.n_samples_fit_)
            draft._build_anew(index)
            draft._count_rows(self.n_samples_fit_ + X.shape[0])
        return self

    def delete(self, rows: ArrayLike) -> Self:
        """Take rows out: they will not be found any more. The others keep their indices.

        When more rows were deleted than are left, these are put into an index of their own, and
        the memory of the others is given back.

        Parameters
        ----------
        rows : array-like of shape (n_deleted,)
            Indices of rows, from 0 to ``n_samples_fit_ - 1``.

        Returns
        -------
        self : object
            With the rows as they are now.

        Raises
        ------
        ValueError
            If there is no such row.
        """
        check_is_fitted(self)
        rows = np.asarray(rows)
        if rows.size == 0:
            return self
        if rows.ndim != 1 or rows.dtype.kind not in "iu":
            raise ValueError(f"rows must be a list of integers, got {rows!r}.")
        if rows.min() < 0 or rows.max() >= self.n_samples_fit_:
            raise ValueError(
                f"rows must be from 0 to n_samples_fit_ - 1 = {self.n_samples_fit_ - 1}, got "
                f"indices from {rows.min()} to {rows.max()}."
            )
        with draft_of(self) as draft:
            index = self.index_.changed()
            index.delete(index.places_of(rows))
            draft._build_anew(index)
        return self

    # Search

    def kneighbors(
        self,
        X: MatrixLike | None = None,
        n_neighbors: int | None = None,
        return_distance: bool = True,
    ) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Find the nearest rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), default=None
            Queries. By default the rows themselves that were not deleted, in their order; then a
            row is not its own neighbour.
        n_neighbors : int, default=None
            Neighbours of each query; by default those of the constructor, for which recall was
            measured.
        return_distance : bool, default=True
            Whether distances are returned.

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors)
            Only where they are wanted. Exact, and in ascending order.
        indices : ndarray of shape (n_queries, n_neighbors)
            Indices of rows.

        Raises
        ------
        ValueError
            If X is not valid, or there are fewer rows than neighbours.
        """
        check_is_fitted(self)
        self._check_set_since_fit()
        fitted = copy.copy(self)  # which stays as it is while another thread changes the rows
        index = fitted.index_
        k = fitted._check_n_neighbors(n_neighbors, X is None)
        if X is None:
            own = np.flatnonzero(index.alive)
            neighbors = index.nearest_to_rows(k + 1, self.n_jobs).without(own)
            X = index.space.as_queries(index.rows.part(own)).matrix
        else:
            X = fitted._in_form_of_rows(check_data(fitted, X, reset=False))
            neighbors = index.nearest(X, k, self.n_jobs)
        indices = index.numbers[neighbors.indices]
        if not return_distance:
            return indices
        scores = neighbors.scores + index.space.shifts(X)[:, np.newaxis]
        return index.metric.distances(scores), indices

    def kneighbors_graph(
        self,
        X: MatrixLike | None = None,
        n_neighbors: int | None = None,
        mode: str = "connectivity",
    ) -> sp.csr_matrix:
        """Graph of the nearest rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), default=None
            See `kneighbors`.
        n_neighbors : int, default=None
            See `kneighbors`.
        mode : {"connectivity", "distance"}, default="connectivity"
            Whether the graph has ones or distances.

        Returns
        -------
        graph : csr_matrix of shape (n_queries, n_samples_fit)
            The neighbours of each query, the nearest first.

        Raises
        ------
        ValueError
            See `kneighbors`, and if the mode is another.
        """
        check_is_fitted(self)
        if not (isinstance(mode, str) and mode in ("connectivity", "distance")):
            raise ValueError(f"mode must be 'connectivity' or 'distance', got {mode!r}.")
        distances, indices = self.kneighbors(X, n_neighbors)
        data = distances if mode == "distance" else np.ones_like(distances)
        indptr = np.arange(0, indices.size + 1, indices.shape[1])
        shape = (indices.shape[0], self.n_samples_fit_)
        return sp.csr_matrix((data.reshape(-1), indices.reshape(-1), indptr), shape=shape)

    def transform(self, X: MatrixLike) -> sp.csr_matrix:
        """Graph of the nearest rows, as `KNeighborsTransformer` makes it.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features)
            Queries. A query that is a row counts as its own neighbour.

        Returns
        -------
        graph : csr_matrix of shape (n_queries, n_samples_fit)
            With ``mode="distance"`` a neighbour more than ``n_neighbors``.
        """
        check_is_fitted(self)
        self._check_set_since_fit()
        n_neighbors = int(self.n_neighbors) + (self.mode == "distance")
        return self.kneighbors_graph(X, n_neighbors, self.mode)

    # How it is done

    def _check_stored(self):
        if "index_" not in vars(self):
            return  # not fitted
        stored = Attributes(self)
        n_features = stored.integer("n_features_in_", 1)
        index = stored.part("index_", Index)
        index.check_stored(n_features)
        space = stored.part("_space", Space)
        space.check_stored(n_features)
        metric = index.metric
        stored.require(space.metric == metric, "_space", "that of the index")
        is_sparse = stored.flag("_sparse") or metric.is_set
        stored.require(index.rows.is_sparse == is_sparse, "_sparse", "as the rows are")
        if stored.get("_queries") is not None:
            queries = stored.part("_queries", Vectors)
            queries.check_stored(None, n_features)
            stored.require(queries.is_sparse == is_sparse, "_queries", "sparse if rows are")
        n_given = int(index.numbers.max(initial=-1)) + 1
        for name, least in (("n_samples_fit_", n_given), ("_n_features_out", 0), ("_n_tuned", 0)):
            stored.integer(name, least)

    def _build(self, rows, numbers, given=None):
        """Make the index of rows, and tell what it finds."""
        index, self.recall_, meets_recall = build_index(
            self, self._space, rows, self._queries, given
        )
        index.numbers = numbers
        if not meets_recall:
            warnings.warn(
                f"Recall is about {self.recall_:.3f}, less than recall={self.recall}, with "
                f"{index.setting}. Set n_tables or n_probes higher, or to 'auto'.",
                UserWarning,
                stacklevel=4,
            )
        for name, value in index.setting._asdict().items():
            setattr(self, f"{name}_", value)
        self.index_, self._n_tuned = index, index.n_alive

    def _build_anew(self, index):
        """Make the index anew where it has changed a lot, without the rows that were deleted."""
        is_due = index.n_alive > 2 * self._n_tuned or index.rows.n_rows > 2 * index.n_alive
        if is_due and index.n_alive > 0:
            left = np.flatnonzero(index.alive)
            self._build(index.rows.part(left), index.numbers[left])
        else:
            self.index_ = index

    def _count_rows(self, n_rows):
        self.n_samples_fit_ = self._n_features_out = n_rows

    def _in_form_of_rows(self, X):
        """Queries, sparse or dense as the rows."""
        if self._space.metric.is_set or sp.issparse(X) == self._sparse:
            return X
        return sp.csr_array(X) if self._sparse else X.toarray()

    def _check_set_since_fit(self):
        """Refuse parameters of searches that were set after the fit and are not valid."""
        names = ("mode", "n_neighbors", "n_jobs")
        validate_parameter_constraints(
            {name: self._parameter_constraints[name] for name in names},
            {name: getattr(self, name) for name in names},
            caller_name=type(self).__name__,
        )

    def _check_n_neighbors(self, n_neighbors, without_self):
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        if not isinstance(k, Integral) or isinstance(k, bool):
            raise TypeError(f"n_neighbors must be an integer, got {k!r}.")
        if k <= 0:
            raise ValueError(f"Expected n_neighbors > 0. Got {k}")
        n_rows = self.index_.n_alive - without_self
        if k > n_rows:
            raise ValueError(
                f"Expected n_neighbors <= n_samples_fit, but n_neighbors = {k}, n_samples_fit = "
                f"{n_rows}."
            )
        return int(k)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
