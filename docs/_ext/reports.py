"""What pages show of the benchmarks' results, and the tables and lines that show it.

A page includes them as files of ``generated/fragments``, which are written anew in each build.
"""

import json
from pathlib import Path

import numpy as np

DOCS = Path(__file__).parents[1]
RESULTS = DOCS.parent / "benchmarks" / "results"
FRAGMENTS = DOCS / "generated" / "fragments"
MISSING = "*This benchmark has not been run for this version.*\n"

# What is written: functions without arguments that return Markdown, by the names of the files.
WRITTEN = {}


def results(name):
    """Return a benchmark's report, or None where it has not been run."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def main_runs(report):
    """Return the runs of each network, {network: its runs}; those of the main part, if any."""
    found = report.get("results", {})
    runs = found.get("main", {}).get("results", found).get("runs", [])
    return {network: [run[network] for run in runs] for network in (runs[0] if runs else ())}


def training_curve(runs):
    """Return a network's seconds and accuracies after each epoch: medians over its runs."""
    seconds = [run["seconds_before"] + np.cumsum(run["seconds"]) for run in runs]
    accuracies = [run["accuracies"] for run in runs]
    return np.median(seconds, axis=0), np.median(accuracies, axis=0)


def fragment(name, of=None, missing=MISSING):
    """Register a function that writes a fragment.

    It is called with the report ``of`` a benchmark, if there is one. Where that has not been run,
    the fragment is ``missing``.
    """

    def register(write):
        def make():
            report = () if of is None else (results(of),)
            return missing if None in report else write(*report)

        WRITTEN[name] = make
        return write

    return register


def write_all():
    """Write all fragments that changed."""
    FRAGMENTS.mkdir(parents=True, exist_ok=True)
    for name, make in WRITTEN.items():
        path, text = FRAGMENTS / f"{name}.md", make()
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


# -- what many fragments have -------------------------------------------------------------


def table_of(items, columns):
    """A table in Markdown with a row for each item, and columns {heading: cell(item)}."""
    return table(list(columns), [[cell(item) for cell in columns.values()] for item in items])


def table(head, rows):
    """A table in Markdown, numbers to the right."""
    align = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, align, *rows)) + "\n"


def mega(n_bytes):
    """A number of bytes for people."""
    if n_bytes >= 1e9:
        return f"{n_bytes / 1e9:.1f} GB"
    return f"{n_bytes / 1e6:,.0f} MB"


def environment(report, n_runs=None):
    """Where and with what a benchmark ran."""
    facts, versions = report["environment"], report["environment"]["versions"]
    runs = "" if n_runs is None else f"{n_runs} runs with seeds of their own. " * (n_runs > 1)
    packages = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"{runs}{facts['processor']}, {facts['processors']} processors, kernels for "
        f"{facts['kernels']}; Python {facts['python']}, {packages}.\n"
    )
