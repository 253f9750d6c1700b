"""Rows, what stands for them in a search, and the search for those nearest to queries."""

from __future__ import annotations

import copy
from typing import NamedTuple

import numpy as np

from sklearn_lsh.csr import Pattern, even_pattern, keep_best
from sklearn_lsh.hashing import HashFamily, LSHTables
from sklearn_lsh.hashing.stored_tables import check_fit
from sklearn_lsh.neighbors.costs import OVERSAMPLING
from sklearn_lsh.neighbors.metrics import Metric, Vectors
from sklearn_lsh.neighbors.postings import is_worthwhile
from sklearn_lsh.neighbors.scan import MAX_PRODUCTS, Scan
from sklearn_lsh.neighbors.sketch import PrincipalSketch
from sklearn_lsh.neighbors.space import Space
from sklearn_lsh.stored import MOST, Attributes, check_array, is_integer
from sklearn_lsh.threads import one_by_one

# Queries that are searched at once.
CHUNK_QUERIES = 256


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


class Neighbors(NamedTuple):
    """The nearest rows of each query, the nearest first.

    Attributes
    ----------
    indices : ndarray of shape (n_queries, k), dtype=uint32
    scores : ndarray of shape (n_queries, k), dtype=float32
        See `Metric`.
    """

    indices: np.ndarray
    scores: np.ndarray

    @classmethod
    def with_room(cls, n_queries, k):
        """Arrays to be filled."""
        return cls(np.empty((n_queries, k), np.uint32), np.empty((n_queries, k), np.float32))

    def fill(self, queries, found):
        """Put in what was found for some of the queries."""
        self.indices[queries], self.scores[queries] = found.indices, found.scores

    def without(self, own):
        """The same without a row of each query or, if it was not found, without the last."""
        left_out = self.indices == own[:, np.newaxis]
        left_out[~left_out.any(axis=1), -1] = True
        shape = self.indices.shape[0], -1
        return Neighbors(
            self.indices[~left_out].reshape(shape), self.scores[~left_out].reshape(shape)
        )


class Candidates(NamedTuple):
    """Rows that may be near, for each query.

    Attributes
    ----------
    pattern : Pattern
    scores : ndarray of shape (n_pairs,), dtype=float32, or None
        By their sketches. Without these, all candidates are finalists.
    """

    pattern: Pattern
    scores: np.ndarray | None

    def finalists(self, n_finalists):
        """The candidates of the best sketches."""
        if self.scores is None:
            return self
        best = keep_best(self.pattern, self.scores, n_finalists)
        return Candidates(best.pattern, best.scores)


class Sketches(NamedTuple):
    """What stands for rows or queries.

    Attributes
    ----------
    quantized : ndarray of shape (n_vectors, n_directions), dtype=int8, or None
        What is compared; None where there are no sketches.
    hashed : ndarray or csr_array of shape (n_vectors, n_features)
        What a hash family codes: sketches, or the vectors themselves.
    """

    quantized: np.ndarray | None
    hashed: np.ndarray


