"""The classifier that remembers examples."""

from __future__ import annotations

import copy
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.callback import CallbackSupportMixin
from sklearn.utils import (
    assert_all_finite,
    check_consistent_length,
    check_random_state,
    column_or_1d,
)
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from sklearn_lsh.draft import draft_of
from sklearn_lsh.hashing import FAMILIES, HashFamily
from sklearn_lsh.inputs import Count, MatrixLike, Quantity, RandomState
from sklearn_lsh.memory.answers import AnswersMixin
from sklearn_lsh.memory.buckets import KeyHashing
from sklearn_lsh.memory.labels import Labels
from sklearn_lsh.memory.slots import NONE, Found
from sklearn_lsh.memory.store import SEARCHES, Store
from sklearn_lsh.memory.vectors import check_vectors, unit_rows
from sklearn_lsh.memory.votes import rank_labels
from sklearn_lsh.stored import MOST, Attributes, Stored

AUTO = StrOptions({"auto"})
# Rows between which callbacks are told how far a fit is.
ROWS_A_TASK = 4096
# Most noise of ages: from there on a slot is taken at random.
MOST_NOISE = 1e9


class LSHMemoryClassifier(
    Stored, AnswersMixin, CallbackSupportMixin, ClassifierMixin, BaseEstimator
):
    r"""Memory of examples that learns a class from a single one, and new classes at any time.

    It has slots, each with a key, a unit vector, and its label. A sample is answered by the labels
    of the keys nearest to it. It is learnt by a rule [1]_ that knows no rates and no epochs: if the
    nearest key is of the sample's class, the key becomes the normalised sum of itself and the
    sample; if it is not, the sample goes into a slot of its own: an empty one, or the one that has
    not been touched for longest, more or less.

    What it remembers are directions, so the vectors should be ones whose angles say which are
    alike: use a trained network (`sklearn_lsh.HiddenActivations`) or another transformer as
    ``embedding``.

    Parameters
    ----------
    n_slots : int, default=8192
        Keys that there may be. Memory is taken as they come.
    n_neighbors : int, default=16
        Keys that are asked.
    embedding : transformer or None, default=None
        Fitted, and applied to X first; it is not fitted here. None takes X as it is.
    search : {"auto", "exact", "lsh"}, default="auto"
        How the nearest keys are found: by comparing all, or those that share buckets of hash tables
        with a sample, from 256 keys on. "auto" compares all up to 2,097,152 values.
    hash_function : str or HashFamily, default="simhash"
        A key of `sklearn_lsh.hashing.FAMILIES`, or a family, which is cloned.
    n_bits, n_tables : int or "auto", default="auto"
        Bits of a code, and tables. "auto" lets buckets hold about 16 keys, in 12 tables.
    age_noise : float, default=8.0
        The slot that is given up has the greatest age plus a number that is uniform from
        ``-age_noise`` to ``age_noise``. Of 0 it is always the oldest.
    key_weight : float, default=1.0
        Most that a key weighs in the sum with a sample, which weighs 1; it weighs no more than the
        samples that it stands for. Of 1.0, the rule of the paper, the latest sample counts as much
        as all before, which follows classes that change. Of ``np.inf`` a key is the mean of its
        samples, which is better where they do not. Of 0 no sample is added to a key: each has a
        slot of its own, which is more accurate yet, as long as there are slots.
    temperature : float, default=40.0
        Keys vote with the softmax of their cosines times this.
    random_state : int, RandomState instance or None, default=None
        Draws the noise and the hash functions.
    n_jobs : int, default=None
        Threads that search. None means 1 unless in a :func:`joblib.parallel_config` context.
        Learning has one: its rows follow each other.

    Attributes
    ----------
    keys_ : ndarray of shape (n_used, n_dimensions), dtype=float32
        Keys of the used slots. It cannot be written to.
    labels_ : ndarray of shape (n_used,)
        Their labels.
    ages_ : ndarray of shape (n_used,)
        How many rows were learnt since each was touched. No two are the same.
    n_used_ : int
        Slots in use.
    classes_ : ndarray of shape (n_classes,)
        Labels that were learnt and not forgotten, sorted; those included whose slots were given to
        others.
    n_features_in_ : int
        Number of features of X; with an embedding what it says, if it does.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has names that are all strings.

    See Also
    --------
    sklearn_lsh.HiddenActivations : What a network makes of samples, as an embedding.
    sklearn_lsh.torch.LSHMemory : The same as the last part of a network in PyTorch.
    sklearn.neighbors.NearestCentroid : One mean of each class, all of which have to be there.

    Notes
    -----
    Rows are learnt one by one, in their order: keys are the same, bit for bit, however rows are
    split into calls, as long as the embedding makes the same of them. There is no
    ``sample_weight``, since a row of weight 2 would be one that comes twice.

    Buckets change with each key that is written, and keys are hashed by their principal directions.
    These are found anew, with all buckets, when as many keys were written as there were.

    References
    ----------
    .. [1] L. Kaiser, O. Nachum, A. Roy and S. Bengio, "Learning to remember rare events",
       ICLR 2017. :arxiv:`1703.03129`

    Examples
    --------
    >>> from sklearn_lsh.memory import LSHMemoryClassifier
    >>> memory = LSHMemoryClassifier(random_state=0)
    >>> memory.partial_fit([[1.0, 0.1], [0.0, 1.0]], ["east", "north"]).predict([[2.0, 0.0]])
    array(['east'], dtype='<U5')
    >>> memory.partial_fit([[-1.0, 0.0]], ["west"]).predict([[-3.0, 0.5], [0.1, 1.0]])
    array(['west', 'north'], dtype='<U5')
    """

    _parameter_constraints: ClassVar[dict] = {
        "n_slots": [Count(1, MOST - 1)],
        "n_neighbors": [Count()],
        "embedding": [HasMethods("transform"), None],
        "search": [StrOptions(SEARCHES)],
        "hash_function": [StrOptions(set(FAMILIES)), HashFamily],
        "n_bits": [AUTO, *HashFamily._parameter_constraints["n_bits"]],
        "n_tables": [AUTO, *HashFamily._parameter_constraints["n_tables"]],
        "age_noise": [Interval(Real, 0, MOST_NOISE, closed="both")],
        "key_weight": [Interval(Real, 0, None, closed="both")],
        "temperature": [Quantity(0, closed="neither")],
        "random_state": ["random_state"],
        "n_jobs": [None, Integral],
    }

    _store: Store
    _labels: Labels

    def __init__(
        self,
        n_slots: int = 8192,
        *,
        n_neighbors: int = 16,
        embedding: Any = None,
        search: str = "auto",
        hash_function: str | HashFamily = "simhash",
        n_bits: int | str = "auto",
        n_tables: int | str = "auto",
        age_noise: float = 8.0,
        key_weight: float = 1.0,
        temperature: float = 40.0,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_slots = n_slots
        self.n_neighbors = n_neighbors
        self.embedding = embedding
        self.search = search
        self.hash_function = hash_function
        self.n_bits = n_bits
        self.n_tables = n_tables
        self.age_noise = age_noise
        self.key_weight = key_weight
        self.temperature = temperature
        self.random_state = random_state
        self.n_jobs = n_jobs

    # Learning

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: MatrixLike, y: ArrayLike, **left_out: object) -> Self:
        """Learn samples in their order, with an empty memory at first.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, or whatever the embedding takes.
        y : array-like of shape (n_samples,)
            Their labels.
        **left_out : object
            Nothing: ``sample_weight`` is refused.

        Returns
        -------
        self : object
            The memory.

        Raises
        ------
        ValueError
            If a parameter, X or y is not valid, or a row is zero: it has no direction.
        TypeError
            If y has labels of several kinds.
        sklearn.exceptions.NotFittedError
            If the embedding is not fitted.
        """
        refuse_left_out(left_out)
        with draft_of(self) as draft:
            context = self._init_callback_context(max_subtasks=None)
            given: dict = {"estimator": self, "X": X, "y": y, "metadata": {}}
            rows, labels = draft._check(X, y, fresh=True)
            context.call_on_fit_task_begin(**given)
            for start in range(0, len(labels), ROWS_A_TASK):
                task = context.subcontext(task_name="rows")
                task.call_on_fit_task_begin(**given)
                draft._learn(rows, labels, slice(start, start + ROWS_A_TASK))
                if task.call_on_fit_task_end(**given, reconstruction_attributes=draft._snapshot):
                    break
            context.call_on_fit_task_end(**given, reconstruction_attributes=draft._snapshot)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: MatrixLike, y: ArrayLike, classes: object = None, **left_out: object
    ) -> Self:
        """Learn more samples. Their labels may be new.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,)
            Their labels.
        classes : object, default=None
            Ignored: labels are taken as they come. Others' ``partial_fit`` needs it.
        **left_out : object
            Nothing: ``sample_weight`` is refused.

        Returns
        -------
        self : object
            The memory. If the call is interrupted (Ctrl-C), it keeps the rows learnt so far.

        Raises
        ------
        ValueError, TypeError
            See `fit`; and if X has another number of features than before, or y labels of another
            kind. Nothing is learnt then.
        """
        refuse_left_out(left_out)
        self._learn_further(X, y, 1)
        return self

    def predict_then_learn(self, X: MatrixLike, y: ArrayLike) -> np.ma.MaskedArray:
        """Predict each sample before it is learnt: how well a stream would have been answered.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,)
            Their labels.

        Returns
        -------
        predictions : masked array of shape (n_samples,)
            Labels, masked where the memory was still empty.

        Raises
        ------
        ValueError, TypeError
            See `partial_fit`.
        """
        self._validate_params()
        found = self._learn_further(X, y, self.n_neighbors)
        numbers = rank_labels(found, self.temperature)[0][:, 0]
        is_missing = numbers == NONE
        names = self._labels.names_of(np.where(is_missing, 0, numbers))
        return np.ma.masked_array(names, mask=is_missing)

    def forget(self, labels: ArrayLike) -> Self:
        """Empty the slots of some labels.

        Parameters
        ----------
        labels : array-like of shape (n_labels,)
            Labels among ``classes_``.

        Returns
        -------
        self : object
            The memory. The other keys keep their ages and their order.

        Raises
        ------
        ValueError
            If a label is not among ``classes_``.
        """
        check_is_fitted(self)
        given = np.atleast_1d(self._labels.check(labels))
        numbers = self._labels.known(given)
        if len(numbers) < len(np.unique(given)):
            raise ValueError(f"labels must be among classes_, got {labels!r}.")
        with draft_of(self) as draft:
            draft._labels, renumbered = self._labels.without(numbers)
            draft._store = self._store.without(numbers, renumbered)
        return self

    # What is in it

    @property
    def keys_(self) -> np.ndarray:
        """Keys of the used slots."""
        keys = self._fitted("_store", "keys_").slots.keys[: self.n_used_]
        keys.flags.writeable = False
        return keys

    @property
    def labels_(self) -> np.ndarray:
        """Labels of the used slots."""
        slots = self._fitted("_store", "labels_").slots
        return self._labels.names_of(slots.labels[: slots.n_used])

    @property
    def ages_(self) -> np.ndarray:
        """Rows since each used slot was touched."""
        return self._fitted("_store", "ages_").slots.ages

    @property
    def n_used_(self) -> int:
        """Slots in use."""
        return self._fitted("_store", "n_used_").slots.n_used

    @property
    def classes_(self) -> np.ndarray:
        """Labels that were learnt and not forgotten, sorted."""
        return self._fitted("_labels", "classes_").sorted

    def __sklearn_is_fitted__(self) -> bool:
        """Tell whether there is a memory, be it empty."""
        return "_store" in vars(self)

    # How it is done

    def _fitted(self, part, name):
        if part not in vars(self):
            raise AttributeError(f"{type(self).__name__} has no {name!r} before it is fitted.")
        return vars(self)[part]

    def _check(self, X, y, *, fresh):
        """Check samples and number their labels; make an empty memory for them first if asked."""
        if fresh:
            self._labels = Labels()
        rows = check_vectors(self, X, reset=fresh)
        y = column_or_1d(y, warn=True)
        check_consistent_length(rows, y)
        assert_all_finite(y, input_name="y")
        y = self._labels.check(y)
        refuse_continuous(y)
        if fresh:
            self._store = self._make_store(rows.shape[1])
        self._check_width(rows)
        return rows, y

    def _make_store(self, n_dimensions):
        random_state = check_random_state(self.random_state)
        seed = int(random_state.randint(MOST))
        return Store(
            self.n_slots,
            n_dimensions,
            age_noise=self.age_noise,
            key_weight=self.key_weight,
            search=self.search,
            hashing=KeyHashing(self.hash_function, self.n_bits, self.n_tables, seed),
            random_state=copy.deepcopy(random_state),
        )

    def _learn_further(self, X, y, k):
        """Learn rows; whatever may go wrong is found out before the first is learnt."""
        if not self.__sklearn_is_fitted__():
            with draft_of(self) as draft:
                rows, y = draft._check(X, y, fresh=True)
                return draft._learn(rows, y, slice(None), k)
        self._validate_params()
        rows, y = self._check(X, y, fresh=False)
        return self._learn(rows, y, slice(None), k)

    def _learn(self, X, y, part, k=1) -> Found:
        rows = unit_rows(X, part)
        self._store.make_room(len(rows))  # before labels are numbered, which else had no slots
        most = min(self._store.n_slots, self.n_used_ + len(rows))
        return self._store.learn(rows, self._labels.numbers_of(y[part]), min(int(k), most))

    def _check_width(self, rows):
        if rows.shape[1] != self._store.n_dimensions:
            raise ValueError(
                f"embedding makes {rows.shape[1]} features of X, but keys_ have "
                f"{self._store.n_dimensions}."
            )

    def _snapshot(self):
        return copy.deepcopy(vars(self))

    def _check_stored(self):
        if not self.__sklearn_is_fitted__():
            return
        stored = Attributes(self)
        stored.part("_labels", Labels).check_stored()
        stored.part("_store", Store).check_stored(len(self._labels))
        if "n_features_in_" in vars(self):
            least = self._store.n_dimensions if self.embedding is None else 1
            most = least if self.embedding is None else MOST
            stored.integer("n_features_in_", least, most)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def refuse_continuous(y: np.ndarray) -> None:
    """Refuse numbers that are no classes. Each sample may be of a class of its own.

    Raises
    ------
    ValueError
        If there are fractions.
    """
    if y.dtype.kind == "f" and (y % 1 != 0).any():
        raise ValueError("Unknown label type: continuous. y must hold one class for each sample.")


def refuse_left_out(arguments: dict) -> None:
    """Refuse weights of samples, and say why.

    Raises
    ------
    TypeError
        If there are any arguments.
    """
    for name, value in arguments.items():
        if name == "sample_weight" and value is None:
            continue
        reason = (
            "the memory learns rows one by one, and one that counts twice is one that comes twice"
        )
        told = f": {reason}" if name == "sample_weight" else ""
        raise TypeError(f"{name} is not supported{told}.")
