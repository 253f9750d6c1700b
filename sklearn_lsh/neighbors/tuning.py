"""How much a search has to look at for a wanted recall: measured on a sample of queries."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_lsh.csr import Pattern, even_pattern, keep_best, n_nonzero
from sklearn_lsh.hashing import HashFamily, LSHTables
from sklearn_lsh.neighbors.index import EXACT, SPARE, Index, Setting, in_chunks
from sklearn_lsh.neighbors.metrics import Vectors
from sklearn_lsh.neighbors.scan import Scan

# Queries of the sample: to compare these with all rows is most of the time to build an index.
# Recall has to be met by so many of its standard errors, so that it is on other queries, too.
N_QUERIES, N_ERRORS = 128, 2
# Queries whose nearest rows are found at once, by each thread.
CHUNK = 64
# Directions of sketches that are all compared, and with how many the search begins; where so few
# finalists for each neighbour wanted are enough, fewer directions may do.
N_DIRECTIONS, FIRST_DIRECTIONS, FEW_FINALISTS = (8, 12, 16, 24, 32, 48, 64), 48, 4
# Buckets of each table that are tried, and how many the search begins with; the same of tables.
# A table more is worth more than a bucket more in each, but takes memory.
N_PROBES, FIRST_PROBES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256), 8
N_TABLES, FIRST_TABLES = (2, 4, 8, 16, 32, 64, 128), 16
FAR = 0.85
# With so few probes fewer tables may do, too; with so many more tables may do better.
FEW_PROBES, MANY_PROBES = 2, 16
# Finalists that are tried, for each neighbour wanted.
N_FINALISTS = (1, 1.5, 2, 3, 4, 6, 8)
# Nanoseconds that steps of a search took where they were measured (one thread, AVX2). Comparing
# all rows: a product, as one of matrices or of sparse ones, a row, and one of those that are the
# best for a while. Comparing finalists, which lie far apart in memory: a product, and a row.
PRODUCT, SPARSE_PRODUCT, ROW, BEST = 0.036, 0.15, 0.25, 55
FINALIST_PRODUCT, FINALIST = 0.54, 17
# Making a query's sketch, beside the products in that.
QUERY = 5000
# Tables: looking into a bucket, meeting a member of it, comparing sketches. Most of that is to wait
# for memory where rows are so many that tables are worth a try; of fewer it takes a third.
LOOKUP, MEMBER, SKETCH_PRODUCT, SKETCH = 400, 8, 0.1, 100
# Tables do not save much of less than this on any rows that were measured, and trying them would be
# most of the time to build an index.
TABLES_FROM = 200_000


class Found(NamedTuple):
    """A setting that was tried.

    Attributes
    ----------
    cost : float
        Of a query, in nanoseconds.
    setting : Setting
    family, tables, scan
        What was searched.
    recall : float
        Share of a query's nearest rows that were found, on average.
    enough : bool
        Whether the wanted recall is met.
    """

    cost: float
    setting: Setting
    family: HashFamily | None = None
    tables: LSHTables | None = None
    scan: Scan | None = None
    recall: float = 0.0
    enough: bool = False


class Sample:
    """Queries, and what belongs to their nearest rows.

    Parameters
    ----------
    index : Index
    queries : Vectors
    own : ndarray of shape (n_queries,) or None
        Which row each query is itself: it does not count, but is a finalist, too.
    k : int
        Neighbours wanted.
    n_jobs : int or None
        Threads.

    Attributes
    ----------
    numbers : list of int
        Numbers of finalists to try.
    """

    def __init__(self, index: Index, queries: Vectors, own, k, n_jobs=None):
        self.index, self.queries, self.own, self.n_jobs = index, queries, own, n_jobs
        self.extra = own is not None
        self.k = min(k, index.n_alive - self.extra)
        self.numbers = [int(np.ceil(self.k * ratio)) for ratio in N_FINALISTS]
        self.bars = np.empty(queries.n_rows, np.float32)

        def fill(part):
            self.bars[part] = self._bars(part)

        in_chunks(fill, queries.n_rows, n_jobs, CHUNK)

    def _bars(self, part):
        """The score of each query's k-th nearest row."""
        rows, scores = self.index.find_exactly(self.queries.part(part), self.k + self.extra)
        if self.extra:
            scores[rows == self.own[part, np.newaxis]] = -np.inf
        return -np.sort(-scores, axis=1)[:, self.k - 1]

    def hits(self, indptr, indices):
        """Which pairs are among the nearest: their queries, and flags."""
        owners = np.repeat(np.arange(self.queries.n_rows), np.diff(indptr))
        scores = self.index.metric.score(indptr, indices, self.queries, self.index.rows)
        hits = scores >= self.bars[owners]
        if self.extra:
            hits &= indices != self.own[owners]
        return owners, hits

    def recalls(self, owners, hits):
        """Share of its nearest rows that each query found."""
        counts = np.bincount(owners[hits], minlength=self.queries.n_rows)
        return np.minimum(counts, self.k) / self.k

    def judge(self, tried: Found, recalls, wanted) -> Found:
        """Add to what was tried its recall, and whether that is enough."""
        error = N_ERRORS * recalls.std() / np.sqrt(recalls.shape[0])
        return tried._replace(
            recall=float(recalls.mean()), enough=bool(recalls.mean() - error >= wanted)
        )


