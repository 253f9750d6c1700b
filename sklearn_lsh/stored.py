"""What comes from a file is checked before a kernel sees it.

Kernels check nothing, and files may be damaged, changed by others or written by another version.
This is the one place of the rule: what users save is `Stored`, and checks all that it is made of
when pickle, joblib or skops hand over its attributes: types, shapes, ranges of indices, and that
parts fit together. Only then may the object be used at all.

Arrays come out as kernels read them: contiguous, aligned, in the processor's byte order. They may
stay mapped to their file: nothing is written to a loaded array, because calls that change an object
work on a draft (`sklearn_lsh.draft`).
"""

from __future__ import annotations

import copy
from numbers import Integral, Real
from typing import Any, NoReturn, Self

import numpy as np
from scipy.sparse import csr_array

# Greatest integer that is taken for a number of something: kernels count in 32 bits, signed.
MOST = 2**31 - 1
# Numbers that NumPy's Mersenne Twister draws at a time. Where it stands among them it stores
# itself, and reads beyond them if it is told so.
MERSENNE_STATE = 624

# Characters of a value that are shown in messages.
MOST_SHOWN = 100


class Stored:
    """Mixin of what users save: checked once when it is loaded. To be named before other bases.

    Copies in memory, shallow and deep, are of what was checked already, and cost nothing more.
    """

    def _check_stored(self) -> None:
        """Check all attributes; raise ValueError or TypeError if there is anything wrong."""
        raise NotImplementedError

    def __setstate__(self, state) -> None:
        if not isinstance(state, dict):
            raise TypeError(f"{type(self).__name__} is stored as a dictionary, got {state!r}.")
        getattr(super(), "__setstate__", vars(self).update)(state)
        for name, value in state.items():
            check_generator(f"{type(self).__name__}.{name}", value)
        self._check_stored()

    def __copy__(self) -> Self:
        twin = type(self).__new__(type(self))
        vars(twin).update(vars(self))
        return twin

    def __deepcopy__(self, memo) -> Self:
        twin = type(self).__new__(type(self))
        memo[id(self)] = twin
        vars(twin).update(copy.deepcopy(vars(self), memo))
        return twin


class Attributes:
    """Attributes of an object that was loaded, checked as they are read.

    Parameters
    ----------
    owner : object
        Whose attributes they are. Arrays are put back as kernels read them.
    """

    def __init__(self, owner):
        self.owner = owner

    def place(self, name: str) -> str:
        """Name an attribute in messages."""
        return f"{type(self.owner).__name__}.{name}"

    def get(self, name: str) -> Any:
        """Return what is there, which must not be missing."""
        if name not in vars(self.owner):
            refuse(self.place(name), "there", "nothing")
        return vars(self.owner)[name]

    def require(self, condition, name: str, what: str) -> None:
        """Refuse the attribute unless a condition holds."""
        if not condition:
            refuse(self.place(name), what, self.get(name))

    def part(self, name: str, *kinds: type) -> Any:
        """Return an object of one of some types."""
        value = self.get(name)
        names = " or ".join(kind.__name__ for kind in kinds)
        self.require(isinstance(value, kinds), name, f"of type {names}")
        return value

    def one_of(self, name: str, allowed) -> Any:
        """Return one of some values, which are strings or None."""
        value = self.get(name)
        known = value is None or isinstance(value, str)
        self.require(known and value in allowed, name, f"one of {list(allowed)}")
        return value

    def flag(self, name: str) -> bool:
        """Return a truth value."""
        return bool(self.part(name, bool, np.bool_))

    def integer(self, name: str, least: int = 0, most: int = MOST) -> int:
        """Return an integer in a range."""
        value = self.get(name)
        self.require(is_integer(value, least, most), name, f"an integer from {least} to {most}")
        return int(value)

    def number(self, name: str, least: float = -np.inf, most: float = np.inf) -> float:
        """Return a finite number in a range."""
        value = self.get(name)
        self.require(is_number(value, least, most), name, f"a number from {least} to {most}")
        return float(value)

    def array(self, name: str, dtype, shape: tuple, **conditions) -> np.ndarray:
        """Return an array as kernels read it, see `check_array`, and put it back."""
        array = check_array(self.place(name), self.get(name), dtype, shape, **conditions)
        setattr(self.owner, name, array)
        return array

    def sparse(self, name: str, shape: tuple, dtype=np.float32) -> csr_array:
        """Return a csr_array of finite values; None in a shape is any length."""
        matrix = self.part(name, csr_array)
        fits = all(n in (None, length) for n, length in zip(shape, matrix.shape, strict=True))
        self.require(fits, name, f"of shape {shape}")
        try:
            matrix.check_format(full_check=True)
        except (ValueError, TypeError, IndexError) as error:
            raise ValueError(f"{self.place(name)} is not as it was saved: {error}") from error
        is_right = matrix.dtype == dtype and np.isfinite(matrix.data).all()
        self.require(is_right, name, f"of finite {np.dtype(dtype)}")
        return matrix


