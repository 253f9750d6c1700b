"""The README's Python lines run, and its commands are the two that it promises."""

import importlib
import re
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README.read_text(), flags=re.M | re.S)


def test_python_lines_run(capsys):
    for block in blocks("python"):
        exec(block, {})
    best, predictions = capsys.readouterr().out.strip().split("\n")
    assert float(best.split()[-1]) > 0.9
    predicted, true = re.findall(r"\[(.*?)\]", predictions)
    same = [a == b for a, b in zip(predicted.split(), true.split(), strict=True)]
    assert sum(same) >= 5


def test_commands_make_their_own_environment():
    commands = blocks("bash")
    assert len(commands) == 2
    for command, last in zip(commands, ("examples/plot_icd_coding.py", "pytest"), strict=True):
        lines = command.splitlines()
        assert lines[0] == "python3 -m venv .venv"
        assert lines[1].startswith(".venv/bin/pip install ")
        assert lines[2].endswith(last)


@pytest.fixture
def gains(monkeypatch):
    """Return what writes the README's part on gains."""
    monkeypatch.syspath_prepend(README.parent / "docs" / "_ext")
    return importlib.import_module("readme")


def test_table_of_gains_is_that_of_the_results(gains):
    text = README.read_text()
    assert gains.BEGIN in text
    assert gains.with_table(text) == text, "run docs/_ext/pages.py"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_picture_of_gains_shows_the_results(gains, theme):
    assert gains.noted(theme) == gains.shown(), "run docs/_ext/pages.py"
    assert gains.picture_path(theme).relative_to(README.parent).as_posix() in README.read_text()


def test_links_lead_to_files():
    links = re.findall(r"\]\(([^):#]+)(?:#[^)]*)?\)|src(?:set)?=\"(.*?)\"", README.read_text())
    assert links
    for found in links:
        path = README.parent / "".join(found)
        assert path.exists(), path