def row_cost(index: Index) -> float:
    """Products of comparing a query with a row."""
    return n_nonzero(index.rows.data) / max(1, index.rows.n_rows)


def scan_cost(n_rows, n_products, n_best, product=PRODUCT) -> float:
    """Cost of comparing a query with all rows in so many products each, and of finding the best."""
    met = n_best * np.log2(2 * max(1, n_rows / n_best))
    return n_rows * (product * n_products + ROW) + met * BEST


def exact_cost(index: Index, k) -> float:
    """Cost of comparing a query with all rows."""
    product = SPARSE_PRODUCT if index.rows.is_sparse else PRODUCT
    n_best = min(SPARE * k, index.n_alive)
    compared = n_best * finalist_cost(index)
    return scan_cost(index.rows.n_rows, row_cost(index), n_best, product) + compared


def sketch_cost(index: Index) -> float:
    """Cost of making a query's sketch."""
    return QUERY + PRODUCT * row_cost(index) * index.sketch.n_directions


def finalist_cost(index: Index) -> float:
    """Cost of comparing a query with a row that lies anywhere in memory."""
    return FINALIST_PRODUCT * row_cost(index) + FINALIST


def attempt_scan(sample: Sample, n_directions, recall) -> Found:
    """Measure what sketches of so many directions find with as few finalists as possible."""
    index = sample.index
    scan = index.scanned(n_directions)
    sketches = index.scan_queries(sample.queries, n_directions)
    most = min(sample.numbers[-1] + sample.extra, index.n_alive)
    numbers = np.empty((sketches.n_rows, most), np.uint32)

    def fill(part):
        numbers[part] = scan.best(sketches.part(part), most)

    in_chunks(fill, sketches.n_rows, sample.n_jobs, CHUNK)
    pairs = even_pattern(numbers)
    candidates = *pairs, scan.metric.score(*pairs, sketches, scan.rows)

    def found(n_finalists, recalls):
        cost = sketch_cost(index) + scan_cost(index.rows.n_rows, n_directions, n_finalists)
        cost += n_finalists * finalist_cost(index)
        setting = EXACT._replace(n_finalists=n_finalists, n_directions=n_directions)
        return sample.judge(Found(cost, setting, scan=scan), recalls, recall)

    return _fewest_finalists(sample, candidates, found)


def attempt_tables(sample: Sample, n_probes, recall) -> Found:
    """Measure what tables find with a number of probes and as few finalists as possible."""
    index = sample.index
    n_queries, n_tables = sample.queries.n_rows, index.tables.n_tables
    candidates = index.candidates(sample.queries, n_probes)
    n_met = candidates[1].shape[0] / n_queries
    n_members = index.count_members(sample.queries, n_probes) / n_queries
    looking = n_tables * n_probes * LOOKUP + n_members * MEMBER
    if index.sketch is not None:
        looking += sketch_cost(index) + n_met * (
            SKETCH_PRODUCT * index.sketch.n_directions + SKETCH
        )

    def found(n_finalists, recalls):
        n_compared = n_finalists if index.sketch is not None else n_met
        cost = looking + n_compared * finalist_cost(index)
        setting = Setting(index.family.n_bits, n_tables, n_probes, n_finalists)
        tried = Found(cost, setting, index.family, index.tables)
        return sample.judge(tried, recalls, recall)

    if index.sketch is None:
        return found(0, sample.recalls(*sample.hits(*candidates[:2])))
    return _fewest_finalists(sample, candidates, found)


