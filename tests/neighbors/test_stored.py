"""Loaded transformers go on as the one that was saved, from read-only files, too."""

import pickle

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal

from sklearn_lsh.neighbors import LSHNeighborsTransformer

X = np.random.default_rng(0).normal(size=(200, 12)).astype(np.float32)
SETTINGS = {"exact": {}, "tables": {"n_tables": 4, "n_bits": 5}}


@pytest.mark.parametrize("mode", ["r", "r+", "c", None])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("settings", SETTINGS)
def test_loaded_transformers_go_on(settings, sparse, mode, tmp_path):
    rows = sp.csr_array(X) if sparse else X
    given = {"n_neighbors": 3, "random_state": 0, **SETTINGS[settings]}
    transformer = LSHNeighborsTransformer(**given).fit(rows).partial_fit(rows[:20])
    joblib.dump(transformer, tmp_path / "file")
    content = (tmp_path / "file").read_bytes()
    twin = joblib.load(tmp_path / "file", mmap_mode=mode)
    for each in (transformer, twin):
        each.delete([1, 5]).partial_fit(rows[:7])
    for ours, theirs in zip(twin.kneighbors(rows), transformer.kneighbors(rows), strict=True):
        assert_array_equal(ours, theirs)
    assert (tmp_path / "file").read_bytes() == content


def test_room_for_more_rows_is_not_stored():
    transformer = LSHNeighborsTransformer(random_state=0).fit(X)
    before = len(pickle.dumps(transformer))
    n_bytes = len(pickle.dumps(transformer.partial_fit(X[:1])))
    assert n_bytes - before < X[:10].nbytes


def test_rows_that_were_changed_are_refused():
    transformer = LSHNeighborsTransformer(random_state=0, **SETTINGS["tables"]).fit(X)
    transformer.index_.alive[3] = False
    with pytest.raises(ValueError, match=r"Scan\.offsets must be infinite where rows were deleted"):
        pickle.loads(pickle.dumps(transformer))


def test_rows_without_any_entries_are_stored():
    X = sp.csr_array((4, 3), dtype=np.float32)
    transformer = LSHNeighborsTransformer(n_neighbors=1, random_state=0).fit(X)
    indices = pickle.loads(pickle.dumps(transformer)).kneighbors(X, return_distance=False)
    np.testing.assert_array_equal(indices, transformer.kneighbors(X, return_distance=False))
