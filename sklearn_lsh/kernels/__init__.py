"""Compiled loops over flat arrays, taken from the best variant for this processor.

Each source file of this folder is compiled once for every level of the processor that is
built (``_v3_grouping`` is ``grouping.py`` for x86-64-v3), and is itself the plain Python
reference under its own name. This module offers the exported functions of all of them,
from one variant: ``kernels.VARIANT``, the best that was built and that the processor
supports, or the one that the environment variable ``SKLEARN_LSH_KERNELS`` names.
"""

import os
import re
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from sklearn.exceptions import EfficiencyWarning

from ._levels import LEVELS, find_supported

ENVIRONMENT_VARIABLE = "SKLEARN_LSH_KERNELS"
PYTHON = "python"

# What kernels may be compiled for, best first; the last is all that other processors have.
_COMPILED = (*LEVELS, "baseline")


def _prefix(variant: str) -> str:
    """Return how the names of a variant's modules begin; empty for plain Python."""
    return "" if variant == PYTHON else f"_{variant.rpartition('-')[-1]}_"


def _find_built(modules: set[str]) -> tuple[str, ...]:
    """Return the variants that have a module among the names, best first."""
    return tuple(
        level for level in _COMPILED if any(name.startswith(_prefix(level)) for name in modules)
    )


def _choose(wanted: str) -> str:
    """Return the variant to use: the wanted one or, if that is empty, the best."""
    if wanted:
        if wanted not in USABLE:
            raise ValueError(
                f"The environment variable {ENVIRONMENT_VARIABLE} is {wanted!r}, but must be one"
                f" of {', '.join(USABLE)}: those built (all: {', '.join(BUILT) or 'none'})"
                f" that this processor runs (all: {', '.join(SUPPORTED)})."
            )
        return wanted
    if USABLE[0] == PYTHON and BUILT:
        raise ImportError(
            f"The kernels of sklearn_lsh in {os.path.dirname(__file__)} were built for another"
            f" processor ({', '.join(BUILT)}; this one runs {', '.join(SUPPORTED)}): an installation"
            " from source builds only what its own processor is best at. Install it on this machine"
            " (pip install --no-cache-dir --force-reinstall) or, once for all, with"
            " -Csetup-args=-Dlevels=v2,v3,v4. To use plain Python, hundreds of times slower, set the"
            f" environment variable {ENVIRONMENT_VARIABLE}={PYTHON}."
        )
    if USABLE[0] == PYTHON:
        warnings.warn(
            "sklearn_lsh runs without compiled kernels, hundreds of times slower than with them,"
            f" because {os.path.dirname(__file__)} has none. Install it where pip can use Pythran"
            " and a C++ compiler, and import it from there. To use plain Python without this"
            f" warning, set the environment variable {ENVIRONMENT_VARIABLE}={PYTHON}.",
            EfficiencyWarning,
            stacklevel=2,
        )
    return USABLE[0]


def _exports(source: str) -> list[str]:
    """Return the names of the functions that a source file exports."""
    name = f"{__name__}.{source}"
    text = find_spec(name).loader.get_source(name)
    return re.findall(r"^# *pythran export +(\w+)", text, flags=re.MULTILINE)


def load(variant: str) -> dict[str, Callable]:
    """Return all kernels of a variant by name.

    Parameters
    ----------
    variant : str
        One of ``BUILT`` that is also in ``SUPPORTED``, or ``"python"``.

    Returns
    -------
    functions : dict of str to callable
        The same names for every variant.
    """
    functions = {}
    for source in SOURCES:
        module = import_module(f"{__name__}.{_prefix(variant)}{source}")
        functions |= {name: getattr(module, name) for name in _exports(source)}
    return functions


if TYPE_CHECKING:  # the kernels, which no type checker finds in globals()

    def __getattr__(name: str) -> Callable[..., Any]: ...


_modules = {module.name for module in iter_modules(__path__)}

SOURCES = tuple(sorted(name for name in _modules if not name.startswith("_")))
BUILT = _find_built(_modules)
SUPPORTED = (*find_supported(), "baseline", PYTHON)
USABLE = tuple(variant for variant in SUPPORTED if variant in (*BUILT, PYTHON))
VARIANT = _choose(os.environ.get(ENVIRONMENT_VARIABLE, ""))

globals().update(load(VARIANT))
