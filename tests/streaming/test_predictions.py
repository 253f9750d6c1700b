"""Predictions of blocks in one file."""

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.streaming import write_predictions

RNG = np.random.default_rng(0)


def parts_of(array):
    return (array[rows] for rows in (slice(3), slice(3, 3), slice(3, 10)))


@pytest.mark.parametrize("dtype", [float, np.float32, int, bool, "U4"])
@pytest.mark.parametrize("shape", [(10,), (10, 3)])
def test_arrays(tmp_path, dtype, shape):
    array = RNG.integers(9, size=shape).astype(dtype)
    assert write_predictions(tmp_path / "a.npz", parts_of(array)) == 10
    with np.load(tmp_path / "a.npz") as found:
        assert found.files == ["predictions"]
        np.testing.assert_array_equal(found["predictions"], array)
        assert found["predictions"].dtype == array.dtype
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_labels_and_scores(tmp_path):
    labels, scores = RNG.integers(9, size=(10, 2)), RNG.random((10, 2))
    pairs = zip(parts_of(labels), parts_of(scores), strict=True)
    assert write_predictions(tmp_path / "a.npz", pairs) == 10
    with np.load(tmp_path / "a.npz") as found:
        np.testing.assert_array_equal(found["labels"], labels)
        np.testing.assert_array_equal(found["scores"], scores)


def test_sparse_indicators(tmp_path):
    matrix = sp.random_array((10, 6), density=0.3, rng=RNG, format="csr")
    assert write_predictions(tmp_path / "a.npz", parts_of(matrix)) == 10
    with np.load(tmp_path / "a.npz") as found:
        parts = found["data"], found["indices"], found["indptr"]
        again = sp.csr_array(parts, shape=found["shape"])
    assert (again != matrix).nnz == 0


@pytest.mark.parametrize("shape", [(10,), (10, 3)])
def test_parquet(tmp_path, shape):
    pq = pytest.importorskip("pyarrow.parquet")
    array = RNG.random(shape)
    assert write_predictions(tmp_path / "a.parquet", parts_of(array)) == 10
    found = pq.read_table(tmp_path / "a.parquet")["predictions"].to_pylist()
    np.testing.assert_array_equal(np.array(found), array)
    with pytest.raises(ValueError, match=r"written to \.npz files alone"):
        write_predictions(tmp_path / "b.parquet", iter([sp.csr_array((2, 2))]))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([np.zeros(3), np.zeros((3, 2))], "parts must be alike"),
        ([np.zeros(3), np.zeros(3, int)], "parts must be alike"),
        ([np.array(["a", None])], "cannot be written without pickle"),
        ([(np.zeros(3),) * 3], "arrays or pairs of them"),
    ],
)
def test_what_cannot_be_written_leaves_nothing(tmp_path, parts, message):
    with pytest.raises(ValueError, match=message):
        write_predictions(tmp_path / "a.npz", parts)
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_what_yields_them_leaves_nothing(tmp_path):
    def parts():
        yield np.zeros(3)
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        write_predictions(tmp_path / "a.npz", parts())
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match=r"path must end in \.npz or \.parquet"):
        write_predictions(tmp_path / "a.csv", [])
