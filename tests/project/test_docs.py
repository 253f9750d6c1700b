"""The documentation: its Python runs, and every public name has an example that runs."""

import doctest
import inspect
import re
import sys
from pathlib import Path

import pytest

from sklearn_lsh import datasets
from sklearn_lsh.datasets import copies

from ..support.public_names import public_names

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [DOCS / "index.md", *sorted(DOCS.glob("user_guide/*.md"))]
# What pages show and tests need not have.
OPTIONAL = {
    *("matplotlib", "onnx", "onnxruntime", "rich", "simple_icd_10_cm", "skl2onnx", "skops"),
    *("dask", "distributed", "torch"),
}
# The example of a base class is one of its subclasses.
WITHOUT_EXAMPLE = {"HashFamily"}
# Data that the examples of functions read: a package, or a folder that has to be there.
PACKAGES = {
    "ParquetBlocks": "pyarrow",
    "load_icd10cm": "simple_icd_10_cm",
    "load_lemmas": "spacy_lookups_data",
}
FOLDERS = {
    "fetch_mnist": "fashion-mnist",
    "load_uci": "uci/bike",
    "load_wordnet": "wordnet",
    "fetch_omniglot": "omniglot",
    "fetch_omniglot_runs": "omniglot",
}
# Findings of numpydoc that are let be. Every public name has to have an example, of which the
# other test sees; the rest is where this package's docstrings follow another habit.
ACCEPTED = {
    "ES01": "A summary that says all needs no more sentences.",
    "EX01": "The example of a method is its class's.",
    "RT02": "What is returned has a name, as in scikit-learn.",
    "SA01": "What could be seen also is in the user guide.",
    "SS05": "Plurals (Codes of ...) are taken for verbs.",
}


# What a page shows as Python: lines of its own, or those of a file that it includes.
SHOWN = re.compile(
    r"^```(?:python\n(?P<lines>.*?)|\{literalinclude\} (?P<file>\S+\.py)\n.*?)^```", re.M | re.S
)


def python_blocks(page):
    return [
        shown["lines"] or (page.parent / shown["file"]).read_text()
        for shown in SHOWN.finditer(page.read_text())
    ]


def few_diagnoses(load=datasets.load_icd10cm):
    """An eighth of the texts: enough to see that lines run. The gallery trains on all."""
    return tuple(array[::8] for array in load())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "page", [page for page in PAGES if python_blocks(page)], ids=lambda page: page.stem
)
def test_pages(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    if page.stem == "index":  # the only one that takes all of them
        monkeypatch.setattr(datasets, "load_icd10cm", few_diagnoses)
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


@pytest.mark.parametrize("public", list(public_names()))
def test_examples_of_public_names(public):
    if "inspection" in public.__module__:
        pytest.importorskip("matplotlib").use("agg")
    if public.__name__ in PACKAGES:
        pytest.importorskip(PACKAGES[public.__name__])
    if public.__name__ in FOLDERS and copies.find_folder(FOLDERS[public.__name__]) is None:
        pytest.skip(f"no copy of {FOLDERS[public.__name__]}")
    tests = [test for test in doctest.DocTestFinder().find(public, globs={}) if test.examples]
    has_example = any(test.name == public.__name__ for test in tests)
    assert has_example or public.__name__ in WITHOUT_EXAMPLE
    for test in tests:
        runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
        assert runner.run(test).failed == 0
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def members(public):
    """Paths of a public name and, of a class, of its methods and properties from this package."""
    path = f"{public.__module__}.{public.__name__}"
    yield path
    for name, value in inspect.getmembers(public) if inspect.isclass(public) else []:
        function = value.fget if isinstance(value, property) else value
        if name[0] != "_" and getattr(function, "__module__", "").startswith("sklearn_lsh"):
            yield f"{path}.{name}"


@pytest.mark.parametrize("public", list(public_names()))
def test_docstrings_are_valid(public):
    validate = pytest.importorskip("numpydoc.validate").validate
    for path in members(public):
        findings = [error for error in validate(path)["errors"] if error[0] not in ACCEPTED]
        assert not findings, path


def test_gallery_has_every_example():
    names = {path.name for path in (DOCS.parent / "examples").glob("plot_*.py")}
    order = (DOCS / "_ext" / "gallery.py").read_text()
    assert set(re.findall(r'"(plot_\w+\.py)"', order)) <= names
