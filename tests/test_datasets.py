"""Data sets: shapes, copies on disk, and a split that keeps all classes."""

import gzip

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_lsh import datasets


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "_SYSTEM_FOLDER", tmp_path / "none")
    monkeypatch.setenv("SKLEARN_LSH_DATA", str(tmp_path))
    return tmp_path


def write_idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
    path.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes()))


def test_icd10cm():
    pytest.importorskip("simple_icd_10_cm")
    texts, codes = datasets.load_icd10cm()
    assert texts.shape == codes.shape
    assert len(texts) > 50_000
    assert len(set(zip(texts, codes, strict=True))) == len(texts)
    assert codes[list(texts).index("classical cholera")] == "A00.0"
    assert not any(", initial encounter" in text for text in texts)
    assert max(map(len, codes)) == 5


def test_split_keeps_classes():
    y = np.repeat(np.arange(100), np.arange(100) % 4 + 1)
    train, test = datasets.split_keeping_classes(y, test_size=0.3, random_state=0)
    assert len(test) == int(0.3 * len(y))
    assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(len(y)))
    assert set(y[train]) == set(y)
    again = datasets.split_keeping_classes(y, test_size=0.3, random_state=0)
    assert_array_equal(again[1], test)


def test_split_of_single_samples_holds_nothing_out():
    train, test = datasets.split_keeping_classes(list("abc"), test_size=0.5)
    assert_array_equal(train, [0, 1, 2])
    assert len(test) == 0


@pytest.mark.parametrize("test_size", [0, 1, -0.5])
def test_split_refuses_sizes(test_size):
    with pytest.raises(ValueError, match="test_size must be between 0 and 1"):
        datasets.split_keeping_classes([0, 1], test_size=test_size)


def test_mnist_from_a_copy(folder):
    (folder / "mnist").mkdir()
    for part, n in (("train", 60_000), ("t10k", 2)):
        images = np.full((n, 28, 28), 255 if part == "train" else 51)
        write_idx(folder / "mnist" / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(folder / "mnist" / f"{part}-labels-idx1-ubyte.gz", np.arange(n) % 10)
    X_train, X_test, y_train, y_test = datasets.fetch_mnist("mnist")
    assert X_train.shape == (60_000, 784)
    assert X_train.dtype == np.float32
    assert X_train.min() == 1
    assert np.allclose(X_test, 0.2)
    assert_array_equal(y_train[:3], [0, 1, 2])
    assert_array_equal(y_test, [0, 1])


def test_mnist_refuses_names():
    with pytest.raises(ValueError, match="name must be one of fashion-mnist, mnist"):
        datasets.fetch_mnist("digits")


def test_uci_from_a_copy(folder):
    (folder / "uci" / "tiny").mkdir(parents=True)
    for name, text in (("data", "1,2,3\n4,5,6\n7,8,9\n"), ("test_mask", "0,1\n1,0\n0,0\n")):
        (folder / "uci" / "tiny" / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
    X_train, X_test, y_train, y_test = datasets.load_uci("tiny", fold=1)
    assert_array_equal(X_train, [[4, 5], [7, 8]])
    assert_array_equal(X_test, [[1, 2]])
    assert_array_equal(y_train, [6, 9])
    assert_array_equal(y_test, [3])


def test_uci_without_a_copy_says_where_to_get_it(folder):
    with pytest.raises(FileNotFoundError, match="SKLEARN_LSH_DATA must name a folder"):
        datasets.load_uci("none")
