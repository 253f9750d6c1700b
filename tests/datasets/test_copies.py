"""Data of which a copy lies in a folder: what is read, and what is said where there is none."""

import gzip

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_lsh.datasets import copies, fetch_mnist, load_uci


def write_idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
    path.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes()))


def test_mnist_from_a_copy(folder, monkeypatch):
    monkeypatch.setattr(copies, "_N_TRAIN", 30)
    (folder / "mnist").mkdir()
    for part, n in (("train", 30), ("t10k", 2)):
        images = np.full((n, 28, 28), 255 if part == "train" else 51)
        write_idx(folder / "mnist" / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(folder / "mnist" / f"{part}-labels-idx1-ubyte.gz", np.arange(n) % 10)
    X_train, X_test, y_train, y_test = fetch_mnist("mnist")
    assert X_train.shape == (30, 784)
    assert X_train.dtype == np.float32
    assert X_train.min() == 1
    assert np.allclose(X_test, 0.2)
    assert_array_equal(y_train[:3], [0, 1, 2])
    assert_array_equal(y_test, [0, 1])


def test_mnist_refuses_names():
    with pytest.raises(ValueError, match="name must be one of fashion-mnist, mnist"):
        fetch_mnist("digits")


def test_uci_from_a_copy(folder):
    (folder / "uci" / "tiny").mkdir(parents=True)
    for name, text in (("data", "1,2,3\n4,5,6\n7,8,9\n"), ("test_mask", "0,1\n1,0\n0,0\n")):
        (folder / "uci" / "tiny" / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
    X_train, X_test, y_train, y_test = load_uci("tiny", fold=1)
    assert_array_equal(X_train, [[4, 5], [7, 8]])
    assert_array_equal(X_test, [[1, 2]])
    assert_array_equal(y_train, [6, 9])
    assert_array_equal(y_test, [3])


def test_uci_without_a_copy_says_where_to_get_it(folder):
    with pytest.raises(FileNotFoundError, match="SKLEARN_LSH_DATA must name a folder"):
        load_uci("none")
