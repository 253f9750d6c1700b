"""The memory that a fit takes at its peak, against what it may take.

    python benchmarks/memory.py

fits in processes of their own, which load ready-made data, and compares the highest resident
memory with the data, three float32 copies of the parameters (Adam's weights and two moments)
and 200 MB. Reported with and without what the interpreter and its packages took before the data
were loaded. Linux only.
"""

import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from helpers import fashion_data, icd_data, made_data, matrices
from helpers.measures import n_bytes
from helpers.processes import in_new_process, peak_memory
from helpers.report import parse_options, write
from helpers.training import FIXED, unconverged

from sklearn_lsh import LSHMLPClassifier

# Bytes that a fit may take beside data and parameters.
ALLOWANCE = 200e6


def load_fashion(quick):
    """Fashion-MNIST."""
    return fashion_data.load(validation=False, quick=quick)[0]


def load_icd(quick):
    """ICD-10-CM."""
    return icd_data.load(validation=False, quick=quick)[0]


def make_many(quick):
    """Rows of many classes."""
    n_classes, n_features = (2000, 2000) if quick else (200_000, 100_000)
    return made_data.one_row_a_class(n_classes, n_features, n_test=1, seed=0)[0]


# Each case's data, and what the network is given.
CASES = {
    "fashion_mnist": (load_fashion, {"hidden_layer_sizes": (1000, 1000), "density": 0.05}),
    "icd_coding": (load_icd, {"hidden_layer_sizes": (128,)}),
    "many_classes": (make_many, {"hidden_layer_sizes": (100,)}),
}


def save(path, load, quick):
    """Save training rows for another process."""
    X, y = load(quick)
    matrices.save(path, X=X, y=y)


def fit(path, parameters):
    """Fit on saved data and measure."""
    before = peak_memory()
    X, y = matrices.load(path, "X", "y")
    loaded = peak_memory()
    with unconverged():
        classifier = LSHMLPClassifier(**parameters, random_state=0).fit(X, y)
    peak = peak_memory()
    n_parameters = sum(a.size for a in (*classifier.coefs_, *classifier.intercepts_))
    data = n_bytes(X) + y.nbytes
    allowed = data + 3 * n_parameters * np.dtype(np.float32).itemsize
    return {
        "peak_bytes": peak,
        "peak_bytes_before_data": before,
        "peak_bytes_before_fit": loaded,
        "data_bytes": data,
        "parameters": n_parameters,
        "bytes_beyond_data_and_three_copies": peak - allowed,
        "the_same_without_interpreter": peak - allowed - before,
        "within_200_MB": bool(peak - allowed <= ALLOWANCE),
        "within_200_MB_without_interpreter": bool(peak - allowed - before <= ALLOWANCE),
    }


def main():
    options = parse_options(__doc__, repeats=1, epochs=2, threads=2)
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (load, parameters) in CASES.items():
            path = Path(folder, f"{name}.npz")
            in_new_process(save, path, load, options.quick)
            settings = {
                **FIXED,
                **parameters,
                "max_iter": options.epochs,
                "n_jobs": options.threads,
            }
            results[name] = in_new_process(partial(fit, path, settings))
            print(name, results[name])
    write(__file__, options, results)


if __name__ == "__main__":
    main()
