"""Lines become rows; what is wrong with one is said. (More is in the tests of files.)"""

import numpy as np
import pytest

from sklearn_lsh.streaming.lines import BadLine, features_of, read_header, read_targets


def test_targets_and_pairs():
    rows = read_targets(b"# nothing\n-1.5e1 2:3 # comment\n\n +2 qid:7 0:1 2:.5\n3\n", 10)
    assert rows.lines.tolist() == [11, 13, 14]
    assert rows.targets.tolist() == [-15, 2, 3]
    found = features_of(rows, None, zero_based=True)
    assert found.toarray().tolist() == [[0, 0, 3], [1, 0, 0.5], [0, 0, 0]]


def test_duplicates_are_added():
    X = features_of(read_targets(b"0 2:1 1:5 2:3\n", 1), 4, zero_based=True)
    assert X.toarray().tolist() == [[0, 5, 4, 0]]


def test_a_bad_line_knows_its_number():
    with pytest.raises(BadLine) as caught:
        read_targets(b"1 1:1\n1 1:\n", 7)
    assert caught.value.line == 8
    with pytest.raises(BadLine, match="Line 7 has index 0, but the first is 1"):
        features_of(read_targets(b"1 0:1\n", 7), None, zero_based=False)


def test_headers():
    assert read_header(b"3 4 5\n", 3) == [3, 4, 5]
    assert read_header(b"3 4 # two\n", 2) == [3, 4, None]
    assert np.all(read_header(b"0 1 2", 3) == [0, 1, 2])
    with pytest.raises(TypeError, match="binary mode"):
        read_header("3 4 5", 3)
