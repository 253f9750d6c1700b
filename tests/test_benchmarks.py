"""The benchmarks still run: those that need no other packages nor data than the tests do."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
ARGUMENTS = {
    "extreme": ["--sets=icd", "--methods=ours,ours_uniform"],
    "hashing": [],
    "icd_coding": [],
    "sampling": [],
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_quick_run(name, tmp_path):
    pytest.importorskip("simple_icd_10_cm")
    out = tmp_path / "out.json"
    command = [sys.executable, BENCHMARKS / f"{name}.py", "--quick", "--repeats=1"]
    done = subprocess.run(
        [*command, f"--out={out}", *ARGUMENTS[name]], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(out.read_text())["results"]
