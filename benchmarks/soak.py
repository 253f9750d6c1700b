"""Whether memory and threads stay flat over many fits, partial fits and predictions.

    python benchmarks/soak.py

goes round all that a service would call, again and again in one process, and notes the resident
memory, the threads and the open files after every tenth of the rounds. Networks, tables and indexes
that live on are as large at the end as at the start, so nothing should grow. Linux only.
"""

import gc
import os
import time
import warnings
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from helpers.report import parse_options, write
from helpers.training import FIXED
from sklearn.exceptions import ConvergenceWarning

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor
from sklearn_lsh.hashing import LSHSampler, LSHTables, SimHash
from sklearn_lsh.neighbors import LSHNeighborsTransformer

# Made data of each round.
N_ROWS = 400
N_FEATURES = 60
N_CLASSES = 300
# How often in a run memory, threads and files are looked at.
N_CHECKS = 10
# Of all networks; only classifiers have neighbours.
SETTINGS = {**FIXED, "max_iter": 2}
OF_REGRESSOR = {name: value for name, value in SETTINGS.items() if name != "n_neighbors"}


class Service:
    """Estimators that live on, and those that are made anew in each round."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.online = LSHMLPClassifier(
            (64,), **SETTINGS, output_density=20, random_state=0, n_jobs=2
        )
        self.regressor = LSHMLPRegressor(
            hidden_layer_sizes=(600,), **OF_REGRESSOR, density=0.1, random_state=0
        )
        self.index = LSHNeighborsTransformer(n_neighbors=5, random_state=0).fit(self.draw()[0])
        self.family = SimHash(random_state=0).fit(self.draw()[0])
        self.tables = LSHTables(self.family.transform(self.draw()[0]), self.family.n_buckets_)

    def draw(self):
        """Rows near the centres of their classes, and the classes."""
        y = self.rng.integers(N_CLASSES, size=N_ROWS)
        centres = np.random.default_rng(0).normal(size=(N_CLASSES, N_FEATURES))
        X = centres[y] + self.rng.normal(size=(N_ROWS, N_FEATURES))
        return X.astype(np.float32), y

    def round(self):
        """Call everything once."""
        X, y = self.draw()
        self.online.partial_fit(sp.csr_array(X), y, classes=np.arange(N_CLASSES))
        self.online.predict_top_k(X, 3)
        self.online.predict_proba(X[:50])
        self.regressor.partial_fit(X, y.astype(float) / N_CLASSES).predict(X)
        fresh = LSHMLPClassifier((600,), **SETTINGS, density=0.1, early_stopping=True, n_jobs=2)
        fresh.fit(X, y % 5).predict(X)
        rows = np.arange(N_ROWS)
        self.tables.update(self.family.transform(X), rows).query(self.family.transform(X[:20]))
        self.index.transform(X[:50])
        LSHSampler(SimHash(n_bits=4, n_tables=5), random_state=0).fit(X)


def measure():
    """What this process holds now."""
    gc.collect()
    status = Path("/proc/self/status").read_text()
    return {
        "resident_bytes": int(status.partition("VmRSS:")[2].split()[0]) * 1024,
        "threads": int(status.partition("Threads:")[2].split()[0]),
        "open_files": len(os.listdir("/proc/self/fd")),
    }


def main():
    options = parse_options(__doc__, repeats=1, rounds=12_000)
    n_rounds = 20 if options.quick else options.rounds
    warnings.simplefilter("ignore", ConvergenceWarning)
    service, checks, start = Service(options.seed), [], time.perf_counter()
    for i in range(1, n_rounds + 1):
        service.round()
        if i % max(1, n_rounds // N_CHECKS) == 0:
            seconds = time.perf_counter() - start
            checks.append({"rounds": i, "seconds": seconds, **measure()})
            print(checks[-1], flush=True)
    # Not since the first check, in which allocators and caches have just filled.
    settled = checks[len(checks) // 2 :]
    grown = settled[-1]["resident_bytes"] - settled[0]["resident_bytes"]
    n_since = settled[-1]["rounds"] - settled[0]["rounds"]
    results = {"checks": checks, "bytes_a_round_in_the_second_half": grown / max(1, n_since)}
    print(results["bytes_a_round_in_the_second_half"], "bytes a round in the second half")
    write(__file__, options, results)


if __name__ == "__main__":
    main()
