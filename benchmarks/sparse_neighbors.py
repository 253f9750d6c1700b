"""Nearest neighbours of sparse rows: an inverted index, products of all rows, and graphs.

    pip install hnswlib ".[lemmas]"
    python benchmarks/sparse_neighbors.py

searches the ten rows of least angle for queries among a million made rows of ten non-zeros among
a million features (500,000 classes of two rows: a class has ten features, a row has each of them
with probability 0.6, and others at random in place of the rest), diagnoses and glosses (TF-IDF)
and word forms (hashed n-grams). Beside `LSHNeighborsTransformer`: SciPy's product of queries with
all rows and the ten highest of each; scikit-learn's brute force; and hnswlib on 64 principal
directions, whose candidates are compared exactly, as many as nine in ten of the nearest take
(where no number does, the table says what share it finds).

Measured is the processor time of one thread, which other jobs hardly disturb; ``--threads 2`` adds
queries a second on so many, for which the machine has to be idle. ``--sets "made,icd"`` and
``--methods "ours;product"`` measure only these, and leave the others as they are in the JSON file.
"""

import time
from functools import partial
from typing import NamedTuple

import numpy as np
from helpers import label_sets
from helpers.measures import timed
from helpers.report import kept, parse_options, path_of, write
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from sklearn_lsh.csr import even_pattern, keep_best, take
from sklearn_lsh.neighbors import LSHNeighborsTransformer
from sklearn_lsh.neighbors.metrics import METRICS, Vectors

K = 10
RECALL = 0.9
# Queries that are asked at once.
BATCH = 1000
# The same of those that make a dense row each.
SMALL_BATCH = 50
# Queries for which recall is measured.
N_JUDGED = 500
# Features of a made class, and how probably a row has one.
N_OWN = 10
SHARE_OWN = 0.6
# Directions of the graph's vectors.
N_DIRECTIONS = 64
# Links of one, and how many candidates are kept where it is built: hnswlib's ``M`` and
# ``ef_construction``.
N_LINKS = 16
EFFORT = 100
# What the graph finds and is then compared exactly.
CANDIDATES = (10, 20, 50, 100, 200, 500, 1000)


# Data


class Rows(NamedTuple):
    """What is searched, and for what: rows of unit length."""

    rows: sparse.csr_array
    queries: sparse.csr_array


def made(options):
    n_classes, n_features = (5000, 10_000) if options.quick else (500_000, 1_000_000)
    rng = np.random.default_rng(options.seed)
    own = rng.integers(n_features, size=(n_classes, N_OWN))

    def draw(classes):
        noise = rng.integers(n_features, size=(len(classes), N_OWN))
        columns = np.where(rng.random(noise.shape) < SHARE_OWN, own[classes], noise)
        indptr = np.arange(len(classes) + 1) * N_OWN
        ones = np.ones(columns.size, np.float32)
        matrix = sparse.csr_array((ones, columns.ravel(), indptr), (len(classes), n_features))
        matrix.sum_duplicates()
        return matrix

    rows = draw(np.repeat(np.arange(n_classes), 2))
    return Rows(rows, draw(rng.integers(n_classes, size=options.queries)))


def texts(name):
    def load(options):
        (rows, _), held_out = label_sets.load(name, validation=False, quick=options.quick)
        return Rows(rows, label_sets.some(held_out, options.queries)[0])

    return load


SETS = {"made": made, **{name: texts(name) for name in ("icd", "wordnet", "lemma-de")}}


# Methods: each a function that builds an index, and returns search(queries, n_candidates)


def ours(rows, n_threads):
    index = LSHNeighborsTransformer(
        n_neighbors=K, metric="cosine", random_state=0, n_jobs=n_threads
    ).fit(rows)
    return lambda queries, _: index.kneighbors(queries, return_distance=False)


def product(rows, n_threads):
    """SciPy's product and, of each query's values that are not zero, the highest."""
    columns = rows.T.tocsr()

    def search(queries, _):
        products = queries @ columns
        found = np.zeros((queries.shape[0], K), int)
        for i, (start, stop) in enumerate(zip(products.indptr, products.indptr[1:], strict=False)):
            n = min(K, stop - start)
            best = start + np.argpartition(-products.data[start:stop], n - 1)[:n] if n else []
            found[i, :n] = products.indices[best]
        return found

    return search


def brute_force(rows, n_threads):
    index = NearestNeighbors(n_neighbors=K, metric="cosine", algorithm="brute", n_jobs=n_threads)
    index.fit(rows)
    return lambda queries, _: index.kneighbors(queries, return_distance=False)


