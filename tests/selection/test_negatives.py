"""Negatives that are drawn without one coming again before all others came."""

import numpy as np
import pytest

from sklearn_lsh.selection.negatives import Deck

from ..support.selections import N_OUTPUTS, make_selected


# As many as divide the number of cards, and as do not; all; and more than there are.
@pytest.mark.parametrize("n_wanted", [5, 7, 20, 33])
def test_all_are_dealt_before_one_comes_again(n_wanted):
    deck = Deck(np.arange(100, 120), np.random.RandomState(0))
    dealt = np.concatenate([deck.deal(n_wanted) for _ in range(20)])
    assert dealt.size == 20 * n_wanted
    for first in range(0, dealt.size - 20, 20):
        assert sorted(dealt[first : first + 20]) == list(range(100, 120))


def test_the_order_is_shuffled_and_can_be_gone_on_with():
    deck, same = (Deck(np.arange(1000), np.random.RandomState(3)) for _ in range(2))
    dealt = deck.deal(300)
    assert abs(np.corrcoef(dealt, np.arange(300))[0, 1]) < 0.2
    np.testing.assert_array_equal(same.deal(300), dealt)
    resumed = Deck(np.arange(1000), np.random.RandomState(3), n_dealt=300)
    np.testing.assert_array_equal(resumed.deal(50), deck.deal(50))


def test_output_layers_draw_all_classes_before_one_comes_again(clustered):
    selection = make_selected(clustered[0], "lsh").layers[1].selection
    drawn = np.concatenate([selection.deck.deal(7) for _ in range(2 * N_OUTPUTS)])
    for first in range(0, drawn.size, N_OUTPUTS):
        assert set(drawn[first : first + N_OUTPUTS]) == set(range(N_OUTPUTS))
