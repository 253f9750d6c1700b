"""Classes that come in `partial_fit` against classes that were there from the start: ICD-10-CM.

    python benchmarks/new_classes.py

holds 500 codes back from `fit`, of those with eight rows or more. Five rows of each come in one
call of `partial_fit`: alone, or with rows drawn from those of the other codes. Reported are the
shares of held-out rows that are found, of the 500 codes and of the others; and those of a network
that had the same rows of all codes in `fit`: with the settings of `icd_coding.py`, and with nothing
set. Then rows come two thousand a call, with their codes named before, and without.
"""

import copy
from typing import NamedTuple

import numpy as np
from helpers.icd_data import HIDDEN
from helpers.label_sets import SETS
from helpers.report import parse_options, seeds_of, write
from helpers.training import FIXED, unconverged
from icd_coding import SETTINGS
from sklearn.base import clone

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.datasets import split_keeping_classes

# Codes that `fit` does not have.
N_HELD_BACK = 500
# Rows of each that come later; the others are held out.
N_ROWS = 5
# Rows that such a code has at least.
FEWEST = 8
# Rows in each call of a stream that begins with nothing.
ROWS_A_CALL = 2_000


class Calls(NamedTuple):
    """How the new codes come.

    Attributes
    ----------
    n_others : int
        Rows of the other codes, for each row of a new one.
    rate : float or "auto"
    n_calls : int
        With the same rows of the new codes.
    """

    n_others: int
    rate: float | str
    n_calls: int = 1


# By a network with the settings of `icd_coding.py`, and by one with nothing set.
CALLS = {
    "alone": Calls(0, 0.005),
    "with as many others": Calls(1, 0.005),
    "with three times as many": Calls(3, 0.005),
    "with as many, slowly, three times": Calls(1, 0.001, 3),
}
CALLS_WITH_NOTHING_SET = {
    "alone": Calls(0, "auto"),
    "with as many others": Calls(1, "auto"),
    "with three times as many": Calls(3, "auto"),
}


def make_data(seed, quick):
    """Texts as rows, their codes, and which rows each part has."""
    texts, labels, vectorizer = SETS["icd"]()
    y, rng = labels.indices, np.random.default_rng(seed)
    if quick:
        texts, y = texts[:6000], y[:6000]
    n_held_back = 20 if quick else N_HELD_BACK
    held_back = rng.choice(np.flatnonzero(np.bincount(y) >= FEWEST), n_held_back, replace=False)
    rows = [rng.permutation(np.flatnonzero(y == code)) for code in held_back]
    others = np.flatnonzero(~np.isin(y, held_back))
    kept, held_out = split_keeping_classes(y[others], test_size=0.1, random_state=seed)
    parts = {
        "new": np.concatenate([each[:N_ROWS] for each in rows]),
        "new_held_out": np.concatenate([each[N_ROWS:] for each in rows]),
        "others": others[kept],
        "others_held_out": others[held_out],
    }
    vectorizer.fit([texts[row] for row in parts["others"]])
    return vectorizer.transform(texts).tocsr(), y, parts


def compare(network, calls, data, seed):
    """Shares that are found, of new codes and of others, by each way to learn the new ones."""
    X, y, parts = data

    def find(fitted):
        found = {name: parts[f"{name}_held_out"] for name in ("new", "others")}
        return {name: fitted.score(X[rows], y[rows]) for name, rows in found.items()}

    runs, new, others = {}, parts["new"], parts["others"]
    with unconverged():
        everything = np.sort(np.concatenate([new, others]))
        runs["all in fit"] = find(network.fit(X[everything], y[everything]))
        runs["before"] = find(network.fit(X[others], y[others]))
    rng = np.random.default_rng(seed)
    for name, (n_others, rate, n_calls) in calls.items():
        further = copy.deepcopy(network).set_params(learning_rate_init=rate)
        for _ in range(n_calls):
            beside = rng.choice(others, min(len(others), n_others * len(new)), replace=False)
            rows = np.concatenate([new, beside])
            further.partial_fit(X[rows], y[rows])
        runs[name] = find(further)
        print(f"seed {seed}, {name}: {runs[name]}", flush=True)
    return runs


def stream(network, data, seed):
    """Share of held-out rows that is found after one pass, with all codes named before and not."""
    X, y, parts = data
    rows = np.random.default_rng(seed).permutation(parts["others"])
    held_out, found = parts["others_held_out"], {}
    for name, classes in (("named before", np.unique(y[rows])), ("as they come", None)):
        learner = clone(network)
        for start in range(0, len(rows), ROWS_A_CALL):
            call = rows[start : start + ROWS_A_CALL]
            learner.partial_fit(X[call], y[call], classes=classes if start == 0 else None)
        found[name] = learner.score(X[held_out], y[held_out])
        print(f"seed {seed}, stream, {name}: {found[name]}", flush=True)
    return found


def run(options, seed):
    """All of one seed."""
    data, settings = make_data(seed, options.quick), {**FIXED, **SETTINGS["hashed"]}
    n_epochs = settings.pop("epochs")
    settings["max_iter"] = 2 if options.quick else n_epochs
    chosen = LSHMLPClassifier(HIDDEN, **settings, tol=0, n_iter_no_change=100, random_state=seed)
    streaming = clone(chosen).set_params(learning_rate="constant")
    return {
        "settings of icd_coding": compare(chosen, CALLS, data, seed),
        "nothing set": compare(
            LSHMLPClassifier(random_state=seed), CALLS_WITH_NOTHING_SET, data, seed
        ),
        "stream": stream(streaming, data, seed),
    }


def main():
    options = parse_options(__doc__)
    runs = [run(options, seed) for seed in seeds_of(options)]
    write(__file__, options, {"runs": runs})


if __name__ == "__main__":
    main()
