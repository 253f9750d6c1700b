"""Make a virtual environment for each opponent of the extreme-classification benchmark.

    python benchmarks/extreme_environments.py FOLDER

makes FOLDER/omikuji, FOLDER/pecos and so on, outside of this repository. Each has an environment
of its own, because they need different versions of NumPy and SciPy.
"""

import argparse
from pathlib import Path

from helpers.opponent_environments import INSTALLED, make


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=INSTALLED, help="one of them (default: all)")
    options = parser.parse_args()
    for kind in [options.only] if options.only else INSTALLED:
        make(options.folder, kind)


if __name__ == "__main__":
    main()
