"""Blocks of arrays, of files of arrays, and of what has slices."""

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.streaming import ArrayBlocks, SequenceBlocks

RNG = np.random.default_rng(0)
X = RNG.normal(size=(10, 4)) * (RNG.random((10, 4)) < 0.6)
Y, WEIGHT = RNG.integers(3, size=10), RNG.random(10)


def dense(X):
    return X.toarray() if sp.issparse(X) else np.asarray(X)


def check(source, y=Y, weight=None):
    assert (source.n_blocks, source.n_features, source.n_rows) == (4, 4, 10)
    blocks = list(source)
    assert [block[0].shape[0] for block in blocks] == [3, 3, 3, 1]
    np.testing.assert_array_equal(np.concatenate([dense(block[0]) for block in blocks]), X)
    np.testing.assert_array_equal(np.concatenate([dense(block[1]) for block in blocks]), dense(y))
    if weight is not None:
        np.testing.assert_array_equal(np.concatenate([block[2] for block in blocks]), weight)


class Slices:
    """No array: it has a length and slices."""

    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, rows):
        assert isinstance(rows, slice)
        return self.rows[rows].tolist()


@pytest.mark.parametrize("convert", [np.asarray, np.asfortranarray, sp.csr_array, sp.csc_matrix])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_arrays(convert, weight):
    check(ArrayBlocks(convert(X), Y, weight, block_size=3), weight=weight)


def test_lists_and_sparse_indicators():
    check(ArrayBlocks(X.tolist(), Y.tolist(), block_size=3))
    indicators = sp.csr_array(np.eye(3, dtype=int)[Y])
    check(ArrayBlocks(X, indicators, block_size=3), indicators)


def test_sequences():
    check(SequenceBlocks(Slices(X), Slices(Y), Slices(WEIGHT), block_size=3), weight=WEIGHT)


def test_blocks_are_copies():
    source = ArrayBlocks(X.copy(), Y, block_size=3)
    source.read(0)[0][:] = 99
    check(source)


def test_classes_are_known_where_labels_are_in_memory():
    assert ArrayBlocks(X, Y).classes.tolist() == [0, 1, 2]
    assert ArrayBlocks(X, Y.astype(str)).classes.tolist() == ["0", "1", "2"]
    assert ArrayBlocks(X, X[:, 0]).classes is None
    assert ArrayBlocks(X, np.eye(3, dtype=int)[Y]).classes is None


@pytest.mark.parametrize("weight", [{}, {"sample_weight": WEIGHT}])
@pytest.mark.parametrize("is_sparse", [False, True])
def test_files(tmp_path, is_sparse, weight):
    path = tmp_path / "data.npz"
    matrix = sp.csr_array(X)
    parts = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr}
    parts = {**parts, "shape": matrix.shape} if is_sparse else {"X": X}
    np.savez(path, y=Y, **parts, **weight)
    source = ArrayBlocks(path, block_size=3)
    check(source, weight=weight.get("sample_weight"))
    assert repr(source) == f"ArrayBlocks({str(path)!r})"
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(ValueError, match=r"shorter than it was"):
        list(source)


@pytest.mark.parametrize(
    ("arrays", "save", "message"),
    [
        ({"X": X, "y": Y}, np.savez_compressed, "compressed: save it with np.savez"),
        ({"X": X}, np.savez, r"it has no y, but \['X'\]"),
        ({"data": X[0], "indices": Y, "y": Y}, np.savez, "it has no X"),
        ({"X": np.asfortranarray(X), "y": Y}, np.savez, "'X.npy', which is not of numbers row by"),
        ({"X": X, "y": Y.astype(object)}, np.savez, "'y.npy', which is not of numbers"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, arrays, save, message):
    save(tmp_path / "data.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        ArrayBlocks(tmp_path / "data.npz")


def test_what_is_no_file_of_arrays(tmp_path):
    path = tmp_path / "data.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"is no \.npz file"):
        ArrayBlocks(path)
    with pytest.raises(ValueError, match="give only its name"):
        ArrayBlocks(path, Y)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((X, Y[:5]), r"same length, got \{'X': 10, 'y': 5\}"),
        ((X, Y, WEIGHT[:3]), "same length"),
        ((X, None), "y must be given"),
        ((X, None, WEIGHT), "y must be given"),
        ((X[0], Y[:4]), "X must have rows and columns"),
    ],
)
def test_parts_that_do_not_belong_together(given, message):
    with pytest.raises(ValueError, match=message):
        ArrayBlocks(*given)


@pytest.mark.parametrize("size", [0, -1, 2.5, "10", None, True])
def test_block_sizes(size):
    with pytest.raises(ValueError, match="block_size"):
        ArrayBlocks(X, Y, block_size=size)


def test_what_has_no_length():
    with pytest.raises(TypeError, match="X must have a length and slices"):
        SequenceBlocks(iter([1]), Y)
