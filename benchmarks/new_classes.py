"""Classes that come in `partial_fit` against classes that were there from the start: ICD-10-CM.

    python benchmarks/new_classes.py

holds 500 codes back from `fit`, of those with eight rows or more. Five rows of each come in one
call of `partial_fit`: alone, or with rows drawn from those of the other codes. Reported are the
shares of held-out rows that are found, of the 500 codes and of the others; and those of a network
that had the same rows of all codes in `fit`. Settings are those of `icd_coding.py`.
"""

import copy

import numpy as np
from helpers.icd_data import HIDDEN
from helpers.label_sets import SETS
from helpers.report import parse_options, seeds_of, write
from helpers.training import unconverged
from icd_coding import SETTINGS

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.datasets import split_keeping_classes

# Codes that `fit` does not have.
N_HELD_BACK = 500
# Rows of each that come later; the others are held out.
N_ROWS = 5
# Rows that such a code has at least.
FEWEST = 8
# Rows of the other codes in a call, for each row of a new one; the rate; how many such calls.
CALLS = {
    "alone": (0, 0.005, 1),
    "with as many others": (1, 0.005, 1),
    "with three times as many": (3, 0.005, 1),
    "with as many, slowly, three times": (1, 0.001, 3),
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


def compare(options, seed):
    """Shares that are found, of new codes and of others, by each way to learn the new ones."""
    X, y, parts = make_data(seed, options.quick)
    settings = dict(SETTINGS["hashed"])
    settings["max_iter"] = 2 if options.quick else settings["epochs"]
    del settings["epochs"]
    network = LSHMLPClassifier(HIDDEN, **settings, tol=0, n_iter_no_change=100, random_state=seed)

    def find(fitted):
        found = {name: parts[f"{name}_held_out"] for name in ("new", "others")}
        return {name: fitted.score(X[rows], y[rows]) for name, rows in found.items()}

    runs, new, others = {}, parts["new"], parts["others"]
    with unconverged():
        everything = np.sort(np.concatenate([new, others]))
        runs["all in fit"] = find(network.fit(X[everything], y[everything]))
        runs["before"] = find(network.fit(X[others], y[others]))
    rng = np.random.default_rng(seed)
    for name, (n_others, rate, n_calls) in CALLS.items():
        further = copy.deepcopy(network).set_params(learning_rate_init=rate)
        for _ in range(n_calls):
            beside = rng.choice(others, min(len(others), n_others * len(new)), replace=False)
            rows = np.concatenate([new, beside])
            further.partial_fit(X[rows], y[rows])
        runs[name] = find(further)
        print(f"seed {seed}, {name}: {runs[name]}")
    return runs


def main():
    options = parse_options(__doc__)
    runs = [compare(options, seed) for seed in seeds_of(options)]
    summary = {
        name: {kind: float(np.mean([run[name][kind] for run in runs])) for kind in found}
        for name, found in runs[0].items()
    }
    print(summary)
    write(__file__, options, {"summary": summary, "runs": runs})


if __name__ == "__main__":
    main()
