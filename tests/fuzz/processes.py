"""Workers that may die, and the report of what they found."""

import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
# As `python -m`, but with the folder of the sources behind what is installed, which is compiled.
START = """
import runpy, sys
sys.path.append(sys.argv[1])
module, sys.argv = sys.argv[2], sys.argv[2:]
runpy.run_module(module, run_name="__main__")
"""
# Findings of one kind that are told one by one.
SHOWN = 3


class Report:
    """What came of the cases of a part."""

    def __init__(self, part):
        self.part, self.findings = part, {}
        self.calls, self.refusals = Counter(), Counter()
        self.n_cases, self.seconds = 0, 0.0

    def add(self, seed, counts, wrong):
        """Take a case's counts and finding."""
        self.n_cases += 1
        for name, (n_calls, n_refusals) in counts.items():
            self.calls[name] += n_calls
            self.refusals[name] += n_refusals
        if wrong:
            self.findings.setdefault(kind_of(wrong), []).append((seed, wrong))

    def __str__(self):
        lines = [
            f"{self.part}: {self.calls.total()} calls in {self.n_cases} cases, of which "
            f"{self.refusals.total()} refused, {self.seconds:.0f} s; "
            f"{sum(map(len, self.findings.values()))} findings of {len(self.findings)} kinds"
        ]
        for name, n in sorted(self.calls.items()):
            lines.append(f"    {name}: {n}, of which {self.refusals[name]} refused")
        for found in sorted(self.findings.values(), key=len, reverse=True):
            lines.append(f"  {len(found)} times: {found[0][1]}")
            for seed, _ in found[:SHOWN]:
                lines.append(f"    python -m tests.fuzz --part {self.part} --case {seed}")
        return "\n".join(lines)


def kind_of(wrong):
    """Findings that begin alike are one kind, but for names and numbers."""
    return re.sub(r"'[^']*'|-?[\d.]+|\s+", " ", wrong)[:80]


def fuzz(part, seed, n_calls):
    """Play cases of a part until so many calls are made, in processes that may die."""
    report, started = Report(part), time.monotonic()
    while report.calls.total() < n_calls:
        seed = run_worker(report, seed, n_calls - report.calls.total())
    report.seconds = time.monotonic() - started
    return report


def run_worker(report, seed, n_calls):
    """Run a worker to its end; return the seed to go on with."""
    module = f"{__package__}.play"
    given = [str(ROOT), module, report.part, str(seed), str(n_calls)]
    command = [sys.executable, "-P", "-c", START, *given]
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        first, case, is_over = seed, None, True
        for line in process.stdout:
            kind, _, rest = line.partition(" ")
            if kind == "case":
                case, is_over = int(rest), False
            else:
                report.add(case, *json.loads(rest))
                is_over = True
        if process.wait() or not is_over:
            errors.seek(0)
            if case is None:
                raise RuntimeError(f"The worker did not begin: {errors.read()}")
            how = f"signal {-process.returncode}" if process.returncode < 0 else process.returncode
            if process.returncode in (-signal.SIGPROF, -signal.SIGALRM):
                how = "taking too long"
            told = errors.read().partition("Extension modules")[0]
            wrong = f"the process ended by {how}: {told[:2500]}"
            report.add(case, {"died": (1, 0)}, f"{wrong} (a worker that began with case {first})")
    return case + 1
