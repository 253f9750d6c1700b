"""Made data of very many classes: sparse rows of which few features tell the class.

Of every class's five features a row has each with probability 0.8, beside five features at random,
all with log-normal weights: two rows of a class have about three features in common.
"""

import numpy as np
from scipy import sparse
from sklearn.preprocessing import normalize

# Features that are a class's, features at random, and how probably a row has one of its class's.
N_SIGNS = 5
N_NOISE = 5
SHARE_SEEN = 0.8


def draw_signs(n_classes, n_features, rng):
    """Draw the features of each class."""
    return rng.integers(n_features, size=(n_classes, N_SIGNS))


def draw_rows(signs, classes, n_features, rng):
    """Draw a row for each class in a list."""
    own = signs[classes]
    noise = rng.integers(n_features, size=(len(classes), N_NOISE))
    columns = np.hstack([own, noise])
    values = rng.lognormal(sigma=0.5, size=columns.shape).astype(np.float32)
    values[:, :N_SIGNS] *= rng.random(own.shape) < SHARE_SEEN
    indptr = np.arange(len(classes) + 1) * columns.shape[1]
    X = sparse.csr_array(
        (values.ravel(), columns.ravel(), indptr), shape=(len(classes), n_features)
    )
    X.sum_duplicates()
    X.eliminate_zeros()
    return normalize(X)


def one_row_a_class(n_classes, n_features, n_test, seed):
    """Make (X, y), with one row of each class, and (X_test, y_test) of some of them."""
    rng = np.random.default_rng(seed)
    signs = draw_signs(n_classes, n_features, rng)
    y, y_test = rng.permutation(n_classes), rng.integers(n_classes, size=n_test)
    X, X_test = (draw_rows(signs, classes, n_features, rng) for classes in (y, y_test))
    return (X, y), (X_test, y_test)
