"""Sets of texts with many labels, or one of many: sparse rows and label indicators.

Each set is split into training, validation and test rows once and for all. The validation rows
come out of the training rows: settings are chosen by them, and the networks and trees that are
tested are trained on both.
"""

from functools import partial

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer

from sklearn_lsh.datasets import (
    load_icd10cm,
    load_lemmas,
    load_wordnet,
    split_keeping_classes,
)


def _indicator(classes):
    """One label for each sample."""
    columns = np.unique(classes, return_inverse=True)[1]
    ones = np.ones(len(columns), np.uint8)
    return sparse.csr_array((ones, columns, np.arange(len(columns) + 1)))


def load_lemma_set(language, n_classes=None):
    """Word forms and their lemmas, or those of some lemmas drawn at random."""
    forms, lemmas = load_lemmas(language)
    names = np.unique(lemmas)
    if n_classes is not None:
        chosen = np.random.RandomState(0).choice(names, n_classes, replace=False)
        kept = np.isin(lemmas, chosen)
        forms, lemmas = forms[kept], lemmas[kept]
    ngrams = HashingVectorizer(
        analyzer="char_wb", ngram_range=(2, 5), n_features=1 << 18, dtype=np.float32
    )
    return forms, _indicator(lemmas), ngrams


def _icd():
    texts, codes = load_icd10cm()
    return texts, _indicator(codes), TfidfVectorizer(sublinear_tf=True, dtype=np.float32)


def _wordnet():
    glosses, labels, _ = load_wordnet(n_levels=3)
    words = TfidfVectorizer(sublinear_tf=True, min_df=2, dtype=np.float32)
    return glosses, labels.tocsr(), words


# Of ours, chosen by the validation rows of all sets; some studies give single sets others.
OURS = {
    "hidden_layer_sizes": (128,),
    "batch_size": 512,
    "learning_rate_init": 0.0075,
    "learning_rate": "linear",
    "max_iter": 3,
}
SETS = {
    "wordnet": _wordnet,
    "icd": _icd,
    "lemma-de": partial(load_lemma_set, "de"),
    "lemma-hr-10000": partial(load_lemma_set, "hr", 10_000),
    "lemma-hr-30000": partial(load_lemma_set, "hr", 30_000),
    "lemma-hr": partial(load_lemma_set, "hr"),
}


def split(Y, seed):
    """Rows to keep, and a tenth of all to hold out."""
    if Y.sum() == Y.shape[0]:
        return split_keeping_classes(Y.indices, test_size=0.1, random_state=seed)
    order = np.random.RandomState(seed).permutation(Y.shape[0])
    n_held_out = Y.shape[0] // 10
    return np.sort(order[n_held_out:]), np.sort(order[:n_held_out])


def load(name, *, validation, quick=False):
    """Load a set, vectorised by what the training rows tell.

    Parameters
    ----------
    name : str
        A key of `SETS`.
    validation : bool
        Whether to hold out the validation rows and leave the test rows alone, rather than hold
        out the test rows.
    quick : bool
        Whether a part of the set will do.

    Returns
    -------
    train, held_out : (X, Y)
        Rows and label indicators, both sparse.
    """
    texts, Y, vectorizer = SETS[name]()
    if quick:
        texts, Y = texts[:6000], Y[:6000]
        Y = Y[:, np.flatnonzero(Y.sum(axis=0))]
    rows, held_out = split(Y, seed=0)
    if validation:
        texts, Y = texts[rows], Y[rows]
        rows, held_out = split(Y, seed=1)
    X = sparse.csr_array(vectorizer.fit_transform(texts[rows]))
    X_held_out = sparse.csr_array(vectorizer.transform(texts[held_out]))
    train, test = (X, Y[rows]), (X_held_out, Y[held_out])
    for matrix in (*train, *test):
        matrix.sort_indices()
    return train, test


def some(held_out, most):
    """At most so many of the held-out rows, drawn at random."""
    n_held_out = held_out[0].shape[0]
    rows = np.sort(np.random.RandomState(0).permutation(n_held_out)[:most])
    return tuple(matrix[rows] for matrix in held_out)
