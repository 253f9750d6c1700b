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


@pytest.mark.parametrize("fold", [-1, 10, 1.5, "foo", None])
def test_uci_refuses_folds(fold):
    with pytest.raises(ValueError, match="fold must be an integer from 0 to 9"):
        load_uci("tiny", fold=fold)


@pytest.mark.parametrize(
    "content",
    [b"foo", gzip.compress(b"1,2\n3\n"), gzip.compress(b"a")],
    ids=["no gzip", "ragged", "no numbers"],
)
def test_files_that_cannot_be_read_are_named(folder, content):
    for name in ("mnist", "uci/tiny"):
        (folder / name).mkdir(parents=True)
    (folder / "uci" / "tiny" / "data.csv.gz").write_bytes(content)
    (folder / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(content)
    with pytest.raises(ValueError, match=r"data\.csv\.gz is not as it should be"):
        load_uci("tiny")
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte\.gz is not as it should be"):
        fetch_mnist("mnist")


def test_files_that_do_not_fit_together(folder):
    for name in ("mnist", "uci/tiny"):
        (folder / name).mkdir(parents=True)
    for name, text in (("data", "1,2,3\n"), ("test_mask", "0\n1\n")):
        (folder / "uci" / "tiny" / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
    with pytest.raises(ValueError, match="do not fit together: there are 1 samples"):
        load_uci("tiny")
    for part in ("train", "t10k"):
        write_idx(folder / "mnist" / f"{part}-images-idx3-ubyte.gz", np.zeros((2, 28, 28)))
        write_idx(folder / "mnist" / f"{part}-labels-idx1-ubyte.gz", np.zeros(3))
    with pytest.raises(ValueError, match="do not fit together: images"):
        fetch_mnist("mnist")
