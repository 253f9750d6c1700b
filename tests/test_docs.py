"""The documentation: its Python runs, and every public name has an example that runs."""

import doctest
import importlib
import re
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = [DOCS / "index.md", *sorted(DOCS.glob("user_guide/*.md"))]
# What pages show and tests need not have.
OPTIONAL = {
    *("matplotlib", "onnx", "onnxruntime", "rich", "simple_icd_10_cm", "skl2onnx", "skops"),
    "torch",
}
# Public names whose docstring has no example: they need data that a test has not.
WITHOUT_EXAMPLE = {
    *("fetch_mnist", "load_icd10cm", "load_lemmas", "load_uci", "load_wordnet"),
    "split_keeping_classes",
    *("DWTA", "HashFamily", "LSHTables", "SimHash"),
}


def python_blocks(page):
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), flags=re.M | re.S)


@pytest.mark.filterwarnings(
    "ignore:Maximum iterations:sklearn.exceptions.ConvergenceWarning", "ignore::DeprecationWarning"
)
@pytest.mark.parametrize(
    "page", [page for page in PAGES if python_blocks(page)], ids=lambda page: page.stem
)
def test_pages(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    names = {}
    for block in python_blocks(page):
        try:
            exec(compile(block, page.name, "exec"), names)
        except ModuleNotFoundError as error:
            if error.name.partition(".")[0] not in OPTIONAL:
                raise
            pytest.skip(f"{error.name} is not installed")
        finally:
            if "matplotlib.pyplot" in sys.modules:
                sys.modules["matplotlib.pyplot"].close("all")


def public_names():
    sys.path.insert(0, str(DOCS / "_ext"))
    try:
        reference = importlib.import_module("reference")
    finally:
        sys.path.remove(str(DOCS / "_ext"))
    for _, module in reference.existing_modules():
        for name in reference.public_names(module):
            yield pytest.param(getattr(module, name), id=f"{module.__name__}.{name}")


@pytest.mark.parametrize("public", list(public_names()))
def test_examples_of_public_names(public, monkeypatch):
    if "inspection" in public.__module__:
        pytest.importorskip("matplotlib").use("agg")
    tests = [test for test in doctest.DocTestFinder().find(public, globs={}) if test.examples]
    has_example = any(test.name == public.__name__ for test in tests)
    assert has_example or public.__name__ in WITHOUT_EXAMPLE
    for test in tests:
        runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
        assert runner.run(test).failed == 0
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def test_gallery_has_every_example():
    names = {path.name for path in (DOCS.parent / "examples").glob("plot_*.py")}
    order = (DOCS / "_ext" / "gallery.py").read_text()
    assert set(re.findall(r'"(plot_\w+\.py)"', order)) <= names
