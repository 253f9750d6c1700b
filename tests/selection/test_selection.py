"""Selections: the right number of neurons, the right ones, and the labels among them."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.datasets import load_digits

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.csr import CSR, take
from sklearn_lsh.hashing import E2LSH, FAMILIES, SimpleLSH
from sklearn_lsh.network.layers import FullLayer, SelectedFirstLayer, SelectedLayer
from sklearn_lsh.selection import HiddenLSH, OutputLSH, TopK
from sklearn_lsh.selection.lsh import choose_n_bits
from sklearn_lsh.selection.output import share_room

from ..support.small_networks import make_network

SELECTIONS = ["lsh", "topk", "random"]
N_INPUTS, N_HIDDEN, N_OUTPUTS = 30, 200, 150
N_SAMPLES = 600


@pytest.fixture(params=[False, True], ids=["dense", "sparse"])
def data(request):
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
    return (sp.csr_array(X) if request.param else X), sp.csr_array(target)


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
    indptr, indices = selected[:2]
    assert indptr.dtype == indices.dtype == np.uint32
    assert indptr[-1] == indices.size
    rows = [indices[start:stop].tolist() for start, stop in pairwise(indptr)]
    assert all(len(set(row)) == len(row) for row in rows)
    return rows


def select_all(network, X, depth, labels=None):
    """What a layer selects for all rows, and its inputs."""
    inputs = everything(X)
    if depth:
        inputs = network.hidden(inputs)
    layer = network.layers[depth]
    return chosen_sets(layer.selection.select(layer, inputs, labels)), inputs


def responses(layer, inputs):
    dense = inputs.toarray() if isinstance(inputs, CSR) else inputs
    return dense.astype(float) @ layer.coef + layer.bias


def recall(chosen, scores):
    """The mean share of the neurons that respond most that were chosen."""
    shares = []
    for row, answers in zip(chosen, scores, strict=True):
        best = np.argpartition(-answers, len(row) - 1)[: len(row)]
        shares.append(len(set(best) & set(row)) / len(row))
    return np.mean(shares)


# How many, and labels


@pytest.mark.parametrize("selection", SELECTIONS)
def test_number_of_active_neurons(data, selection):
    X, _ = data
    network = make_selected(X, selection)
    for depth, n_active in enumerate((20, 15)):
        chosen, _ = select_all(network, X, depth)
        assert {len(row) for row in chosen} == {n_active}
        assert max(map(max, chosen)) < network.n_units[depth + 1]


@pytest.mark.parametrize("selection", SELECTIONS)
@pytest.mark.parametrize("n_active", [1, N_OUTPUTS])
def test_one_or_all_neurons(data, selection, n_active):
    X, target = data
    network = make_selected(X, selection, (min(n_active, N_HIDDEN), n_active))
    train(network, X, target, 1)
    for depth in (0, 1):
        chosen, _ = select_all(network, X, depth)
        assert {len(row) for row in chosen} == {n_active}


@pytest.mark.parametrize("selection", SELECTIONS)
def test_labels_come_first_and_once(data, selection):
    X, target = data
    network = make_selected(X, selection)
    train(network, X, target, 1)
    labels = everything(target)
    chosen, _ = select_all(network, X, 1, labels)
    n_double = 0
    for s, row in enumerate(chosen):
        own = labels.indices[labels.indptr[s] : labels.indptr[s + 1]].tolist()
        assert row[: len(own)] == own
        assert 11 <= len(row) <= 15 + len(own)
        n_double += len(row) < 15 + len(own)
    assert n_double > 0


# Exact selection


def test_topk_is_exact(data):
    X, target = data
    network = make_selected(X, "topk")
    train(network, X, target, 1)
    for depth in (0, 1):
        chosen, inputs = select_all(network, X, depth)
        answers = responses(network.layers[depth], inputs)
        for row, scores in zip(chosen, answers, strict=True):
            last = np.sort(scores)[-len(row)]
            assert (scores[row] > last - 1e-4).all()
        assert recall(chosen, answers) > 0.999


def test_topk_decides_ties_by_order():
    X = np.zeros((5, N_INPUTS), np.float32)
    network = make_selected(X, "topk")
    network.layers[0].bias[...] = 0
    chosen, _ = select_all(network, X, 0)
    assert chosen == [list(range(20))] * 5


# Random selection


def test_random_depends_on_the_sample_alone(data):
    X, _ = data
    network = make_selected(X, "random")
    chosen, inputs = select_all(network, X, 0)
    rows = np.array([5, 500, 77, 5])
    layer = network.layers[0]
    some = chosen_sets(layer.selection.select(layer, take(X, rows)))
    assert some == [chosen[r] for r in rows]
    dense = inputs.toarray() if isinstance(inputs, CSR) else inputs
    assert chosen_sets(layer.selection.select(layer, dense)) == chosen
    assert len(set(map(tuple, chosen))) > 0.9 * N_SAMPLES


def test_random_is_uniform():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(5000, N_INPUTS)).astype(np.float32)
    network = make_selected(X, "random")
    chosen, _ = select_all(network, X, 0)
    share = 20 / N_HIDDEN
    counts = np.bincount(np.concatenate(chosen), minlength=N_HIDDEN)
    errors = (counts - 5000 * share) / np.sqrt(5000 * share * (1 - share))
    assert np.abs(errors).max() < 5
    assert 0.5 < np.mean(errors**2) < 1.5
    # Neither do neighbours come in pairs.
    mask = np.zeros((5000, N_HIDDEN), dtype=bool)
    mask[np.arange(5000)[:, np.newaxis], chosen] = True
    both = (mask[:, :-1] & mask[:, 1:]).mean()
    assert abs(both - share**2) < 0.1 * share**2


# Hashing


@pytest.mark.parametrize("n_bits", [3, "auto"])
# Not MinHash, for sets, nor E2LSH, for distances, which tell little about responses.
@pytest.mark.parametrize("hash_function", ["simhash", "wta", "dwta", "simple"])
def test_lsh_finds_the_neurons_that_respond_most(data, hash_function, n_bits):
    X, target = data
    network = make_selected(X, "lsh", hash_function=hash_function, n_bits=n_bits)
    train(network, X, target, 5)
    # A tenth is what chance finds.
    for depth, floor in enumerate((0.5, 0.25)):
        chosen, inputs = select_all(network, X, depth)
        assert recall(chosen, responses(network.layers[depth], inputs)) > floor


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
def test_hidden_tables_are_for_few_active_neurons(data, n_active, settings, has_tables):
    X, target = data
    network = make_selected(X, "lsh", (n_active, 15), **settings)
    train(network, X, target, 1)
    selection = network.layers[0].selection
    assert (selection.tables is not None) == has_tables
    assert (selection.family is not None) == has_tables
    occupancy = selection.occupancy()
    one_bucket = {"filled_buckets": 1.0, "bucket_load": N_HIDDEN}
    assert (occupancy == one_bucket) == (not has_tables)


@pytest.mark.parametrize("settings", [{}, {"n_bits": 4}, {"n_tables": 5}])
@pytest.mark.parametrize("n_nonzero", [1.5, HiddenLSH.COMPUTED_TO, HiddenLSH.COMPUTED_TO + 1])
def test_few_non_zeros_are_computed_and_not_hashed(data, n_nonzero, settings):
    X, _ = data
    network = make_selected(X, "lsh", active_inputs=n_nonzero, **settings)
    computed = sp.issparse(X) and n_nonzero <= HiddenLSH.COMPUTED_TO and not settings
    kind = (SelectedFirstLayer, TopK) if computed else (SelectedLayer, HiddenLSH)
    assert (type(network.layers[0]), type(network.layers[0].selection)) == kind
    # Only a first layer has sparse data.
    assert type(network.layers[1].selection) is OutputLSH


def test_only_a_first_layer_has_few_non_zeros():
    network = make_network(
        "adam", (30, 100, 100, 9), (4, 4, None), selection="lsh", sparse_input=True
    )
    assert [type(layer) for layer in network.layers] == [
        SelectedFirstLayer,
        SelectedLayer,
        FullLayer,
    ]
    assert type(network.layers[1].selection) is HiddenLSH
    # Rows of an output layer, which may start at centroids, belong to classes.
    network = make_network("adam", (30, 9), (4,), selection="topk", sparse_input=True)
    assert type(network.layers[0]) is SelectedLayer


def test_sketches_of_all_neurons_miss_few(data):
    X, target = data
    network = make_selected(X, "lsh")
    train(network, X, target, 5)
    chosen, inputs = select_all(network, X, 0)
    # Inputs of thirty features at random: fourteen directions hold half of them.
    assert recall(chosen, responses(network.layers[0], inputs)) > 0.85


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
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
    chosen = layer.selection.choose(layer, held_out).indices.reshape(-1, 50)
    assert recall(chosen, layer.respond_all(held_out)) > 0.95


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
    chosen = chosen_sets(layer.selection.select(layer, network.hidden(X[2500:])))
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
        n_targets=counts if counted else None,
    )
    network.prepare(X, np.arange(1000))
    train(network, X, target, 1)
    selection = network.layers[1].selection
    owners, blank = selection.owners[200:], selection.is_blank[200:]
    room = share_room(counts, 5) if counted else np.full(200, 5)
    assert_array_equal(np.bincount(owners, minlength=200), room)
    noted = np.bincount(owners[~blank], minlength=200)
    assert_array_equal(noted, np.minimum(counts, room))
    # A batch's codes take the places of older ones, those of their own classes.
    rows = np.arange(480, 560)
    layer, hidden = network.layers[1], network.hidden(X[rows])
    done = layer.forward(hidden, take(target, rows))
    before = selection.codes.copy()
    selection.note(done, take(target, rows))
    own = selection.family.query_codes(selection.sketch.queries(hidden))
    changed = np.flatnonzero((selection.codes != before).any(axis=1))
    assert changed.size > 20
    for place in changed:
        of_class = own[labels[rows] == selection.owners[place]]
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


@pytest.mark.parametrize("hash_function", [*FAMILIES, SimpleLSH(n_ranges=3), E2LSH(width=9.0)])
def test_any_family_can_be_trained_with(data, hash_function):
    X, target = data
    network = make_selected(X, "lsh", hash_function=hash_function, n_bits=4, n_tables=3)
    train(network, X, target, 1)
    for depth, n_active in enumerate((20, 15)):
        selection = network.layers[depth].selection
        assert selection.family is not hash_function
        assert (selection.family.n_bits, selection.family.n_tables) == (4, 3)
        assert {len(row) for row in select_all(network, X, depth)[0]} == {n_active}


def test_refresh_follows_hidden_neurons(data):
    X, _ = data
    network = make_selected(X, "lsh", (5, 5))
    inputs = everything(X)
    # The last neurons come to respond to one sample each.
    layer = network.layers[0]
    dense = X.toarray() if sp.issparse(X) else X
    samples = np.arange(100, 150)
    neurons = N_HIDDEN - 1 - np.arange(50)
    layer.weights[neurons] = 3 * (dense[samples] - dense.mean(axis=0))
    stale, _ = select_all(network, X, 0)
    layer.selection.refresh(layer, inputs)
    fresh, _ = select_all(network, X, 0)
    share_stale, share_fresh = (
        np.mean([neuron in chosen[s] for neuron, s in zip(neurons, samples, strict=True)])
        for chosen in (stale, fresh)
    )
    assert share_stale < 0.5
    assert share_fresh > 0.9


def test_refresh_follows_classes(data):
    X, _ = data
    network = make_selected(X, "lsh")
    before, inputs = select_all(network, X, 1)
    # Every class takes over the weights of the next one.
    layer = network.layers[1]
    layer.weights[...] = np.roll(layer.weights, -1, axis=0)
    layer.bias[...] = np.roll(layer.bias, -1, axis=1)
    assert select_all(network, X, 1)[0] == before
    layer.selection.refresh(layer, inputs)
    after, _ = select_all(network, X, 1)
    moved = [{(i - 1) % N_OUTPUTS for i in row} for row in before]
    shares = [len(a & set(b)) / 15 for a, b in zip(moved, after, strict=True)]
    assert np.mean(shares) > 0.8


def test_training_refreshes(data):
    X, target = data
    network = make_selected(X, "lsh")
    before, _ = select_all(network, X, 0)
    train(network, X, target, 1)
    after, _ = select_all(network, X, 0)
    # What is found after training is what fresh tables find.
    network.prepare(X, np.arange(N_SAMPLES))
    fresh, _ = select_all(network, X, 0)
    overlap = np.mean([len(set(a) & set(b)) for a, b in zip(after, fresh, strict=True)]) / 20
    assert after != before
    assert overlap > 0.8


def test_room_is_shared_evenly():
    assert_array_equal(share_room(np.array([1, 2, 3, 0]), 5), [1, 2, 3, 1])  # all that there are
    assert_array_equal(share_room(np.array([9, 9, 1, 900]), 5), [5, 5, 1, 5])
    # What rare classes leave is for the others.
    assert_array_equal(share_room(np.array([6, 6, 1, 6]), 5), [6, 6, 1, 6])
    counts = np.random.default_rng(0).geometric(0.01, size=1000)
    room = share_room(counts, 5)
    assert (room == np.minimum(counts, room.max())).all()
    assert 4500 < room.sum() <= 5000


def test_chosen_bits_give_the_wanted_load():
    for n_members in (50, 1000, 30_000, 1_000_000):
        for n_found in (10, 50, 500):
            for n_tables in (1, 20, 100):
                n_bits = choose_n_bits(n_members, n_found, n_tables)
                assert 1 <= n_bits <= 16
                load = n_members / 2**n_bits
                if 1 < n_bits < 16:
                    ratio = load / max(1, n_found / n_tables)
                    assert 2**-0.51 < ratio < 2**0.51


def test_given_bits_and_tables_are_taken(data):
    X, _ = data
    network = make_selected(X, "lsh", n_bits=7, n_tables=9)
    for layer in network.layers:
        assert layer.selection.family.n_bits == 7
        assert layer.selection.family.n_tables == 9


# Negatives


def select_outputs(network, X, target):
    """What the output layer selects while it learns."""
    layer = network.layers[1]
    return layer.selection.select(layer, network.hidden(everything(X)), everything(target))


def test_drawn_classes_stand_for_the_others(data):
    X, target = data
    network = make_selected(X, "lsh")
    n_shared = 11  # of 15 active ones, of which a quarter is found by hashing
    sums, n_draws = np.zeros(N_SAMPLES), 400
    values = np.random.default_rng(6).exponential(size=N_OUTPUTS)
    for _ in range(n_draws):
        active = select_outputs(network, X, target)
        assert set(active.log_importance) == {0, np.log(np.float32(N_OUTPUTS / n_shared))}
        own = np.diff(target.indptr)
        for s in range(0, N_SAMPLES, 100):
            first = active.indptr[s]
            assert (active.log_importance[first : first + own[s]] == 0).all()
        terms = values[active.indices] * np.exp(active.log_importance)
        sums += np.add.reduceat(terms, active.indptr[:-1])
        layer = network.layers[1]
        layer.selection.refresh(layer, network.hidden(everything(X)))  # draws anew
    # Horvitz and Thompson's estimate of a sum over all classes has no bias.
    error = n_shared**-0.5 * N_OUTPUTS * n_draws**-0.5
    np.testing.assert_allclose(sums / n_draws, values.sum(), atol=4 * error)
    # All samples share what is drawn, so that their mean has the same error.
    np.testing.assert_allclose((sums / n_draws).mean(), values.sum(), atol=3 * error)


def test_all_classes_are_drawn_before_one_comes_again(data):
    selection = make_selected(data[0], "lsh").layers[1].selection
    drawn = np.concatenate([selection.draw_negatives(7) for _ in range(2 * N_OUTPUTS)])
    for first in range(0, drawn.size, N_OUTPUTS):
        assert set(drawn[first : first + N_OUTPUTS]) == set(range(N_OUTPUTS))


@pytest.mark.parametrize(("n_tables", "least"), [("auto", 2), (10, 1)])
def test_classes_that_share_one_bucket_of_many_are_not_learnt_with(data, n_tables, least):
    X, target = data
    network = make_selected(X, "lsh", (20, 60), n_tables=n_tables)
    layer = network.layers[1]
    selection, hidden = layer.selection, network.hidden(everything(X))
    sketch, tables = selection.found
    probes = selection.family.probe_codes(sketch.queries(hidden), selection.n_probes)
    starts, stops = (array.reshape(N_SAMPLES, -1) for array in tables.buckets(probes))
    active = select_outputs(network, X, target)
    fewest = []
    for s in range(0, N_SAMPLES, 50):
        met = [tables.members[a:b] for a, b in zip(starts[s], stops[s], strict=True)]
        votes = np.bincount(np.concatenate(met), minlength=N_OUTPUTS)
        pairs = slice(*active.indptr[s : s + 2])
        found = active.indices[pairs][active.log_importance[pairs] == 0]
        labels = target.indices[target.indptr[s] : target.indptr[s + 1]]
        found = np.setdiff1d(found, [*labels, *selection.popular])
        assert (votes == 1).any()
        fewest.extend(votes[found])
    assert min(fewest) == least


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


# Biases that hidden layers start with


def positive_shares(network, X):
    """The share of samples to which each hidden neuron responds positively."""
    return (network.layers[0].respond_all(everything(X)) > 0).mean(axis=0)


@pytest.mark.parametrize("selection", ["lsh", "topk"])
def test_neurons_respond_positively_to_the_active_share_at_first(data, selection):
    X, _ = data
    network = make_selected(X, selection)
    # By 256 of 600 samples.
    np.testing.assert_allclose(positive_shares(network, X), 20 / N_HIDDEN, atol=0.05)
    bias = network.layers[0].bias.copy()
    network.prepare(X, np.arange(N_SAMPLES))  # as after every epoch
    np.testing.assert_array_equal(network.layers[0].bias, bias)


def biases_as_drawn(X):
    """What biases are if selections have no say: the same numbers are drawn before."""
    return make_selected(X, "random").layers[0].bias


@pytest.mark.parametrize(
    ("selection", "settings"),
    [("random", {}), ("lsh", {"n_bits": 4}), ("lsh", {"activation": "tanh"})],
    ids=["random", "tables", "tanh"],
)
def test_biases_stay_where_much_is_missed_or_nothing_cut_off(data, selection, settings):
    X, _ = data
    shares = positive_shares(make_selected(X, selection, **settings), X)
    assert np.abs(shares - 20 / N_HIDDEN).max() > 0.3


def test_biases_stay_where_samples_are_few(data):
    X, _ = data
    one = X[:1]
    network = make_selected(one, "lsh")
    np.testing.assert_array_equal(network.layers[0].bias, biases_as_drawn(one))
    assert (network.layers[0].respond_all(everything(one)) != 0).all()
