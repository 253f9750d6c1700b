"""An index made as parameters say."""

import numpy as np
import pytest

from sklearn_lsh.hashing import DWTA, SimHash
from sklearn_lsh.neighbors import LSHNeighborsTransformer
from sklearn_lsh.neighbors.building import build_index
from sklearn_lsh.neighbors.index import EXACT
from sklearn_lsh.neighbors.metrics import METRICS
from sklearn_lsh.neighbors.space import Space

X = np.random.default_rng(0).normal(size=(400, 10)).astype(np.float32)


def built(queries=None, rows=X, **parameters):
    space = Space(METRICS["euclidean"])
    transformer = LSHNeighborsTransformer(random_state=0, **parameters)
    given = None if queries is None else space.queries(queries)
    return build_index(transformer, space, space.rows(rows), given)


def test_few_rows_are_compared():
    index, recall, meets_recall = built()
    assert (index.setting, recall, meets_recall) == (EXACT, 1, True)
    np.testing.assert_array_equal(index.numbers, np.arange(400))


def test_a_single_row_has_no_others():
    assert built(rows=X[:1])[1:] == (1, True)


def test_a_wrong_family_is_refused_even_if_there_is_nothing_to_hash():
    with pytest.raises(ValueError, match="'n_bits' parameter of SimHash"):
        built(rows=X[:1], hash_function=SimHash(-1))


def test_a_recall_that_is_not_met():
    result = built(n_tables=1, n_probes=1, n_bits=5, recall=0.99)
    assert not result.meets_recall
    assert result.recall < 0.99


@pytest.mark.parametrize("n_queries", [1, 30])
def test_queries_that_are_given(n_queries):
    result = built(queries=X[:n_queries] + 1, n_tables=6, n_bits=3, recall=0.3)
    assert result.meets_recall
    assert result.row_index.tables.n_tables == 6


def test_families():
    family = DWTA(3)
    index = built(hash_function=family, n_tables=5, recall=0.1).row_index
    assert isinstance(index.family, DWTA)
    assert (index.family.n_bits, index.family.n_tables, family.n_tables) == (3, 5, 20)
