"""Rows of blocks, joined to rounds: nothing is lost, nothing twice, and weights stay with rows."""

from functools import partial

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.estimators.rounds import (
    Encoded,
    Position,
    Rounds,
    fetch_first,
    join,
    stack,
)
from sklearn_lsh.streaming.iterables import ComingBlocks
from sklearn_lsh.streaming.order import ComingOrder, EpochOrder

RNG = np.random.default_rng(0)
WHOLE = sp.random_array((60, 7), density=0.4, rng=RNG, format="csr")


def cut(matrix, n=4):
    return [matrix[k * 60 // n : (k + 1) * 60 // n] for k in range(n)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_matrices_are_stacked(dtype):
    whole = WHOLE.astype(dtype)
    for matrix, expected in [(whole, whole.toarray()), (whole.toarray(), whole.toarray())]:
        parts = cut(matrix)
        stacked = stack(parts)
        assert parts == []
        assert stacked.dtype == dtype
        found = stacked.toarray() if sp.issparse(stacked) else stacked
        np.testing.assert_array_equal(found, expected)
        assert not sp.issparse(stacked) or stacked.has_canonical_format
    mixed = stack([WHOLE.astype(np.float32), WHOLE])
    assert mixed.dtype == np.float64
    assert stack([whole]) is whole


def test_rows_without_weights_weigh_one():
    target = sp.csr_array(np.eye(60, dtype=np.float32))
    weights = [None, np.full(15, 3, np.float32), None, np.arange(15, dtype=np.float32)]
    parts = [Encoded(*each) for each in zip(cut(WHOLE), cut(target), weights, strict=True)]
    joined = join(parts)
    assert joined.sample_weight.tolist() == [1] * 15 + [3] * 15 + [1] * 15 + list(range(15))
    assert (joined.X != WHOLE).nnz == (joined.target != target).nnz == 0
    assert joined.rows.tolist() == list(range(60))


def encode(sizes, number):
    """A block of which each row has its own number."""
    if sizes[number] == 0:
        return None
    first = sum(sizes[:number])
    X = np.arange(first, first + sizes[number], dtype=float).reshape(-1, 1)
    return Encoded(X, sp.csr_array(X, dtype=np.float32), None)


def rounds_of(sizes, window, position):
    seed = 3 if len(sizes) > window > 1 else None
    return Rounds(
        lambda epoch: EpochOrder(len(sizes), window, seed, epoch), partial(encode, sizes), position
    )


def numbers_of(rounds, position, n_epochs):
    found = []
    while position.epoch < n_epochs:
        data = rounds.fetch()
        found.append([] if data is None else data.X.ravel().astype(int).tolist())
        position.end_round(len(found[-1]), 1)
        if position.number >= rounds.n_rounds:
            position.end_epoch()
    return found


@pytest.mark.parametrize("window", [1, 3, 5, 9])
@pytest.mark.parametrize("sizes", [[4] * 6, [3, 0, 5, 0, 0, 2], [7], [1] * 12])
def test_all_rows_come_in_each_epoch_and_it_can_be_gone_on_anywhere(window, sizes):
    with rounds_of(sizes, window, Position()) as rounds:
        whole = numbers_of(rounds, Position(), 3)
        n = rounds.n_rounds
    for epoch in range(3):
        of_epoch = [number for rows in whole[epoch * n : (epoch + 1) * n] for number in rows]
        assert sorted(of_epoch) == list(range(sum(sizes)))
    for k in range(3 * n):
        start = Position(k // n, k % n)
        with rounds_of(sizes, window, start) as rounds:
            assert numbers_of(rounds, start, 3) == whole[k:]


def test_what_one_round_has_all_of_is_read_once():
    read = []

    def encode_once(number):
        read.append(number)
        return encode([4, 4], number)

    with Rounds(lambda epoch: EpochOrder(2, 8, None, epoch), encode_once, Position()) as rounds:
        assert rounds.fetch() is rounds.fetch()
        assert read == [0, 1]
        assert (rounds.n_rows_read, rounds.n_blocks_read) == (8, 2)


def test_rounds_without_rows_are_passed_over():
    sizes = [0, 0, 4, 0]
    with rounds_of(sizes, 1, Position()) as rounds:
        position = Position()
        assert fetch_first(rounds, position).X.ravel().tolist() == [0, 1, 2, 3]
        assert position.number == 2
    with rounds_of([0, 0], 1, Position()) as rounds:
        assert fetch_first(rounds, Position()) is None


@pytest.mark.parametrize("window", [1, 2, 3, 5])
@pytest.mark.parametrize("sizes", [[4] * 6, [3, 0, 5, 0, 0, 2, 1, 1, 1], [1] * 12])
def test_blocks_that_come_once_are_mixed_in_a_window(window, sizes):
    blocks = (encode(sizes, number) for number in range(len(sizes)))
    plain = ((np.empty((0, 1)) if block is None else block.X, None) for block in blocks)
    source = ComingBlocks(plain, window)
    assert not source.is_whole

    def encode_once(number):
        X, _ = source.read(number)
        return Encoded(X, sp.csr_array(X, dtype=np.float32), None) if len(X) else None

    order, position = ComingOrder(source, window, 3), Position()
    with Rounds(lambda epoch: order, encode_once, Position(), 1) as rounds:
        found = numbers_of(rounds, position, 1)
    assert len(found) - len(sizes) <= (window == 1)  # which finds the end only by reading on
    assert sorted(number for rows in found for number in rows) == list(range(sum(sizes)))
    of_block = np.repeat(np.arange(len(sizes)), sizes)
    for number, rows in enumerate(found):
        places = of_block[rows]
        assert all(number <= place < number + window for place in places)
    if window == 3 and sizes[0] == 4:
        assert found[2] != sorted(found[2])
        assert len(set(of_block[found[2]])) > 1
