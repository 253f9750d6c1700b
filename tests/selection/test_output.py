"""Hashing in output layers: classes, remembered samples, and drawn negatives."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal

from sklearn_lsh.csr import take
from sklearn_lsh.selection.class_memory import share_room

from ..support.selections import (
    N_INPUTS,
    N_OUTPUTS,
    N_SAMPLES,
    chosen_sets,
    everything,
    make_selected,
    select_all,
    train,
)
from ..support.small_networks import make_network


@pytest.mark.parametrize("n_hidden", [100, 300])
def test_lsh_finds_the_labels_of_what_it_was_trained_on(n_hidden):
    rng = np.random.default_rng(4)
    centres = rng.normal(size=(400, 50))
    labels = rng.integers(400, size=3000)
    X = (centres[labels] + 0.4 * rng.normal(size=(3000, 50))).astype(np.float32)
    target = sp.csr_array((np.ones(3000, np.float32), labels, np.arange(3001)), shape=(3000, 400))
    network = make_network(
        n_units=(50, n_hidden, 400), n_active=(None, 20), selection="lsh", activation="relu"
    )
    network.start_at_centroids(X, target)
    train(network, X[:2500], target[:2500], 2)
    layer = network.layers[1]
    chosen = chosen_sets(layer.selection.select(layer.weights, network.hidden(X[2500:])))
    found = [label in row for label, row in zip(labels[2500:], chosen, strict=True)]
    assert np.mean(found) > 0.9


@pytest.mark.parametrize("counted", [False, True], ids=["counts unknown", "counted"])
def test_samples_of_every_class_are_remembered(counted):
    # One class has half of the samples, and the last ten have none.
    rng = np.random.default_rng(6)
    labels = np.concatenate([np.zeros(500, int), rng.integers(1, 190, size=500)])
    X = (rng.normal(size=(200, 50))[labels] + 0.2 * rng.normal(size=(1000, 50))).astype(np.float32)
    target = sp.csr_array((np.ones(1000, np.float32), labels, np.arange(1001)), shape=(1000, 200))
    counts = np.bincount(labels, minlength=200)
    network = make_network(
        n_units=(50, 30, 200),
        n_active=(None, 20),
        selection="lsh",
    )
    if counted:
        network.count_targets(target, np.arange(1000))
    network.prepare(X, np.arange(1000))
    train(network, X, target, 1)
    selection = network.layers[1].selection
    memory = selection.memory
    owners, blank = memory.owners[200:], memory.is_blank[200:]
    room = share_room(counts, 5) if counted else np.full(200, 5)
    assert_array_equal(np.bincount(owners, minlength=200), room)
    noted = np.bincount(owners[~blank], minlength=200)
    assert_array_equal(noted, np.minimum(counts, room))
    # A batch's codes take the places of older ones, those of their own classes.
    rows = np.arange(480, 560)
    layer, hidden = network.layers[1], network.hidden(X[rows])
    targets = take(target, rows)
    cache = layer.forward(hidden, targets)
    before = selection.codes.copy()
    selection.note(cache.active, cache.groups, targets)
    own = selection.family.query_codes(selection.sketch.queries(hidden))
    changed = np.flatnonzero((selection.codes != before).any(axis=1))
    assert changed.size > 20
    for place in changed:
        of_class = own[labels[rows] == memory.owners[place]]
        assert (selection.codes[place] == of_class).all(axis=1).any()


@pytest.mark.parametrize("training", [False, True])
def test_popular_labels_are_candidates_of_all(training):
    rng = np.random.default_rng(6)
    X = rng.normal(size=(600, 50)).astype(np.float32)
    Y = sp.csr_array((rng.random((600, 200)) < [0.5, 0.3, *np.full(198, 0.005)]).astype(np.float32))
    network = make_network(n_units=(50, 30, 200), n_active=(None, 40), selection="lsh")
    network.prepare(X, np.arange(600))
    assert network.layers[1].selection.popular.size == 0  # not known before training
    train(network, X, Y, 1)
    network.prepare(X, np.arange(600))
    assert sorted(network.layers[1].selection.popular) == [0, 1]
    labels = take(Y, slice(0, 600)) if training else None
    chosen, _ = select_all(network, X, 1, labels)
    assert all({0, 1} <= set(row) for row in chosen)
    if not training:
        assert {len(row) for row in chosen} == {40}


def test_refresh_follows_classes(clustered):
    X, _ = clustered
    network = make_selected(X, "lsh")
    before, inputs = select_all(network, X, 1)
    # Every class takes over the weights of the next one.
    layer = network.layers[1]
    weights = layer.weights
    weights.rows[...] = np.roll(weights.rows, -1, axis=0)
    weights.bias[...] = np.roll(weights.bias, -1, axis=1)
    assert select_all(network, X, 1)[0] == before
    layer.selection.refresh(weights, inputs)
    after, _ = select_all(network, X, 1)
    moved = [{(i - 1) % N_OUTPUTS for i in row} for row in before]
    shares = [len(a & set(b)) / 15 for a, b in zip(moved, after, strict=True)]
    assert np.mean(shares) > 0.8


def select_outputs(network, X, target):
    """What the output layer selects while it learns."""
    layer = network.layers[1]
    hidden = network.hidden(everything(X))
    return layer.selection.select(layer.weights, hidden, everything(target))


def test_drawn_classes_stand_for_the_others(clustered):
    X, target = clustered
    network = make_selected(X, "lsh")
    n_shared = 11  # of 15 active ones, of which a quarter is found by hashing
    sums, n_draws = np.zeros(N_SAMPLES), 400
    values = np.random.default_rng(6).exponential(size=N_OUTPUTS)
    for _ in range(n_draws):
        active = select_outputs(network, X, target)
        assert set(active.log_importance) == {0, np.log(np.float32(N_OUTPUTS / n_shared))}
        own = np.diff(target.indptr)
        for s in range(0, N_SAMPLES, 100):
            first = active.pattern.indptr[s]
            assert (active.log_importance[first : first + own[s]] == 0).all()
        terms = values[active.pattern.indices] * np.exp(active.log_importance)
        sums += np.add.reduceat(terms, active.pattern.indptr[:-1])
        layer = network.layers[1]
        layer.selection.refresh(layer.weights, network.hidden(everything(X)))  # draws anew
    # Horvitz and Thompson's estimate of a sum over all classes has no bias.
    error = n_shared**-0.5 * N_OUTPUTS * n_draws**-0.5
    np.testing.assert_allclose(sums / n_draws, values.sum(), atol=4 * error)
    # All samples share what is drawn, so that their mean has the same error.
    np.testing.assert_allclose((sums / n_draws).mean(), values.sum(), atol=3 * error)


@pytest.mark.parametrize(("n_tables", "min_shared"), [("auto", 2), (10, 1)])
def test_classes_that_share_one_bucket_of_many_are_not_learnt_with(clustered, n_tables, min_shared):
    X, target = clustered
    network = make_selected(X, "lsh", (20, 60), n_tables=n_tables)
    layer = network.layers[1]
    selection, hidden = layer.selection, network.hidden(everything(X))
    sketch, tables = selection.index
    probes = selection.family.probe_codes(sketch.queries(hidden), selection.n_probes)
    starts, stops = (array.reshape(N_SAMPLES, -1) for array in tables.buckets(probes))
    active = select_outputs(network, X, target)
    fewest = []
    for s in range(0, N_SAMPLES, 50):
        met = [tables.members[a:b] for a, b in zip(starts[s], stops[s], strict=True)]
        votes = np.bincount(np.concatenate(met), minlength=N_OUTPUTS)
        pairs = slice(*active.pattern.indptr[s : s + 2])
        found = active.pattern.indices[pairs][active.log_importance[pairs] == 0]
        labels = target.indices[target.indptr[s] : target.indptr[s + 1]]
        found = np.setdiff1d(found, [*labels, *selection.popular])
        assert (votes == 1).any()
        fewest.extend(votes[found])
    assert min(fewest) == min_shared


def test_crowded_buckets_of_outputs_keep_a_part():
    # All alike but for noise: nearly all are in the same bucket of each table.
    X = np.ones((N_SAMPLES, N_INPUTS), np.float32)
    X[:, 0] += np.random.default_rng(0).normal(size=N_SAMPLES) * 1e-4
    sizes = {}
    for n_bits in ("auto", 6):
        network = make_selected(X, "lsh", (20, 15), n_bits=n_bits)
        selection = network.layers[1].selection
        sizes[n_bits] = np.diff(selection.tables.indptr).max()
        assert (selection.capacity is None) == (n_bits != "auto")
    n_lookups = selection.family.n_tables * selection.n_probes
    wanted = selection.CROWDED * selection.OVERSUPPLY * 15 / n_lookups
    assert sizes["auto"] <= np.ceil(wanted) < sizes[6]
