"""Networks that select neurons, data for them, and what they select."""

from itertools import pairwise

import numpy as np
import scipy.sparse as sp

from sklearn_lsh.csr import CSR, take
from sklearn_lsh.selection import HiddenLSH

from .small_networks import make_network

SELECTIONS = ["lsh", "topk", "random"]
N_INPUTS, N_HIDDEN, N_OUTPUTS = 30, 200, 150
N_SAMPLES = 600


def make_clustered():
    """Rows near a few centres, some of them empty, with one or two labels each."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(N_OUTPUTS, N_INPUTS)) * (rng.random((N_OUTPUTS, N_INPUTS)) < 0.5)
    labels = rng.integers(N_OUTPUTS, size=N_SAMPLES)
    X = centres[labels] * rng.uniform(0.8, 1.2, size=(N_SAMPLES, N_INPUTS))
    X[[0, 77]] = 0
    target = np.zeros((N_SAMPLES, N_OUTPUTS), np.float32)
    target[np.arange(N_SAMPLES), labels] = 1
    target[::5, 3] = 1
    target[9] = 0
    X = X.astype(np.float32)
    return X, sp.csr_array(target)


def everything(X):
    return take(X, slice(0, X.shape[0]))


def make_selected(X, selection, n_active=(20, 15), **settings):
    network = make_network(
        n_units=(N_INPUTS, N_HIDDEN, N_OUTPUTS),
        n_active=n_active,
        selection=selection,
        sparse_input=sp.issparse(X),
        # So many non-zeros that sparse data are hashed, too.
        **{"activation": "relu", "active_inputs": HiddenLSH.COMPUTED_TO + 1, **settings},
    )
    network.prepare(X, np.arange(X.shape[0]))
    return network


def train(network, X, target, n_epochs):
    for seed in range(n_epochs):
        order = np.random.default_rng(seed).permutation(X.shape[0])
        network.train_epoch(X, target, None, order, 32)


def chosen_sets(selected):
    """The rows of ragged lists; fails if a list has duplicates."""
    indptr, indices = selected.pattern
    assert indptr.dtype == indices.dtype == np.uint32
    assert indptr[-1] == indices.size
    rows = [indices[start:stop].tolist() for start, stop in pairwise(indptr)]
    assert all(len(set(row)) == len(row) for row in rows)
    return rows


def select_all(network, X, depth, targets=None):
    """What a layer selects for all rows, and its inputs."""
    inputs = everything(X)
    if depth:
        inputs = network.hidden(inputs)
    layer = network.layers[depth]
    return chosen_sets(layer.selection.select(layer.weights, inputs, targets)), inputs


def preactivations(layer, inputs):
    dense = inputs.toarray() if isinstance(inputs, CSR) else inputs
    return dense.astype(float) @ layer.weights.coef + layer.weights.bias


def recall(chosen, scores):
    """The mean share of the neurons that respond most that were chosen."""
    shares = []
    for row, answers in zip(chosen, scores, strict=True):
        best = np.argpartition(-answers, len(row) - 1)[: len(row)]
        shares.append(len(set(best) & set(row)) / len(row))
    return np.mean(shares)
