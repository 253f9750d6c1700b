"""Fuzz the package.

    python -m tests.fuzz --calls 20000                  # so many calls of each part
    python -m tests.fuzz --part estimators --calls 200000 --seed 1000000
    python -m tests.fuzz --part estimators --case 1234  # a case again, with all its calls

It ends with 1 if there is a finding, and says how to repeat each.
"""

import argparse
import sys
import warnings

from .play import PARTS, play
from .processes import fuzz


def main():
    """Read the command line, and fuzz."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=PARTS, action="append", help="all by default")
    parser.add_argument("--calls", type=int, default=10_000, help="of each part")
    parser.add_argument("--seed", type=int, default=0, help="of the first case")
    parser.add_argument("--case", type=int, help="play this one here, and show its calls")
    given = parser.parse_args()
    if given.case is not None:
        warnings.simplefilter("ignore")
        _, wrong = play(given.part[0], given.case, verbose=True)
        print(wrong or "Nothing is wrong.")
        return bool(wrong)
    found = False
    for part in given.part or PARTS:
        report = fuzz(part, given.seed, given.calls)
        print(report, flush=True)
        found |= bool(report.findings)
    return found


if __name__ == "__main__":
    sys.exit(main())
