"""Labels in the order in which they came, and numbers of them."""

from __future__ import annotations

import numpy as np

from sklearn_lsh.inputs import check_same_kind, read_labels
from sklearn_lsh.stored import Attributes


class Labels:
    """Labels that were seen: numbers or strings, and more at any time.

    Attributes
    ----------
    names : list
        Labels by their numbers.
    dtype : dtype or None
        Type that holds all of them. None before the first.
    """

    def __init__(self):
        self._take([], None)

    def _take(self, names, dtype):
        self.names, self.dtype = names, dtype
        self._numbers = {name: number for number, name in enumerate(names)}
        self._order = None

    def __len__(self):
        return len(self.names)

    def check(self, y) -> np.ndarray:
        """Return labels as an array; refuse those of another kind than before.

        Raises
        ------
        TypeError
            If there are labels of several kinds.
        ValueError
            If no common type tells all of them apart.
        """
        y = read_labels(y, "y")
        if self.dtype is not None:
            check_same_kind(y, "y", np.empty(0, self.dtype), "earlier calls")
            common = np.result_type(y.dtype, self.dtype)
            if common.kind == "f" and "f" not in (y.dtype.kind, self.dtype.kind):
                raise ValueError(
                    f"y has labels of type {y.dtype}, which cannot be told apart from those of "
                    f"earlier calls, of type {self.dtype}, in a common type."
                )
        return y

    def numbers_of(self, y: np.ndarray) -> np.ndarray:
        """Number labels that were checked; new ones get the next numbers.

        Returns
        -------
        numbers : ndarray of shape (n_samples,), dtype=int32
        """
        self.dtype = y.dtype if self.dtype is None else np.result_type(y.dtype, self.dtype)
        labels, first, inverse = np.unique(y, return_index=True, return_inverse=True)
        names = labels.tolist()
        for place in np.argsort(first):  # in the order of rows, whatever came together
            name = names[place]
            if name not in self._numbers:
                self._numbers[name] = len(self.names)
                self.names.append(name)
                self._order = None
        numbers = [self._numbers[name] for name in names]
        return np.array(numbers, np.int32)[inverse]

    def known(self, y: np.ndarray) -> np.ndarray:
        """Return the numbers of those labels that were seen."""
        numbers = (self._numbers.get(name) for name in np.unique(y).tolist())
        return np.array([number for number in numbers if number is not None], np.int32)

    def names_of(self, numbers: np.ndarray) -> np.ndarray:
        """Return the labels of numbers: an array of the same shape."""
        names = [self.names[number] for number in numbers.ravel().tolist()]
        return np.array(names, dtype=self.dtype).reshape(numbers.shape)

    @property
    def sorted(self) -> np.ndarray:
        """All labels, sorted."""
        return self._sorted()[0]

    @property
    def places(self) -> np.ndarray:
        """Where each label, by its number, stands among the sorted ones."""
        return self._sorted()[1]

    def _sorted(self):
        if self._order is None:
            names = np.array(self.names, dtype=self.dtype)
            order = np.argsort(names, kind="stable")
            places = np.empty(len(order), np.int64)
            places[order] = np.arange(len(order))
            self._order = names[order], places
        return self._order

    def without(self, numbers: np.ndarray) -> tuple[Labels, np.ndarray]:
        """Labels but for those of some numbers, and what the numbers of the others become."""
        kept = np.setdiff1d(np.arange(len(self)), numbers)
        renumbered = np.full(len(self), -1, np.int32)
        renumbered[kept] = np.arange(len(kept))
        labels = Labels()
        labels._take([self.names[number] for number in kept], self.dtype)
        return labels, renumbered

    def __getstate__(self):
        """Everything in an array."""
        return {"names": np.array(self.names, dtype=self.dtype)}

    def __setstate__(self, state):
        vars(self).update(state)

    def __deepcopy__(self, memo):
        """The same labels in lists of their own."""
        labels = Labels()
        labels._take(self.names.copy(), self.dtype)
        return labels

    def check_stored(self) -> None:
        """Check what was loaded, and take it over."""
        stored = Attributes(self)
        names = stored.part("names", np.ndarray)
        is_list = names.ndim == 1 and names.dtype.kind in "biufUT"
        stored.require(is_list, "names", "a list of numbers or strings")
        names = read_labels(names, "Labels.names")
        stored.require(len(np.unique(names)) == len(names), "names", "different labels")
        self._take(names.tolist(), names.dtype if len(names) else None)
