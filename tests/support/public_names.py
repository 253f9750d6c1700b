"""The public classes and functions, as the documentation finds them."""

import importlib
import sys
from pathlib import Path

import pytest

EXTENSIONS = Path(__file__).parents[2] / "docs" / "_ext"


def public_names():
    """Yield each as a parameter of a test, which has its name."""
    sys.path.insert(0, str(EXTENSIONS))
    try:
        reference = importlib.import_module("reference")
    finally:
        sys.path.remove(str(EXTENSIONS))
    for _, module in reference.existing_modules():
        for name in reference.public_names(module):
            yield pytest.param(getattr(module, name), id=f"{module.__name__}.{name}")
