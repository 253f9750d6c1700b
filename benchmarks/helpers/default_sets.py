"""Sets of many kinds, each with training rows, validation rows out of these, and test rows.

Rules of ``"auto"`` were made on some; `UNSEEN` were looked at once, when the rules stood.
"""

from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn import datasets
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sklearn_lsh.datasets import (
    fetch_mnist,
    load_icd10cm,
    load_multilabel_file,
    load_uci,
    make_convex,
    make_rectangles,
    split_keeping_classes,
)

from . import made_data
from .label_sets import SETS as LABEL_SETS
from .label_sets import load_lemma_set
from .label_sets import split as split_labels


class Split(NamedTuple):
    """Rows to train on, and rows to measure on."""

    X: object
    y: object
    X_test: object
    y_test: object


class DataSet(NamedTuple):
    """One set.

    Attributes
    ----------
    load : callable
        ``load(seed)`` returns a `Split`.
    kind : {"classes", "labels", "values"}
        What is to be predicted: one class, many labels, or numbers.
    """

    load: object
    kind: str


def _shipped(load, seed, *, scale=True):
    """What scikit-learn ships."""
    X, y = load(return_X_y=True)
    stratify = y if len(np.unique(y)) < len(y) / 10 else None
    split = train_test_split(X, y, test_size=0.25, random_state=seed, stratify=stratify)
    X, X_test, y, y_test = split
    if scale:
        scaler = StandardScaler().fit(X)
        X, X_test = scaler.transform(X), scaler.transform(X_test)
    if stratify is None:  # numbers, of a size that networks are made for
        mean, deviation = y.mean(), y.std()
        y, y_test = ((each - mean) / deviation for each in (y, y_test))
    return Split(X, y, X_test, y_test)


def _pictures(seed):
    """Fashion-MNIST."""
    X, X_test, y, y_test = fetch_mnist()
    X, X_test = (np.asarray(each, np.float32) for each in (X, X_test))
    return Split(X, y, X_test, y_test)


def _shapes(make, seed):
    X, y = make(n_samples=10_000, random_state=seed)
    return Split(X[:8000], y[:8000], X[8000:], y[8000:])


def _uci(name, seed):
    X, X_test, y, y_test = load_uci(name, fold=seed)
    scaler = StandardScaler().fit(X)
    mean, deviation = y.mean(), y.std()
    y, y_test = ((each - mean) / deviation for each in (y, y_test))
    return Split(scaler.transform(X), y, scaler.transform(X_test), y_test)


def _letters(seed):
    """First letters of codes, by their descriptions."""
    texts, codes = load_icd10cm()
    letters = np.array([code[0] for code in codes])
    rows, test = split_keeping_classes(letters, test_size=0.2, random_state=seed)
    words = TfidfVectorizer(sublinear_tf=True, dtype=np.float32)
    X = words.fit_transform(texts[rows])
    return Split(X, letters[rows], words.transform(texts[test]), letters[test])


def _labelled(make, seed):
    """A set of `label_sets`."""
    texts, Y, vectorizer = make()
    rows, test = split_labels(Y, seed)
    X, X_test = vectorizer.fit_transform(texts[rows]), vectorizer.transform(texts[test])
    if Y.sum() == Y.shape[0]:
        Y = Y.indices
    return Split(sparse.csr_array(X), Y[rows], sparse.csr_array(X_test), Y[test])


def _made(n_classes, n_features, seed):
    (X, y), (X_test, y_test) = made_data.one_row_a_class(n_classes, n_features, 5000, seed)
    return Split(X, y, X_test, y_test)


def _file(path, seed):
    """A user's own file in the form of the extreme-classification repository."""
    X, Y = load_multilabel_file(path)
    rows, test = split_labels(Y, seed)
    return Split(X[rows], Y[rows], X[test], Y[test])


SETS = {
    "iris": DataSet(partial(_shipped, datasets.load_iris), "classes"),
    "wine": DataSet(partial(_shipped, datasets.load_wine), "classes"),
    "breast cancer": DataSet(partial(_shipped, datasets.load_breast_cancer), "classes"),
    "digits": DataSet(partial(_shipped, datasets.load_digits), "classes"),
    "diabetes": DataSet(partial(_shipped, datasets.load_diabetes), "values"),
    "pumadyn32nm": DataSet(partial(_uci, "pumadyn32nm"), "values"),
    "bike": DataSet(partial(_uci, "bike"), "values"),
    "elevators": DataSet(partial(_uci, "elevators"), "values"),
    "tamielectric": DataSet(partial(_uci, "tamielectric"), "values"),
    "keggdirected": DataSet(partial(_uci, "keggdirected"), "values"),
    "convex": DataSet(partial(_shapes, make_convex), "classes"),
    "rectangles": DataSet(partial(_shapes, make_rectangles), "classes"),
    "fashion": DataSet(_pictures, "classes"),
    "icd letters": DataSet(_letters, "classes"),
    "icd": DataSet(partial(_labelled, LABEL_SETS["icd"]), "classes"),
    "wordnet": DataSet(partial(_labelled, LABEL_SETS["wordnet"]), "labels"),
    "lemma-de": DataSet(partial(_labelled, LABEL_SETS["lemma-de"]), "classes"),
    "lemma-sv": DataSet(partial(_labelled, partial(load_lemma_set, "sv")), "classes"),
    "lemma-it": DataSet(partial(_labelled, partial(load_lemma_set, "it")), "classes"),
    "made-20000": DataSet(partial(_made, 20_000, 10_000), "classes"),
    "made-200000": DataSet(partial(_made, 200_000, 100_000), "classes"),
}
# No rule was made by these.
UNSEEN = ("wine", "tamielectric", "keggdirected", "lemma-sv", "lemma-it")


def find(name):
    """A set by its name, or by the path of a file."""
    if name in SETS:
        return SETS[name]
    if Path(name).exists():
        return DataSet(partial(_file, name), "labels")
    raise SystemExit(f"unknown: {name}; known: {', '.join(SETS)}, and paths of files")
