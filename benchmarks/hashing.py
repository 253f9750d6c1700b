"""Hash families and tables alone: codes against the matrix product in them, tables by themselves.

    python benchmarks/hashing.py

times, on one thread, SimHash codes of dense vectors and the plain float32 product of BLAS that
they contain, one after the other; then tables of random codes: building, searching, and moving
one row in a hundred to other buckets.
"""

import time

import numpy as np
from helpers.measures import median
from helpers.report import parse_options, seeds_of, write
from threadpoolctl import threadpool_limits

from sklearn_lsh.hashing import LSHTables, SimHash

# Of a code, and codes of a vector.
N_BITS = 12
N_TABLES = 20


def seconds(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def time_codes(n_vectors, n_features, seed):
    """Time codes, and the product in them."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_vectors, n_features)).astype(np.float32)
    projections = rng.normal(size=(n_features, N_TABLES * N_BITS)).astype(np.float32)
    family = SimHash(N_BITS, N_TABLES, random_state=seed).fit(X[:1])
    product = np.empty((n_vectors, N_TABLES * N_BITS), np.float32)
    np.matmul(X, projections, out=product)  # the memory's first touch is not the product's
    run = {"product": seconds(np.matmul, X, projections, product)}
    run["codes"] = seconds(family.codes, X)
    run["checked codes"] = seconds(family.transform, X)
    run["share of the product's speed"] = run["product"] / run["codes"]
    return run


def time_tables(n_rows, seed):
    """Time tables: seconds in all, and building for each table."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(1 << N_BITS, size=(n_rows, N_TABLES)).astype(np.uint16)
    n_some = max(1, n_rows // 100)
    queries, moved = codes[:n_some], rng.choice(n_rows, n_some, replace=False)
    start = time.perf_counter()
    tables = LSHTables(codes, 1 << N_BITS)
    run = {"build": time.perf_counter() - start}
    run["build a table"] = run["build"] / N_TABLES
    run["most collisions, a query"] = seconds(tables.most_collisions, queries[:1000], 10) / len(
        queries[:1000]
    )
    run["update of a hundredth"] = seconds(tables.update, queries, moved)
    return run


def main():
    options = parse_options(__doc__, repeats=5, vectors=100_000, features=128, rows=1_000_000)
    if options.quick:
        options.vectors, options.rows, options.repeats = 2000, 2000, 1
    runs = {"codes": [], "tables": []}
    with threadpool_limits(1):
        for seed in seeds_of(options):
            runs["codes"].append(time_codes(options.vectors, options.features, seed))
            runs["tables"].append(time_tables(options.rows, seed))
            print(runs["codes"][-1], runs["tables"][-1])
    medians = {name: {key: median(kind, key) for key in kind[0]} for name, kind in runs.items()}
    print(medians)
    write(__file__, options, {"runs": runs, "medians": medians})


if __name__ == "__main__":
    main()
