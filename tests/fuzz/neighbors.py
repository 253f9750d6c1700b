"""Neighbours: rows that come and go, and distances that can be checked."""

import pickle

import numpy as np
import scipy.sparse as sp
from sklearn.metrics import pairwise_distances

from sklearn_lsh.hashing.integer_projections import SMALLEST
from sklearn_lsh.neighbors import LSHNeighborsTransformer

from . import parameters
from .arrays import Given, matrix
from .judge import REFUSED, expect


class Rows:
    """The rows that are in it, as they should be."""

    def __init__(self, n_features):
        self.n_features, self.rows, self.alive = n_features, None, set()

    def add(self, X):
        """Take rows in the order in which they are handed in."""
        X = X.toarray() if sp.issparse(X) else X
        first = 0 if self.rows is None else len(self.rows)
        self.rows = X if self.rows is None else np.concatenate([self.rows, X])
        self.alive |= set(range(first, len(self.rows)))


def play(call):
    """Make a case's calls."""
    known = LSHNeighborsTransformer().get_params()
    drawn = parameters.draw(call, parameters.NEIGHBOURS, known, call.rng.integers(4))
    neighbors = LSHNeighborsTransformer(**({"n_neighbors": 2} | drawn))
    rows = Rows(int(call.rng.integers(1, 6)))
    for _ in range(call.rng.integers(4, 10)):
        action = call.pick(ACTIONS) if rows.rows is not None or call.chance(0.2) else fit
        neighbors = action(call, neighbors, rows) or neighbors


def X_for(call, rows, n=15):
    return matrix(call.rng, int(call.rng.integers(1, n)), rows.n_features + int(call.chance(0.04)))


def must_refuse(rows, X):
    differs = (
        X.plain is not None and rows.rows is not None and X.plain.shape[1] != rows.rows.shape[1]
    )
    return X.bad or differs


def fit(call, neighbors, rows):
    X, extra, refuse = X_for(call, rows, 40), {}, False
    if call.chance(0.2):
        queries = X_for(call, rows)
        extra, refuse = {"queries": queries.value}, queries.bad and queries.value is not None
    if call(neighbors.fit, X.value, **extra, refuse=X.bad or refuse) is not REFUSED:
        begin(neighbors, rows, X)


def begin(neighbors, rows, X):
    """There are no rows but those of X."""
    rows.rows, rows.alive, rows.n_features = None, set(), X.plain.shape[1]
    rows.add(X.plain)
    check_counts(neighbors, rows)


def check_counts(neighbors, rows):
    expect(neighbors.n_samples_fit_ == len(rows.rows), "another number of rows")
    expect(0 <= neighbors.recall_ <= 1, f"recall_ is {neighbors.recall_}")


def partial_fit(call, neighbors, rows):
    X = X_for(call, rows)
    if call(neighbors.partial_fit, X.value, refuse=must_refuse(rows, X)) is not REFUSED:
        rows.add(X.plain)
        check_counts(neighbors, rows)


def delete(call, neighbors, rows):
    n = 0 if rows.rows is None else len(rows.rows)
    gone = call.rng.integers(max(1, n), size=int(call.rng.integers(0, 6)))
    given = Given(call.pick([gone, gone.tolist(), gone.astype("u1"), gone.astype(">i4")]), gone)
    if call.chance(0.15):
        wrong = [
            [-1],
            [n],
            [0.5],
            [[0]],
            ["a"],
            [None],
            "text",
            [2**40],
            np.zeros((1, 1), int),
            [np.nan],
        ]
        given = Given(call.pick(wrong), bad=True)
    if call(neighbors.delete, given.value, refuse=given.bad) is not REFUSED:
        rows.alive -= set(gone.tolist())


def fit_with_a_wrong_parameter(call, neighbors, rows):
    name, wrong = parameters.draw_wrong(call, parameters.NEIGHBOURS, neighbors.get_params())
    right = getattr(neighbors, name)
    neighbors.set_params(**{name: wrong})
    X = X_for(call, rows)
    # For a single row there is nothing that threads would do.
    if call(neighbors.fit, X.value, refuse=name != "n_jobs" or X.bad) is not REFUSED:
        begin(neighbors, rows, X)
    neighbors.set_params(**{name: right})


