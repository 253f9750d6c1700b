"""Frames whose categories are hashed, and Parquet files."""

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.streaming import FrameBlocks, ParquetBlocks

RNG = np.random.default_rng(0)


def dictionary(n=200, seed=0):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(8, size=n), rng.choice(np.array(["x", "y", "z"], object), n)
    y = (a % 2) ^ (b == "x")
    return {"a": a, "b": b, "c": rng.normal(size=n), "w": rng.random(n), "y": y.astype(int)}


def makers():
    yield dictionary
    pd = pytest.importorskip("pandas")
    yield lambda **given: pd.DataFrame(dictionary(**given))
    yield lambda **given: pd.DataFrame(dictionary(**given)).astype({"b": "category"})


def test_all_kinds_of_frames_are_hashed_alike():
    given = {"categorical": ["a", "b"], "numeric": ["c"], "crosses": [("a", "b")]}
    found = [FrameBlocks([make()], "y", **given).read(0) for make in makers()]
    for X, y in found:
        assert (found[0][0] != X).nnz == 0
        np.testing.assert_array_equal(y, dictionary()["y"])
    X, frame = found[0][0], dictionary()
    np.testing.assert_allclose(X.sum(axis=1), 3 + frame["c"], rtol=1e-5)
    # A column for each value, each pair of values, and the number.
    assert len(np.unique(X.indices)) == 8 + 3 + 24 + 1


def test_equal_values_have_equal_columns_in_all_blocks():
    source = FrameBlocks([dictionary(), dictionary(seed=1)], "y", categorical=["a"])
    columns = []
    for number in (0, 1):
        X, _ = source.read(number)
        frame = dictionary(seed=number)
        columns.append(
            {int(a): int(column) for a, column in zip(frame["a"], X.indices, strict=True)}
        )
    assert columns[0] == columns[1]
    assert len(set(columns[0].values())) == 8


def test_what_is_missing_has_no_column():
    frame = {"a": np.array(["u", None, "v"], object), "b": [1.0, 2.0, np.nan], "y": [0, 1, 0]}
    X, _ = FrameBlocks([frame], "y", categorical=["a", "b"], crosses=[("a", "b")]).read(0)
    assert X.sum(axis=1).tolist() == [3, 1, 1]


def test_the_order_of_a_cross_matters_and_its_columns_are_spread():
    n = 4000
    frame = {"a": np.arange(n) % 63, "b": np.arange(n) // 63, "y": np.zeros(n)}
    first, second = (
        FrameBlocks([frame], "y", crosses=[cross], n_features=2**30).read(0)[0].indices
        for cross in [("a", "b"), ("b", "a")]
    )
    assert len(np.unique(first)) == n
    assert (first == second).mean() < 0.01
    counts = np.bincount(first % 40, minlength=40)
    assert np.sum((counts - n / 40) ** 2 / (n / 40)) < 80  # chi squared, 39 degrees: p = 0.0001


def test_crosses_are_what_a_linear_model_needs():
    frames = [dictionary(n=500, seed=seed) for seed in range(4)]
    scores = []
    for crosses in ([], [("a", "b")]):
        source = FrameBlocks(frames, "y", categorical=["a", "b"], crosses=crosses, n_features=2**12)
        network = LSHMLPClassifier((), max_iter=30, learning_rate_init=0.05, tol=1, random_state=0)
        scores.append(network.fit_batches(source).score(*source.read(0)))
    assert scores[0] < 0.8
    assert scores[1] == 1


def test_weights_and_names():
    _, _, weight = FrameBlocks([dictionary()], "y", numeric=["c"], sample_weight="w").read(0)
    np.testing.assert_array_equal(weight, dictionary()["w"])
    with pytest.raises(ValueError, match="the frame has no column 'no'"):
        FrameBlocks([dictionary()], "no", numeric=["c"]).read(0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "categorical, numeric or crosses must name a column"),
        ({"crosses": ["ab"]}, "crosses must be a list of names"),
        ({"crosses": 3}, "crosses must be a list of tuples"),
        ({"categorical": "abc"}, "categorical must be a list of names"),
        ({"numeric": [3]}, "numeric must be names of columns"),
        ({"crosses": [("a",)]}, "crosses must be tuples"),
        ({"numeric": ["c"], "n_features": 0}, "n_features must be an integer"),
    ],
)
def test_parameters(given, message):
    with pytest.raises((ValueError, TypeError), match=message):
        FrameBlocks([dictionary()], "y", **given)


def write_parquet(path, columns, size):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table(columns), path, row_group_size=size)


def test_a_parquet_file_that_is_cut_off_is_named(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "cut.parquet"
    path.write_bytes(b"PAR1 and so on")
    with pytest.raises(ValueError, match=r"cut\.parquet: "):
        ParquetBlocks(path, "y")


def test_parquet_files_of_numbers(tmp_path):
    X, y, weight = RNG.normal(size=(25, 3)), RNG.integers(3, size=25), RNG.random(25)
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for path in paths:
        columns = {"p": X[:, 0], "q": X[:, 1], "y": y, "r": X[:, 2], "w": weight}
        write_parquet(path, columns, 10)
    source = ParquetBlocks(paths, "y", sample_weight="w")
    assert (source.n_blocks, source.n_features) == (6, 3)
    for part, expected in zip(zip(*source, strict=True), (X, y, weight), strict=True):
        np.testing.assert_array_equal(np.concatenate(part), np.concatenate([expected] * 2))
    some = ParquetBlocks(paths[0], "y", columns=["r", "p"])
    np.testing.assert_array_equal(some.read(2)[0], X[20:, [2, 0]])


@pytest.mark.parametrize("has_values", [True, False])
def test_parquet_files_of_lists(tmp_path, has_values):
    X = sp.random_array((25, 8), density=0.4, rng=RNG, format="csr")
    if not has_values:
        X.data[:] = 1
    rows = [slice(*X.indptr[row : row + 2]) for row in range(25)]
    columns = {"i": [X.indices[row].tolist() for row in rows], "y": np.arange(25)}
    if has_values:
        columns["v"] = [X.data[row].tolist() for row in rows]
    path = tmp_path / "a.parquet"
    write_parquet(path, columns, 10)
    extra = {"values": "v"} if has_values else {}
    source = ParquetBlocks(path, "y", indices="i", n_features=8, **extra)
    found = sp.vstack([X for X, _ in source])
    np.testing.assert_allclose(found.toarray(), X.toarray())
    with pytest.raises(ValueError, match="indices must be from 0 to n_features - 1 = 2"):
        ParquetBlocks(path, "y", indices="i", n_features=3).read(0)
    for wrong in ({"indices": "i"}, {"n_features": 8}, {"columns": ["y"], "indices": "i"}):
        with pytest.raises(ValueError, match="belong together"):
            ParquetBlocks(path, "y", **wrong)
    with pytest.raises(ValueError, match="need indices"):
        ParquetBlocks(path, "y", values="v")