class Index:
    """Rows, sketches of them, and tables in which the sketches lie.

    Parameters
    ----------
    space : Space
    rows : Vectors
        Of the space.
    sketch : PrincipalSketch or None
        None where the rows themselves are hashed, and all candidates compared exactly.
    alive : ndarray of shape (n_rows,), dtype=bool
        Which rows are to be found: not those that were deleted.

    Attributes
    ----------
    numbers : ndarray of shape (n_rows,), dtype=int64
        What users know rows by, in ascending order: their own indices, until rows are dropped.
    """

    def __init__(self, space: Space, rows: Vectors, sketch: PrincipalSketch | None, alive):
        self.space, self.metric = space, space.metric
        self.alive = alive
        self.exact_scan = Scan(self.metric, rows, alive)
        self.numbers = np.arange(rows.n_rows)
        self.sketch_by(sketch)
        self.family: HashFamily | None = None
        self.tables: LSHTables | None = None
        self.scan: Scan | None = None
        self.setting = EXACT

    def check_stored(self, n_features):
        """Check what was loaded, and that its parts fit together."""
        stored = Attributes(self)
        stored.part("space", Space).check_stored(n_features)
        metric = self.space.metric
        stored.require(stored.part("metric", Metric) == metric, "metric", "that of the space")
        alive = stored.array("alive", np.bool_, (None,))
        numbers = stored.array("numbers", np.int64, alive.shape, least=0)
        stored.require((numbers[:-1] < numbers[1:]).all(), "numbers", "in ascending order")
        stored.part("exact_scan", Scan).check_stored(metric, n_features, alive)
        setting = stored.part("setting", Setting)
        are_sizes = all(is_integer(size, 0, MOST) for size in setting)
        stored.require(are_sizes, "setting", "sizes")
        if metric.is_set:
            stored.require(stored.get("sketch") is None, "sketch", "None")
        elif setting != EXACT or stored.get("sketch") is not None:
            sketch = stored.part("sketch", PrincipalSketch)
            sketch.check_stored(metric.is_product, n_features)
        needed = {"scan": setting.n_directions > 0, "tables": setting.n_tables > 0}
        for name in ("scan", "tables"):
            if not needed[name]:
                stored.require(stored.get(name) is None, name, "None")
        quantized = stored.part("sketches", Sketches).quantized
        if needed["scan"]:
            self._check_scan(stored)
        elif needed["tables"]:
            quantized = self._check_tables(stored, n_features)
        self.sketches = Sketches(quantized, None)

    def _check_scan(self, stored):
        n_directions, sketch = self.setting.n_directions, stored.part("sketch", PrincipalSketch)
        fits = n_directions <= sketch.n_directions and self.setting.n_tables == 0
        stored.require(fits, "setting", "of the sketch's directions, and no tables")
        scan = stored.part("scan", Scan)
        scan.check_stored(sketch.metric, n_directions, self.alive)

    def _check_tables(self, stored, n_features):
        """Check tables; returns the sketches as kernels read them."""
        family, tables = stored.part("family", HashFamily), stored.part("tables", LSHTables)
        n_rows = self.alive.shape[0]
        check_fit(tables, family, n_rows)
        stored.require(self.setting.n_probes > 0, "setting", "of at least one bucket")
        quantized = self.sketches.quantized
        if self.sketch is not None:
            n_features = self.sketch.n_hashed
            shape = (n_rows, self.sketch.n_directions)
            quantized = check_array("Sketches.quantized", quantized, np.int8, shape)
        is_hashed = vars(family).get("n_features_in_") == n_features
        stored.require(is_hashed, "family", f"of {n_features} features")
        return quantized

    @property
    def rows(self) -> Vectors:
        """All rows, those included that were deleted but not dropped."""
        return self.exact_scan.rows

    @property
    def n_alive(self) -> int:
        """Number of rows that were not deleted."""
        return int(np.count_nonzero(self.alive))

    def sketch_by(self, sketch: PrincipalSketch | None):
        """Make the rows' sketches."""
        self.sketch = sketch
        self.sketches = self._sketch_rows(self.rows)

    def index_features(self):
        """Have an inverted index for comparing all rows, if they are sparse and not moved."""
        rows = self.rows
        if rows.is_sparse and self.space.origin is None and is_worthwhile(rows.data):
            self.exact_scan.index_features()

    def build_tables(self, family):
        """Put all rows into tables by a family that is not fitted yet."""
        self.family = family.fit(self.sketches.hashed)
        self.tables = LSHTables(family.codes(self.sketches.hashed), family.n_buckets_)
        if not self.alive.all():
            self.tables.delete(np.flatnonzero(~self.alive))

    def sketch_scan(self, n_directions) -> Scan:
        """All rows' sketches in some of their directions, to be compared."""
        rows = _as_vectors(self.sketches.quantized[:, :n_directions])  # type: ignore[index]
        return Scan(self.sketch.metric, rows, self.alive)

    def use(self, setting, family=None, tables=None, scan=None):
        """Search by a setting from now on."""
        self.setting, self.family, self.tables, self.scan = setting, family, tables, scan
        # What only other settings need is let go.
        self.sketches = Sketches(None if tables is None else self.sketches.quantized, None)
        if setting != EXACT:
            self.exact_scan.postings = None

    def changed(self) -> Index:
        """A copy to insert rows into or to delete them from. This index stays as it is."""
        index = copy.copy(self)
        for name in ("exact_scan", "scan", "tables"):
            setattr(index, name, copy.copy(getattr(self, name)))
        return index

    def places_of(self, numbers):
        """Indices of those of the numbered rows that were not dropped."""
        places = np.searchsorted(self.numbers, numbers)
        places[places == self.numbers.shape[0]] = 0
        return places[self.numbers[places] == numbers]

    def insert(self, rows: Vectors, first_number: int):
        """Add rows; they get the next indices, and numbers from the first one on."""
        numbers = np.arange(first_number, first_number + rows.n_rows)
        self.numbers = np.append(self.numbers, numbers)
        self.exact_scan.insert(rows)
        self.alive = np.append(self.alive, np.ones(rows.n_rows, bool))
        if self.setting == EXACT:
            return
        new = self._sketch_rows(rows)
        if self.scan is not None:
            self.scan.insert(_as_vectors(new.quantized[:, : self.setting.n_directions]))  # type: ignore[index]
            return
        if new.quantized is not None:
            quantized = np.concatenate([self.sketches.quantized, new.quantized])
            self.sketches = self.sketches._replace(quantized=quantized)
        self.tables.insert(self.family.codes(new.hashed))

    def delete(self, indices):
        """Let rows be found no more."""
        self.alive = self.alive.copy()
        self.alive[indices] = False
        for part in (self.exact_scan, self.scan, self.tables):
            if part is not None:
                part.delete(indices)

    # Search

    def nearest(self, X, k, n_jobs=None) -> Neighbors:
        """Find the ``k`` rows nearest to each query.

        Parameters
        ----------
        X : ndarray or csr_array of shape (n_queries, n_features)
        k : int
            At most ``n_alive``.
        n_jobs : int, default=None
            Threads.

        Returns
        -------
        neighbors : Neighbors
        """
        neighbors = Neighbors.with_room(X.shape[0], k)

        def search(chunk):
            neighbors.fill(chunk, self.find(self.space.queries(X[chunk]), k))

        in_chunks(search, X.shape[0], n_jobs)
        return neighbors

    def nearest_to_rows(self, k, n_jobs=None) -> Neighbors:
        """As `nearest`, with all rows as queries that were not deleted."""
        own = np.flatnonzero(self.alive)
        neighbors = Neighbors.with_room(own.shape[0], k)

        def search(chunk):
            queries = self.space.as_queries(self.rows.part(own[chunk]))
            neighbors.fill(chunk, self.find(queries, k))

        in_chunks(search, own.shape[0], n_jobs)
        return neighbors

    def find(self, queries: Vectors, k) -> Neighbors:
        """As `nearest`, of few queries, as the setting says."""
        if self.scan is not None:
            n_finalists = min(max(k, self.setting.n_finalists), self.n_alive)
            sketches = self.scan_queries(queries, self.setting.n_directions)
            return self._nearest_of(queries, self.scan.best(sketches, n_finalists).indices, k)
        if self.tables is not None:
            return self._find_in_tables(queries, k)
        return self.find_exactly(queries, k)

    def find_exactly(self, queries: Vectors, k) -> Neighbors:
        """As `find`, by comparing all rows."""
        n_finalists = min(OVERSAMPLING * k, self.n_alive)
        scanned = self.exact_scan.best(queries, n_finalists)
        neighbors = self._nearest_of(queries, scanned.indices, k)
        if n_finalists < self.n_alive:
            lowest = neighbors.scores[:, k - 1]
            is_unsure = ~self.exact_scan.is_certain(queries, scanned.bars, lowest)
            if is_unsure.any():
                neighbors.fill(is_unsure, self._compare_all(queries.part(is_unsure), k))
        return neighbors

    def scan_queries(self, queries: Vectors, n_directions) -> Vectors:
        """Queries' sketches, as they are compared with those of all rows."""
        return _as_vectors(self._sketch_queries(queries).quantized[:, :n_directions])  # type: ignore[index]

    def candidates(self, queries: Vectors, n_probes) -> Candidates:
        """Rows in the buckets of each query, and how near they are by their sketches."""
        sketches = self._sketch_queries(queries)
        codes = self.family.probe_codes(sketches.hashed, n_probes)
        pattern = self.tables.query(codes)
        if self.sketch is None:
            return Candidates(pattern, None)
        rows = self.sketches.quantized
        return Candidates(pattern, self.sketch.score(pattern, sketches.quantized, rows))

    def count_members(self, queries: Vectors, n_probes) -> int:
        """How many members the buckets of all queries have."""
        codes = self.family.probe_codes(self._sketch_queries(queries).hashed, n_probes)
        starts, stops = self.tables.buckets(codes)
        return int((stops - starts).sum(dtype=np.int64))

    def _find_in_tables(self, queries, k) -> Neighbors:
        n_finalists = max(k, self.setting.n_finalists)
        candidates = self.candidates(queries, self.setting.n_probes)
        best = self._keep_nearest(queries, candidates.finalists(n_finalists).pattern, k)
        n_found = np.diff(best.indptr)
        is_short = n_found < k
        if not is_short.any():
            return in_order(best.indices, best.scores, k)
        neighbors = Neighbors.with_room(queries.n_rows, k)
        kept = np.repeat(~is_short, n_found)
        neighbors.fill(~is_short, in_order(best.indices[kept], best.scores[kept], k))
        neighbors.fill(is_short, self.find_exactly(queries.part(is_short), k))
        return neighbors

    def _compare_all(self, queries, k) -> Neighbors:
        """Score all rows for queries whose scores products are too coarse for."""
        alive = np.flatnonzero(self.alive).astype(np.uint32)
        size = max(1, MAX_PRODUCTS // alive.shape[0])
        neighbors = Neighbors.with_room(queries.n_rows, k)
        for start in range(0, queries.n_rows, size):
            part = slice(start, start + size)
            some = queries.part(part)
            finalists = np.tile(alive, (some.n_rows, 1))
            neighbors.fill(part, self._nearest_of(some, finalists, k))
        return neighbors

    def _nearest_of(self, queries, finalists, k) -> Neighbors:
        """The nearest of as many rows for each query: ndarray of shape (n_queries, n)."""
        best = self._keep_nearest(queries, even_pattern(finalists), k)
        return in_order(best.indices, best.scores, k)

    def _keep_nearest(self, queries, pattern, k):
        return keep_best(pattern, self.metric.score(pattern, queries, self.rows), k)

    def _sketch_queries(self, queries) -> Sketches:
        if self.sketch is None:
            return Sketches(None, queries.matrix)
        sketches = self.sketch.queries(queries.matrix)
        quantized = self.sketch.quantize_queries(sketches)
        return Sketches(quantized, self.sketch.whiten_queries(sketches))

    def _sketch_rows(self, rows) -> Sketches:
        if self.sketch is None:
            return Sketches(None, rows.matrix)
        sketches = self.sketch.rows(rows.matrix)
        return Sketches(self.sketch.quantize_rows(sketches), self.sketch.whiten_rows(sketches))


def in_chunks(work, n_queries, n_jobs, size=CHUNK_QUERIES):
    """Call ``work(chunk)`` for slices of so many queries, in threads."""
    chunks = [slice(i, i + size) for i in range(0, n_queries, size)]
    for _ in one_by_one(work, chunks, n_jobs):
        pass


def in_order(indices, scores, k) -> Neighbors:
    """Lists of ``k`` rows each, with the best score first."""
    indices, scores = indices.reshape(-1, k), scores.reshape(-1, k)
    order = np.argsort(-scores, axis=1, kind="stable")
    return Neighbors(
        np.take_along_axis(indices, order, axis=1), np.take_along_axis(scores, order, axis=1)
    )


def _as_vectors(quantized) -> Vectors:
    """Integers as floats, which matrix products are fastest with."""
    return Vectors(quantized.astype(np.float32, order="C"))
