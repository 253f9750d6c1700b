"""The README's Python lines run, and its commands are the two that it promises."""

import re
from pathlib import Path

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
