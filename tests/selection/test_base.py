"""What all selections share: the right number of neurons, and the labels among them."""

import pytest

from ..support.selections import (
    N_HIDDEN,
    N_OUTPUTS,
    SELECTIONS,
    everything,
    make_selected,
    select_all,
    train,
)


@pytest.mark.parametrize("selection", SELECTIONS)
def test_number_of_active_neurons(clustered, selection):
    X, _ = clustered
    network = make_selected(X, selection)
    for depth, n_active in enumerate((20, 15)):
        chosen, _ = select_all(network, X, depth)
        assert {len(row) for row in chosen} == {n_active}
        assert max(map(max, chosen)) < network.n_units[depth + 1]


@pytest.mark.parametrize("selection", SELECTIONS)
@pytest.mark.parametrize("n_active", [1, N_OUTPUTS])
def test_one_or_all_neurons(clustered, selection, n_active):
    X, target = clustered
    network = make_selected(X, selection, (min(n_active, N_HIDDEN), n_active))
    train(network, X, target, 1)
    for depth in (0, 1):
        chosen, _ = select_all(network, X, depth)
        assert {len(row) for row in chosen} == {n_active}


@pytest.mark.parametrize("selection", SELECTIONS)
def test_labels_come_first_and_once(clustered, selection):
    X, target = clustered
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
