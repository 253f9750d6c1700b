"""Hashing in hidden layers: with tables or by sketches alone, and what it finds."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_digits

from sklearn_lsh import LSHMLPClassifier

from ..support.selections import (
    N_HIDDEN,
    everything,
    make_selected,
    preactivations,
    recall,
    select_all,
    train,
)


@pytest.mark.parametrize(
    ("n_active", "settings", "has_tables"),
    [
        (20, {}, False),
        (4, {}, False),
        (3, {}, True),
        (20, {"n_bits": 4}, True),
        (20, {"n_tables": 5}, True),
    ],
)
def test_hidden_tables_are_for_few_active_neurons(clustered, n_active, settings, has_tables):
    X, target = clustered
    network = make_selected(X, "lsh", (n_active, 15), **settings)
    train(network, X, target, 1)
    selection = network.layers[0].selection
    assert (selection.tables is not None) == has_tables
    assert (selection.family is not None) == has_tables
    occupancy = selection.occupancy()
    one_bucket = {"filled_buckets": 1.0, "bucket_load": N_HIDDEN}
    assert (occupancy == one_bucket) == (not has_tables)


def test_sketches_of_all_neurons_miss_few(clustered):
    X, target = clustered
    network = make_selected(X, "lsh")
    train(network, X, target, 5)
    chosen, inputs = select_all(network, X, 0)
    # Inputs of thirty features at random: fourteen directions hold half of them.
    assert recall(chosen, preactivations(network.layers[0], inputs)) > 0.85


@pytest.mark.parametrize("width", [256, 1000, 4000, 32_000])
def test_automatic_hashing_keeps_its_recall_at_all_widths(width):
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    network = LSHMLPClassifier(
        (width,), density=50, batch_size=50, learning_rate_init=0.002, max_iter=5, tol=1,
        random_state=0,
    ).fit(X[:1200], y[:1200])  # fmt: skip
    (layer, _), held_out = network._network.layers, X[1200:]
    assert (layer.selection.tables is None) == (width <= 1000)
    # In wide layers few neurons answer to all digits, which are popular and need no tables. Where
    # data ask for more of them tables miss many: `benchmarks/widths.py` measures how many.
    chosen = layer.selection.choose(layer.weights, held_out).pattern.indices.reshape(-1, 50)
    assert recall(chosen, layer.weights.preactivate_all(held_out)) > 0.95


def test_refresh_follows_hidden_neurons(clustered):
    X, _ = clustered
    network = make_selected(X, "lsh", (5, 5))
    inputs = everything(X)
    # The last neurons come to respond to one sample each.
    layer = network.layers[0]
    dense = X.toarray() if sp.issparse(X) else X
    samples = np.arange(100, 150)
    neurons = N_HIDDEN - 1 - np.arange(50)
    layer.weights.rows[neurons] = 3 * (dense[samples] - dense.mean(axis=0))
    stale, _ = select_all(network, X, 0)
    layer.selection.refresh(layer.weights, inputs)
    fresh, _ = select_all(network, X, 0)
    share_stale, share_fresh = (
        np.mean([neuron in chosen[s] for neuron, s in zip(neurons, samples, strict=True)])
        for chosen in (stale, fresh)
    )
    assert share_stale < 0.5
    assert share_fresh > 0.9
