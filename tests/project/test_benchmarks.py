"""The benchmarks still run, and their table names every study, its JSON file and its pages.

Run are those that need no other packages or data than the tests do.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("docs/*/*.md"))]
# Makes what a study needs, and is no study itself.
PREPARATIONS = {"extreme_environments"}
# What each is given besides, and the package that its data come with.
RUNS = {
    "cost_model": ([], None),
    "extreme": (["--sets=icd", "--methods=ours,ours_uniform"], "simple_icd_10_cm"),
    "hashing": ([], None),
    "icd_coding": ([], "simple_icd_10_cm"),
    "new_classes": ([], "simple_icd_10_cm"),
    "rare_classes": (["--sets=icd"], "simple_icd_10_cm"),
    "sampling": ([], None),
    "streams": (["--parts=order,long"], None),
    "sparse_neighbors": (["--sets=made", "--methods=ours;product;brute force"], None),
}


class Row(NamedTuple):
    """A row of the table in the benchmarks' README."""

    command: str
    shows: str
    takes: str
    json: str
    page: str


def rows_of_table():
    lines = (BENCHMARKS / "README.md").read_text().splitlines()
    cells = [line.strip("| ").split(" | ") for line in lines if line.startswith("| `python ")]
    return [Row(*row) for row in cells]


ROWS = rows_of_table()


def results_in(row):
    """JSON files that a row names, without those that are not kept."""
    return set() if "not kept" in row.json else set(re.findall(r"`(\w+)\.json`", row.json))


@pytest.mark.parametrize("name", RUNS)
def test_quick_run(name, tmp_path):
    arguments, package = RUNS[name]
    if package:
        pytest.importorskip(package)
    out = tmp_path / "out.json"
    command = [sys.executable, BENCHMARKS / f"{name}.py", "--quick", "--repeats=1"]
    done = subprocess.run(
        [*command, f"--out={out}", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(out.read_text())["results"]


def test_table_names_every_study():
    studies = {path.stem for path in BENCHMARKS.glob("*.py")} - PREPARATIONS
    named = [re.findall(r"python benchmarks/(\w+)\.py", row.command)[-1] for row in ROWS]
    assert sorted(named) == sorted(studies)


def test_every_result_has_its_study():
    for row in ROWS:
        study = re.findall(r"python benchmarks/(\w+)\.py", row.command)[-1]
        assert all(name.startswith(study) for name in results_in(row))
    kept = sorted(path.stem for path in (BENCHMARKS / "results").glob("*.json"))
    assert sorted(name for row in ROWS for name in results_in(row)) == kept


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.command)
def test_pages_of_the_table(row):
    pages = re.findall(r"`([\w/]+)`", row.page)
    assert pages or row.page == "none"
    for page in pages:
        assert (ROOT / "docs" / f"{page}.md").exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_on_pages_are_there(page):
    for path in re.findall(r"benchmarks/[\w/]+\.(?:py|json)", page.read_text()):
        assert (ROOT / path).exists(), path
