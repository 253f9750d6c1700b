"""200,000 classes with nothing set: memory, time, and accuracy against chance.

    python benchmarks/many_classes.py

makes 200,000 sparse rows of 100,000 features, one for each class, and 20,000 held-out rows of
the same classes (`helpers/made_data.py`), and calls ``LSHMLPClassifier().fit(X, y)``. A held-out
row has about three features in common with the row that was learnt from.
"""

import tempfile
import time
from pathlib import Path

from helpers import made_data, matrices
from helpers.measures import n_bytes
from helpers.processes import in_new_process, peak_memory
from helpers.report import parse_options, seeds_of, write
from helpers.training import unconverged

from sklearn_lsh import LSHMLPClassifier


def make(path, n_classes, n_features, n_test, seed):
    """Make the data and save them."""
    (X, y), (X_test, y_test) = made_data.one_row_a_class(n_classes, n_features, n_test, seed)
    matrices.save(path, X=X, y=y, X_test=X_test, y_test=y_test)


def fit(path, parameters):
    """Fit on the saved data and measure."""
    X, y, X_test, y_test = matrices.load(path, "X", "y", "X_test", "y_test")
    memory_before = peak_memory()
    start = time.perf_counter()
    with unconverged():
        classifier = LSHMLPClassifier(**parameters).fit(X, y)
    seconds = time.perf_counter() - start
    memory = peak_memory()
    start = time.perf_counter()
    accuracy = float(classifier.score(X_test, y_test))
    seconds_to_score = time.perf_counter() - start
    return {
        "epochs": classifier.n_iter_,
        "seconds": seconds,
        "seconds_an_epoch": seconds / classifier.n_iter_,
        "peak_bytes": memory,
        "peak_bytes_before_fit": memory_before,
        "data_bytes": n_bytes(X) + y.nbytes,
        "parameters": sum(a.size for a in (*classifier.coefs_, *classifier.intercepts_)),
        "losses": classifier.loss_curve_,
        "accuracy": accuracy,
        "chance": 1 / len(classifier.classes_),
        "accuracy_on_training_rows": float(classifier.score(X[: len(y_test)], y[: len(y_test)])),
        "seconds_to_score": seconds_to_score,
        "peak_bytes_after_scoring": peak_memory(),
    }


def main():
    options = parse_options(
        __doc__, repeats=1, classes=200_000, features=100_000, test=20_000, max_iter=0, verbose=1
    )
    if options.quick:
        options.classes, options.features, options.test, options.max_iter = 5000, 5000, 500, 3
    parameters = {"verbose": bool(options.verbose)}
    if options.max_iter:  # else nothing is set
        parameters["max_iter"] = options.max_iter
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "data.npz")
        runs = []
        for seed in seeds_of(options):
            in_new_process(make, path, options.classes, options.features, options.test, seed)
            runs.append(in_new_process(fit, path, parameters))
            print({key: value for key, value in runs[-1].items() if key != "losses"})
    write(__file__, options, {"runs": runs})


if __name__ == "__main__":
    main()
