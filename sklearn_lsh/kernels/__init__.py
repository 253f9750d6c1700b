"""Compiled loops over flat arrays, taken from the best variant for this processor.

Each source file of this folder is compiled once for every level of the processor
(``_v3_grouping`` is ``grouping.py`` for x86-64-v3), and is itself the plain Python
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

from numpy._core._multiarray_umath import __cpu_features__
from sklearn.exceptions import EfficiencyWarning

ENVIRONMENT_VARIABLE = "SKLEARN_LSH_KERNELS"
PYTHON = "python"

# The compiled variants, best first, and what each needs of the processor beyond those after
# it, in NumPy's names. Older NumPy versions know only some of the names.
_LEVELS = {
    "x86-64-v4": {"X86_V4", "AVX512_SKX"},
    "x86-64-v3": {"X86_V3", "AVX2", "FMA3", "F16C", "BMI", "BMI2", "LZCNT", "MOVBE"},
    "x86-64-v2": {"X86_V2", "SSE3", "SSSE3", "SSE41", "SSE42", "POPCNT"},
    "baseline": set(),
}


def _prefix(variant: str) -> str:
    """Return how the names of a variant's modules begin; empty for plain Python."""
    return "" if variant == PYTHON else f"_{variant.rpartition('-')[-1]}_"


def _find_built(modules: set[str]) -> tuple[str, ...]:
    """Return the variants that have a module among the names, best first."""
    return tuple(
        level for level in _LEVELS if any(name.startswith(_prefix(level)) for name in modules)
    )


def _find_supported() -> tuple[str, ...]:
    """Return the variants that this processor can run, best first, with plain Python last."""
    supported = [PYTHON]
    for level, features in reversed(_LEVELS.items()):
        if not all(__cpu_features__.get(name, True) for name in features):
            break
        supported.insert(0, level)
    return tuple(supported)


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
    if USABLE[0] == PYTHON:
        warnings.warn(
            "sklearn_lsh runs without compiled kernels, hundreds of times slower than with them,"
            f" because {os.path.dirname(__file__)} has none for this processor (built:"
            f" {', '.join(BUILT) or 'none'}). Install it where pip can use Pythran and a C++"
            " compiler, and import it from there. To use plain Python without this warning, set the"
            f" environment variable {ENVIRONMENT_VARIABLE}={PYTHON}.",
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


_modules = {module.name for module in iter_modules(__path__)}

SOURCES = tuple(sorted(name for name in _modules if not name.startswith("_")))
BUILT = _find_built(_modules)
SUPPORTED = _find_supported()
USABLE = tuple(variant for variant in SUPPORTED if variant in (*BUILT, PYTHON))
VARIANT = _choose(os.environ.get(ENVIRONMENT_VARIABLE, ""))

globals().update(load(VARIANT))
