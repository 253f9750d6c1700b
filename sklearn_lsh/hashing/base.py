"""What all hash families share: parameters, checks, chunks, and arrays of any library."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_n_features, check_is_fitted

from sklearn_lsh.csr import take
from sklearn_lsh.draft import draft_of
from sklearn_lsh.hashing.arrays import Array, namespace, put_beside, to_numpy
from sklearn_lsh.hashing.table_checks import MOST_LOOKUPS
from sklearn_lsh.inputs import Count, RandomState, check_data
from sklearn_lsh.stored import Attributes, Stored

# Most bits of a code: kernels have them as uint8 or uint16.
MAX_BITS = 16
# Most values of the vectors that are coded at once, 16 MB of float32: what is computed on the way
# needs little memory.
CHUNK_VALUES = 1 << 22
# Most vectors that are coded at once; their products with 240 projections are 4 MB.
CHUNK_ROWS = 4096
# The same of other libraries' arrays: more, because each call costs them more.
CHUNK_ROWS_OF_ARRAYS = 1 << 14


def smallest_unsigned(n_values):
    """Smallest unsigned type that tells so many numbers apart."""
    return np.min_scalar_type(max(0, n_values - 1))


class HashFamily(Stored, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, ABC):
    """Base of the families: functions that agree the more often the more alike two vectors are.

    `fit` draws the functions, `transform` codes each vector once for each of ``n_tables`` tables.
    Only the number of features matters to `fit`, except where a family says otherwise. Codes
    depend on the vector, the parameters and ``random_state`` alone: not on the other vectors, the
    processor, the number of threads or the library of the array.

    Parameters
    ----------
    n_bits : int, default=12
        Bits of a code, from 1 to 16: a table has ``2**n_bits`` buckets.
    n_tables : int, default=20
        Codes of a vector, at most 65,535.
    random_state : int, RandomState instance or None, default=None
        Draws the functions.

    Attributes
    ----------
    n_buckets_ : int
        Number of different codes of a table.
    n_features_in_ : int
        Length of the vectors.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has names that are all strings.
    """

    _parameter_constraints: ClassVar[dict] = {
        "n_bits": [Count(1, MAX_BITS)],
        "n_tables": [Count(1, MOST_LOOKUPS)],
        "random_state": ["random_state"],
    }

    def __init__(
        self, n_bits: int = 12, n_tables: int = 20, *, random_state: RandomState = None
    ) -> None:
        self.n_bits = n_bits
        self.n_tables = n_tables
        self.random_state = random_state

    # What users call

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Array, y: object = None) -> Self:
        """Draw the hash functions.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Vectors of the length that is to be hashed.
        y : None
            Ignored.

        Returns
        -------
        self : object
            Fitted.

        Raises
        ------
        ValueError
            If a parameter or X is not valid: NaN, infinity, values too large for float32; or if
            there is not enough memory for so many functions.
        """
        with draft_of(self) as draft:
            X = draft._check(X, reset=True)
            draft.n_buckets_ = 1 << int(self.n_bits)
            draft._n_features_out = int(self.n_tables)
            try:
                draft._draw_functions(X.shape[1], check_random_state(self.random_state))
            except MemoryError as error:
                raise ValueError(
                    f"The functions of {self} for vectors of {X.shape[1]} features do not fit into "
                    f"memory: choose a smaller n_tables={self.n_tables}."
                ) from error
            draft.adapt(to_numpy(X))
        return self

    def transform(self, X: Array) -> Array:
        """Code vectors.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Vectors, taken as float32: NumPy's or SciPy's, or an array of PyTorch, JAX, CuPy or
            another library that follows the array API standard. What only has ``__dlpack__`` is
            read as a NumPy array.

        Returns
        -------
        codes : array of shape (n_samples, n_tables)
            Of the smallest unsigned type (uint8 or uint16), the library and the device of X.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the family is not fitted.
        ValueError
            If X is not valid, or has another number of features than in `fit`.
        """
        check_is_fitted(self)
        return self.codes(self._check(X, reset=False))

    def transform_queries(self, X: Array) -> Array:
        """Code what is looked up: as `transform`, except in asymmetric families.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            See `transform`.

        Returns
        -------
        codes : array of shape (n_samples, n_tables) or (n_samples, n_probes, n_tables)
            With several codes for each table where a family looks into several buckets.
        """
        check_is_fitted(self)
        return self.query_codes(self._check(X, reset=False))

    def similarity(self, X: Array, Y: Array) -> Array:
        """Measure for pairs of rows what the probability of a collision depends on.

        Parameters
        ----------
        X, Y : {array-like, sparse matrix} of shape (n_samples, n_features)
            Row i of X is compared with row i of Y.

        Returns
        -------
        similarity : array of shape (n_samples,)
            In float64 (or the widest type of its library, that of X).

        Raises
        ------
        ValueError
            If X or Y is not valid, or their shapes differ.
        """
        check_is_fitted(self)
        x, y = (to_numpy(self._check(array, reset=False)) for array in (X, Y))
        if x.shape != y.shape:
            raise ValueError(f"X and Y must have the same shape, got {x.shape} and {y.shape}.")
        if sp.issparse(x) or sp.issparse(y):
            x, y = sp.csr_array(x), sp.csr_array(y)
        return put_beside(self._similarity(x.astype(np.float64), y.astype(np.float64)), X)

    def collision_probability(self, similarity: Array) -> Array:
        """Probability, over the draw of the functions, that two codes of one table agree.

        Parameters
        ----------
        similarity : array-like
            See `similarity`.

        Returns
        -------
        probability : array of the same shape
            From 0 to 1, of the library of `similarity`.
        """
        check_is_fitted(self)
        try:
            given = np.asarray(to_numpy(similarity), dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"similarity must be numbers, got {similarity!r}.") from error
        return put_beside(self._collision_probability(given), similarity)

    @property
    def exact_probability(self) -> bool:
        """Whether `collision_probability` is exact, and not only close to the truth."""
        return True

    @property
    def independent_tables(self) -> bool:
        """Whether codes of different tables agree independently of each other."""
        return True

    # What networks call: the same without checks

    def codes(self, X: Array) -> Array:
        """As `transform`, without checks.

        Parameters
        ----------
        X : ndarray or csr_array of shape (n_samples, n_features), dtype=float32 or float64
            Finite. CSR rows are canonical. Of other libraries: float32.

        Returns
        -------
        codes : array of shape (n_samples, n_tables)
            See `transform`.
        """
        return self._code_in_chunks(X, self._fill_codes, self._compute_codes)

    def query_codes(self, X: Array) -> Array:
        """As `transform_queries`, without checks.

        Parameters
        ----------
        X : ndarray or csr_array of shape (n_samples, n_features), dtype=float32 or float64
            See `codes`.

        Returns
        -------
        codes : array of shape (n_samples, n_tables) or (n_samples, n_probes, n_tables)
            See `transform_queries`.
        """
        return self.codes(X)

    def probe_codes(self, X: Array, n_probes: int) -> Array:
        """Codes of the buckets in which to look for vectors like these, the likeliest first.

        Parameters
        ----------
        X : ndarray or csr_array of shape (n_samples, n_features), dtype=float32 or float64
            See `codes`.
        n_probes : int
            Buckets of each table, at most ``max_probes``.

        Returns
        -------
        codes : ndarray of shape (n_samples, n_lookups, n_tables)
            In the order in which to look.
        """
        codes = self.query_codes(X)
        return codes if codes.ndim == 3 else codes[:, np.newaxis, :]

    @property
    def max_probes(self) -> int:
        """Buckets of a table that `probe_codes` can name; 1 where it knows only the query's."""
        return 1

    def adapt(self, X: Array) -> None:
        """Follow data that changed, where a family learns from it, without drawing anew.

        Parameters
        ----------
        X : ndarray or csr_array of shape (n_samples, n_features)
            The rows that are to be coded, or a sample of them; see `codes`.
        """

    @property
    def code_dtype(self) -> np.dtype:
        """Type of the codes."""
        return smallest_unsigned(self.n_buckets_)

    def _code_in_chunks(self, X, fill, compute):
        """Code in chunks: ``fill(rows, codes)`` writes, ``compute(rows, xp)`` returns int32."""
        n_samples, xp = X.shape[0], namespace(X)
        if xp is not None:
            size = CHUNK_ROWS_OF_ARRAYS
            starts = range(0, max(1, n_samples), size)
            parts = [compute(X[i : min(i + size, n_samples), :], xp) for i in starts]
            return xp.astype(xp.concat(parts, axis=0), getattr(xp, self.code_dtype.name))
        return self._fill_in_chunks(
            X, np.empty((n_samples, self._n_features_out), self.code_dtype), fill
        )

    def _fill_in_chunks(self, X, codes, fill):
        """Let ``fill(rows, codes)`` write the codes of a few rows at a time."""
        size = max(1, min(CHUNK_ROWS, CHUNK_VALUES // X.shape[1]))
        for start in range(0, X.shape[0], size):
            rows = slice(start, start + size)
            fill(take(X, rows), codes[rows])
        return codes

    def _check(self, X, *, reset):
        """Validate X: ndarray or csr_array, or float32 array of another library."""
        xp = namespace(X)
        if xp is None:
            return check_data(self, to_numpy(X), reset=reset)
        if X.ndim != 2 or 0 in X.shape:
            raise ValueError(
                f"X must have two dimensions with at least one sample and one feature, got shape "
                f"{tuple(X.shape)}."
            )
        if xp.isdtype(X.dtype, "complex floating"):
            raise ValueError("Complex data not supported.")
        _check_n_features(self, X, reset=reset)
        X = xp.astype(X, xp.float32)
        if not bool(xp.all(xp.isfinite(X))):
            raise ValueError("X contains NaN, infinity or a value too large for float32.")
        return X

    def _check_stored(self):
        if "n_features_in_" not in vars(self):
            return  # not fitted
        stored = Attributes(self)
        stored.integer("n_features_in_", 1)
        stored.integer("n_buckets_", 1, 1 << MAX_BITS)
        stored.integer("_n_features_out", 1)
        self._check_drawn(stored)

    # What a family defines

    def _check_drawn(self, stored):
        """Check what `_draw` draws and `adapt` learns, after it was loaded; see `Attributes`."""

    @abstractmethod
    def _draw_functions(self, n_features, random_state):
        """Draw the functions for vectors of a length."""

    @abstractmethod
    def _fill_codes(self, vectors, codes):
        """Write the codes of vectors: C-ordered float32 ndarray or `CSR`."""

    @abstractmethod
    def _compute_codes(self, vectors, xp):
        """Return the codes of another library's float32 array, in int32."""

    @abstractmethod
    def _similarity(self, x, y):
        """Compare rows, both dense or both CSR in float64."""

    @abstractmethod
    def _collision_probability(self, similarity):
        """Probability that one table's codes agree."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def inner_products(x, y):
    """Inner products of pairs of rows, both dense or both CSR."""
    return np.asarray((x * y).sum(axis=1))
