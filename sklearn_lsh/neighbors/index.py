"""Rows, what stands for them in a search, and the search for those nearest to queries."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_lsh.csr import Pattern, even_pattern, keep_best, take
from sklearn_lsh.hashing import LSHTables
from sklearn_lsh.neighbors.metrics import Metric, Vectors
from sklearn_lsh.neighbors.scan import Scan
from sklearn_lsh.neighbors.sketch import Sketch
from sklearn_lsh.threads import one_by_one

# Queries that are searched at once.
CHUNK = 256
# Rows compared exactly for each neighbour wanted where all are compared: sums of many products,
# in another order and of other sizes, differ by their rounding.
SPARE = 2


class Setting(NamedTuple):
    """How much a search looks at.

    Attributes
    ----------
    n_bits, n_tables : int
    n_probes : int
        Buckets of each table that a query looks into.
    n_finalists : int
        Candidates that are compared exactly; the others are only by their sketches.
    n_directions : int
        Of the sketches, where those of all rows are compared.
    """

    n_bits: int
    n_tables: int
    n_probes: int
    n_finalists: int
    n_directions: int = 0


# All rows are compared.
EXACT = Setting(0, 0, 0, 0)


class Index:
    """Rows, sketches of them, and tables in which the sketches lie.

    Parameters
    ----------
    metric : Metric
    rows : Vectors
    sketch : Sketch or None
        None where the rows themselves are hashed, and all candidates compared exactly.
    alive : ndarray of shape (n_rows,), dtype=bool
        Which rows are to be found.
    """

    def __init__(self, metric: Metric, rows: Vectors, sketch: Sketch | None, alive):
        self.metric, self.sketch, self.alive = metric, sketch, alive
        self.exact = Scan(metric, rows, alive)
        self.coarse, self.hashed = self._sketched(rows)
        self.family, self.tables, self.scan, self.setting = None, None, None, EXACT

    @property
    def rows(self) -> Vectors:
        """All rows, those included that were deleted."""
        return self.exact.rows

    @property
    def n_alive(self) -> int:
        """Number of rows that were not deleted."""
        return int(np.count_nonzero(self.alive))

    def hash(self, family):
        """Put all rows into tables by a family that is not fitted yet."""
        self.family = family.fit(self.hashed)
        self.tables = LSHTables(family.codes(self.hashed), family.n_buckets_)
        if not self.alive.all():
            self.tables.delete(np.flatnonzero(~self.alive))
        return self

    def scanned(self, n_directions) -> Scan:
        """All rows' sketches in some of their directions, to be compared."""
        return Scan(self.sketch.metric, _wide(self.coarse[:, :n_directions]), self.alive)

    def insert(self, rows: Vectors):
        """Add rows; they get the next numbers."""
        self.exact.insert(rows)
        self.alive = np.append(self.alive, np.ones(rows.n_rows, bool))
        if self.setting == EXACT:
            return
        coarse, hashed = self._sketched(rows)
        if self.scan is not None:
            self.scan.insert(_wide(coarse[:, : self.setting.n_directions]))
            return
        if coarse is not None:
            self.coarse = np.concatenate([self.coarse, coarse])
        self.tables.insert(self.family.codes(hashed))

    def delete(self, numbers):
        """Let rows be found no more."""
        self.alive[numbers] = False
        for part in (self.exact, self.scan, self.tables):
            if part is not None:
                part.delete(numbers)

    # Search

    def nearest(self, X, k, n_jobs=None):
        """Find the ``k`` rows nearest to each query, the nearest first.

        Parameters
        ----------
        X : ndarray or csr_array of shape (n_queries, n_features)
        k : int
            At most ``n_alive``.
        n_jobs : int, default=None
            Threads.

        Returns
        -------
        indices : ndarray of shape (n_queries, k), dtype=uint32
        scores : ndarray of shape (n_queries, k), dtype=float32
            See `Metric`.
        """
        indices = np.empty((X.shape[0], k), np.uint32)
        scores = np.empty((X.shape[0], k), np.float32)

        def fill(part):
            indices[part], scores[part] = self.find(self.prepared(take(X, part)), k)

        in_chunks(fill, X.shape[0], n_jobs)
        return indices, scores

    def prepared(self, vectors) -> Vectors:
        """Rows as the metric compares them."""
        return Vectors(self.metric.prepare(vectors))

    def find(self, queries: Vectors, k):
        """As `nearest`, of few queries, as the setting says."""
        if self.scan is not None:
            n_finalists = min(max(k, self.setting.n_finalists), self.n_alive)
            sketches = self.scan_queries(queries, self.setting.n_directions)
            return self._best_of(queries, self.scan.best(sketches, n_finalists), k)
        if self.tables is not None:
            return self._find_in_tables(queries, k)
        return self.find_exactly(queries, k)

    def find_exactly(self, queries: Vectors, k):
        """As `find`, by comparing all rows."""
        return self._best_of(queries, self.exact.best(queries, min(SPARE * k, self.n_alive)), k)

    def scan_queries(self, queries: Vectors, n_directions) -> Vectors:
        """Queries' sketches, as they are compared with those of all rows."""
        coarse = self.sketch.coarse_queries(self.sketch.queries(queries.matrix))
        return _wide(coarse[:, :n_directions])

    def candidates(self, queries: Vectors, n_probes):
        """Rows in the buckets of each query: ragged lists, and their sketches' scores or None."""
        codes, coarse = self._codes(queries, n_probes)
        found = self.tables.query(codes)
        if self.sketch is None:
            return *found, None
        return *found, self.sketch.score(*found, coarse, self.coarse)

    def count_members(self, queries: Vectors, n_probes) -> int:
        """How many members the buckets of all queries have."""
        starts, stops = self.tables.buckets(self._codes(queries, n_probes)[0])
        return int((stops - starts).sum(dtype=np.int64))

    @staticmethod
    def finalists(indptr, indices, scores, n_finalists):
        """The candidates of best sketches, or all where there are no sketches."""
        return (
            (indptr, indices, scores)
            if scores is None
            else keep_best(Pattern(indptr, indices), scores, n_finalists)
        )

    def settle(self, setting, family=None, tables=None, scan=None):
        """Search by a setting from now on."""
        self.setting, self.family, self.tables, self.scan = setting, family, tables, scan
        self.hashed = None  # was kept only to try other families
        if tables is None:
            self.coarse = None

    def _find_in_tables(self, queries, k):
        n_finalists = max(k, self.setting.n_finalists)
        pairs = self.finalists(*self.candidates(queries, self.setting.n_probes), n_finalists)
        pattern = Pattern(*pairs[:2])
        found = keep_best(pattern, self.metric.score(*pattern, queries, self.rows), k)
        short = np.diff(found[0]) < k
        if not short.any():
            return in_order(*found[1:], k)
        indices, scores = (np.empty((queries.n_rows, k), part.dtype) for part in found[1:])
        full = np.repeat(~short, np.diff(found[0]))
        indices[~short], scores[~short] = in_order(*(part[full] for part in found[1:]), k)
        indices[short], scores[short] = self.find_exactly(queries.part(short), k)
        return indices, scores

    def _best_of(self, queries, numbers, k):
        """The nearest of as many rows for each query."""
        pairs = even_pattern(numbers)
        return in_order(*keep_best(pairs, self.metric.score(*pairs, queries, self.rows), k)[1:], k)

    def _codes(self, queries, n_probes):
        """Codes of queries' buckets, and their coarse sketches or None."""
        if self.sketch is None:
            return self.family.probe_codes(queries.matrix, n_probes), None
        sketches = self.sketch.queries(queries.matrix)
        hashed, coarse = self.sketch.hashed_queries(sketches), self.sketch.coarse_queries(sketches)
        return self.family.probe_codes(hashed, n_probes), coarse

    def _sketched(self, rows):
        """Rows as they are compared by sketches, and as they are hashed."""
        if self.sketch is None:
            return None, rows.matrix
        sketches = self.sketch.rows(rows.matrix)
        return self.sketch.coarse_rows(sketches), self.sketch.hashed_rows(sketches)


def in_chunks(work, n_queries, n_jobs, size=CHUNK):
    """Call ``work(part)`` for slices of so many queries, in threads."""
    parts = [slice(i, i + size) for i in range(0, n_queries, size)]
    for _ in one_by_one(work, parts, n_jobs):
        pass


def in_order(indices, scores, k):
    """Even lists of ``k`` pairs as arrays of shape (n_queries, k), the best score first."""
    indices, scores = indices.reshape(-1, k), scores.reshape(-1, k)
    order = np.argsort(-scores, axis=1, kind="stable")
    return (np.take_along_axis(part, order, axis=1) for part in (indices, scores))


def _wide(coarse) -> Vectors:
    """Whole numbers as floats, which matrix products are fastest with."""
    return Vectors(coarse.astype(np.float32, order="C"))
