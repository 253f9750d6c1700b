"""The diagnoses of ICD-10-CM as both ICD benchmarks use them: tf-idf rows and class numbers."""

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from sklearn_lsh.datasets import load_icd10cm, split_keeping_classes

HIDDEN = (128,)
# scikit-learn's network gets so many mini-batches at a time, see `common.train_dense`.
PART = 10


def prepare(texts, codes, rows, held_out):
    """Turn texts into tf-idf rows, by the words of the training rows: (X, y), (X_test, y_test)."""
    vectorizer = TfidfVectorizer(sublinear_tf=True, dtype=np.float32)
    labels = np.unique(codes, return_inverse=True)[1]
    X = vectorizer.fit_transform(texts[rows])
    return (X, labels[rows]), (vectorizer.transform(texts[held_out]), labels[held_out])


def load(*, validation, quick):
    """Load training and test rows, or training and validation rows.

    The validation rows are split off from the training rows, so that whatever is chosen by them
    is chosen without the test rows.
    """
    texts, codes = load_icd10cm()
    if quick:
        texts, codes = texts[:6000], codes[:6000]
    rows, held_out = split_keeping_classes(codes, test_size=0.1, random_state=0)
    if validation:
        texts, codes = texts[rows], codes[rows]
        rows, held_out = split_keeping_classes(codes, test_size=0.1, random_state=1)
    return prepare(texts, codes, rows, held_out)
