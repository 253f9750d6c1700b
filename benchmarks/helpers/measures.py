"""Single figures of runs and of data."""

import time

import numpy as np
from scipy import sparse


def timed(function, clock=time.perf_counter):
    """Seconds that a call takes, and what it returns."""
    start = clock()
    result = function()
    return clock() - start, result


def share_found(found, preactivations):
    """Share of each sample's highest pre-activations, as many as were found, that were found."""
    best = np.argpartition(-preactivations, found.shape[1], axis=1)[:, : found.shape[1]]
    hits = sum(np.intersect1d(*pair).size for pair in zip(found, best, strict=True))
    return hits / found.size


def n_bytes(X):
    """Memory that a matrix takes."""
    return X.data.nbytes + X.indices.nbytes + X.indptr.nbytes if sparse.issparse(X) else X.nbytes


def median(runs, key):
    """Median of one figure over runs."""
    return float(np.median([run[key] for run in runs]))
