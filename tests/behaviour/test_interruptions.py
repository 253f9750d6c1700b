"""Ctrl-C at any moment leaves an estimator that is fitted further, or as it was."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "support" / "interruptions.py"


def test_interruptions_at_random_moments():
    # In a process of its own, because a signal may come late.
    command = [sys.executable, str(SCRIPT), "16"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "kept" in done.stdout