def graph(rows, n_threads):
    import hnswlib

    projection = TruncatedSVD(N_DIRECTIONS, random_state=0)
    vectors = projection.fit_transform(rows).astype(np.float32)
    index = hnswlib.Index("ip", N_DIRECTIONS)
    index.init_index(len(vectors), ef_construction=EFFORT, M=N_LINKS, random_seed=0)
    index.set_num_threads(n_threads)
    index.add_items(vectors)
    compared = Vectors(take(rows, slice(None)))

    def search(queries, n_candidates):
        index.set_ef(n_candidates)
        found = index.knn_query(projection.transform(queries).astype(np.float32), n_candidates)[0]
        pattern = even_pattern(found.astype(np.uint32))
        queries = Vectors(take(queries, slice(None)))
        scores = METRICS["inner_product"].score(pattern, queries, compared)
        return keep_best(pattern, scores, K).indices.reshape(-1, K)

    return search


class Method(NamedTuple):
    """How rows are found."""

    build: object
    batch: int = BATCH
    settings: tuple = (None,)
    share: int = 1  # one in so many of the queries is enough to know its time
    most_rows: int = 10**9  # it would take too long with more


METHODS = {
    "ours": Method(ours),
    "product": Method(product, share=4),
    "brute force": Method(brute_force, batch=SMALL_BATCH, share=20),
    "hnswlib": Method(graph, settings=CANDIDATES, most_rows=300_000),
}


# Measuring


def highest(data):
    """The scores of the nearest rows of the first queries, in float64."""
    columns = data.rows.T.tocsr().astype(float)
    parts = []
    for start in range(0, min(N_JUDGED, data.queries.shape[0]), SMALL_BATCH):
        products = (data.queries[start : start + SMALL_BATCH] @ columns).toarray()
        parts.append(np.partition(products, -K, axis=1)[:, -K:])
    return np.sort(np.concatenate(parts), axis=1)


def recall_of(found, queries, rows, best):
    """Share of the places of the nearest rows that hold rows as near, for the first queries."""
    n_judged = min(len(found), len(best))
    found, best = found[:n_judged], best[:n_judged]
    own = np.repeat(np.arange(len(found)), K)
    products = queries[own].multiply(rows[found.ravel()]).sum(axis=1)
    scores = np.sort(np.asarray(products).reshape(-1, K), axis=1)
    return float((scores >= best - 1e-5).mean())


def ask(search, queries, batch, setting):
    parts = range(0, queries.shape[0], batch)
    return np.concatenate([search(queries[i : i + batch], setting) for i in parts])


def measure(method, data, best, options):
    """Build an index and ask it; with threads once more."""
    queries = data.queries[: max(SMALL_BATCH, data.queries.shape[0] // method.share)]
    build_seconds, search = timed(partial(method.build, data.rows, 1), time.process_time)
    for setting in method.settings:
        asking = partial(ask, search, queries, method.batch, setting)
        found = asking()
        recall = recall_of(found, queries, data.rows, best)
        if recall >= RECALL:
            break
    taken = [timed(asking, time.process_time)[0] for _ in range(options.repeats)]
    run = {
        "build_seconds": build_seconds,
        "microseconds": 1e6 * float(np.median(taken)) / len(found),
        "recall": recall,
        "setting": setting,
    }
    if options.threads > 1:
        search = method.build(data.rows, options.threads)
        batch = data.queries.shape[0] if method.share == 1 else method.batch
        asking = partial(ask, search, queries, batch, setting)
        taken = [timed(asking)[0] for _ in range(options.repeats)]
        run["queries_a_second"] = len(found) / float(np.median(taken))
    return run


def measure_set(name, options, before):
    """Measure methods on a set; keep what is known of others."""
    data = SETS[name](options)
    data = Rows(*(sparse.csr_array(normalize(matrix)) for matrix in data))
    lengths = np.bincount(data.rows.indices, minlength=data.rows.shape[1])
    found = before | {
        "shape": data.rows.shape,
        "nonzeros": data.rows.nnz / data.rows.shape[0],
        "postings": float(lengths[data.queries.indices].sum() / data.queries.shape[0]),
    }
    best = highest(data)
    found["methods"] = before.get("methods", {})
    for method in options.methods.split(";"):
        if data.rows.shape[0] <= METHODS[method].most_rows:
            found["methods"][method] = measure(METHODS[method], data, best, options)
            print(name, method, found["methods"][method], flush=True)
    return found


def main():
    options = parse_options(
        __doc__,
        queries=10_000,
        threads=1,
        sets=",".join(SETS),
        methods=";".join(METHODS),
    )
    if options.quick:
        options.queries = 200
    results = kept(path_of(__file__, options))
    with threadpool_limits(max(1, options.threads)):
        for name in options.sets.split(","):
            results[name] = measure_set(name, options, results.get(name, {}))
    write(__file__, options, {name: results[name] for name in SETS if name in results})


if __name__ == "__main__":
    main()
