"""What hash tables are made of: numbers that they hold, and others."""

import numpy as np
import pytest

from sklearn_lsh.hashing.table_checks import (
    MOST_MEMBERS,
    as_codes,
    check_count,
    check_n_members,
    check_row_numbers,
    check_sizes,
)


def test_counts():
    check_count("n", 3, None)
    check_count("n", np.int8(3), 3, 3)
    for bad in (1.0, "1", True, None):
        with pytest.raises(TypeError, match="n must be an integer, got"):
            check_count("n", bad, 0)
    with pytest.raises(ValueError, match="n must be at least 4, got 3"):
        check_count("n", 3, 4)
    with pytest.raises(ValueError, match="n must be from 1 to 2, got 3"):
        check_count("n", 3, 1, 2)


def test_sizes_that_32_bits_hold():
    check_sizes(2**16, 2**15 - 1, MOST_MEMBERS)
    check_n_members(MOST_MEMBERS)
    for sizes in ((1, 0, 1), (0, 1, 1), (1, 1, 2**31), (1, 1, -1)):
        with pytest.raises(ValueError, match=r"must be (from|at least)"):
            check_sizes(*sizes)
    with pytest.raises(ValueError, match=r"buckets .* n_tables=32768 and n_buckets=65536"):
        check_sizes(2**16, 2**15, 1)
    with pytest.raises(ValueError, match="at most 2147483647 members, but would have 2147483648"):
        check_n_members(MOST_MEMBERS + 1)


def test_codes_are_arrays():
    assert as_codes([[1, 2]]).tolist() == [[1, 2]]
    with pytest.raises(ValueError, match="codes must be an array"):
        as_codes(7)


def test_numbers_of_rows():
    assert check_row_numbers([3, 0], "rows").tolist() == [3, 0]
    assert check_row_numbers([], "rows").size == 0
    assert check_row_numbers(np.array([MOST_MEMBERS - 1], np.uint64), "rows").size == 1
    for bad in ([-1], [MOST_MEMBERS], np.array([2**63], np.uint64)):
        with pytest.raises(ValueError, match="rows must be numbers from 0 to 2147483646, got"):
            check_row_numbers(bad, "rows")
    for bad in ([0.5], ["1"], [[1]], 1, [2**64]):
        with pytest.raises(ValueError, match="rows must be a list of integers"):
            check_row_numbers(bad, "rows")


def test_numbers_of_rows_in_pytorch():
    torch = pytest.importorskip("torch")
    assert check_row_numbers(torch.tensor([3, 0]), "rows").tolist() == [3, 0]
    with pytest.raises(ValueError, match="rows must be numbers from 0"):
        check_row_numbers(torch.tensor([2**31]), "rows")
    with pytest.raises(ValueError, match="rows must be a list of integers"):
        check_row_numbers(torch.tensor([0.5]), "rows")
