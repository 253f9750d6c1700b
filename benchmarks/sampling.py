"""Estimates of a softmax's partition function from hash tables: their means and deviations.

    python benchmarks/sampling.py

compares unbiased estimates, the printed form that looks into another table when a bucket is empty,
and rows that are drawn evenly, on the weights of a trained output layer, on peaked and on flat
ones. Each estimate is a share of the true sum; its mean over draws of the hash functions should be
1, and its deviation is that of a single draw, averaged over the queries.
"""

import numpy as np
from helpers.report import parse_options, write
from helpers.retrying import Retrying
from helpers.training import FIXED
from threadpoolctl import threadpool_limits

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.hashing import LSHSampler, SimHash

# Of a code, and codes of a vector.
N_BITS = 6
N_TABLES = 10


def trained(n_classes, seed):
    """Rows of a trained output layer, and what it is asked."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(n_classes), 5)
    X = rng.normal(size=(n_classes, 10))[y] + 0.3 * rng.normal(size=(len(y), 10))
    settings = {**FIXED, "learning_rate_init": 0.02}
    network = LSHMLPClassifier((16,), **settings, output_density=1.0, random_state=seed)
    for _ in range(12):
        network.partial_fit(X, y, classes=range(n_classes))
    hidden = np.maximum(X[::5] @ network.coefs_[0] + network.intercepts_[0], 0)
    rows = np.column_stack([network.coefs_[1].T, network.intercepts_[1]])
    return rows, np.column_stack([hidden, np.ones(n_classes)])


def drawn(n_classes, seed, length):
    """Random rows, and queries of a length."""
    rows, queries = np.random.default_rng(seed).normal(size=(2, n_classes, 8))
    return rows, queries * length / np.linalg.norm(queries, axis=1, keepdims=True)


def describe(estimates):
    """Mean, its standard error, and the deviation of single estimates, (n_draws, n_queries)."""
    means = estimates.mean(axis=1)
    return {
        "mean": float(means.mean()),
        "standard_error": float(means.std(ddof=1) / np.sqrt(len(means))),
        "deviation": float(np.sqrt(((estimates - 1) ** 2).mean())),
    }


def study(rows, queries, n_draws, seed):
    """All estimates for some weights."""
    values = np.exp(queries @ rows.T)
    shares = values / values.sum(axis=1, keepdims=True)
    found = {"rows": len(rows), "share of the likeliest": float(np.median(shares.max(axis=1)))}
    samplers = {
        name: LSHSampler(SimHash(N_BITS, N_TABLES), method=name, random_state=seed)
        for name in ("union", "tables", "draw")
    }
    samplers["retrying"] = Retrying(SimHash(N_BITS, N_TABLES), random_state=seed)
    n_sampled = 1
    for name, sampler in samplers.items():
        sampler.fit(rows)
        empty = sampler._lookups(sampler.family_.transform_queries(queries)).n_held == 0
        weights = [sampler.redraw().sample(queries) for _ in range(n_draws)]
        estimates = np.array([w.multiply(shares).sum(axis=1) for w in weights])
        n_rows = np.mean([w.nnz for w in weights]) / len(queries)
        found[name] = {**describe(estimates), "rows": float(n_rows)}
        if name == "union":
            n_sampled = max(1, round(n_rows))
    found["empty buckets"] = float(empty.mean())
    rng = np.random.default_rng(seed)
    picks = (rng.permutation(len(rows))[:n_sampled] for _ in range(n_draws))
    even = np.array([shares[:, pick].sum(axis=1) * len(rows) / n_sampled for pick in picks])
    found["uniform"] = {**describe(even), "rows": float(n_sampled)}
    return found


def main():
    options = parse_options(__doc__, repeats=500, classes=100)
    if options.quick:
        options.repeats = 5
    weights = {
        "trained": trained(options.classes, options.seed),
        "peaked": drawn(options.classes, options.seed, 3.0),
        "flat": drawn(options.classes, options.seed, 0.5),
    }
    with threadpool_limits(1):
        results = {
            name: study(*given, options.repeats, options.seed) for name, given in weights.items()
        }
    for name, found in results.items():
        print(name, found)
    write(__file__, options, {"n_bits": N_BITS, "n_tables": N_TABLES, "weights": results})


if __name__ == "__main__":
    main()
