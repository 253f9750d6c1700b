"""Nearest neighbours at equal recall: hashing, graphs, and comparing all rows.

    pip install faiss-cpu hnswlib ".[lemmas]"
    python benchmarks/neighbors.py

searches the ten nearest of Fashion-MNIST's and MNIST's 60,000 training images for test images, of
the rows of a trained output layer (29,395 classes, 128 neurons) for rows held out, by angle, and
the ten classes that respond most to held-out words there, by inner products. Every index is tuned
on some queries to find at least nine in ten of the nearest, and is then measured on others:
seconds to build it, queries a second, recall. Hashing tunes itself while it is built. Then a
hundredth of the rows is inserted, another one, and one is deleted.

``--weights FILE`` keeps the trained layer. ``--sets "mnist,outputs"`` and ``--indexes "hashed;faiss
HNSW"`` measure only these, and leave the others as they are in the JSON file.
"""

from functools import partial
from pathlib import Path
from typing import NamedTuple

import faiss
import hnswlib
import numpy as np
from helpers.measures import timed
from helpers.report import kept, parse_options, path_of, write
from helpers.training import FIXED, unconverged
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.datasets import fetch_mnist, load_lemmas, split_keeping_classes
from sklearn_lsh.neighbors import LSHNeighborsTransformer

# Neighbours that are asked for, and the share of them that an index has to find.
K = 10
RECALL = 0.9
# Threads of all indexes.
N_THREADS = 2
# Finalists of IndexLSH for each neighbour, where it is refined.
FACTORS = (1, 2, 4, 8, 16, 32, 64)
# Of the graphs' search: how many candidates it keeps.
EFFORTS = (10, 15, 20, 30, 40, 60, 80, 120, 160, 240, 400, 800)


# Data


class Vectors(NamedTuple):
    """What is searched, and for what."""

    rows: np.ndarray
    tuning: np.ndarray  # queries by which indexes are tuned
    queries: np.ndarray  # those that are measured
    by_product: bool = False  # the nearest have the largest inner products, not least distances


def load_images(name, options):
    rows, queries, _, _ = fetch_mnist(name)
    return Vectors(rows, queries[: options.tuning], queries[options.tuning :])