def _fewest_finalists(sample, candidates, found) -> Found:
    """The first number of finalists, the best of the candidates, that is enough, or the last."""
    most = sample.numbers[-1] + sample.extra
    indptr, indices, scores = sample.index.finalists(*candidates, most)
    owners, hits = sample.hits(indptr, indices)
    best = found(sample.numbers[-1], sample.recalls(owners, hits))
    if not best.enough:
        # More tables or probes, and so the finalists needed, cost at least as much as this.
        return best._replace(cost=found(sample.k, sample.recalls(owners, hits)).cost)
    places = np.arange(indices.shape[0], dtype=np.uint32)
    for n_finalists in sample.numbers[:-1]:
        kept = keep_best(Pattern(indptr, places), scores, n_finalists + sample.extra).indices
        tried = found(n_finalists, sample.recalls(owners[kept], hits[kept]))
        if tried.enough:
            return tried
    return best


def tune(
    index: Index, make_family, sample: Sample, recall, n_tables=None, n_probes=None, may_scan=True
) -> Found:
    """Find the cheapest setting that meets the wanted recall, and set the index to it.

    Parameters
    ----------
    index : Index
    make_family : callable
        Returns a family that is not fitted, with a number of tables.
    sample : Sample
    recall : float
    n_tables, n_probes : int, default=None
        None tries several. Without ``n_tables``, all rows may be compared instead.
    may_scan : bool, default=True
        Whether all rows' sketches may be compared instead, and tables need not be tried.

    Returns
    -------
    found : Found

    Raises
    ------
    ValueError
        If the family does not know so many buckets of a table.
    """
    if n_tables is not None:
        best = _try_tables(index, make_family, sample, recall, n_tables, n_probes, np.inf)
    else:
        best = Found(exact_cost(index, sample.k), EXACT, recall=1.0, enough=True)
        if may_scan and index.sketch is not None:
            best = _better(_try_scans(sample, recall), best)
        if best.cost > TABLES_FROM or not may_scan:
            tried = _try_tables(index, make_family, sample, recall, None, n_probes, best.cost)
            best = _better(tried, best)
    index.settle(best.setting, best.family, best.tables, best.scan)
    return best


def _try_scans(sample, recall) -> Found:
    """The best number of directions: ever more or fewer of them, as long as that pays."""
    most = sample.index.sketch.n_directions
    numbers = [*(n for n in N_DIRECTIONS if n < 0.9 * most), most]
    place = min(len(numbers) - 1, N_DIRECTIONS.index(FIRST_DIRECTIONS))
    best = attempt_scan(sample, numbers[place], recall)
    few = best.enough and best.setting.n_finalists <= FEW_FINALISTS * sample.k
    step = -1 if few else 1
    while 0 <= place + step < len(numbers):
        place += step
        tried = attempt_scan(sample, numbers[place], recall)
        if not _is_better(tried, best):
            break
        best = tried
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
    alone = n_probes is not None or index.family.max_probes == 1
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
    most = family.max_probes
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
    best = attempt_tables(sample, probes[place], recall)
    step = -1 if best.enough else 1
    while best.enough == (step < 0) and best.cost < limit:
        # Far below, every other number is left out.
        place += step * (2 if best.recall < FAR * recall else 1)
        if not 0 <= place < len(probes):
            break
        tried = attempt_tables(sample, probes[place], recall)
        if not _is_better(tried, best):
            break
        best = tried
    return best


def _better(tried: Found, best: Found) -> Found:
    return tried if _is_better(tried, best) else best


def _is_better(tried: Found, best: Found) -> bool:
    """Whether it is enough for less or, where neither is enough, finds more."""
    if tried.enough and best.enough:
        return tried.cost < best.cost
    return tried.enough or (not best.enough and tried.recall > best.recall)
