"""Rows drawn from hash tables with known probabilities, and estimates of sums over all rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, NamedTuple, Self

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, _fit_context, clone
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from sklearn_lsh.draft import draft_of
from sklearn_lsh.hashing.arrays import namespace, to_numpy
from sklearn_lsh.hashing.base import CHUNK_VALUES, HashFamily, inner_products
from sklearn_lsh.hashing.simhash import SimHash
from sklearn_lsh.hashing.stored_tables import check_fit
from sklearn_lsh.hashing.tables import LSHTables
from sklearn_lsh.inputs import Count, MatrixLike, RandomState, check_stored_matrix
from sklearn_lsh.stored import Attributes, Stored

# Draws of one call: some gigabytes.
MOST_DRAWS = 2**26
# Least probability of a row that was found, so that rounding makes no weight infinite.
MIN_PROBABILITY = 1e-30
# Greatest one, whose complement still has a logarithm.
MAX_PROBABILITY = 1 - 1e-16


class _Lookups(NamedTuple):
    """Buckets that queries look into: ndarrays of shape (n_queries, n_probes, n_tables).

    Attributes
    ----------
    starts : ndarray
        Where their members begin.
    n_held : ndarray
        Members that they hold.
    n_members : ndarray
        Members that they would hold without a limit of their capacity.
    """

    starts: np.ndarray
    n_held: np.ndarray
    n_members: np.ndarray


class _Pairs(NamedTuple):
    """Queries and rows that belong together: ndarrays of int of shape (n_pairs,)."""

    queries: np.ndarray
    rows: np.ndarray


class LSHSampler(Stored, BaseEstimator):
    r"""Sample rows that are alike to a query, with the weights that make sums unbiased.

    `sample` answers with a sparse matrix W of shape (n_queries, n_rows), most of it zero, whose
    expectation is a matrix of ones. So :math:`\sum_i W_{qi} f_{qi}` is an unbiased estimate of
    :math:`\sum_i f_{qi}`, whatever f is, and needs f only where W is not zero. Its variance is
    low where f is large for rows that are alike to the query. Unbiased means: over the draw of
    the hash functions. All estimates between two calls of `redraw` share theirs.

    With p the probability that the codes of a row and a query agree in a table, and L tables, the
    weight of a row is [1]_

    - ``"union"``: :math:`1 / (1 - (1 - p)^L)` for all rows that share a bucket with the query:
      the inverse of the probability of that (Horvitz & Thompson [2]_);
    - ``"tables"``: :math:`v / (L p)` for a row that shares v buckets with it: the mean over the
      tables of each one's estimate;
    - ``"draw"``: :math:`|S| / p` for a single row drawn from the query's bucket S of a random
      table, and nothing if the bucket is empty. That costs the same however many rows there are.

    Looking into another table when a bucket is empty, as has been printed [3]_, makes estimates
    too large, see the user guide: so an empty bucket counts as zero.

    Parameters
    ----------
    family : HashFamily, default=None
        It is cloned, and its ``random_state`` replaced at each draw. None stands for
        ``SimHash(n_bits=5, n_tables=20)``. Its `collision_probability` must be exact, and for
        ``"union"`` its tables independent, see `HashFamily`.
    method : {"union", "tables", "draw"}, default="union"
        See above.
    n_draws : int, default=1
        Rows drawn for each query, each from a table of its own draw, if ``method="draw"``.
    capacity : int, default=None
        Most members of a bucket, see `LSHTables`. Weights make up for those that have no room;
        only ``"union"`` has no formula for these, and refuses.
    random_state : int, RandomState instance or None, default=None
        Draws hash functions and rows.

    Attributes
    ----------
    family_ : HashFamily
        The family, as it was last drawn.
    tables_ : LSHTables
        The rows.
    n_features_in_ : int
        Length of the rows.

    See Also
    --------
    LSHTables : Search without probabilities.

    Notes
    -----
    A row that cannot share a bucket with a query (p = 0) is never sampled, and its part of a sum
    is missing. That is possible with `WTA`; with other families only for opposite vectors.

    It keeps a copy of the rows. Rows and queries may be arrays of any library that a family takes.
    They are hashed with it; weights are computed by NumPy.

    References
    ----------
    .. [1] R. Spring and A. Shrivastava, "A new unbiased and efficient class of LSH-based samplers
       and estimators for partition function computation in log-linear models", 2017,
       arXiv:1703.05160.
    .. [2] D. Horvitz and D. Thompson, "A generalization of sampling without replacement from a
       finite universe", JASA 1952.
    .. [3] B. Chen, Y. Xu and A. Shrivastava, "Fast and accurate stochastic gradient estimation",
       NeurIPS 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_lsh.hashing import LSHSampler
    >>> rng = np.random.default_rng(0)
    >>> X, query = rng.normal(size=(500, 8)), rng.normal(size=(1, 8))
    >>> sampler = LSHSampler(random_state=0).fit(X)
    >>> weights = sampler.sample(query)
    >>> weights.shape, weights.nnz < 400
    ((1, 500), True)

    The mean over many draws of the hash functions is the sum over all rows:

    >>> f = np.exp(X @ query[0])
    >>> estimates = [(sampler.redraw().sample(query) @ f)[0] for _ in range(300)]
    >>> bool(abs(np.mean(estimates) / f.sum() - 1) < 0.01)
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        "family": [HashFamily, None],
        "method": [StrOptions({"union", "tables", "draw"})],
        "n_draws": [Count()],
        "capacity": [Count(), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        family: HashFamily | None = None,
        *,
        method: str = "union",
        n_draws: int = 1,
        capacity: int | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.family = family
        self.method = method
        self.n_draws = n_draws
        self.capacity = capacity
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: MatrixLike, y: object = None) -> Self:
        """Draw the hash functions and put rows into tables.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_features)
            See `HashFamily.transform`.
        y : None
            Ignored.

        Returns
        -------
        self : LSHSampler
            With new tables.

        Raises
        ------
        ValueError
            If a parameter or X is not valid, or the family has no exact probabilities.
        """
        with draft_of(self) as draft:
            draft._random = check_random_state(self.random_state)
            draft.family_ = SimHash(5, 20) if self.family is None else clone(self.family)
            draft.family_.fit(X)
            draft._check_family()
            draft._X = _own(draft.family_._check(X, reset=False))
            draft._rows = to_numpy(draft._X)
            draft.n_features_in_ = draft.family_.n_features_in_
            if hasattr(draft, "feature_names_in_"):
                del draft.feature_names_in_
            if hasattr(draft.family_, "feature_names_in_"):
                draft.feature_names_in_ = draft.family_.feature_names_in_
            draft._draw_tables()
        return self

    def redraw(self) -> Self:
        """Draw other hash functions for the same rows.

        Returns
        -------
        self : LSHSampler
            With new tables.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the sampler is not fitted.
        """
        check_is_fitted(self)
        with draft_of(self) as draft:
            draft._draw_tables()
        return self

    def _draw_tables(self):
        """Draw hash functions and build their tables."""
        seeds = self._random.randint(np.iinfo(np.int32).max, size=2)
        self.family_ = clone(self.family_).set_params(random_state=int(seeds[0])).fit(self._X)
        codes, n_buckets = self.family_.codes(self._X), self.family_.n_buckets_
        self.tables_ = LSHTables(codes, n_buckets)
        self._n_members = np.diff(to_numpy(self.tables_.indptr).astype(np.int64))
        if self.capacity is not None and self._n_members.max() > self.capacity:
            limit = {"capacity": self.capacity, "seed": int(seeds[1])}
            self.tables_ = LSHTables(codes, n_buckets, **limit)

    def sample(self, X: MatrixLike) -> sp.csr_array:
        """Sample rows for each query.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features)
            Queries, see `HashFamily.transform_queries`.

        Returns
        -------
        weights : csr_array of shape (n_queries, n_rows), dtype=float64
            How many rows each sampled row stands for: all ones in expectation.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the sampler is not fitted.
        ValueError
            If X is not valid.
        """
        check_is_fitted(self)
        self._validate_params()  # parameters may have been set since
        self._check_family()
        X = self.family_._check(X, reset=False)
        codes = self.family_.query_codes(X)
        counts = _COUNTS[self.method](self, codes)
        p = np.maximum(self._collision_probabilities(to_numpy(X), counts), MIN_PROBABILITY)
        if self.method == "union":
            p = -np.expm1(self.tables_.n_tables * np.log1p(-np.minimum(p, MAX_PROBABILITY)))
        counts.data /= p
        return counts

    def estimate_sum(self, X: MatrixLike, function: Callable) -> np.ndarray:
        """Estimate for each query the sum of a function over all rows, without bias.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features)
            Queries.
        function : callable
            Called with two integer arrays, the indices of the queries and of the rows of n_pairs
            pairs; returns an array (n_pairs,) or (n_pairs, n_values). With gradients of single
            rows for values the sum is the gradient of all.

        Returns
        -------
        sums : ndarray of shape (n_queries,) or (n_queries, n_values), dtype=float64
            Estimates of the sums over all rows.

        Raises
        ------
        ValueError, TypeError
            If X is not valid, or the function returns anything but a number, or a row of them, for
            each pair.
        """
        if not callable(function):
            raise TypeError(f"function must be callable, got {function!r}.")
        weights = self.sample(X)
        values = _values_of_pairs(function, _pairs(weights))
        # Entry i of the weights takes the values of pair i.
        summation = sp.csr_array(
            (weights.data, np.arange(weights.nnz), weights.indptr),
            shape=(weights.shape[0], weights.nnz),
        )
        return summation @ values

    def log_partition(self, X: MatrixLike) -> np.ndarray:
        r"""Estimate the logarithm of a softmax's partition function.

        That is of :math:`Z(q) = \sum_i e^{q \cdot x_i}` over all rows x. The estimate of Z is
        unbiased, and so its logarithm is too small on average, the less the lower the variance.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features)
            Queries. For a bias append it to the rows, and a 1 to the queries.

        Returns
        -------
        log_partition : ndarray of shape (n_queries,), dtype=float64
            Minus infinity where no row was sampled.
        """
        weights = self.sample(X)
        pairs = _pairs(weights)
        queries = to_numpy(self.family_._check(X, reset=False))
        terms = self._for_pairs(queries, pairs, inner_products) + np.log(weights.data)
        largest = np.full(weights.shape[0], -np.inf)
        np.maximum.at(largest, pairs.queries, terms)
        sums = np.bincount(pairs.queries, np.exp(terms - largest[pairs.queries]), weights.shape[0])
        with np.errstate(divide="ignore"):
            return np.where(sums > 0, largest, 0) + np.log(sums)

    # How it is done

    def _check_stored(self):
        if "tables_" not in vars(self):
            return  # not fitted
        stored = Attributes(self)
        stored.part("_random", np.random.RandomState)
        family = stored.part("family_", HashFamily)
        tables = stored.part("tables_", LSHTables)
        check_fit(tables, family, tables.n_rows)
        n_features = stored.integer("n_features_in_", 1)
        stored.require(
            n_features == getattr(family, "n_features_in_", None), "n_features_in_", "the family's"
        )
        shape = tables.n_rows, n_features
        self._rows = check_stored_matrix(stored.place("_X"), to_numpy(stored.get("_X")), shape)
        if namespace(self._X) is None:
            self._X = self._rows
        sizes = np.diff(to_numpy(tables.indptr).astype(np.int64))
        n_members = stored.array("_n_members", np.int64, sizes.shape)
        is_right = ((n_members >= sizes) & ((n_members > 0) == (sizes > 0))).all()
        stored.require(is_right, "_n_members", "what the tables hold, or would hold")

    def _check_family(self):
        name = type(self.family_).__name__
        if not self.family_.exact_probability:
            raise ValueError(
                f"family must know the exact probability of a collision, but that of "
                f"{self.family_} is only close. Take SimHash with normal projections, WTA, E2LSH "
                "or SimpleLSH, or DWTA or MinHash with a single digit or hash."
            )
        if self.method == "union" and not self.family_.independent_tables:
            raise ValueError(
                f'method="union" needs tables that are independent of each other, which those of '
                f'{name} are not: choose method="tables" or "draw".'
            )
        if self.method == "union" and self.capacity is not None:
            raise ValueError(
                'method="union" has no formula for buckets of limited capacity, got capacity='
                f'{self.capacity}: choose method="tables" or "draw", or capacity=None.'
            )

    def _lookups(self, codes) -> _Lookups:
        codes = to_numpy(codes).astype(np.int64)
        codes = codes.reshape(codes.shape[0], -1, codes.shape[-1])
        buckets = codes + np.arange(self.tables_.n_tables) * self.tables_.n_buckets
        indptr = to_numpy(self.tables_.indptr).astype(np.int64)
        return _Lookups(indptr[buckets], np.diff(indptr)[buckets], self._n_members[buckets])

    def _count_union(self, codes):
        """One for each row that shares a bucket with a query."""
        indptr, rows = (to_numpy(array) for array in self.tables_.query(codes))
        return self._matrix(np.ones(rows.shape[0]), rows, indptr)

    def _count_tables(self, codes):
        """Share of the tables in which a row is in the query's bucket."""
        lookups = _Lookups(*(array.reshape(-1) for array in self._lookups(codes)))
        n_held = lookups.n_held
        ends = np.cumsum(n_held)
        places = np.arange(n_held.sum()) + np.repeat(lookups.starts - (ends - n_held), n_held)
        stands_for = lookups.n_members / np.maximum(n_held, 1)
        counts = np.repeat(stands_for, n_held) / self.tables_.n_tables
        n_lookups = n_held.shape[0] // codes.shape[0]
        return self._matrix(counts, self._members(places), [0, *ends[n_lookups - 1 :: n_lookups]])

    def _count_draw(self, codes):
        """Members of a random table's bucket, for the row that is drawn of them."""
        n_queries, n_draws = codes.shape[0], self.n_draws
        if n_queries * n_draws > MOST_DRAWS:
            raise ValueError(
                f"n_draws={n_draws} for each of {n_queries} queries are more than {MOST_DRAWS} "
                "draws: choose a smaller n_draws, or hand over fewer rows of X at a time."
            )
        tables = self._random.randint(self.tables_.n_tables, size=(n_queries, 1, n_draws))
        lookups = _Lookups(
            *(np.take_along_axis(array, tables, axis=2) for array in self._lookups(codes))
        )
        # One of the probes' buckets, the likelier the fuller it is, then one of its members.
        ends = lookups.n_members.cumsum(axis=1)
        total = ends[:, -1]
        probe = (ends <= self._random.uniform(size=total.shape)[:, None] * total[:, None]).sum(1)
        probe = np.minimum(probe, ends.shape[1] - 1)[:, None]
        start, n_held = (
            np.take_along_axis(array, probe, axis=1)[:, 0]
            for array in (lookups.starts, lookups.n_held)
        )
        places = start + (self._random.uniform(size=n_held.shape) * n_held).astype(np.int64)
        found = total > 0
        indptr = np.concatenate([[0], np.cumsum(found.sum(axis=1))])
        return self._matrix(total[found] / n_draws, self._members(places[found]), indptr)

    def _members(self, places):
        return to_numpy(self.tables_.members)[places]

    def _matrix(self, counts, rows, indptr):
        """Add up the counts of each row."""
        shape = len(indptr) - 1, self._rows.shape[0]
        indptr = np.asarray(indptr, dtype=np.int64)
        matrix = sp.csr_array((counts, rows.astype(np.int32), indptr), shape=shape)
        matrix.sum_duplicates()
        return matrix

    def _collision_probabilities(self, queries, matrix):
        similarity = self._for_pairs(queries, _pairs(matrix), self.family_._similarity)
        return self.family_._collision_probability(similarity)

    def _for_pairs(self, queries, pairs, function):
        """``function(rows, queries)`` of pairs, a chunk at a time."""
        size = max(1, CHUNK_VALUES // queries.shape[1])
        values = [np.empty(0)]
        for start in range(0, pairs.rows.shape[0], size):
            chunk = slice(start, start + size)
            x, y = self._rows[pairs.rows[chunk]], queries[pairs.queries[chunk]]
            if sp.issparse(x) or sp.issparse(y):
                x, y = sp.csr_array(x), sp.csr_array(y)
            values.append(function(x.astype(np.float64), y.astype(np.float64)))
        return np.concatenate(values)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


_COUNTS = {
    "union": LSHSampler._count_union,
    "tables": LSHSampler._count_tables,
    "draw": LSHSampler._count_draw,
}


def _values_of_pairs(function, pairs) -> np.ndarray:
    """What a user's function says of pairs, as numbers."""
    found = function(pairs.queries, pairs.rows)
    try:
        values = np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"function must return numbers, got {found!r}.") from error
    if values.ndim not in (1, 2) or values.shape[0] != pairs.rows.shape[0]:
        raise ValueError(
            f"function must return an array of shape (n_pairs,) or (n_pairs, n_values) for "
            f"{pairs.rows.shape[0]} pairs, got shape {values.shape}."
        )
    return values


def _pairs(matrix) -> _Pairs:
    """Indices of the rows and columns of a CSR matrix's entries."""
    queries = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    return _Pairs(queries, matrix.indices)


def _own(X):
    """Rows that do not change with the user's array. Other libraries' have been copied."""
    return X.copy() if isinstance(X, np.ndarray) or sp.issparse(X) else X