def kneighbors(call, neighbors, rows):
    X = Given(None) if call.chance(0.2) else X_for(call, rows)
    k = call.pick([None, 1, 2, len(rows.alive), np.int16(2)])
    wrong = call.chance(0.1)
    if wrong:
        k = call.pick([0, -1, 1.5, "foo", True, np.nan, 10**20, [1]])
    refuse = wrong or (must_refuse(rows, X) and X.value is not None)
    answer = call(neighbors.kneighbors, X.value, k, refuse=refuse)
    if answer is REFUSED:
        return
    distances, indices = answer
    own = np.array(sorted(rows.alive), dtype=int)
    queries = rows.rows[own] if X.value is None else X.plain
    k = neighbors.n_neighbors if k is None else k
    expect(indices.shape == distances.shape == (queries.shape[0], k), "another shape")
    check_neighbors(neighbors, rows, queries, distances, indices)
    if X.value is None:
        expect((indices != own[:, np.newaxis]).all(), "a row is its own neighbour")


def check_neighbors(neighbors, rows, queries, distances, indices):
    expect(np.isin(indices, sorted(rows.alive)).all(), "a neighbour that is not there")
    expect(all(len(set(row)) == len(row) for row in indices.tolist()), "a neighbour comes twice")
    expect(np.isfinite(distances).all(), "distances are not finite")
    expect((np.diff(distances, axis=1) >= 0).all(), "not the nearest first")
    queries = queries.toarray() if sp.issparse(queries) else queries
    if np.abs(rows.rows).max() > 1e15 or np.abs(queries).max() > 1e15:
        return
    exact, size = distances_of(neighbors.index_.metric, queries, rows.rows)
    found = np.take_along_axis(exact, indices, axis=1)
    expect(np.allclose(distances, found, rtol=1e-2, atol=1e-3 * size), "other distances")


def distances_of(metric, x, y):
    """All distances, and how large they are of which rounding is a share."""
    x, y = x.astype(float), y.astype(float)
    size = 1 + max(np.abs(x).max(), np.abs(y).max())
    if metric.is_product:
        return -x @ y.T, size**2 * x.shape[1]
    if metric.is_set:
        return pairwise_distances(x != 0, y != 0, "jaccard"), 1
    if metric.is_angle:
        return 1 - unit_rows(x) @ unit_rows(y).T, 1
    return pairwise_distances(x, y), size


def unit_rows(x):
    """Rows of unit length, but for those of zeros, and those that are taken for such."""
    x = np.where(np.abs(x).max(axis=1, keepdims=True) < SMALLEST, 0, x)
    for order in (np.inf, 2):  # so that no square is too small
        lengths = np.linalg.norm(x, order, axis=1, keepdims=True)
        x = np.divide(x, lengths, out=np.zeros_like(x), where=lengths > 0)
    return x


def kneighbors_graph(call, neighbors, rows):
    X = X_for(call, rows)
    mode = call.pick(["connectivity", "distance"]) if call.chance(0.9) else "foo"
    refuse = mode == "foo" or (must_refuse(rows, X) and X.value is not None)
    graph = call(neighbors.kneighbors_graph, X.value, None, mode, refuse=refuse)
    if graph is not REFUSED:
        expect(graph.shape[1] == len(rows.rows), "another shape")


def transform(call, neighbors, rows):
    X = X_for(call, rows)
    graph = call(neighbors.transform, X.value, refuse=must_refuse(rows, X) and X.value is not None)
    if graph is not REFUSED:
        expect(graph.shape[1] == len(rows.rows), "another shape")
        expect(np.isfinite(graph.data).all(), "not finite")


def set_params(call, neighbors, rows):
    table = parameters.NEIGHBOURS
    name = call.pick(["n_neighbors", "n_jobs", "mode"])  # others are for the next fit
    call(neighbors.set_params, **{name: call.pick(table[name][0])})


def store(call, neighbors, rows):
    return pickle.loads(pickle.dumps(neighbors))


ACTIONS = [
    fit,
    *[partial_fit, delete, kneighbors, kneighbors_graph, transform] * 3,
    fit_with_a_wrong_parameter,
    set_params,
    store,
]
