"""Files are not trusted: whatever was changed in one, it is refused or gives a result."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "support" / "tampering.py"


def test_what_was_changed_is_refused_or_gives_a_result():
    """Some changes of arrays and values of every kind of object; the program tries all of them."""
    pytest.importorskip("skops")
    command = [sys.executable, str(SCRIPT), "--share", "0.004"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "'refused'" in done.stdout
