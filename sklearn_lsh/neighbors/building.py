"""An index of rows, made and set as a transformer's parameters say."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from sklearn_lsh.hashing import FAMILIES, HashFamily
from sklearn_lsh.hashing.base import MAX_BITS
from sklearn_lsh.neighbors.index import Index
from sklearn_lsh.neighbors.metrics import Vectors
from sklearn_lsh.neighbors.query_sample import QuerySample
from sklearn_lsh.neighbors.sketch import SAMPLE_ROWS, PrincipalSketch
from sklearn_lsh.neighbors.space import Space
from sklearn_lsh.neighbors.truth import Truth
from sklearn_lsh.neighbors.tuning import N_QUERIES, Tuner, is_exact_cheapest

# Queries for which an exact search is checked.
N_CHECKED = 16


class Built(NamedTuple):
    """An index, and what its search finds.

    Attributes
    ----------
    row_index : Index
    recall : float
        See `LSHNeighborsTransformer`.
    meets_recall : bool
        Whether that is what was wanted.
    """

    row_index: Index
    recall: float
    meets_recall: bool


class _Queries(NamedTuple):
    """Queries to build an index by.

    Attributes
    ----------
    to_tune : Vectors
        For which recall is measured.
    self_indices : ndarray of shape (n_queries,) or None
        Which row each of these is, if they are rows.
    to_sketch : Vectors or None
        In which the directions of sketches are sought; None is in the rows.
    """

    to_tune: Vectors
    self_indices: np.ndarray | None
    to_sketch: Vectors | None

    def part(self, some):
        """Fewer to tune by: a slice."""
        own = None if self.self_indices is None else self.self_indices[some]
        return self._replace(to_tune=self.to_tune.part(some), self_indices=own)


def build_index(parameters, space: Space, rows: Vectors, queries, given=None) -> Built:
    """Make an index of rows, and find out how much it has to look at.

    Parameters
    ----------
    parameters : LSHNeighborsTransformer
        With the constructor's parameters.
    space : Space
    rows : Vectors
        Of the space.
    queries : Vectors or None
        A sample of queries, where these are not like the rows.
    given : ndarray or csr_array of shape (n_rows, n_features), default=None
        The rows as they were given, if they are at hand, by which recall is measured.
    """
    random_state = check_random_state(parameters.random_state)
    order = random_state.permutation(rows.n_rows)
    split = _split_queries(space, rows, order, queries)
    index = Index(space, rows, None, np.ones(rows.n_rows, bool))
    index.index_features()
    is_decided = _is_exact(parameters, index, split.to_tune)
    if not (is_decided or space.metric.is_set):
        sample = rows.part(order[:SAMPLE_ROWS])
        to_sketch = space.as_queries(sample) if split.to_sketch is None else split.to_sketch
        is_product = space.metric.is_product
        sketch = PrincipalSketch(sample.matrix, to_sketch.matrix, is_product, random_state)
        index.sketch_by(sketch)
    seed = random_state.randint(np.iinfo(np.int32).max)
    # Refused, too, if it is wrong, where there is nothing to hash.
    _make_family(parameters.hash_function, space.metric.is_set, 1, 1, seed)._validate_params()
    if rows.n_rows == (split.self_indices is not None):  # a row without others
        return Built(index, 1.0, True)
    if is_decided:  # only rounding is left to be measured
        split = split.part(slice(N_CHECKED))
    sample = QuerySample(
        index,
        split.to_tune,
        split.self_indices,
        int(parameters.n_neighbors),
        parameters.n_jobs,
        truth=Truth(space, rows if given is None else given),
    )
    meets_recall = is_decided or _tune(parameters, sample, seed)
    recall = sample.recall_of_search()
    return Built(index, recall, meets_recall or recall >= parameters.recall)


def _split_queries(space, rows, order, queries) -> _Queries:
    """Queries to tune with, and others to find the sketches' directions in.

    Recall is better for those that directions were sought in.
    """
    if queries is None:
        self_indices = order[-N_QUERIES:]
        return _Queries(space.as_queries(rows.part(self_indices)), self_indices, None)
    to_tune, to_sketch = queries.part(slice(0, None, 2)), queries.part(slice(1, None, 2))
    return _Queries(to_tune, None, to_sketch if to_sketch.n_rows else to_tune)


def _is_exact(parameters, index, queries) -> bool:
    """Whether an inverted index answers queries for less than whatever else would be tried."""
    if not _is_free(parameters) or index.exact_scan.postings is None:
        return False
    return is_exact_cheapest(index, queries, int(parameters.n_neighbors))


def _is_free(parameters) -> bool:
    """Whether nothing is said about how to search."""
    p = parameters
    given = p.n_bits, p.n_tables, p.n_probes, p.hash_function
    return all(isinstance(value, str) and value == "auto" for value in given)


def _tune(parameters, sample, seed) -> bool:
    """Set the index to the best setting; whether that meets the recall without doubt."""
    p = parameters
    n_bits, is_set = p.n_bits, sample.index.metric.is_set
    if n_bits == "auto":
        n_bits = int(np.clip(np.rint(np.log2(sample.index.n_alive)), 1, MAX_BITS))
    best = Tuner(
        sample,
        p.recall,
        lambda n_tables: _make_family(p.hash_function, is_set, n_bits, n_tables, seed),
        n_tables=None if p.n_tables == "auto" else int(p.n_tables),
        n_probes=None if p.n_probes == "auto" else int(p.n_probes),
        may_scan=_is_free(parameters),
    ).tune()
    return best.meets_recall


def _make_family(hash_function, is_set, n_bits, n_tables, seed) -> HashFamily:
    """A family with so many tables, not fitted."""
    if isinstance(hash_function, HashFamily):
        return clone(hash_function).set_params(n_tables=n_tables)
    name = hash_function
    if name == "auto":
        name = "minhash" if is_set else "simhash"
    return FAMILIES[name](n_bits, n_tables, random_state=seed)
