"""The kernel that reads text, in all variants, against plain Python."""

import numpy as np
import pytest

from sklearn_lsh import kernels

from ..support.kernel_cases import run

pytestmark = pytest.mark.parametrize("variant", kernels.USABLE)

TEXT = b"3,1 0:1.5 7:-.25e-1\r\n# 1:2\n 4:+1E2\n12:3.\n\n5\n"


def read(variant, text, keep_empty):
    """Run the kernel with as much room as the text may need, and take what it has written."""
    n_rows, n_commas, n_colons = (text.count(mark) for mark in b"\n,:")
    room = (
        np.zeros(n_rows, np.int64),
        np.zeros(n_rows + 1, np.int64),
        np.zeros(n_rows + n_commas, np.uint32),
        np.zeros(n_rows + 1, np.int64),
        np.zeros(n_colons, np.uint32),
        np.zeros(n_colons, np.float32),
    )
    letters = np.frombuffer(text, np.uint8)
    n, (*_, rows) = run(variant, "read_multilabel", letters, keep_empty, room)
    lines, starts, labels, indptr, indices, data = rows
    if n >= 0:
        lines, starts, indptr = lines[:n], starts[: n + 1], indptr[: n + 1]
        labels, indices, data = labels[: starts[n]], indices[: indptr[n]], data[: indptr[n]]
    return n, lines, starts, labels, indptr, indices, data


@pytest.mark.parametrize("keep_empty", [False, True])
def test_lines(variant, keep_empty):
    n, lines, starts, labels, indptr, indices, data = read(variant, TEXT, keep_empty)
    expected = [0, 2, 3, 4, 5] if keep_empty else [0, 2, 3, 5]
    assert n == len(expected)
    assert lines.tolist() == expected
    n_labels, n_features = np.array([2, 0, 0, 0, 0, 1]), np.array([2, 0, 1, 1, 0, 0])
    assert np.diff(starts).tolist() == n_labels[expected].tolist()
    assert np.diff(indptr).tolist() == n_features[expected].tolist()
    assert labels.tolist() == [3, 1, 5]
    assert indices.tolist() == [0, 7, 4, 12]
    np.testing.assert_allclose(data, [1.5, -0.025, 100, 3])


@pytest.mark.parametrize(
    "line",
    ["1,", ",1", "1,2:3", "x", "1 2", "1 2:", "1 2:x", "1 2:3:4", "1 2:3e", "1 -2:3", "1 2 :3"],
)
def test_bad_lines(variant, line):
    assert read(variant, f"1 1:2\n{line}\n".encode(), True)[0] == -2


def test_nothing(variant):
    assert read(variant, b"", True)[0] == 0


def test_too_large_numbers(variant):
    assert read(variant, b"2147483647 2147483647:1\n", True)[0] == 1
    for line in (b"2147483648\n", b"1 2147483648:1\n", b"18446744073709551617\n"):
        assert read(variant, line, True)[0] == -1


def read_svmlight(variant, text):
    n_rows, n_colons = text.count(b"\n"), text.count(b":")
    room = (
        np.zeros(n_rows, np.int64),
        np.zeros(n_rows, np.float64),
        np.zeros(n_rows + 1, np.int64),
        np.zeros(n_colons, np.uint32),
        np.zeros(n_colons, np.float32),
    )
    n, (_, rows) = run(variant, "read_svmlight", np.frombuffer(text, np.uint8), room)
    return n, rows


def test_lines_with_targets(variant):
    text = b"-1 0:1.5 7:-.25e-1\r\n# 1:2\n\t+2.5 qid:33 4:+1E2#5:5\n\n 3\n7 qid:4\n"
    n, (lines, targets, indptr, indices, data) = read_svmlight(variant, text)
    assert n == 4
    assert lines[:n].tolist() == [0, 2, 4, 5]
    assert targets[:n].tolist() == [-1, 2.5, 3, 7]
    assert indptr[: n + 1].tolist() == [0, 2, 3, 3, 3]
    assert indices[:3].tolist() == [0, 7, 4]
    np.testing.assert_allclose(data[:3], [1.5, -0.025, 100])


@pytest.mark.parametrize(
    "line",
    [
        *("x", "1,2 3:4", "1:2 3:4", "1 2", "1 2:", "1 2:x", "1 2:3:4", "1 2:3e", "1 -2:3"),
        *("1 2 :3", "1 qid:", "1 qid:x", "1 qid", "1 2:3 qid:4", "1 qid:4 qid:5"),
    ],
)
def test_bad_lines_with_targets(variant, line):
    assert read_svmlight(variant, f"1 1:2\n{line}\n".encode())[0] == -2
