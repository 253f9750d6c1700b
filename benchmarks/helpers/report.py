"""A study's options, and the JSON file that it writes: results with all that they depend on."""

from __future__ import annotations

import argparse
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path

from sklearn_lsh import kernels

RESULTS = Path(__file__).parents[1] / "results"
# Whose versions figures depend on, besides those that a study names.
PACKAGES = ("sklearn-lsh", "scikit-learn", "numpy", "scipy", "joblib")


def parse_options(description, *, repeats=3, **options):
    """Read the command line: the options of every study, and those of one (name=default)."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--out", type=Path, help="JSON file (default: results/<name>.json)")
    parser.add_argument("--repeats", type=int, default=repeats, help="runs, each with its own seed")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first run")
    parser.add_argument("--quick", action="store_true", help="tiny, only to see that it works")
    for name, default in options.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=type(default), default=default, help=f"({default})"
        )
    return parser.parse_args()


def seeds_of(options, repeats=None):
    """The seed of each run: as many as ``--repeats`` says, or other ones."""
    repeats = options.repeats if repeats is None else repeats
    return range(options.seed, options.seed + repeats)


def environment(packages=()):
    """Describe the machine and the software that results depend on."""
    return {
        "versions": {name: version(name) for name in (*PACKAGES, *packages)},
        "python": platform.python_version(),
        "processor": _processor(),
        "processors": os.process_cpu_count() if hasattr(os, "process_cpu_count") else _affinity(),
        "kernels": kernels.VARIANT,
        "system": platform.platform(),
    }


def _affinity():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _processor():
    """Return the processor's name; `platform` knows it on few systems."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def write(script, options, results, packages=()):
    """Print results, and write them with all that they depend on to a JSON file."""
    path = path_of(script, options)
    path.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "benchmark": Path(script).stem,
        **conditions(options, packages),
        "results": results,
    }
    path.write_text(json.dumps(report, indent=1) + "\n")
    print(f"{path} written")


def path_of(script, options):
    """Return the JSON file that a study writes."""
    return options.out or RESULTS / f"{Path(script).stem}.json"


# Options that figures do not depend on: folders and files of one machine, and what part one call
# measures of what the file has in the end.
NOT_RECORDED = {
    *("out", "keep", "weights", "environments", "sets", "methods", "indexes", "counts"),
    *("parts", "opponents", "folder"),
}


def conditions(options, packages=()):
    """What figures depend on, as it goes into the JSON file."""
    settings = {key: value for key, value in vars(options).items() if key not in NOT_RECORDED}
    return {"options": settings, "environment": environment(packages)}


def kept(path):
    """Results of earlier calls that the JSON file has."""
    return json.loads(path.read_text())["results"] if path.exists() else {}


def names_in(text, known):
    """Names that an option lists, or all."""
    names = text.split(",") if text else list(known)
    unknown = set(names) - set(known)
    if unknown:
        raise SystemExit(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    return names
