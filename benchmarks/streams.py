"""Learning from data that do not fit into memory.

    python benchmarks/streams.py
    python benchmarks/streams.py --parts opponents --opponents FOLDER/bin/python
    python benchmarks/streams.py --parts text --text-blocks 2800 --folder FOLDER
    python benchmarks/streams.py --parts long --long 213000000

measures, by processor's seconds, for clicks that are made up (`HashedClicks`) and networks without
hidden layers, but for the items:

- sources: rows a second from memory, ``.npz``, text, compressed text and Parquet;
- memory: the highest resident memory with 100 times the data, in processes of their own (Linux);
- text: a file of svmlight text under a limit of 2 GB of address space, and as much from memory
  (Linux; the file of so many blocks of 2.9 MB is made in the folder, and stays there);
- order: files that are sorted by label, against files in a random order and no shuffling;
- items: one pass over next items of a million (`NextItems`), with hashed outputs;
- long: one long pass: whether rate and memory stay, and the log-loss beside the best there is;
- opponents: non-zeros a second and log-loss after one pass, beside others, which are installed in
  an environment of their own: ``pip install scikit-learn vowpalwabbit xgboost-cpu river``.

Each part has what it depends on beside its figures; what the JSON file has of other parts is kept.
"""

import gzip
import json
import resource
import subprocess
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
from helpers.measures import median, timed
from helpers.processes import in_new_process, peak_memory
from helpers.report import conditions, kept, names_in, parse_options, path_of, seeds_of, write
from helpers.training import unconverged
from scipy import sparse
from sklearn.datasets import dump_svmlight_file
from sklearn.metrics import log_loss

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.streaming import (
    ArrayBlocks,
    HashedClicks,
    NextItems,
    ParquetBlocks,
    SvmlightBlocks,
)

HELPERS = Path(__file__).parent / "helpers"
# Number of the first block that is tested on, beyond all that are learnt from.
UNSEEN = 10**6
# Blocks of which rows are mixed.
WINDOW = 16
# Seconds after which an opponent is given up.
LIMIT = 180
OPPONENTS = ("SGDClassifier", "Vowpal Wabbit", "XGBoost", "river")
# Sizes of mini-batches, and the rate that is best of four for each of them on training rows that
# were held back.
RATES = {256: 0.1, 1024: 0.1, 4096: 0.14}
# Mini-batches of 64 rows were better than of 512 on other rows of 100,000 items.
OF_ITEMS = {"solver": "rowwise_adagrad", "batch_size": 64, "learning_rate": "linear"}
# What a process may have of address space when it learns from text, as ``ulimit -v 2000000``.
MOST_ADDRESSES = 2_000_000 * 1024


def learner(seed=0, batch_size=1024, **settings):
    """A logistic regression: a network without hidden layers.

    Gradients of a mini-batch are means: beside the root of their squares ``epsilon`` is as one of a
    single row, so that a weight's first step is not the longest of all.
    """
    common = {"solver": "adagrad", "epsilon": 1 / batch_size, "alpha": 0, "batch_size": batch_size}
    common |= {"learning_rate_init": RATES[batch_size], "learning_rate": "constant"}
    return LSHMLPClassifier((), **{**common, "max_iter": 1, "random_state": seed, **settings})


def fit(source, **settings):
    """Learn from a source: processor's seconds, and what has learnt."""
    with unconverged():
        network = learner(**settings)
        return timed(lambda: network.fit_batches(source, shuffle_blocks=WINDOW), time.process_time)


def together(source):
    """All blocks as one matrix and labels."""
    X, y = zip(*source, strict=True)
    return sparse.vstack(X, format="csr"), np.concatenate(y)


def save(path, X, y):
    """Save rows as `ArrayBlocks` reads them."""
    indices, indptr = X.indices.astype(np.int32), X.indptr.astype(np.int64)
    np.savez(path, data=X.data, indices=indices, indptr=indptr, shape=X.shape, y=y)


def best_loss(source):
    """Log-loss of the teacher itself."""
    p = np.concatenate([source.probabilities(number) for number in range(source.n_blocks)])
    return float(-np.mean(p * np.log(p) + (1 - p) * np.log(1 - p)))


def loss_on(network, source):
    X, y = together(source)
    return float(log_loss(y, network.predict_proba(X)[:, 1]))


