"""How much a search has to look at for a wanted recall: measured on a sample of queries."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_lsh.csr import keep_best, n_nonzero
from sklearn_lsh.neighbors.index import CHUNK_SCORES, EXACT, Index, Setting
from sklearn_lsh.neighbors.metrics import Vectors

# Queries of the sample: no more than so many, and fewer where comparing each with all rows would
# take more products than this, but not too few. Recall has to be met by so many of its standard
# errors, so that it is on other queries, too.
MOST_QUERIES, PRODUCTS, FEWEST_QUERIES, N_ERRORS = 400, 6e9, 128, 2
# Buckets of each table that are tried, and how many the search begins with; the same of tables.
# A table more is worth more than a bucket more in each, but takes memory.
N_PROBES, FIRST_PROBES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256), 8
N_TABLES, FIRST_TABLES = (2, 4, 8, 16, 32, 64, 128), 16
FAR = 0.85
# With so few probes fewer tables may do, too; with so many more tables may do better.
FEW_PROBES, MANY_PROBES = 2, 16
# Finalists that are tried, for each neighbour wanted.
N_FINALISTS = (1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32)
# What steps of a search take beside the products in them, counted in such products: looking into
# a bucket, meeting a member of it, comparing sketches. Of rows, which lie far apart in memory,
# reading takes longer than the products. Where all rows are compared a product costs a fraction,
# because it is one of matrices, and ranking a row takes a few.
LOOKUP, MEMBER, SKETCH, ROW_PRODUCT, ROW = 400, 20, 40, 3, 200
EXACT_PRODUCT, EXACT_ROW = 0.15, 2


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
        size = max(1, CHUNK_SCORES // index.rows.n_rows)
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


def n_queries_for(rows: Vectors) -> int:
    """How many queries a sample has."""
    few = int(PRODUCTS / max(1, n_nonzero(rows.data)))
    return min(max(few, FEWEST_QUERIES), MOST_QUERIES)


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
    n_members = index.count_members(sample.queries, n_probes) / n_queries
    looking = n_tables * n_probes * LOOKUP + n_members * MEMBER
    if index.sketch is not None:
        looking += n_met * (index.sketch.n_directions + SKETCH)

    def found(n_finalists, n_compared, recalls):
        cost = looking + n_compared * (ROW_PRODUCT * row_cost(index) + ROW)
        error = N_ERRORS * recalls.std() / np.sqrt(n_queries)
        enough = recalls.mean() - error >= recall
        setting = Setting(index.family.n_bits, n_tables, n_probes, n_finalists)
        return Found(cost, float(recalls.mean()), bool(enough), setting, index.family, index.tables)

    if index.sketch is None:
        return found(0, n_met, sample.recalls(*sample.hits(*candidates[:2])))
    numbers = [int(np.ceil(k * ratio)) for ratio in N_FINALISTS]
    extra = sample.own is not None  # a query that is a row itself is a finalist, too
    indptr, indices, scores = index.finalists(*candidates, numbers[-1] + extra)
    owners, hits = sample.hits(indptr, indices)
    # Where that is not enough, what follows costs at least as much as the fewest finalists.
    most = found(numbers[-1], k, sample.recalls(owners, hits))
    if not most.enough:
        return most
    places = np.arange(indices.shape[0], dtype=np.uint32)
    for n_finalists in numbers:
        kept = keep_best(indptr, places, scores, n_finalists + extra)[1]
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
    limit = exact_cost(index) if n_tables is None else np.inf
    best = _try_tables(index, make_family, sample, recall, n_tables, n_probes, limit)
    if n_tables is None and (not best.enough or best.cost >= limit):
        best = Found(limit, 1.0, True, EXACT)
    index.settle(best.setting, best.family, best.tables)
    return best


def _try_tables(index, make_family, sample, recall, n_tables, n_probes, limit):
    """The best number of tables: ever more or fewer of them, as long as that pays."""

    def with_tables(n):
        probes = _probes(index.hash(make_family(n)).family, n_probes)
        return _try_probes(sample, probes, recall, limit)

    if n_tables is not None:
        return with_tables(n_tables)
    place = N_TABLES.index(FIRST_TABLES)
    best = with_tables(N_TABLES[place])
    alone = n_probes is not None or index.family.most_probes == 1
    step = _step(best, alone)
    while step and 0 <= place + step < len(N_TABLES):
        place += step
        tried = with_tables(N_TABLES[place])
        if not _is_better(tried, best):
            break
        best = tried
    return best


def _probes(family, n_probes):
    """What numbers of probes to try."""
    most = family.most_probes
    if n_probes is not None and n_probes > most:
        raise ValueError(
            f"n_probes must be at most {most}, which is how many buckets of a table {family} "
            f"knows for a query, got {n_probes}."
        )
    return [n_probes] if n_probes else [n for n in N_PROBES if n <= most]


def _step(found: Found, alone) -> int:
    """Whether more tables are worth a try, or fewer, or neither."""
    if not found.enough:
        return 1
    if alone or found.setting.n_probes <= FEW_PROBES:
        return -1
    return 1 if found.setting.n_probes >= MANY_PROBES else 0


def _try_probes(sample, probes, recall, limit):
    """Begin with some probes; then fewer, as long as these are enough, or more until they are."""
    place = min(len(probes), 1 + N_PROBES.index(FIRST_PROBES)) - 1
    best = attempt(sample, probes[place], recall)
    step = -1 if best.enough else 1
    while best.enough == (step < 0) and best.cost < limit:
        # Far below, every other number is left out.
        place += step * (2 if best.recall < FAR * recall else 1)
        if not 0 <= place < len(probes):
            break
        tried = attempt(sample, probes[place], recall)
        if not _is_better(tried, best):
            break
        best = tried
    return best


def _is_better(tried: Found, best: Found) -> bool:
    """Whether it is enough for less or, where neither is enough, finds more."""
    if tried.enough and best.enough:
        return tried.cost < best.cost
    return tried.enough or (not best.enough and tried.recall > best.recall)
