"""How much a search has to look at for a wanted recall: measured on a sample of queries."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_lsh.csr import keep_best, n_nonzero
from sklearn_lsh.neighbors.index import EXACT, Index, Setting
from sklearn_lsh.neighbors.metrics import Vectors

# Queries of the sample. Recall has to be met by so many of its standard errors, so that it is
# on other queries, too.
N_QUERIES, N_ERRORS = 400, 2
# What is tried: tables where families know several buckets of each for a query and where they
# know one, buckets of each table, finalists for each neighbour wanted.
N_TABLES, N_TABLES_ALONE = (4, 8, 16, 32), (8, 16, 32, 64, 128)
N_PROBES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
N_FINALISTS = (1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32)
# What steps of a search take beside the products in them, counted in such products: looking into
# a bucket, meeting a member of it, comparing sketches, comparing rows. Where all rows are compared
# a product costs a fraction, because it is one of matrices, and ranking a row takes a few.
LOOKUP, MEMBER, SKETCH, ROW = 200, 15, 40, 300
EXACT_PRODUCT, EXACT_ROW = 0.15, 10


class Found(NamedTuple):
    """A setting that was tried.

    Attributes
    ----------
    cost : float
        Of a query, in products.
    recall : float
        Share of a query's nearest rows that were found, on average.
    enough : bool
        Whether the wanted recall is met.
    setting : Setting
    family, tables
        What was searched.
    """

    cost: float
    recall: float
    enough: bool
    setting: Setting
    family: object = None
    tables: object = None


class Sample:
    """Queries, and what belongs to their nearest rows.

    Parameters
    ----------
    index : Index
    queries : Vectors
    own : ndarray of shape (n_queries,) or None
        Which row each query is itself: it does not count.
    k : int
        Neighbours wanted.
    """

    def __init__(self, index: Index, queries: Vectors, own, k):
        self.index, self.queries, self.own = index, queries, own
        self.k = min(k, index.n_alive - (own is not None))
        # In parts, because a query's scores are as many as there are rows.
        size = max(1, 1 << 23 // index.rows.n_rows)
        self.bars = np.concatenate(
            [self._bars(slice(i, i + size)) for i in range(0, queries.n_rows, size)]
        )

    def _bars(self, part):
        """The score of each query's k-th nearest row."""
        n_found = self.k + (self.own is not None)
        rows, scores = self.index.find_exactly(self.queries.part(part), n_found)
        if self.own is not None:
            scores[rows == self.own[part, np.newaxis]] = -np.inf
        return -np.sort(-scores, axis=1)[:, self.k - 1]

    def hits(self, indptr, indices):
        """Which pairs are among the nearest: their queries, and flags."""
        owners = np.repeat(np.arange(self.queries.n_rows), np.diff(indptr))
        scores = self.index.metric.score(indptr, indices, self.queries, self.index.rows)
        hits = scores >= self.bars[owners]
        if self.own is not None:
            hits &= indices != self.own[owners]
        return owners, hits

    def recalls(self, owners, hits):
        """Share of its nearest rows that each query found."""
        counts = np.bincount(owners[hits], minlength=self.queries.n_rows)
        return np.minimum(counts, self.k) / self.k


def row_cost(index: Index) -> float:
    """Products of comparing a query with a row."""
    return n_nonzero(index.rows.data) / max(1, index.rows.n_rows)


def exact_cost(index: Index) -> float:
    """Cost of comparing a query with all rows."""
    return index.n_alive * (EXACT_PRODUCT * row_cost(index) + EXACT_ROW)


def attempt(sample: Sample, n_probes, recall) -> Found:
    """Measure what the index finds with a number of probes and as few finalists as possible."""
    index, k = sample.index, sample.k
    n_queries, n_tables = sample.queries.n_rows, index.tables.n_tables
    candidates = index.candidates(sample.queries, n_probes)
    n_met = candidates[1].shape[0] / n_queries
    looking = n_tables * n_probes * LOOKUP + n_met * MEMBER
    if index.sketch is not None:
        looking += n_met * (index.sketch.n_directions + SKETCH)

    def found(n_finalists, n_compared, recalls):
        cost = looking + n_compared * (row_cost(index) + ROW)
        error = N_ERRORS * recalls.std() / np.sqrt(n_queries)
        enough = recalls.mean() - error >= recall
        setting = Setting(index.family.n_bits, n_tables, n_probes, n_finalists)
        return Found(cost, float(recalls.mean()), bool(enough), setting, index.family, index.tables)

    if index.sketch is None:
        return found(0, n_met, sample.recalls(*sample.hits(*candidates[:2])))
    numbers = [int(np.ceil(k * ratio)) for ratio in N_FINALISTS]
    indptr, indices, scores = index.finalists(*candidates, numbers[-1])
    owners, hits = sample.hits(indptr, indices)
    # Where that is not enough, what follows costs at least as much as the fewest finalists.
    most = found(numbers[-1], k, sample.recalls(owners, hits))
    if not most.enough:
        return most
    places = np.arange(indices.shape[0], dtype=np.uint32)
    for n_finalists in numbers:
        kept = keep_best(indptr, places, scores, n_finalists)[1]
        tried = found(n_finalists, n_finalists, sample.recalls(owners[kept], hits[kept]))
        if tried.enough:
            break
    return tried


def tune(index: Index, make_family, sample: Sample, recall, n_tables=None, n_probes=None) -> Found:
    """Find the cheapest setting that meets the wanted recall, and set the index to it.

    Parameters
    ----------
    index : Index
    make_family : callable
        Returns a family that is not fitted, with a number of tables.
    sample : Sample
    recall : float
    n_tables, n_probes : int, default=None
        None tries several; without tables, all rows are compared.

    Returns
    -------
    found : Found

    Raises
    ------
    ValueError
        If the family does not know so many buckets of a table.
    """
    index.hash(make_family(1))
    most_probes = index.family.most_probes
    if n_probes is not None and n_probes > most_probes:
        raise ValueError(
            f"n_probes must be at most {most_probes}, which is how many buckets of a table "
            f"{index.family} knows for a query, got {n_probes}."
        )
    probes = [n_probes] if n_probes else [n for n in N_PROBES if n <= most_probes]
    tables = [n_tables] if n_tables else N_TABLES if most_probes > 1 else N_TABLES_ALONE
    best = Found(exact_cost(index) if n_tables is None else np.inf, 1.0, True, EXACT)
    for n in tables:
        index.hash(make_family(n))
        tried = _try_probes(sample, probes, recall, best.cost)
        if tried.enough and tried.cost < best.cost:
            best = tried
        elif best.setting != EXACT:
            break  # more tables do not pay
    if n_tables is not None and best.setting == EXACT:
        best = tried
    index.setting, index.family, index.tables = best.setting, best.family, best.tables
    return best


def _try_probes(sample, probes, recall, limit):
    """The cheapest number of probes, if it costs less than the limit, or the last one tried."""
    best = None
    for n in probes:
        tried = attempt(sample, n, recall)
        if tried.cost >= limit:
            break
        if tried.enough:
            best, limit = tried, tried.cost
    return best or tried
