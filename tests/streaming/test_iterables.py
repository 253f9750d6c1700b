"""Iterables as sources: read once, in order, and only a little ahead."""

import itertools
import sqlite3
import threading

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.streaming import ArrayBlocks
from sklearn_lsh.streaming.iterables import UNKNOWN, ComingBlocks, expected_length, is_iterable

X, Y = np.arange(60.0).reshape(20, 3), np.arange(20)
BLOCKS = list(ArrayBlocks(X, Y, block_size=2))


def coming(n_ahead=3, blocks=BLOCKS):
    return ComingBlocks((block for block in blocks), n_ahead)


@pytest.mark.parametrize("n_ahead", [0, 3, 9, 10, 30])
def test_all_blocks_come_in_order_and_then_none(n_ahead):
    source = coming(n_ahead)
    assert source.is_whole == (n_ahead >= 10)
    assert source.n_blocks == (10 if source.is_whole else UNKNOWN)
    assert source.n_expected == (10 if source.is_whole else None)
    assert source.n_features == 3
    for number, (data, y) in enumerate(BLOCKS):
        found = source.read(number)
        np.testing.assert_array_equal(found[0], data)
        np.testing.assert_array_equal(found[1], y)
    for _ in range(2):
        data, y = source.read(10)
        assert (data.shape, len(y), source.n_blocks) == ((0, 3), 0, 10)


def test_only_those_ahead_are_fetched_and_they_may_be_read_again():
    fetched = []
    source = ComingBlocks((fetched.append(k) or block for k, block in enumerate(BLOCKS)), 3)
    assert fetched == [0, 1, 2, 3]
    for number in (0, 1, 3, 0, 2):
        assert source.read(number) is BLOCKS[number]
    assert fetched == [0, 1, 2, 3]
    assert source.read(4) is BLOCKS[4]
    assert fetched == [0, 1, 2, 3, 4]


def test_blocks_without_rows_are_not_counted_as_ahead():
    nothing = (X[:0], Y[:0])
    source = coming(1, [nothing] * 5 + BLOCKS)
    assert (source.n_features, source.is_whole) == (3, False)
    assert [len(source.read(number)[1]) for number in range(8)] == [0] * 5 + [2] * 3


@pytest.mark.parametrize("convert", [sp.csr_array, sp.coo_array, list])
def test_blocks_of_all_kinds(convert):
    assert coming(2, [(convert(data), y) for data, y in BLOCKS]).n_features == 3
    assert coming(2, [convert(data) for data, _ in BLOCKS]).n_features == 3


def test_no_blocks():
    with pytest.raises(ValueError, match=r"source is empty: generator\(.*\) has no blocks"):
        coming(blocks=[])


def test_errors_name_the_block():
    def blocks():
        yield from BLOCKS[:4]
        raise ValueError("the line is dead")

    with pytest.raises(ValueError, match=r"Block 4 of generator\(blocks\): the line is dead"):
        ComingBlocks(blocks(), 8)


def test_what_is_no_block_is_named_at_once():
    for wrong in ((X[0], 1), None, 3.0, (X[np.newaxis], Y[:1])):
        endless = itertools.chain(BLOCKS[:1], itertools.repeat(wrong))
        with pytest.raises(ValueError, match=r"Block 1 of chain\(\): X must have rows and columns"):
            ComingBlocks(endless, 8)


def test_what_has_come_is_not_read_again():
    source = coming(1)
    source.read(2)
    for number in (0, 2):
        with pytest.raises(IndexError, match=f"block {number} of generator"):
            source.read(number)


def test_one_thread_fetches_all():
    def rows():
        database = sqlite3.connect(":memory:")
        database.execute("create table rows (x real)")
        database.executemany("insert into rows values (?)", [(k,) for k in range(6)])
        for row in database.execute("select x from rows"):
            yield np.array([row]), np.zeros(1)

    source, found = ComingBlocks(rows(), 1), []
    for number in range(6):
        thread = threading.Thread(target=lambda k=number: found.append(source.read(k)[0].item()))
        thread.start()
        thread.join()
    assert found == list(range(6))


def test_a_length_is_believed():
    assert expected_length(BLOCKS) == expected_length(iter(BLOCKS)) == 10
    assert expected_length(block for block in BLOCKS) is None
    assert ComingBlocks(BLOCKS, 2).n_expected == 10


def test_what_is_an_iterable_of_blocks():
    for given in (BLOCKS, iter(BLOCKS), map(tuple, BLOCKS), zip(X, Y, strict=True)):
        assert is_iterable(given)
    for given in (ArrayBlocks(X, Y), X, sp.csr_array(X), "a.svm", {"X": X}, None, 3):
        assert not is_iterable(given)