def write_parquet(path, X, y, size):
    import pyarrow as pa
    import pyarrow.parquet as pq

    starts = pa.array(X.indptr, pa.int32())
    lists = pa.ListArray.from_arrays(starts, pa.array(X.indices, pa.int32()))
    pq.write_table(pa.table({"indices": lists, "y": y}), path, row_group_size=size)


def measure_sources(options):
    """Rows a second of one pass, by where they come from."""
    clicks = HashedClicks(options.rows, block_size=options.block)
    X, y = together(clicks)
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        paths = {kind: Path(folder, f"clicks.{kind}") for kind in ("npz", "svm", "gz", "parquet")}
        save(paths["npz"], X, y)
        dump_svmlight_file(X, y, str(paths["svm"]))
        with gzip.open(paths["gz"], "wb", compresslevel=1) as file:
            file.write(paths["svm"].read_bytes())
        write_parquet(paths["parquet"], X, y, options.block)
        text = {"n_features": X.shape[1], "block_size": options.block}
        sparse_table = {"indices": "indices", "n_features": X.shape[1]}
        sources = {
            "memory": lambda: ArrayBlocks(X, y, block_size=options.block),
            ".npz": lambda: ArrayBlocks(paths["npz"], block_size=options.block),
            "svmlight": lambda: SvmlightBlocks(paths["svm"], **text),
            "svmlight, gzip": lambda: SvmlightBlocks(paths["gz"], **text),
            "Parquet": lambda: ParquetBlocks(paths["parquet"], "y", **sparse_table),
            "made up": lambda: clicks,
        }
        sizes = {name: path.stat().st_size for name, path in paths.items()}
        for seed in seeds_of(options):
            for name, make in sources.items():
                source = make()
                reading, _ = timed(lambda source=source: [*source], time.process_time)
                seconds, _ = fit(source, seed=seed)
                runs.append(
                    {
                        "source": name,
                        "rows_a_second": len(y) / seconds,
                        "rows_read_a_second": len(y) / reading,
                        "non_zeros_a_second": X.nnz / seconds,
                    }
                )
                print(runs[-1])
    medians = medians_by("source", runs)
    return {"rows": len(y), "bytes_of_files": sizes, "runs": runs, "medians": medians}


def medians_by(name, runs):
    """Medians of all figures, by what a run is of."""
    kinds = dict.fromkeys(run[name] for run in runs)
    figures = [key for key, value in runs[0].items() if isinstance(value, float)]
    of = {kind: [run for run in runs if run[name] == kind] for kind in kinds}
    return {kind: {key: median(some, key) for key in figures} for kind, some in of.items()}


def peak_of_fit(n_rows, block):
    """Highest memory of one pass, beside what the process took before."""
    source = HashedClicks(n_rows, block_size=block)
    X, y = source.read(0)
    before = peak_memory()
    _, network = fit(source)
    weights = network.coefs_[0].nbytes
    return {
        "rows": n_rows,
        "bytes": peak_memory() - before,
        "model_bytes": 2 * weights,  # with what Adagrad keeps
        "block_bytes": X.data.nbytes + X.indices.nbytes + X.indptr.nbytes + y.nbytes,
    }


def measure_memory(options):
    """Highest memory with little data and with 100 times as much."""
    block = options.block // 8
    runs = [in_new_process(peak_of_fit, n * block, block) for n in (10, 1000)]
    for run in runs:
        allowed = run["model_bytes"] + (WINDOW + 2) * run["block_bytes"] + 200e6
        run["within_the_bound"] = bool(run["bytes"] <= allowed)
        print(run)
    return {"runs": runs, "ratio": runs[1]["bytes"] / runs[0]["bytes"]}


