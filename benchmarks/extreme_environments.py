"""Make a virtual environment for each opponent of the extreme-classification benchmark.

    python benchmarks/extreme_environments.py FOLDER

makes FOLDER/omikuji, FOLDER/pecos and so on, outside of this repository. Each has an environment
of its own, because they need different versions of NumPy and SciPy.
"""

import argparse
import subprocess
import venv
from pathlib import Path

# Arguments of pip, one list for each call.
INSTALLED = {
    "omikuji": [["omikuji", "numpy", "scipy"]],
    # All that the linear model needs of PECOS's dependencies.
    "pecos": [["numpy<2", "scipy<1.14", "scikit-learn<1.6"], ["--no-deps", "libpecos"]],
    "napkinxc": [["napkinxc", "numpy", "scipy"]],
    "fasttext": [["fasttext-wheel", "numpy<2", "scipy<1.14"]],
    "torch": [["torch==2.13.0", "numpy", "scipy"]],
}


def python_of(folder, name):
    """The interpreter of an opponent's environment."""
    return Path(folder, name, "bin", "python")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=INSTALLED, help="one of them (default: all)")
    options = parser.parse_args()
    for name, calls in INSTALLED.items():
        if options.only in (None, name):
            venv.create(options.folder / name, with_pip=True)
            for arguments in calls:
                pip = [python_of(options.folder, name), "-m", "pip", "install", *arguments]
                subprocess.run(pip, check=True)


if __name__ == "__main__":
    main()
