"""What families get from their base: chunks, types of codes, queries, and checks."""

from typing import ClassVar

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.csr import CSR
from sklearn_lsh.hashing import base
from sklearn_lsh.hashing.base import HashFamily, inner_products, smallest_unsigned


class Counting(HashFamily):
    """The code of a vector is its first coordinate, plus the number of the table."""

    _parameter_constraints: ClassVar[dict] = HashFamily._parameter_constraints

    def _draw_functions(self, n_features, random_state):
        self.sizes = []

    def _fill_codes(self, vectors, codes):
        self.sizes.append(len(codes))
        dense = vectors.toarray() if isinstance(vectors, CSR) else vectors
        codes[...] = dense[:, :1] + np.arange(self.n_tables)

    def _compute_codes(self, vectors, xp):
        raise NotImplementedError

    def _similarity(self, x, y):
        return inner_products(x, y)

    def _collision_probability(self, similarity):
        return similarity


@pytest.mark.parametrize(
    ("n_values", "dtype"),
    [(0, np.uint8), (1, np.uint8), (256, np.uint8), (257, np.uint16), (1 << 16, np.uint16)],
)
def test_types_of_codes(n_values, dtype):
    assert smallest_unsigned(n_values) == dtype


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("limits", [{"CHUNK_ROWS": 4}, {"CHUNK_VALUES": 12}, {}])
def test_codes_are_made_a_chunk_at_a_time(monkeypatch, kind, limits):
    for name, value in limits.items():
        monkeypatch.setattr(base, name, value)
    X = np.c_[np.arange(10), np.ones(10), np.ones(10)]
    family = Counting(9, 2).fit(kind(X))
    codes = family.transform(kind(X))
    np.testing.assert_array_equal(codes, np.arange(10)[:, np.newaxis] + [0, 1])
    assert codes.dtype == np.uint16
    assert family.sizes == ([4, 4, 2] if limits else [10])


def test_queries_are_coded_as_rows_are_if_not_said_otherwise():
    X = np.arange(6.0).reshape(3, 2)
    family = Counting(3, 4).fit(X)
    np.testing.assert_array_equal(family.transform_queries(X), family.transform(X))
    probes = family.probe_codes(X, 1)
    assert probes.shape == (3, family.max_probes, 4)
    np.testing.assert_array_equal(probes[:, 0], family.transform(X))
    assert family.exact_probability
    assert family.independent_tables


@pytest.mark.parametrize("kinds", [(np.asarray, np.asarray), (sp.csr_array, np.asarray)])
def test_similarities_compare_rows(kinds):
    x, y = np.random.default_rng(0).normal(size=(2, 5, 3))
    family = Counting().fit(x)
    found = family.similarity(kinds[0](x), kinds[1](y))
    np.testing.assert_allclose(found, np.diag(x @ y.T), rtol=1e-6)


def test_the_base_is_no_family():
    with pytest.raises(TypeError, match="abstract"):
        HashFamily()
