"""Classes of one or two rows, by a network alone and with its neighbours: ICD-10-CM and WordNet.

    python benchmarks/rare_classes.py

holds out a tenth of the rows, drawn anew for each seed; of ICD-10-CM each class keeps one. A
network is asked alone, and blended with neighbours (``n_neighbors=25``); all else is left to the
data. Both name the likeliest class of each held-out row, of WordNet, where rows have several
labels, the likeliest five. Reported are the percentages of the rows' labels that are among these:
of all, and by how many rows the label has to learn from. ``--validation 1`` holds out some of the
rows that are learnt from otherwise: the blend was made on such.
"""

import time

import numpy as np
from helpers.label_sets import SETS, split
from helpers.report import kept, names_in, parse_options, path_of, seeds_of, write
from helpers.training import unconverged
from scipy import sparse

from sklearn_lsh import LSHMLPClassifier

# Labels that are named for each row.
N_NAMED = {"icd": 1, "wordnet": 5}
# Rows that a label has to learn from: from, to.
COUNTS = {
    "one": (1, 1),
    "two": (2, 2),
    "at most two": (1, 2),
    "three to nine": (3, 9),
    "ten or more": (10, np.inf),
    "all": (0, np.inf),
}
METHODS = {"network": None, "blend": 25}


def load(name, seed, options):
    """Rows to learn from and rows held out, with their label indicators."""
    texts, Y, vectorizer = SETS[name]()
    if options.quick:
        texts, Y = texts[:4000], Y[:4000]
        Y = Y[:, np.flatnonzero(Y.sum(axis=0))]
    rows, held_out = split(Y, seed)
    if options.validation:
        rows, held_out = (rows[part] for part in split(Y[rows], seed + 100))
    X = sparse.csr_array(vectorizer.fit_transform(texts[rows]))
    return (X, Y[rows]), (sparse.csr_array(vectorizer.transform(texts[held_out])), Y[held_out])


def by_count(values, counts):
    """Sum up what labels have, by how many rows they have."""
    parts = {name: (counts >= least) & (counts <= most) for name, (least, most) in COUNTS.items()}
    return {name: float(values[part].sum()) for name, part in parts.items()}


def measure(classifier, train, held_out, k):
    """Percentages of labels that are named, by the rows that they have to learn from."""
    (X, Y), (X_held_out, Y_held_out) = train, held_out
    is_one_each = Y.sum() == Y.shape[0]
    start = time.process_time()
    with unconverged(1):
        classifier.fit(X, Y.indices if is_one_each else Y)
    cpu_seconds = time.process_time() - start
    labels, _ = classifier.predict_top_k(X_held_out, k)
    rows = np.repeat(np.arange(len(labels)), k)
    is_right = Y_held_out[rows, labels.ravel()] > 0
    counts = np.asarray(Y.sum(axis=0)).ravel()
    n_found = by_count(np.bincount(labels.ravel()[is_right], minlength=len(counts)), counts)
    n_wanted = by_count(np.asarray(Y_held_out.sum(axis=0)).ravel(), counts)
    shares = {name: 100 * n_found[name] / max(n_wanted[name], 1) for name in COUNTS}
    return {
        "shares": shares,
        "labels": n_wanted,
        "cpu_seconds": cpu_seconds,
        "blend": classifier.blend_,
    }


def main():
    options = parse_options(__doc__, sets="", methods="", validation=0)
    results = kept(path_of(__file__, options))
    for name in names_in(options.sets, N_NAMED):
        runs = results.setdefault(name, {})
        for seed in seeds_of(options):
            train, held_out = load(name, seed, options)
            for method in names_in(options.methods, METHODS):
                classifier = LSHMLPClassifier(n_neighbors=METHODS[method], random_state=seed)
                found = measure(classifier, train, held_out, N_NAMED[name])
                print(f"{name}, seed {seed}, {method}: {found}", flush=True)
                runs.setdefault(method, {})[str(seed)] = found
                write(__file__, options, results)


if __name__ == "__main__":
    main()