def refuse(place: str, what: str, value: object) -> NoReturn:
    """Raise the error of an attribute that is not as it was saved."""
    if isinstance(value, np.ndarray):
        got = f"{value.dtype} of shape {value.shape}"
    elif value is None or isinstance(value, (str, bool, Real)):
        got = repr(value)[:MOST_SHOWN]
    else:  # others may not be fit for being printed
        got = f"an object of type {type(value).__name__}"
    raise ValueError(
        f"{place} must be {what}, got {got}. It is not as it was saved: the file was damaged or "
        "changed, or is of another version."
    )


def is_integer(value: Any, least: int, most: int) -> bool:
    """Whether a value is an integer in a range."""
    is_integral = isinstance(value, Integral) and not isinstance(value, bool)
    return is_integral and least <= int(value) <= most


def is_number(value: Any, least: float, most: float) -> bool:
    """Whether a value is a finite number in a range."""
    is_real = isinstance(value, Real) and not isinstance(value, bool)
    return is_real and bool(np.isfinite(float(value))) and least <= value <= most


def check_array(
    place: str,
    array,
    dtype,
    shape: tuple,
    *,
    least=None,
    below=None,
    finite: bool = False,
) -> np.ndarray:
    """Return a loaded array as kernels read it.

    Parameters
    ----------
    place : str
        What messages call it.
    array : object
        What was loaded.
    dtype : dtype
        In any byte order.
    shape : tuple of (int or None)
        None is any length.
    least, below : int, default=None
        The range of its values; negative ones are out of a range that has an end only.
    finite : bool, default=False
        Whether NaN and infinity are refused.

    Returns
    -------
    array : ndarray
        The same where possible, else a copy.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    dtype = np.dtype(dtype)
    if not isinstance(array, np.ndarray) or array.dtype.newbyteorder("=") != dtype:
        refuse(place, f"an array of {dtype}", array)
    if len(array.shape) != len(shape) or any(
        wanted not in (None, length) for wanted, length in zip(shape, array.shape, strict=True)
    ):
        refuse(place, f"of shape {shape}", array)
    array = np.require(np.asarray(array), dtype, ["C", "A"])
    if array.size == 0:
        return array
    if below is not None or least is not None:
        least = 0 if least is None else least
        lowest, highest = array.min(), array.max()
        if not (lowest >= least and (below is None or highest < below)):
            end = "" if below is None else f" and less than {below}"
            refuse(place, f"of values from {least}{end}", f"{lowest} to {highest}")
    # Extremes instead of `isfinite(array)`, which is an array of the same shape.
    if finite and not np.isfinite([array.min(), array.max()]).all():
        refuse(place, "finite", "NaN or infinity")
    return array


def check_pointers(place: str, indptr, n_rows: int, n_entries: int) -> np.ndarray:
    """Return the loaded ``indptr`` of ragged rows, which hold so many entries together."""
    indptr = check_array(place, indptr, np.uint32, (n_rows + 1,))
    if indptr[0] != 0 or indptr[-1] != n_entries or (indptr[1:] < indptr[:-1]).any():
        refuse(place, f"from 0 to {n_entries}, never less than before", indptr)
    return indptr


def check_generator(place: str, value) -> None:
    """Refuse a generator of random numbers that would read beyond its state; pass over others."""
    if isinstance(value, np.random.RandomState):
        state = value.get_state(legacy=False)["state"]
        if not 0 <= state.get("pos", 0) <= MERSENNE_STATE:
            refuse(place, f"a generator that stands from 0 to {MERSENNE_STATE}", state["pos"])
