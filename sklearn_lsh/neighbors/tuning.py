"""How much a search has to look at for a wanted recall: measured on a sample of queries."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_lsh.csr import Pattern, even_pattern, keep_best
from sklearn_lsh.hashing import HashFamily, LSHTables
from sklearn_lsh.hashing.table_checks import MOST_LOOKUPS
from sklearn_lsh.neighbors.costs import QueryCosts
from sklearn_lsh.neighbors.index import EXACT, Candidates, Setting
from sklearn_lsh.neighbors.query_sample import QuerySample
from sklearn_lsh.neighbors.scan import Scan

# Queries of the sample: to compare these with all rows is most of the time to build an index.
N_QUERIES = 128
# Standard errors by which the sample's recall has to exceed the one wanted, so that other queries
# have it, too.
N_ERRORS = 2
# Directions that are tried, of sketches that are all compared.
N_DIRECTIONS = (8, 12, 16, 24, 32, 48, 64)
# With how many it begins.
FIRST_DIRECTIONS = 48
# Greatest share of all directions that is tried besides all.
MAX_SHARE = 0.9
# Where so few finalists for each neighbour wanted are enough, fewer directions may do.
FEW_FINALISTS = 4
# Buckets of each table that are tried.
N_PROBES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
# With how many it begins.
FIRST_PROBES = 8
# Tables that are tried. One more is worth more than one more bucket in each, but takes memory.
N_TABLES = (2, 4, 8, 16, 32, 64, 128)
# With how many it begins.
FIRST_TABLES = 16
# Below this share of the wanted recall every other number of buckets is left out.
FAR = 0.85
# With so few buckets of each table fewer tables may do, too, ...
FEW_PROBES = 2
# ... and with so many more tables may do better.
MANY_PROBES = 16
# Finalists that are tried, for each neighbour wanted.
N_FINALISTS = (1, 1.5, 2, 3, 4, 6, 8)
# Nanoseconds a query from which tables are tried. They do not save much of less on any rows that
# were measured (`benchmarks/neighbors.py`), and to try them would be most of the time to build.
MIN_COST_FOR_TABLES = 200_000


class Trial(NamedTuple):
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
    meets_recall : bool
        Whether the wanted recall is met.
    """

    cost: float
    setting: Setting
    family: HashFamily | None = None
    tables: LSHTables | None = None
    scan: Scan | None = None
    recall: float = 0.0
    meets_recall: bool = False

    def beats(self, other) -> bool:
        """Whether it meets the recall for less or, where neither does, finds more."""
        if self.meets_recall and other.meets_recall:
            return self.cost < other.cost
        return self.meets_recall or (not other.meets_recall and self.recall > other.recall)


