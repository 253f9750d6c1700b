"""What the steps of a search for neighbours cost on this processor: nanoseconds, on one thread.

    python benchmarks/cost_model.py

measures each step that `sklearn_lsh.neighbors.costs.CostModel` names among made rows, and prints
it beside the number that `LSHNeighborsTransformer` reckons with. A step's time is fitted to the
times of searches that take the step more or less often.
"""

import time

import numpy as np
import scipy.sparse as sp
from helpers.measures import median
from helpers.report import parse_options, seeds_of, write
from scipy.optimize import nnls
from threadpoolctl import threadpool_limits

from sklearn_lsh.csr import even_pattern, keep_best, take
from sklearn_lsh.hashing import LSHTables, SimHash
from sklearn_lsh.hashing.base import MAX_BITS
from sklearn_lsh.neighbors.costs import MEASURED, CostModel
from sklearn_lsh.neighbors.metrics import METRICS, Vectors
from sklearn_lsh.neighbors.postings import MANY, Postings
from sklearn_lsh.neighbors.scan import Scan
from sklearn_lsh.neighbors.sketch import SAMPLE_ROWS, PrincipalSketch

# Directions of the sketches that are compared.
WIDTHS = (16, 32, 64)
# Features of rows that are compared exactly.
FEATURES = (64, 256, 784)
# Rows that are found by a scan, or are compared with each query.
N_FOUND = (10, 50, 250)
# Non-zeros of a sparse row.
N_NONZEROS = 60
# Features of sparse rows.
N_SPARSE_FEATURES = 2000
# Shares of the rows that a query meets in an inverted index.
SHARES_MET = (0.01, 0.02, 0.5, 0.9)
# Tables, and buckets of each that a query looks into.
N_TABLES = 16
N_PROBES = (1, 4, 16)


def seconds(function, *arguments):
    """Shortest of three times: what else the machine does only makes them longer."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return min(times)


def fit(steps, times):
    """Nanoseconds of each step, by how often searches take them, and the searches' seconds."""
    steps, times = np.array(steps, dtype=float), np.array(times)
    relative = steps / times[:, np.newaxis]  # so that short searches count as much as long ones
    return [float(value) for value in 1e9 * nnls(relative, np.ones(len(times)))[0]]


def vectors(rng, *shape):
    return Vectors(rng.normal(size=shape).astype(np.float32))


def sparse_vectors(rng, n_rows, n_features=N_SPARSE_FEATURES):
    shape, density = (n_rows, n_features), N_NONZEROS / n_features
    matrix = sp.random_array(shape, density=density, format="csr", dtype=np.float32, rng=rng)
    return Vectors(take(matrix, slice(None)))


def measure_scan(rng, n_rows, n_queries):
    """A product, a row, and one that is among the best for a while."""
    steps, times = [], []
    for width in WIDTHS:
        rows, queries = vectors(rng, n_rows, width), vectors(rng, n_queries, width)
        scan = Scan(METRICS["euclidean"], rows, np.ones(n_rows, bool))
        for n_best in N_FOUND:
            n_improvements = n_best * np.log2(2 * max(1, n_rows / n_best))
            steps.append(n_queries * np.array([n_rows * width, n_rows, n_improvements]))
            times.append(seconds(scan.best, queries, n_best))
    product, row, best_row = fit(steps, times)
    return {"product": product, "row": row, "best_row": best_row}


def measure_sparse_scan(rng, n_rows, n_queries, scan):
    """A product of sparse rows, beside a scan's other steps."""
    rows, queries = (sparse_vectors(rng, n) for n in (n_rows, n_queries))
    n_best = N_FOUND[0]
    taken = seconds(Scan(METRICS["euclidean"], rows, np.ones(n_rows, bool)).best, queries, n_best)
    n_improvements = n_best * np.log2(2 * max(1, n_rows / n_best))
    others = n_rows * scan["row"] + n_improvements * scan["best_row"]
    product = (1e9 * taken / n_queries - others) / (n_rows * N_NONZEROS)
    return {"sparse_product": max(0.0, float(product))}


def measure_postings(rng, n_rows, n_queries, scan):
    """Adding up a posting, and noting a row that is met, beside a scan's other steps.

    Features are fewer or more, so that queries meet most of the rows, or few.
    """
    steps, times = [], []
    n_best = N_FOUND[0]
    for share in SHARES_MET:
        n_features = int(N_NONZEROS / (1 - (1 - share) ** (1 / N_NONZEROS)))
        rows, queries = (sparse_vectors(rng, n, n_features) for n in (n_rows, n_queries))
        postings = Postings(rows.data)
        taken = 1e9 * seconds(postings.best, queries.data, n_best) / n_queries
        count = postings.count(queries.data).mean()
        is_many = count >= MANY * n_rows
        if is_many:
            n_improvements = n_best * np.log2(2 * max(1, n_rows / n_best))
            taken -= n_rows * scan["row"] + n_improvements * scan["best_row"]
        steps.append([count, 0 if is_many else count])
        times.append(max(taken, 1) / 1e9)
    posting, met_row = fit(steps, times)
    return {"posting": posting, "met_row": met_row}


