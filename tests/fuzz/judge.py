"""Calls of public functions, and what is expected of each of them.

A call answers with a right result, or it refuses: a `ValueError` or `TypeError` whose message
names a parameter or an attribute, within seconds, and with everything as it was before: the
object whose method was called, and what was handed in.
"""

import copyreg
import inspect
import io
import pickle
import re
import signal
from collections import Counter
from functools import cache

import numpy as np
import scipy.sparse as sp

# Seconds of processor time after which a call hangs; and of any time, on a busy machine.
LIMIT = {signal.ITIMER_PROF: 20, signal.ITIMER_REAL: 300}
# What a call answers that refused.
REFUSED = object()
# Errors of scikit-learn's own checks are worded as everywhere.
CHECKS_OF_SKLEARN = ("sklearn/utils/", "sklearn/metrics/")
# Where the arrays of a sparse matrix may be.
SPARSE_PARTS = ("data", "indices", "indptr", "coords", "offsets", "rows", "_dict")


class Finding(AssertionError):
    """Something that should not be."""


class Caller:
    """Makes the calls of one case, and judges them.

    Attributes
    ----------
    rng : numpy.random.Generator
        All chance of the case.
    calls, refusals : Counter
        How often each function was called, and how often it refused.
    """

    def __init__(self, rng, verbose=False):
        self.rng, self.verbose = rng, verbose
        self.calls, self.refusals = Counter(), Counter()
        self.latest = None

    def __call__(self, function, *args, refuse=False, allow=(), place="", **kwargs):
        """Call a function; return what it returns, or `REFUSED`.

        Parameters
        ----------
        refuse : bool
            Whether nothing but an error is right.
        allow : tuple of exceptions
            Others that are right, such as `OSError` for files.
        place : str
            An expression for what a message may name in place of a parameter.
        """
        self.latest = name = function.__qualname__
        self.calls[name] += 1
        if self.verbose:
            given = [describe(value) for value in args]
            given += [f"{key}={describe(value)}" for key, value in kwargs.items()]
            print(f"{name}({', '.join(given)})", "must refuse" if refuse else "", flush=True)
        owner = getattr(function, "__self__", None)
        before = state_of(owner), [snapshot(value) for value in (*args, *kwargs.values())]
        result = self._result(function, args, kwargs, allow, place)
        if before[1] != [snapshot(value) for value in (*args, *kwargs.values())]:
            raise Finding("what was handed in has changed")
        if result is REFUSED:
            self.refusals[name] += 1
            if before[0] != state_of(owner):
                raise Finding(f"the object has changed, though the call was refused: {self.error}")
        elif refuse:
            raise Finding("what is wrong was accepted")
        return result

    def _result(self, function, args, kwargs, allow, place):
        try:
            with Limit():
                return function(*args, **kwargs)
        except (ValueError, TypeError) as error:
            self.error = f"{type(error).__name__}: {error}"
            if self.verbose:
                print("   ", self.error[:300], flush=True)
            is_named = names_of(function).search(str(error)) or (
                place and re.search(place, str(error))
            )
            if not (is_of_sklearn(error) or is_named):
                raise Finding(f"names no parameter: {self.error}") from error
        except allow as error:
            self.error = f"{type(error).__name__}: {error}"
        except Exception as error:
            raise Finding(f"a foreign error: {type(error).__name__}: {error}") from error
        return REFUSED

    def pick(self, values):
        """One of several values, or of a table's keys."""
        values = list(values)
        return values[self.rng.integers(len(values))]

    def chance(self, p):
        """True with this probability."""
        return self.rng.random() < p


class Limit:
    """The process ends by a signal, wherever it is, if what is done takes too long."""

    def __enter__(self):
        for timer, seconds in LIMIT.items():
            signal.setitimer(timer, seconds)

    def __exit__(self, *error):
        for timer in LIMIT:
            signal.setitimer(timer, 0)


def expect(condition, what):
    """Complain unless a condition holds."""
    if not condition:
        raise Finding(what)


def is_of_sklearn(error):
    """Whether scikit-learn's checks raised an error, called by our code."""
    files, frame = [], error.__traceback__
    while frame is not None:
        files.append(frame.tb_frame.f_code.co_filename)
        frame = frame.tb_next
    inner = files[max((i for i, file in enumerate(files) if "sklearn_lsh" in file), default=0) :]
    return any(part in file for file in inner for part in CHECKS_OF_SKLEARN)


def names_of(function):
    """An expression that finds names of parameters and attributes in a message."""
    owner = getattr(function, "__self__", None)
    names = owner.get_params() if hasattr(owner, "get_params") else ()
    owner = function if inspect.isclass(function) else type(owner)
    return _names(getattr(function, "__func__", function), owner, frozenset(names))


@cache
def _names(function, owner, names):
    # Parameters of a part stand as `part__name` in `set_params`, and without it in messages.
    names = {part for name in names for part in (name, name.rpartition("__")[2])}
    names |= set(inspect.signature(function).parameters)
    if owner is not type(None):
        names |= set(inspect.signature(owner).parameters)
    names -= {"self", "args", "kwargs"}
    return re.compile(rf"\b({'|'.join(map(re.escape, sorted(names)))}|\w+_)\b(?!\()")


def state_of(owner):
    """All that an object knows, but for its generators of random numbers."""
    if owner is None or inspect.ismodule(owner) or inspect.isclass(owner):
        return None
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer, protocol=5)
    pickler.dispatch_table = copyreg.dispatch_table | {
        np.random.RandomState: lambda rng: (str, ("rng",))
    }
    pickler.dump(vars(owner))
    return buffer.getvalue()


def snapshot(value):
    """What can be compared of an argument."""
    if isinstance(value, np.ndarray):
        data = repr(value.tolist()) if value.dtype.hasobject else value.tobytes()
        return value.shape, value.dtype.str, data
    if sp.issparse(value):
        return [snapshot(getattr(value, part, None)) for part in SPARSE_PARTS]
    if isinstance(value, (list, tuple)) and any(isinstance(part, np.ndarray) for part in value):
        return [snapshot(part) for part in value]
    if isinstance(value, (list, dict, tuple, str, bytes, int, float)):
        return repr(value)
    return None


def describe(value):
    """Write down an argument, so that one sees what is strange about it."""
    if isinstance(value, np.ndarray):
        flags = ("C", value.flags.c_contiguous), ("W", value.flags.writeable)
        marks = "".join(mark for mark, has in flags if has)
        shown = np.array2string(value, threshold=12, edgeitems=2).replace("\n", "")
        return f"array({shown[:80]}, {value.dtype.str}, {value.shape}, {marks})"
    if sp.issparse(value):
        parts = [f"{part}={getattr(value, part, None)}" for part in SPARSE_PARTS]
        parts = [part.replace("\n", "") for part in parts if not part.endswith("None")]
        return f"{type(value).__name__}({', '.join(parts)[:160]}, {value.shape})"
    return repr(value).replace("\n", "")[:160]
