"""Other learners on clicks from a file, once over it; run by the Python of their own environment.

    FOLDER/bin/python benchmarks/helpers/stream_opponents.py METHOD train.npz test.npz

prints a JSON object: processor's seconds of learning, non-zeros learnt from, and the log-loss on
the test rows.
"""

import json
import math
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

BLOCK = 16_384
# Rows of which river's rate is measured: it learns from one after the other in Python.
RIVER_ROWS = 30_000


def load(path):
    with np.load(path) as file:
        parts = (file[name] for name in ("data", "indices", "indptr"))
        return csr_matrix(tuple(parts), shape=tuple(file["shape"])), file["y"]


def processor_seconds():
    """Of this process and of those that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def log_loss(y, p):
    p = np.clip(p, 1e-7, 1 - 1e-7)
    return float(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))


def sgd_classifier(X, y, test):
    """scikit-learn's, block by block; the rate is the best of a few on the first blocks."""
    from sklearn.linear_model import SGDClassifier

    def train(rate, n_rows):
        model = SGDClassifier(
            loss="log_loss", alpha=1e-8, learning_rate="constant", eta0=rate, random_state=0
        )
        for start in range(0, n_rows, BLOCK):
            rows = slice(start, min(start + BLOCK, n_rows))
            model.partial_fit(X[rows], y[rows], classes=[0, 1])
        return model

    few = X.shape[0] // 2
    held = slice(few, few + BLOCK)
    losses = {
        rate: log_loss(y[held], train(rate, few).predict_proba(X[held])[:, 1])
        for rate in (0.01, 0.03, 0.1, 0.3)
    }
    best = min(losses, key=losses.get)
    start = processor_seconds()
    model = train(best, X.shape[0])
    taken = processor_seconds() - start
    return taken, X.nnz, log_loss(test[1], model.predict_proba(test[0])[:, 1]), {"rate": best}


def write_vw(path, X, y):
    with open(path, "w") as file:
        for row in range(X.shape[0]):
            columns = X.indices[X.indptr[row] : X.indptr[row + 1]]
            file.write(f"{2 * y[row] - 1} | {' '.join(map(str, columns))}\n")


def vowpal_wabbit(X, y, test):
    """Its own rule of learning, from its cache: parsing text is not counted.

    The rate is the best of a few on the first rows; 0.5 is what it has by itself.
    """
    from vowpalwabbit import Workspace

    with tempfile.TemporaryDirectory() as folder:
        for name, (rows, labels) in {"train": (X, y), "test": test}.items():
            write_vw(Path(folder, name), rows, labels)
        common = f"--loss_function logistic -b {round(math.log2(X.shape[1]))} --quiet"

        def train(rate, rows):
            cache = f"--cache_file {folder}/{rows}.cache"
            asked = f"{common} -d {folder}/{rows} {cache} -l {rate} -f {folder}/model"
            start = processor_seconds()
            Workspace(asked).finish()
            return processor_seconds() - start

        def predict(rows):
            asked = f"-t -i {folder}/model -d {folder}/{rows} -p {folder}/found --link logistic"
            Workspace(f"--quiet {asked}").finish()
            return np.loadtxt(Path(folder, "found"))

        few = X.shape[0] // 2
        held = slice(few, few + BLOCK)
        write_vw(Path(folder, "few"), X[:few], y[:few])
        write_vw(Path(folder, "held"), X[held], y[held])
        losses = {}
        for rate in (0.1, 0.25, 0.5, 1.0):
            train(rate, "few")
            losses[rate] = log_loss(y[held], predict("held"))
        best = min(losses, key=losses.get)
        train(best, "train")  # which writes the cache
        taken = train(best, "train")
        found = predict("test")
    return taken, X.nnz, log_loss(test[1], found), {"rate": best}


def xgboost_external(X, y, test):
    """Trees, from blocks on the disk."""
    import xgboost as xgb

    class Blocks(xgb.DataIter):
        def __init__(self, folder):
            self.at = 0
            super().__init__(cache_prefix=os.path.join(folder, "cache"))

        def next(self, give):
            if self.at >= X.shape[0]:
                return False
            rows = slice(self.at, min(self.at + 4 * BLOCK, X.shape[0]))
            give(data=X[rows], label=y[rows])
            self.at += 4 * BLOCK
            return True

        def reset(self):
            self.at = 0

    n_trees = 20
    with tempfile.TemporaryDirectory() as folder:
        start = processor_seconds()
        data = xgb.ExtMemQuantileDMatrix(Blocks(folder), max_bin=2, nthread=1)
        settings = {"objective": "binary:logistic", "max_depth": 8, "nthread": 1, "max_bin": 2}
        model = xgb.train(settings, data, num_boost_round=n_trees)
        taken = processor_seconds() - start
        found = model.predict(xgb.DMatrix(test[0]))
    return taken, X.nnz, log_loss(test[1], found), {"trees": n_trees}


def river(X, y, test):
    """Logistic regression, a row at a time."""
    from river import linear_model, optim

    model = linear_model.LogisticRegression(optim.AdaGrad(0.1))

    def rows_of(matrix, n):
        for row in range(n):
            columns = matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]
            yield dict.fromkeys(columns.tolist(), 1.0)

    n = min(RIVER_ROWS, X.shape[0])
    taken = time.process_time()
    for row, label in zip(rows_of(X, n), y[:n].tolist(), strict=True):
        model.learn_one(row, label)
    taken = time.process_time() - taken
    n_test = min(5000, test[0].shape[0])
    found = np.array([model.predict_proba_one(row)[True] for row in rows_of(test[0], n_test)])
    return taken, int(X.indptr[n]), log_loss(test[1][:n_test], found), {"rows": n}


METHODS = {
    "SGDClassifier": sgd_classifier,
    "Vowpal Wabbit": vowpal_wabbit,
    "XGBoost": xgboost_external,
    "river": river,
}


def main():
    method, train, test = sys.argv[1:]
    X, y = load(train)
    taken, n_pairs, loss, extra = METHODS[method](X, y, load(test))
    found = {"seconds": taken, "non_zeros": int(n_pairs), "log_loss": loss, **extra}
    print(json.dumps({**found, "non_zeros_a_second": n_pairs / taken}))


if __name__ == "__main__":
    main()
