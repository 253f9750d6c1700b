"""The benchmarks still run: those that need no other packages or data than the tests do."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
# What each is given besides, and the package that its data come with.
RUNS = {
    "extreme": (["--sets=icd", "--methods=ours,ours_uniform"], "simple_icd_10_cm"),
    "hashing": ([], None),
    "icd_coding": ([], "simple_icd_10_cm"),
    "sampling": ([], None),
}


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