def load_outputs(options):
    """Rows of a trained output layer, as directions; some of them are held out as queries."""
    rows, _ = train_outputs(options)
    rows = rows[:, :-1] / np.linalg.norm(rows[:, :-1], axis=1, keepdims=True)
    order = np.random.default_rng(options.seed).permutation(len(rows))
    n_out = min(2000, len(rows) // 10)
    tuning, measured, kept = np.split(order, [min(options.tuning, n_out // 2), n_out])
    return Vectors(rows[np.sort(kept)], rows[tuning], rows[measured])


def load_responses(options):
    """The same rows with their biases, and what held-out words evoke in the layer before."""
    rows, queries = train_outputs(options)
    order = np.random.default_rng(options.seed).permutation(len(queries))
    tuning, measured = np.split(queries[order], [min(options.tuning, len(order) // 2)])
    return Vectors(rows, tuning, measured, by_product=True)


def train_outputs(options):
    """Train a network: its output layer's rows, and that layer's inputs for held-out words."""
    path = Path(options.weights)
    if options.weights and path.exists():
        with np.load(path) as arrays:
            return arrays["rows"], arrays["queries"]
    forms, lemmas = load_lemmas("de")
    if options.quick:
        forms, lemmas = forms[:4000], lemmas[:4000]
    vectorizer = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 5), n_features=2**18)
    train, test = split_keeping_classes(lemmas, test_size=0.1, random_state=options.seed)
    settings = {**FIXED, "max_iter": options.epochs}
    network = LSHMLPClassifier((128,), **settings, random_state=options.seed)
    with unconverged():
        network.fit(vectorizer.transform(forms[train]), lemmas[train])
    hidden = vectorizer.transform(forms[test]) @ network.coefs_[0] + network.intercepts_[0]
    queries = with_last(np.maximum(hidden, 0), 1)
    rows = with_last(network.coefs_[1].T, network.intercepts_[1])
    if options.weights:
        np.savez(path, rows=rows, queries=queries)
    return rows, queries


def with_last(vectors, last):
    """Vectors with one more coordinate."""
    column = np.broadcast_to(np.reshape(last, (-1, 1)), (len(vectors), 1))
    return np.ascontiguousarray(np.hstack([vectors, column]), dtype=np.float32)


def as_distances(data):
    """Vectors whose distances are in the order of inner products."""
    squares = (data.rows.astype(float) ** 2).sum(axis=1)
    rows = with_last(data.rows, np.sqrt(squares.max() - squares))
    return Vectors(rows, with_last(data.tuning, 0), with_last(data.queries, 0))


LOADERS = {
    "fashion-mnist": partial(load_images, "fashion-mnist"),
    "mnist": partial(load_images, "mnist"),
    "outputs": load_outputs,
    "responses": load_responses,
}


# Indexes: each a function that builds it, and returns search(queries) for a setting


def hashed(rows, by_product, tuning):
    metric = "inner_product" if by_product else "euclidean"
    index = LSHNeighborsTransformer(
        n_neighbors=K, metric=metric, recall=RECALL, random_state=0, n_jobs=N_THREADS
    ).fit(rows, queries=tuning if by_product else None)
    return index, lambda queries, _: index.kneighbors(queries, return_distance=False)


def faiss_exact(rows, by_product, tuning):
    index = (faiss.IndexFlatIP if by_product else faiss.IndexFlatL2)(rows.shape[1])
    index.add(rows)
    return index, lambda queries, _: index.search(queries, K)[1]


def scikit_learn_exact(rows, by_product, tuning):
    index = NearestNeighbors(n_neighbors=K, algorithm="brute", n_jobs=N_THREADS).fit(rows)
    return index, lambda queries, _: index.kneighbors(queries, return_distance=False)


def faiss_lsh(n_bits):
    def build(rows, by_product, tuning):
        index = faiss.IndexLSH(rows.shape[1], n_bits, True, True)
        index.train(rows)
        index.add(rows)
        return index, lambda queries, _: index.search(queries, K)[1]

    return build


def faiss_lsh_refined(n_bits):
    def build(rows, by_product, tuning):
        base = faiss.IndexLSH(rows.shape[1], n_bits, True, True)
        index = faiss.IndexRefineFlat(base)
        index.train(rows)
        index.add(rows)

        def search(queries, factor):
            index.k_factor = factor
            return index.search(queries, K)[1]

        return (base, index), search

    return build


def faiss_hnsw(n_links, effort):
    def build(rows, by_product, tuning):
        metric = faiss.METRIC_INNER_PRODUCT if by_product else faiss.METRIC_L2
        index = faiss.IndexHNSWFlat(rows.shape[1], n_links, metric)
        index.hnsw.efConstruction = effort
        index.add(rows)

        def search(queries, ef):
            index.hnsw.efSearch = ef
            return index.search(queries, K)[1]

        return index, search

    return build


def hnswlib_graph(n_links, effort):
    def build(rows, by_product, tuning):
        index = hnswlib.Index("ip" if by_product else "l2", rows.shape[1])
        index.init_index(len(rows), ef_construction=effort, M=n_links, random_seed=0)
        index.set_num_threads(N_THREADS)
        index.add_items(rows)

        def search(queries, ef):
            index.set_ef(max(K, ef))
            return index.knn_query(queries, K)[0]

        return index, search

    return build


class Index(NamedTuple):
    """An index as it is tried."""

    builds: dict  # functions that build it, by what is set
    settings: tuple = (None,)  # of the search, from cheap to dear
    only_distances: bool = False  # it does not know inner products


INDEXES = {
    "hashed": Index({"": hashed}),
    "faiss HNSW": Index(
        {f"M={m}, efConstruction={e}": faiss_hnsw(m, e) for m, e in ((16, 40), (32, 40))},
        settings=EFFORTS,
    ),
    "hnswlib": Index(
        {f"M={m}, ef_construction={e}": hnswlib_graph(m, e) for m, e in ((16, 40), (16, 100))},
        settings=EFFORTS,
    ),
    "faiss IndexLSH": Index({f"{n} bits": faiss_lsh(n) for n in (512, 2048)}, only_distances=True),
    "faiss IndexLSH, refined": Index(
        {f"{n} bits": faiss_lsh_refined(n) for n in (64, 128, 256, 512)},
        settings=FACTORS,
        only_distances=True,
    ),
    "faiss exact": Index({"": faiss_exact}),
    "scikit-learn exact": Index({"": scikit_learn_exact}, only_distances=True),
}


# Measuring


class Truth(NamedTuple):
    """The nearest rows of all queries."""

    tuning: np.ndarray
    queries: np.ndarray


def recall_of(found, truth):
    """Share of the true neighbours that were found."""
    return float(np.mean([np.isin(t, f).mean() for t, f in zip(truth, found, strict=True)]))


def median_seconds(n_calls, function, beside=()):
    """Median of the seconds of some calls, and of those that are known."""
    return float(np.median([*beside, *(timed(function)[0] for _ in range(n_calls))]))


def tune(search, settings, queries, truth):
    """The cheapest setting of a search that finds enough, or the dearest: (seconds, ...)."""
    for setting in settings:
        asking = partial(search, queries, setting)
        taken, found = timed(asking)
        recall = recall_of(found, truth)
        if recall >= RECALL:
            break
    return {
        "search": setting,
        "recall": recall,
        "seconds": min(taken, timed(asking)[0]),
    }


def measure(name, data, truth, repeats):
    """Build, tune and time an index in every way it has; the fastest of those that find enough."""
    kind, tried = INDEXES[name], {}
    if data.by_product and kind.only_distances:
        data = as_distances(data)
    for way, build in kind.builds.items():
        building = partial(build, data.rows, data.by_product, data.tuning)
        taken, (index, search) = timed(building)
        if taken < 1:  # short times vary
            taken = median_seconds(4, building, beside=[taken])
        tuned = tune(search, kind.settings, data.tuning, truth.tuning)
        asking = partial(search, data.queries, tuned["search"])
        taken_to_search = median_seconds(repeats, asking)
        tried[way] = {
            "build_seconds": taken,
            **tuned,
            "recall": recall_of(asking(), truth.queries),
            "queries_a_second": len(data.queries) / taken_to_search,
        }
        if name == "hashed":
            tried[way]["setting"] = index.index_.setting._asdict()
        print(f"  {name:25} {way:30}", tried[way], flush=True)
        del index, search
    return tried


def best_of(tried):
    """The way that answers fastest among those that find enough, else the one that finds most."""

    def merit(run):
        enough = run["recall"] >= RECALL - 0.01  # on other queries than it was tuned on
        return enough, run["queries_a_second"] if enough else run["recall"]

    return max(tried.values(), key=merit)


def time_updates(data):
    """Seconds to insert a hundredth of the rows, another one, and to delete as many.

    Ours copies the rows when it first inserts some, to have room for more.
    """
    n_some = max(1, len(data.rows) // 100)
    old, first, second = np.split(data.rows, [-2 * n_some, -n_some])
    gone = np.arange(n_some)
    index, _ = hashed(old, data.by_product, data.tuning)
    graph = hnswlib.Index("ip" if data.by_product else "l2", data.rows.shape[1])
    graph.init_index(len(data.rows), ef_construction=40, M=16, random_seed=0)
    graph.set_num_threads(N_THREADS)
    graph.add_items(old)
    return {
        name: {
            "first insert": timed(partial(insert, first))[0],
            "insert": timed(partial(insert, second))[0],
            "delete": timed(partial(delete, gone))[0],
        }
        for name, insert, delete in (
            ("hashed", index.partial_fit, index.delete),
            ("hnswlib", graph.add_items, lambda rows: [graph.mark_deleted(i) for i in rows]),
        )
    }


def measure_set(name, options, before):
    """Measure the indexes that are asked for on a set of rows; keep what was before of others."""
    data = LOADERS[name](options)
    data = data._replace(queries=data.queries[: options.queries])
    if options.quick:
        data = Vectors(data.rows[:3000], data.tuning[:100], data.queries[:200], data.by_product)
    print(name, data.rows.shape, flush=True)
    _, search = faiss_exact(data.rows, data.by_product, data.tuning)
    truth = Truth(search(data.tuning, None), search(data.queries, None))
    wanted = options.indexes.split(";")
    found = before | {"shape": data.rows.shape}
    found["tried"] = before.get("tried", {}) | {
        index: measure(index, data, truth, options.repeats) for index in wanted
    }
    found["best"] = {
        index: best_of(found["tried"][index]) for index in INDEXES if index in found["tried"]
    }
    if "hashed" in wanted:
        found["updates"] = time_updates(data)
        print(found["updates"], flush=True)
    return found


def main():
    options = parse_options(
        __doc__,
        repeats=3,
        tuning=500,
        queries=2000,
        epochs=4,
        weights="",
        sets=",".join(LOADERS),
        indexes=";".join(INDEXES),
    )
    results = kept(path_of(__file__, options))
    with threadpool_limits(N_THREADS):
        faiss.omp_set_num_threads(N_THREADS)
        for name in options.sets.split(","):
            results[name] = measure_set(name, options, results.get(name, {}))
    results = {name: results[name] for name in LOADERS if name in results}
    write(__file__, options, results, packages=("faiss-cpu", "hnswlib"))


if __name__ == "__main__":
    main()
