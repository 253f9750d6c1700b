"""What a source must have, what messages say of it, and sources one after the other."""

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.streaming import ArrayBlocks, JoinedBlocks
from sklearn_lsh.streaming.blocks import (
    Source,
    check_source,
    fingerprint,
    naming,
    read_block,
    shown,
)

X, Y = np.arange(24.0).reshape(8, 3), np.arange(8)


class Own:
    """A user's source."""

    n_blocks, n_features = 4, 3

    def read(self, number):
        return X[2 * number : 2 * number + 2], Y[2 * number : 2 * number + 2]


def test_any_object_with_the_parts_is_a_source():
    assert isinstance(Own(), Source)
    assert check_source(Own(), "source").n_blocks == 4


@pytest.mark.parametrize("part", ["n_blocks", "n_features", "read"])
@pytest.mark.parametrize("value", ["three", None, 1.5])
def test_parts_must_be_right(part, value):
    source = Own()
    setattr(source, part, value)
    with pytest.raises(TypeError, match=rf"source\.{part}"):
        check_source(source, "source")


@pytest.mark.parametrize("other", [X, [1, 2], "file.svm", None, 3])
def test_what_is_no_source_is_refused(other):
    with pytest.raises(TypeError, match=r"validation must be a source .* has no n_blocks"):
        check_source(other, "validation")


def test_an_empty_source_is_refused():
    with pytest.raises(ValueError, match="source is empty"):
        check_source(ArrayBlocks(X[:0], Y[:0]), "source")


@pytest.mark.parametrize("error", [ValueError("no"), TypeError("no"), UnicodeError("no")])
def test_errors_name_the_block(error):
    place = r"Block 3 of ArrayBlocks\(8 rows\): no"
    with pytest.raises((ValueError, TypeError), match=place), naming(ArrayBlocks(X, Y), 3):
        raise error


def test_other_errors_stay_what_they_are():
    with pytest.raises(ZeroDivisionError) as caught, naming(ArrayBlocks(X, Y), 3):
        raise ZeroDivisionError
    assert caught.value.__notes__ == ["Block 3 of ArrayBlocks(8 rows) was being read."]


@pytest.mark.parametrize("block", [X, (X,), (X, Y, None, 4), [X, Y], None])
def test_a_block_is_a_tuple(block):
    source = Own()
    source.read = lambda number: block
    with pytest.raises(TypeError, match=r"a block must be \(X, y\)"):
        read_block(source, 0)


def test_long_names_are_cut():
    assert len(shown(JoinedBlocks([ArrayBlocks(X, Y)] * 30))) == 120


@pytest.mark.parametrize("number", [-1, 8, 100])
def test_blocks_that_are_not_there(number):
    with pytest.raises(IndexError, match=rf"There is no block {number}: there are 8\."):
        ArrayBlocks(X, Y, block_size=1).read(number)


def test_joined_sources():
    parts = [ArrayBlocks(X, Y, block_size=3), ArrayBlocks(X[:4], Y[:4], block_size=2)]
    joined = JoinedBlocks(parts)
    assert (joined.n_blocks, len(joined), joined.n_features, joined.n_skipped) == (5, 5, 3, 0)
    np.testing.assert_array_equal(np.concatenate([x for x, _ in joined]), [*X, *X[:4]])
    np.testing.assert_array_equal(np.concatenate([y for _, y in joined]), [*Y, *Y[:4]])


def test_sources_that_cannot_be_joined():
    with pytest.raises(ValueError, match="one source or more"):
        JoinedBlocks([])
    with pytest.raises(ValueError, match=r"same number of features, got \[2, 3\]"):
        JoinedBlocks([ArrayBlocks(X, Y), ArrayBlocks(X[:, :2], Y)])
    broken = Own()
    broken.read = lambda number: 1 / 0
    with pytest.raises(ZeroDivisionError) as caught:
        JoinedBlocks([ArrayBlocks(X, Y, block_size=4), broken]).read(4)
    assert "Block 2 of" in caught.value.__notes__[0]


@pytest.mark.parametrize("convert", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("labels", [Y, Y.astype(str), Y.astype(str).astype(object)])
def test_fingerprints_tell_sources_apart(convert, labels):
    def of(X, y, size=3):
        return fingerprint(ArrayBlocks(convert(X), y, block_size=size))

    changed, relabelled = X.copy(), labels.copy()
    changed[-1, -1], relabelled[0] = 99, labels[1]
    others = [of(changed, labels), of(X, relabelled), of(X[:7], labels[:7]), of(X, labels, 2)]
    assert of(X, labels) == of(X.copy(), labels.copy())
    assert len({of(X, labels), *others}) == 5
