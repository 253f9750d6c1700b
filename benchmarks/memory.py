"""The memory that a fit takes at its peak, against what it may take.

    python benchmarks/memory.py

fits in processes of their own, which load ready-made data, and compares the highest resident
memory with the data, three float32 copies of the parameters (Adam's weights and two moments)
and 200 MB. Reported with and without what the interpreter and its packages took before the data
were loaded. Linux only.
"""

import tempfile
import warnings
from functools import partial
from pathlib import Path

import many_classes
import numpy as np
from common import in_new_process, load_data, n_bytes, parse_options, peak_memory, save_data, write
from icd_data import load
from sklearn.exceptions import ConvergenceWarning

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.datasets import fetch_mnist

ALLOWANCE = 200e6


def make_fashion(path, quick):
    """Save Fashion-MNIST."""
    X, X_test, y, y_test = fetch_mnist()
    n = 3000 if quick else len(y)
    save_data(path, X[:n], y[:n], X_test[:1], y_test[:1])


def make_icd(path, quick):
    """Save ICD-10-CM."""
    (X, y), (X_test, y_test) = load(validation=False, quick=quick)
    save_data(path, X, y, X_test[:1], y_test[:1])


def make_many(path, quick):
    """Save rows of many classes."""
    many_classes.make(path, *((2000, 2000, 1) if quick else (200_000, 100_000, 1)), seed=0)


CASES = {
    "fashion_mnist": (make_fashion, {"hidden_layer_sizes": (1000, 1000), "density": 0.05}),
    "icd_coding": (make_icd, {"hidden_layer_sizes": (128,)}),
    "many_classes": (make_many, {}),
}


def fit(path, parameters):
    """Fit on saved data and measure."""
    before = peak_memory()
    (X, y), _ = load_data(path)
    loaded = peak_memory()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
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
        for name, (make, parameters) in CASES.items():
            path = Path(folder, f"{name}.npz")
            in_new_process(make, path, options.quick)
            settings = {**parameters, "max_iter": options.epochs, "n_jobs": options.threads}
            results[name] = in_new_process(partial(fit, path, settings))
            print(name, results[name])
    write(__file__, options, results)


if __name__ == "__main__":
    main()
