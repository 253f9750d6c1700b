"""Tables of nearest neighbours, beside other indexes; see `reports`."""

from reports import environment, fragment, table_of

NEIGHBOR_SETS = {
    "fashion-mnist": "Fashion-MNIST",
    "mnist": "MNIST",
    "outputs": "rows of an output layer, by angle",
    "responses": "responses of an output layer, by inner product",
}


INDEXES = {
    "index": lambda run: run["index"],
    "seconds to build": lambda run: f"{run['build_seconds']:.2f}",
    "queries a second": lambda run: f"{run['queries_a_second']:,.0f}",
    "recall": lambda run: f"{run['recall']:.3f}",
}


@fragment("neighbors", "neighbors")
def neighbors_tables(report):
    """Indexes at equal recall, one table for each set of rows."""
    parts = []
    for name, found in report["results"].items():
        n_rows, n_features = found["shape"]
        title = f"{NEIGHBOR_SETS.get(name, name)}: {n_rows:,} rows of {n_features} features"
        runs = [{"index": index, **run} for index, run in found["best"].items()]
        parts.append(f"{title}\n\n{table_of(runs, INDEXES)}")
    return "\n".join([*parts, environment(report)])


def milliseconds(change):
    """A column of milliseconds that a change took."""
    return lambda taken: f"{1e3 * taken[change]:,.1f}"


UPDATES = {
    "rows": lambda taken: taken["rows"],
    "index": lambda taken: taken["index"],
    "inserting": milliseconds("first insert"),
    "inserting more": milliseconds("insert"),
    "deleting": milliseconds("delete"),
}


@fragment("neighbors_updates", "neighbors")
def neighbors_updates(report):
    """Milliseconds to insert and to delete a hundredth of the rows."""
    updates = [
        {"rows": NEIGHBOR_SETS.get(name, name), "index": index, **taken}
        for name, found in report["results"].items()
        for index, taken in found["updates"].items()
    ]
    return table_of(updates, UPDATES)


SPARSE_SETS = {
    "made": "made rows",
    "icd": "ICD-10-CM, words",
    "wordnet": "WordNet, words",
    "lemma-de": "German word forms, n-grams",
}
SPARSE_METHODS = {
    "ours": "inverted index",
    "product": "product of all rows",
    "brute force": "scikit-learn, brute force",
    "hnswlib": "hnswlib, 64 directions",
}
SPARSE = {
    "method": lambda run: SPARSE_METHODS[run["method"]],
    "seconds to build": lambda run: f"{run['build_seconds']:.2f}",
    "microseconds a query": lambda run: f"{run['microseconds']:,.0f}",
    "recall": lambda run: f"{run['recall']:.3f}",
}
ON_THREADS = {
    "queries a second": lambda run: f"{run['queries_a_second']:,.0f}",
}


@fragment("sparse_neighbors", "sparse_neighbors")
def sparse_neighbors(report):
    """Ways to find sparse rows, one table for each set of them."""
    n_threads = report["options"]["threads"]
    columns = SPARSE | (ON_THREADS if n_threads > 1 else {})
    parts = ["The ten nearest by angle, in processor time of one thread."]
    if n_threads > 1:
        parts = [f"{parts[0]} Queries a second are those of {n_threads} threads."]
    for name, found in report["results"].items():
        n_rows, n_features = found["shape"]
        title = (
            f"{SPARSE_SETS[name]}: {n_rows:,} rows of {n_features:,} features, "
            f"{found['nonzeros']:.0f} of them not zero; "
            f"lists of {found['postings']:,.0f} rows a query"
        )
        runs = [{"method": method, **run} for method, run in found["methods"].items()]
        parts.append(f"{title}\n\n{table_of(runs, columns)}")
    return "\n\n".join([*parts, environment(report)])


GRAPHS = ("faiss HNSW", "hnswlib")
OTHERS = ("faiss IndexLSH", "faiss IndexLSH, refined", "faiss exact")


@fragment("neighbors_ratios", "neighbors")
def neighbors_ratios(report):
    """How hashing compares with the best of each kind of index."""
    lines = []
    for name, found in report["results"].items():
        best = found["best"]
        if {"hashed", *GRAPHS, *OTHERS} <= set(best):  # else it was measured in part
            lines.append(f"- {NEIGHBOR_SETS.get(name, name)}: {compare_hashing(best)}")
    return "\n".join(lines) + "\n"


def compare_hashing(best):
    """Hashing beside graphs, and beside the other indexes."""
    ours, graphs = best["hashed"], [best[name] for name in GRAPHS]
    build = min(run["build_seconds"] for run in graphs) / ours["build_seconds"]
    graph = ours["queries_a_second"] / max(run["queries_a_second"] for run in graphs)
    lsh, refined, exact = (
        ours["queries_a_second"] / best[other]["queries_a_second"] for other in OTHERS
    )
    return (
        f"built {build:.1f} times as fast as the HNSW graph that is built faster. It answers "
        f"{lsh:.1f} times as many queries a second as IndexLSH, {refined:.1f} times as many as "
        f"that with refinement, {exact:.1f} times as many as faiss's exact search, and "
        f"{graph:.2f} times as many as the HNSW graph that answers faster."
    )
