"""What hashed selections share: families, tables as they are asked for, refreshes."""

import numpy as np
import pytest

from sklearn_lsh.hashing import E2LSH, FAMILIES, SimpleLSH
from sklearn_lsh.selection.lsh import choose_n_bits

from ..support.selections import (
    N_SAMPLES,
    make_selected,
    preactivations,
    recall,
    select_all,
    train,
)


@pytest.mark.parametrize("n_bits", [3, "auto"])
# Not MinHash, for sets, nor E2LSH, for distances, which tell little about responses.
@pytest.mark.parametrize("hash_function", ["simhash", "wta", "dwta", "simple"])
def test_lsh_finds_the_neurons_that_respond_most(clustered, hash_function, n_bits):
    X, target = clustered
    network = make_selected(X, "lsh", hash_function=hash_function, n_bits=n_bits)
    train(network, X, target, 5)
    # A tenth is what chance finds.
    for depth, floor in enumerate((0.5, 0.25)):
        chosen, inputs = select_all(network, X, depth)
        assert recall(chosen, preactivations(network.layers[depth], inputs)) > floor


@pytest.mark.parametrize("hash_function", [*FAMILIES, SimpleLSH(n_ranges=3), E2LSH(width=9.0)])
def test_any_family_can_be_trained_with(clustered, hash_function):
    X, target = clustered
    network = make_selected(X, "lsh", hash_function=hash_function, n_bits=4, n_tables=3)
    train(network, X, target, 1)
    for depth, n_active in enumerate((20, 15)):
        selection = network.layers[depth].selection
        assert selection.family is not hash_function
        assert (selection.family.n_bits, selection.family.n_tables) == (4, 3)
        assert {len(row) for row in select_all(network, X, depth)[0]} == {n_active}


def test_training_refreshes(clustered):
    X, target = clustered
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


def test_given_bits_and_tables_are_taken(clustered):
    X, _ = clustered
    network = make_selected(X, "lsh", n_bits=7, n_tables=9)
    for layer in network.layers:
        assert layer.selection.family.n_bits == 7
        assert layer.selection.family.n_tables == 9
