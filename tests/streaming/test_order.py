"""The order of rows: each once an epoch, mixed over a window, a function of seed and epoch."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_lsh.streaming.order import EpochOrder

from ..support.kernel_cases import quick


def rows_of_rounds(order, sizes):
    """Pairs of a block and a row of it, round by round."""
    rounds = [[] for _ in range(order.n_rounds)]
    for place, block in enumerate(order.blocks):
        for number, rows in order.parts(place, sizes[block]):
            rounds[number] += [(int(block), int(row)) for row in rows]
    return [[rows[k] for k in order.rows(number, len(rows))] for number, rows in enumerate(rounds)]


@quick
@given(
    sizes=st.lists(st.integers(0, 9), min_size=1, max_size=9),
    window=st.integers(1, 12),
    seed=st.none() | st.integers(0, 2**31 - 1),
    epoch=st.integers(0, 3),
)
def test_each_row_comes_once_in_rounds_that_have_its_block(sizes, window, seed, epoch):
    order = EpochOrder(len(sizes), window, seed, epoch)
    rounds = rows_of_rounds(order, sizes)
    wanted = {(block, row) for block, size in enumerate(sizes) for row in range(size)}
    assert Counter(pair for rows in rounds for pair in rows) == Counter(wanted)
    for number, rows in enumerate(rounds):
        assert {block for block, _ in rows} <= set(order.blocks[number : number + order.window])


def test_it_is_a_function_of_seed_and_epoch():
    sizes = [7] * 10
    found = {
        key: rows_of_rounds(EpochOrder(10, 3, *key), sizes)
        for key in [(0, 0), (0, 1), (1, 0), (1, 1)]
    }
    for key, rounds in found.items():
        assert rows_of_rounds(EpochOrder(10, 3, *key), sizes) == rounds
    assert len({repr(rounds) for rounds in found.values()}) == 4


@pytest.mark.parametrize("window", [1, 3, 10, 99])
def test_without_a_seed_everything_is_in_its_order(window):
    order = EpochOrder(10, window, None, 4)
    assert order.blocks.tolist() == list(range(10))
    assert order.rows(0, 5).tolist() == [0, 1, 2, 3, 4]


def test_a_round_of_the_middle_reads_one_block_and_learns_from_about_as_many_rows():
    order = EpochOrder(40, 8, 0, 0)
    lengths = [len(rows) for rows in rows_of_rounds(order, [800] * 40)]
    assert order.n_rounds == 33
    assert lengths[8:-8] == [800] * 17
    assert max(lengths) <= 800 * sum(1 / k for k in range(1, 9)) + 8


def test_a_window_mixes_blocks():
    order = EpochOrder(64, 16, 0, 0)
    rounds = rows_of_rounds(order, [320] * 64)
    shares = Counter(block for block, _ in rounds[24])
    assert len(shares) == 16
    assert max(shares.values()) == min(shares.values()) == 20


def test_blocks_and_rows_are_all_over_the_place():
    first = [EpochOrder(50, 5, seed, 0).blocks[0] for seed in range(2000)]
    counts = np.bincount(first, minlength=50)
    assert np.sum((counts - 40) ** 2 / 40) < 90  # chi squared with 49 degrees: p = 0.0003
    first = [EpochOrder(50, 5, 3, epoch).rows(7, 50)[0] for epoch in range(2000)]
    counts = np.bincount(first, minlength=50)
    assert np.sum((counts - 40) ** 2 / 40) < 90