def measure_order(options):
    """Files sorted by label, in random order, and read in their order."""
    runs = []
    for seed in seeds_of(options, 5 if options.repeats > 1 else 1):
        clicks = HashedClicks(options.rows // 2, seed=seed, block_size=options.block)
        test = HashedClicks(20_000, seed=seed, first_block=UNSEEN)
        X, y = together(clicks)
        by_label = np.argsort(y, kind="stable")
        mixed = np.random.default_rng(seed).permutation(len(y))
        size = max(1, len(y) // 200)
        for name, rows, settings in (
            ("random order", mixed, {}),
            ("sorted by label", by_label, {}),
            ("sorted, not shuffled", by_label, {"shuffle": False}),
        ):
            source = ArrayBlocks(X[rows], y[rows], block_size=size)
            _, network = fit(source, seed=seed, max_iter=2, learning_rate="linear", **settings)
            X_test, y_test = together(test)
            accuracy = float(network.score(X_test, y_test))
            runs.append({"file": name, "accuracy": accuracy, "log_loss": loss_on(network, test)})
            print(runs[-1])
    return {"runs": runs, "medians": medians_by("file", runs)}


def write_text(path, source):
    """Write blocks as svmlight text, without a loop over their values."""
    columns = np.array([f" {column}:1" for column in range(source.n_features)], "S")
    characters = columns.view(np.uint8).reshape(source.n_features, -1)
    with open(path, "wb") as file:
        for X, y in source:
            pairs = characters[X.indices]
            ends = (pairs != 0).sum(axis=1) - 1
            pairs[np.arange(len(ends)), ends] = X.data.astype(np.uint8) + ord("0")
            labels = np.zeros((len(y), pairs.shape[1]), np.uint8)
            labels[:, 0], labels[:, 1] = ord("\n"), y + ord("0")
            text = np.insert(pairs, X.indptr[:-1], labels, axis=0).ravel()
            file.write(text[text != 0][1:].tobytes() + b"\n")


def in_memory(source):
    """The same blocks as one matrix; its parts are made before, so that nothing is there twice."""
    n_rows, ends = source.n_rows, [0]
    data, indices = (np.empty(40 * n_rows, dtype) for dtype in (np.float32, np.int32))
    y = np.concatenate([_put(X, y, data, indices, ends) for X, y in source])
    parts = data[: ends[-1]], indices[: ends[-1]], np.array(ends)
    shape = n_rows, source.n_features
    X = sparse.csr_array(parts, shape=shape, copy=False)
    return ArrayBlocks(X, y, block_size=source.block_size)


def _put(X, y, data, indices, ends):
    first = ends[-1]
    data[first : first + X.nnz], indices[first : first + X.nnz] = X.data, X.indices
    ends.extend((first + X.indptr[1:]).tolist())
    return y


def run_text(path, clicks, limit):
    """One pass over text, with a limit of address space, or over the same rows in memory."""
    if limit:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    shape = {"n_features": clicks.n_features, "block_size": clicks.block_size}
    source = SvmlightBlocks(path, **shape) if limit else in_memory(clicks)
    seconds, network = fit(source)
    return {
        "rows_a_second": clicks.n_rows / seconds,
        "highest_bytes": peak_memory(),
        "log_loss": loss_on(network, HashedClicks(50_000, first_block=UNSEEN)),
    }


def measure_text(options):
    """Text under a limit of memory, and as much data in memory."""
    with tempfile.TemporaryDirectory() as own:
        path = Path(options.folder or own, f"clicks_{options.text_blocks}.svm")
        clicks = HashedClicks(options.text_blocks * options.block, block_size=options.block)
        if not path.exists():
            write_text(path, clicks)
        found = {"rows": clicks.n_rows, "bytes_of_file": path.stat().st_size}
        for name, limit in (("text", MOST_ADDRESSES), ("memory", 0)):
            found[name] = in_new_process(run_text, path, clicks, limit)
            print(name, found[name], flush=True)
    found["teachers_log_loss"] = best_loss(HashedClicks(50_000, first_block=UNSEEN))
    return {**found, "address_space": MOST_ADDRESSES}


class Watched:
    """A source that notes processor's seconds and memory whenever a block is read."""

    def __init__(self, source):
        self.source, self.noted = source, []
        self.n_blocks, self.n_features = source.n_blocks, source.n_features
        self.classes = source.classes

    def read(self, number):
        """Read a block of the source."""
        status = Path("/proc/self/status").read_text()
        resident = int(status.partition("VmRSS:")[2].split()[0]) * 1024
        self.noted.append((time.process_time(), resident))
        return self.source.read(number)


def measure_long(options):
    """One long pass: rate and memory in tenths of it, and the loss beside the teacher's."""
    clicks = HashedClicks(options.long, crosses=True, block_size=options.block)
    test = HashedClicks(50_000, crosses=True, first_block=UNSEEN)
    source = Watched(clicks)
    seconds, network = fit(source)
    width = clicks.read(0)[0].nnz / options.block
    tenth = max(1, clicks.n_blocks // 10)
    noted = source.noted[::tenth][-10:]
    steps = [b[0] - a[0] for a, b in pairwise(noted)]
    n_pairs = options.long * width
    found = {
        "rows": options.long,
        "non_zeros": n_pairs,
        "non_zeros_a_second": n_pairs / seconds,
        "rates": [tenth * options.block * width / step for step in steps],
        "resident_bytes": [resident for _, resident in noted],
        "log_loss": loss_on(network, test),
        "teachers_log_loss": best_loss(test),
    }
    # A projection, not a measurement: two processors of which each is busy all day.
    found["non_zeros_a_day_projected"] = 2 * 86_400 * found["non_zeros_a_second"]
    print(found)
    return found


def fit_items(n_rows, n_items, block):
    """Learn the next of very many items, in one pass."""
    source = NextItems(n_rows, n_items=n_items, block_size=block)
    network = LSHMLPClassifier((64,), max_iter=1, random_state=0, **OF_ITEMS)
    seconds, _ = timed(lambda: network.fit_batches(source), time.process_time)
    test = NextItems(4000, n_items=n_items, block_size=4000, first_block=UNSEEN)
    X, y = test.read(0)
    labels, _ = network.predict_top_k(X, 5)
    hits = np.asarray(labels) == y[:, np.newaxis]
    layer = network.work_[-1]
    return {
        "rows": n_rows,
        "items": n_items,
        "rows_a_second": n_rows / seconds,
        "outputs_computed": layer["n_active"],
        "highest_bytes": peak_memory(),
        "weights_bytes": sum(coefs.nbytes for coefs in network.coefs_),
        "right": float(hits[:, 0].mean()),
        "among_five": float(hits.any(axis=1).mean()),
        "best_possible": float(test.probabilities(0).mean()),
        "most_popular": float(np.mean(y == np.bincount(source.read(0)[1]).argmax())),
    }


def measure_items(options):
    """Next items, in a process of its own."""
    found = in_new_process(fit_items, options.item_rows, options.items, options.block)
    print(found)
    return found


def measure_opponents(options):
    """One pass over the same rows: ours, and those that the environment has."""
    clicks = HashedClicks(options.rows // 2, crosses=True, block_size=options.block)
    test = HashedClicks(50_000, crosses=True, first_block=UNSEEN)
    X, y = together(clicks)
    methods = {}
    kinds = {f"ours, mini-batches of {size}": (size, 1) for size in RATES}
    kinds |= {f"ours, 1 / {part} of the rows": (1024, part) for part in (2, 3, 4)}
    for name, (size, part) in kinds.items():
        n = len(y) // part
        source = ArrayBlocks(X[:n], y[:n], block_size=options.block)
        seconds, network = fit(source, batch_size=size)
        methods[name] = {
            "seconds": seconds,
            "non_zeros": int(X.indptr[n]),
            "non_zeros_a_second": int(X.indptr[n]) / seconds,
            "log_loss": loss_on(network, test),
        }
    if options.opponents:
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder, f"{name}.npz") for name in ("train", "test")]
            save(paths[0], X, y)
            save(paths[1], *together(test))
            for name in OPPONENTS:
                methods[name] = run_opponent(options.opponents, name, paths)
    for name, found in methods.items():
        print(name, found)
    return {"methods": methods, "teachers_log_loss": best_loss(test)}


def run_opponent(python, name, paths):
    """Run another learner in its environment; None where it takes too long."""
    command = [python, HELPERS / "stream_opponents.py", name, *paths]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return {"given_up_after_seconds": LIMIT}
    return json.loads(done.stdout.splitlines()[-1])


PARTS = {
    "sources": measure_sources,
    "memory": measure_memory,
    "text": measure_text,
    "order": measure_order,
    "items": measure_items,
    "long": measure_long,
    "opponents": measure_opponents,
}


def main():
    options = parse_options(
        __doc__,
        rows=400_000,
        block=8192,
        long=6_000_000,
        text_blocks=10,
        items=1_000_000,
        item_rows=500_000,
        parts="",
        opponents="",
        folder="",
    )
    if options.quick:
        options.rows, options.block, options.long = 8000, 1000, 20_000
        options.items, options.item_rows = 3000, 20_000
    results = kept(path_of(__file__, options))
    for part in names_in(options.parts, PARTS):
        results[part] = {**PARTS[part](options), **conditions(options)}
        write(__file__, options, results)


if __name__ == "__main__":
    main()