class Tuner:
    """Finds the cheapest setting of an index that meets the wanted recall.

    Parameters
    ----------
    sample : QuerySample
        Of the index.
    recall : float
        Wanted.
    make_family : callable
        ``make_family(n_tables)`` returns a family that is not fitted.
    n_tables, n_probes : int, default=None
        None tries several. Without ``n_tables``, all rows may be compared instead.
    may_scan : bool, default=True
        Whether all rows' sketches may be compared instead, and tables need not be tried.
    """

    def __init__(
        self,
        sample: QuerySample,
        recall,
        make_family,
        *,
        n_tables=None,
        n_probes=None,
        may_scan=True,
    ):
        self.sample, self.index = sample, sample.index
        self.recall, self.make_family = recall, make_family
        self.n_tables, self.n_probes, self.may_scan = n_tables, n_probes, may_scan
        self.costs = costs_of(self.index, sample.queries)
        self.finalist_counts = [int(np.ceil(sample.k * ratio)) for ratio in N_FINALISTS]

    def tune(self) -> Trial:
        """Set the index to the best setting.

        Returns
        -------
        best : Trial

        Raises
        ------
        ValueError
            If the family does not know so many buckets of a table, or tables have too many.
        """
        best = self._try_all()
        self.index.use(best.setting, best.family, best.tables, best.scan)
        return best

    def _try_all(self) -> Trial:
        if self.n_tables is not None:
            return self._try_tables(np.inf)
        best = Trial(self.costs.exact(self.sample.k), EXACT, recall=1.0, meets_recall=True)
        if self.may_scan and self.index.sketch is not None:
            best = _better(self._try_scans(), best)
        if best.cost > MIN_COST_FOR_TABLES or not self.may_scan:
            best = _better(self._try_tables(best.cost), best)
        return best

    # Scans of all sketches

    def _try_scans(self) -> Trial:
        """The best number of directions."""
        most = self.index.sketch.n_directions
        numbers = [*(n for n in N_DIRECTIONS if n < MAX_SHARE * most), most]
        start = min(len(numbers) - 1, N_DIRECTIONS.index(FIRST_DIRECTIONS))

        def direction(trial):
            few = FEW_FINALISTS * self.sample.k
            return -1 if trial.meets_recall and trial.setting.n_finalists <= few else 1

        return _climb(self._try_scan, numbers, start, direction)

    def _try_scan(self, n_directions) -> Trial:
        """Sketches of so many directions, with as few finalists as possible."""
        scan = self.index.sketch_scan(n_directions)
        queries = self.index.scan_queries(self.sample.queries, n_directions)
        n_best = min(self.finalist_counts[-1] + self.sample.n_self, self.index.n_alive)
        indices = np.empty((queries.n_rows, n_best), np.uint32)

        def search(chunk):
            indices[chunk] = scan.best(queries.part(chunk), n_best).indices

        self.sample.in_chunks(search)
        pattern = even_pattern(indices)
        candidates = Candidates(pattern, scan.metric.score(pattern, queries, scan.rows))

        def make_trial(n_finalists):
            setting = EXACT._replace(n_finalists=n_finalists, n_directions=n_directions)
            return Trial(self.costs.scan(n_directions, n_finalists), setting, scan=scan)

        return self._fewest_finalists(candidates, make_trial)

    # Tables

    def _try_tables(self, max_cost) -> Trial:
        """The best number of tables."""

        def attempt(n_tables):
            self.index.build_tables(self.make_family(n_tables))
            return self._try_probes(max_cost)

        if self.n_tables is not None:
            return attempt(self.n_tables)
        return _climb(attempt, N_TABLES, N_TABLES.index(FIRST_TABLES), self._direction_of_tables)

    def _direction_of_tables(self, trial) -> int:
        """Whether more tables are worth a try, or fewer, or neither."""
        is_fixed = self.n_probes is not None or self.index.family.max_probes == 1
        if not trial.meets_recall:
            return 1
        if is_fixed or trial.setting.n_probes <= FEW_PROBES:
            return -1
        return 1 if trial.setting.n_probes >= MANY_PROBES else 0

    def _probes_to_try(self):
        family = self.index.family
        most = min(family.max_probes, MOST_LOOKUPS // family.n_tables)
        if self.n_probes is None:
            return [n for n in N_PROBES if n <= most]
        if self.n_probes > most:
            raise ValueError(
                f"n_probes must be at most {most}, because {family} knows {family.max_probes} "
                f"buckets of a table for a query, and that may look into {MOST_LOOKUPS} of all "
                f"tables together, got {self.n_probes}."
            )
        return [self.n_probes]

    def _try_probes(self, max_cost) -> Trial:
        """Begin with some probes; then fewer while these meet the recall, or more until they do."""
        probes = self._probes_to_try()
        place = min(len(probes), 1 + N_PROBES.index(FIRST_PROBES)) - 1
        best = self._try_lookups(probes[place])
        step = -1 if best.meets_recall else 1
        while best.meets_recall == (step < 0) and best.cost < max_cost:
            place += step * (2 if best.recall < FAR * self.recall else 1)
            if not 0 <= place < len(probes):
                break
            trial = self._try_lookups(probes[place])
            if not trial.beats(best):
                break
            best = trial
        return best

    def _try_lookups(self, n_probes) -> Trial:
        """So many probes of the tables as they are, with as few finalists as possible."""
        index, queries = self.index, self.sample.queries
        family, tables = index.family, index.tables
        candidates = index.candidates(queries, n_probes)
        n_candidates = candidates.pattern.n_pairs / queries.n_rows
        n_members = index.count_members(queries, n_probes) / queries.n_rows
        n_buckets = tables.n_tables * n_probes

        def make_trial(n_finalists):
            cost = self.costs.tables(n_buckets, n_members, n_candidates, n_finalists)
            setting = Setting(family.n_bits, tables.n_tables, n_probes, n_finalists)
            return Trial(cost, setting, family, tables)

        if candidates.scores is None:
            hits = self.sample.hits(candidates.pattern)
            return self._with_recall(make_trial(0), self.sample.recalls(hits))
        return self._fewest_finalists(candidates, make_trial)

    # Finalists

    def _fewest_finalists(self, candidates, make_trial) -> Trial:
        """The first number of finalists that meets the recall, or the last."""
        sample, counts = self.sample, self.finalist_counts
        finalists = candidates.finalists(counts[-1] + sample.n_self)
        hits = sample.hits(finalists.pattern)
        last = self._with_recall(make_trial(counts[-1]), sample.recalls(hits))
        if not last.meets_recall:
            # More tables or probes, and so the finalists needed, cost at least as much as this.
            return last._replace(cost=make_trial(sample.k).cost)
        places = np.arange(finalists.pattern.n_pairs, dtype=np.uint32)
        pairs = Pattern(finalists.pattern.indptr, places)
        for n_finalists in counts[:-1]:
            kept = keep_best(pairs, finalists.scores, n_finalists + sample.n_self).indices
            recalls = sample.recalls(hits.part(kept))
            trial = self._with_recall(make_trial(n_finalists), recalls)
            if trial.meets_recall:
                return trial
        return last

    def _with_recall(self, trial, recalls) -> Trial:
        """What was tried, with its recall, and whether that is enough."""
        mean = recalls.mean()
        error = N_ERRORS * recalls.std() / np.sqrt(recalls.shape[0])
        return trial._replace(recall=float(mean), meets_recall=bool(mean - error >= self.recall))


def costs_of(index, queries) -> QueryCosts:
    """What such queries of an index cost."""
    postings = index.exact_scan.postings
    n_postings = None if postings is None else float(postings.count(queries.data).mean())
    return QueryCosts(index, n_postings=n_postings)


def is_exact_cheapest(index, queries, k) -> bool:
    """Whether comparing all rows costs less than whatever else there is to be tried."""
    costs = costs_of(index, queries)
    least = MIN_COST_FOR_TABLES if index.metric.is_set else costs.scan(N_DIRECTIONS[0], k)
    return bool(costs.exact(k) <= min(least, MIN_COST_FOR_TABLES))


def _climb(attempt, numbers, start, direction) -> Trial:
    """Try ever more or fewer of something from a start on, as long as that pays.

    Parameters
    ----------
    attempt : callable
        ``attempt(number)`` returns a `Trial`.
    numbers : sequence of int
        In ascending order.
    start : int
        Place of the first number to try.
    direction : callable
        ``direction(trial)`` tells by the first trial whether to try more (1), fewer (-1) or no
        others (0).
    """
    best = attempt(numbers[start])
    step = direction(best)
    place = start + step
    while step and 0 <= place < len(numbers):
        trial = attempt(numbers[place])
        if not trial.beats(best):
            break
        best = trial
        place += step
    return best


def _better(trial, best) -> Trial:
    return trial if trial.beats(best) else best
