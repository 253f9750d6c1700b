"""Objects of this package as JSON and arrays, and back, without running code from a file.

Written are plain values, NumPy's arrays and generators, CSR arrays, and objects of classes of this
package by the name of their class and their attributes. What two of them share they share again
when they are read. Reading makes objects of this package's classes only, and calls none of their
methods: whoever reads checks them (`sklearn_lsh.stored`).
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from scipy.sparse import csr_array

PACKAGE = "sklearn_lsh."
PLAIN = (bool, int, float, str)


class Encoder:
    """Turns objects into a table of entries that JSON can hold, and arrays by their names.

    Attributes
    ----------
    entries : list of list
        Each has a kind and what belongs to it, in which ``{"at": i}`` stands for another entry.
    arrays : dict of str to ndarray
    """

    def __init__(self) -> None:
        self.entries: list[list] = []
        self.arrays: dict[str, np.ndarray] = {}
        self._places: dict[int, int] = {}
        self._alive: list[Any] = []  # lest a number of `id` is given twice

    def encode(self, value):
        """Return a value as JSON has it: itself, if it is plain, or the place of its entry."""
        if value is None or type(value) in PLAIN:
            return value
        if id(value) not in self._places:
            self._alive.append(value)
            place = self._places[id(value)] = len(self.entries)
            self.entries.append([])
            self.entries[place] = self._entry(value, f"a{place}")
        return {"at": self._places[id(value)]}

    def _entry(self, value, name: str) -> list:
        kind = type(value)
        if isinstance(value, np.generic):
            self.arrays[name] = np.asarray(value)
            return ["scalar", name]
        if isinstance(value, np.ndarray):
            return self._array(value, name)
        if kind in (list, tuple, set, frozenset):
            return [kind.__name__, [self.encode(each) for each in value]]
        if kind is dict:
            return ["dict", [[self.encode(key), self.encode(each)] for key, each in value.items()]]
        if kind is csr_array:
            arrays = [self.encode(each) for each in (value.data, value.indices, value.indptr)]
            return ["csr", arrays, list(map(int, value.shape))]
        if kind is np.random.RandomState:
            return ["RandomState", self.encode(value.get_state(legacy=False))]
        if kind.__module__.startswith(PACKAGE):
            where = [kind.__module__, kind.__qualname__]
            if issubclass(kind, tuple):
                return ["named", where, [self.encode(each) for each in value]]
            parts = [[key, self.encode(each)] for key, each in vars(value).items()]
            return ["object", where, parts]
        raise TypeError(
            f"A checkpoint cannot have an object of type {kind.__module__}.{kind.__qualname__}: "
            "only those of this package, of NumPy and of SciPy are read without running code."
        )

    def _array(self, value, name: str) -> list:
        if value.dtype.hasobject:
            return ["objects", [self.encode(each) for each in value.ravel()], list(value.shape)]
        self.arrays[name] = value
        return ["array", name]


class Decoder:
    """Makes objects of what an `Encoder` made of them.

    Parameters
    ----------
    entries : list of list
    arrays : mapping of str to ndarray
    """

    def __init__(self, entries, arrays) -> None:
        self._entries, self._arrays = entries, arrays
        self._made: dict[int, Any] = {}

    def decode(self, value):
        """Return what a value stands for.

        Raises
        ------
        ValueError
            If it is not as it was written.
        """
        if value is None or type(value) in PLAIN:
            return value
        place = value["at"]
        if place not in self._made:
            self._make(place, *self._entries[place])
        return self._made[place]

    def _make(self, place: int, kind: str, *rest) -> None:
        """Make an entry's object: known before what it has is made, which may have it in turn."""
        makers = {
            "scalar": lambda name: self._arrays[name][()],
            "array": self._arrays.__getitem__,
            "objects": self._objects,
            "tuple": lambda parts: tuple(map(self.decode, parts)),
            "set": lambda parts: set(map(self.decode, parts)),
            "frozenset": lambda parts: frozenset(map(self.decode, parts)),
            "csr": self._csr,
            "RandomState": self._generator,
            "named": lambda name, parts: find_class(name)._make(map(self.decode, parts)),
        }
        if kind in makers:
            self._made[place] = makers[kind](*rest)
        elif kind == "list":
            made: Any = []
            self._made[place] = made
            made.extend(map(self.decode, rest[0]))
        elif kind == "dict":
            self._made[place] = made = {}
            made.update((self.decode(key), self.decode(each)) for key, each in rest[0])
        elif kind == "object":
            self._made[place] = made = object.__new__(find_class(rest[0]))
            made.__dict__.update((key, self.decode(each)) for key, each in rest[1])
        else:
            raise ValueError(f"there is no kind of object {kind!r}.")

    def _objects(self, parts, shape) -> np.ndarray:
        array = np.empty(len(parts), object)
        array[:] = [self.decode(part) for part in parts]
        return array.reshape(shape)

    def _csr(self, parts, shape) -> csr_array:
        return csr_array(tuple(self.decode(part) for part in parts), shape=shape)

    def _generator(self, state) -> np.random.RandomState:
        generator = np.random.RandomState()
        generator.set_state(self.decode(state))
        return generator


def find_class(name) -> Any:
    """Find a class of this package by its module and name.

    Raises
    ------
    ValueError
        If there is none in a module that is loaded.
    """
    module, qualname = name
    found = None
    if module.startswith(PACKAGE):
        found = vars(sys.modules.get(module, object)).get(qualname)
    if not isinstance(found, type) or found.__module__ != module:
        raise ValueError(f"there is no class {qualname!r} in {module!r}.")
    return found