def measure_pairs(rng, score, widths, n_queries, n_rows):
    """A product and the rest of comparing rows that lie anywhere, and of keeping the best.

    ``score(width)`` returns a function of patterns.
    """
    steps, times = [], []
    for width in widths:
        score_pattern = score(width)

        def search(pattern, score_pattern=score_pattern):
            return keep_best(pattern, score_pattern(pattern), N_FOUND[0])

        for n_found in N_FOUND:
            pattern = even_pattern(rng.integers(n_rows, size=(n_queries, n_found), dtype=np.uint32))
            steps.append([pattern.n_pairs * width, pattern.n_pairs])
            times.append(seconds(search, pattern))
    return fit(steps, times)


def measure_finalists(rng, n_rows, n_queries):
    def score(width):
        rows, queries = vectors(rng, n_rows, width), vectors(rng, n_queries, width)
        return lambda pattern: METRICS["euclidean"].score(pattern, queries, rows)

    product, row = measure_pairs(rng, score, FEATURES, n_queries, n_rows)
    return {"finalist_product": product, "finalist": row}


def measure_candidates(rng, sketch, n_rows, n_queries):
    def score(width):
        rows, queries = (
            rng.integers(-127, 128, size=(n, width), dtype=np.int8) for n in (n_rows, n_queries)
        )
        return lambda pattern: sketch.score(pattern, queries, rows)

    product, row = measure_pairs(rng, score, WIDTHS, n_queries, n_rows)
    return {"candidate_product": product, "candidate": row}


def measure_sketches(sketch, queries, product):
    """A query's sketch beside the products in it."""

    def make(queries):
        sketches = sketch.queries(Vectors(METRICS["euclidean"].prepare(queries)).matrix)
        sketch.quantize_queries(sketches)
        sketch.whiten_queries(sketches)

    n_products = queries.shape[1] * sketch.n_directions
    taken = 1e9 * seconds(make, queries) / len(queries)
    return {"query_sketch": max(0.0, taken - product * n_products)}


def measure_tables(rng, n_rows, n_queries):
    """Finding a bucket and looking into it, and meeting a member of it."""
    steps, times = [], []
    rows, queries = (
        rng.normal(size=(n, WIDTHS[1])).astype(np.float32) for n in (n_rows, n_queries)
    )
    most = min(MAX_BITS, round(np.log2(n_rows)))
    for n_bits in (most, most - 2, most - 4):
        family = SimHash(n_bits, N_TABLES, random_state=0).fit(rows)
        tables = LSHTables(family.codes(rows), family.n_buckets_)

        def search(n_probes, family=family, tables=tables):
            tables.query(family.probe_codes(queries, n_probes))

        for n_probes in N_PROBES:
            codes = family.probe_codes(queries, n_probes)
            starts, stops = tables.buckets(codes)
            steps.append([codes.size, (stops - starts).sum(dtype=np.int64)])
            times.append(seconds(search, n_probes))
    bucket, member = fit(steps, times)
    return {"bucket": bucket, "member": member}


def measure(options, seed):
    rng = np.random.default_rng(seed)
    n_rows, n_queries = options.rows, options.queries
    sample, queries = (
        rng.normal(size=(n, FEATURES[-1])).astype(np.float32) for n in (SAMPLE_ROWS, n_queries)
    )
    sketch = PrincipalSketch(sample, sample, False, np.random.RandomState(seed))
    scan = measure_scan(rng, n_rows, n_queries)
    return CostModel(
        **scan,
        **measure_sparse_scan(rng, options.sparse_rows, n_queries, scan),
        **measure_postings(rng, options.sparse_rows, n_queries, scan),
        **measure_finalists(rng, n_rows // 4, n_queries),
        **measure_sketches(sketch, queries, scan["product"]),
        **measure_tables(rng, n_rows, n_queries),
        **measure_candidates(rng, sketch, n_rows, n_queries),
    )._asdict()


def main():
    options = parse_options(__doc__, rows=500_000, sparse_rows=30_000, queries=256)
    if options.quick:
        options.rows, options.sparse_rows, options.queries = 4000, 1000, 32
    with threadpool_limits(1):
        runs = [measure(options, seed) for seed in seeds_of(options)]
    medians = {name: median(runs, name) for name in CostModel._fields}
    print(f"{'nanoseconds':20}{'here':>10}{'reckoned':>10}")
    for name, value in medians.items():
        print(f"{name:20}{value:10.3g}{getattr(MEASURED, name):10.3g}")
    write(__file__, options, {"runs": runs, "medians": medians, "reckoned": MEASURED._asdict()})


if __name__ == "__main__":
    main()
