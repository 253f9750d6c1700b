"""Virtual environments for the opponents, which need different versions of NumPy and SciPy."""

import json
import os
import subprocess
import venv
from pathlib import Path

import numpy as np

# Arguments of pip, one list for each call.
INSTALLED = {
    "omikuji": [["omikuji", "numpy", "scipy"]],
    # All that the linear model needs of PECOS's dependencies.
    "pecos": [["numpy<2", "scipy<1.14", "scikit-learn<1.6"], ["--no-deps", "libpecos"]],
    "napkinxc": [["napkinxc", "numpy", "scipy"]],
    "fasttext": [["fasttext-wheel", "numpy<2", "scipy<1.14"]],
    "torch": [["torch==2.13.0", "numpy", "scipy"]],
}


def python_of(folder, kind):
    """The interpreter of an opponent's environment."""
    return Path(folder, kind, "bin", "python").absolute()


def make(folder, kind):
    """Make an opponent's environment."""
    venv.create(Path(folder, kind), with_pip=True)
    for arguments in INSTALLED[kind]:
        command = [python_of(folder, kind), "-m", "pip", "install", *arguments]
        subprocess.run(command, check=True)


def run_opponent(folder, kind, data, settings, n_threads, *, follow=False):
    """Train an opponent in its environment: the arrays that `opponents` saves, by their names."""
    out = data.with_name("out.npz")
    given = json.dumps({"threads": n_threads, **settings})
    command = [python_of(folder, kind), "-m", "helpers.opponents", kind, data, out, given]
    subprocess.run(
        [*command, *["follow"] * follow],
        check=True,
        cwd=Path(__file__).parents[1],
        # Their own threads are all there are.
        env={**os.environ, "OMP_NUM_THREADS": str(n_threads)},
        stderr=None if follow else subprocess.DEVNULL,
    )
    with np.load(out) as found:
        return dict(found)
