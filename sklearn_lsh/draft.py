"""Calls that change an object succeed, or leave it as it was.

This is the one place of that rule. A call works on a draft, a copy of which the object takes over
all attributes at once when the call has succeeded. Whatever goes wrong before (a refused X, an
error in a callback, memory that ends) changes the draft alone. Threads that use the object
meanwhile see it as it was before the call.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def draft_of(original: T, deep: Iterable[str] = ()) -> Iterator[T]:
    """Yield a copy of an object to be changed, and take it over if there is no error.

    Parameters
    ----------
    original : object
    deep : iterable of str
        Attributes that are changed in place, and therefore copied, too. Others are only replaced.
    """
    draft = copy.copy(original)
    for name in deep:
        setattr(draft, name, copy.deepcopy(getattr(original, name)))
    had = set(vars(draft))
    yield draft
    vars(original).update(vars(draft))
    for name in had - vars(draft).keys():
        delattr(original, name)
