"""The page "How it works" is true: the way that it describes is taken, and its files are there."""

import re
import traceback
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import sklearn_lsh
from sklearn_lsh import LSHMLPClassifier, kernels

from .test_imports import ROOMS

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "sklearn_lsh"
# Where the package is that the tests run with.
INSTALLED = Path(sklearn_lsh.__file__).parent
PAGES = [ROOT / "docs" / name for name in ("how_it_works.md", "contributing.md")]
# Rooms that stand beside the others, for all of them.
BESIDE = {"inputs", "csr", "threads"}


class Stop(NamedTuple):
    """A function, and the file of the package that it stands in."""

    function: str
    file: str


def documented_stops():
    """For each stop of the documented way those that it names, the last one in the kernels."""
    lines = PAGES[0].read_text().partition("## A row's way")[2].partition("\n## ")[0]
    for item in re.split(r"^\d\. ", lines, flags=re.M)[1:]:
        yield [Stop(*found) for found in re.findall(r"`(?:\w+\.)?(\w+)` in\s`([\w/]+\.py)`", item)]


def test_names_on_the_page_are_there():
    text = PAGES[0].read_text().partition("## A row's way")[2].partition("\n## The rooms")[0]
    sources = "\n".join(path.read_text() for path in SOURCES.rglob("*.py"))
    for name in re.findall(r"`(?:\w+\.)*(\w+)`", text):
        assert re.search(rf"\b{name}\b", sources), name


def stops_above(frames):
    """The package's functions that are being called, from the first one down."""
    for frame in frames:
        if Path(frame.filename).is_relative_to(INSTALLED):
            yield Stop(frame.name, Path(frame.filename).relative_to(INSTALLED).as_posix())


@pytest.fixture
def way(monkeypatch):
    """What is called above a kernel, when a mini-batch is trained."""
    ways, kernel = [], kernels.best_rows

    def best_rows(*arguments):
        ways.append(list(stops_above(traceback.extract_stack())))
        return kernel(*arguments)

    monkeypatch.setattr(kernels, "best_rows", best_rows)
    X = np.random.default_rng(0).normal(size=(100, 20))
    LSHMLPClassifier((600,), density=0.05, max_iter=1).fit(X, np.arange(100) % 2)
    return next(way for way in ways if any(stop.function == "train_batch" for stop in way))


def test_way_of_a_row(way):
    *stops, (kernel,) = documented_stops()
    assert len(stops) == 7
    assert f"def {kernel.function}(" in (SOURCES / kernel.file).read_text()
    assert all(set(named) & set(way) for named in stops)
    places = [min(way.index(stop) for stop in named if stop in way) for named in stops]
    assert places == sorted(places)


def test_nothing_calls_one_above(way):
    rooms = [stop.file.partition("/")[0].removesuffix(".py") for stop in way]
    rooms = [room for room in rooms if room not in BESIDE]
    assert rooms == sorted(rooms, key=ROOMS.index)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_files_on_the_page_are_there(page):
    for name in re.findall(r"`([\w.]+/[\w/.]+\.\w+|\w+\.py)`", page.read_text()):
        places = [SOURCES / name, ROOT / name, *(ROOT / "tests").glob(f"*/{name}")]
        assert any(place.exists() for place in places), name
