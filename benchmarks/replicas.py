"""Training in rounds: what replicas lose, what two workers gain, and what is sent.

    pip install ".[dask]"
    python benchmarks/replicas.py

trains `LSHMLPClassifier()` on ICD-10-CM and on word forms, alone by `fit_batches` and in rounds of
four replicas on Dask's workers, processes of one thread each: one worker, and then two, in turns.
Reported are precision at 1 on held-out rows, rows a second of whole trainings (reading, merging and
sending included) and the bytes of a round: of the network, which each worker gets, and of what each
replica returns, beside those of the rows that it moved. From the seconds that the steps of a round
take here, the time of an epoch on more workers, on networks of 10 and 100 Gbit/s, is projected: the
network goes down a tree of workers, and what was learnt comes up one.

``--sets icd`` and ``--methods "alone,two workers"`` measure a part; what the JSON file has of
others is kept.
"""

import math
import pickle
import time

import numpy as np
from distributed import Client, LocalCluster
from helpers.label_sets import load
from helpers.processes import in_new_process
from helpers.report import kept, names_in, parse_options, path_of, seeds_of, write
from helpers.training import unconverged

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.distributed import fit_rounds
from sklearn_lsh.distributed.fitting import make_division
from sklearn_lsh.distributed.replicas import Common, bare, train_replica
from sklearn_lsh.distributed.updates import add, apply
from sklearn_lsh.metrics import precision_at_k
from sklearn_lsh.streaming import ArrayBlocks

SETS = ("icd", "lemma-de")
N_REPLICAS = 4
N_BLOCKS = 64
PROJECTED_WORKERS = (8, 16, 32, 64, 128, 256)
PROJECTED_GBITS = (10, 100)


def load_set(name, quick):
    """Training and test rows, and a source of the former."""
    (X, Y), test = load(name, validation=False, quick=quick)
    y = np.asarray(Y.argmax(axis=1)).ravel() if Y.sum() == Y.shape[0] else Y
    return (X, y), test, ArrayBlocks(X, y, block_size=math.ceil(X.shape[0] / N_BLOCKS))


def found(network, test):
    """Precision at 1."""
    X, Y = test
    labels = network.predict_top_k(X, 1)[0]
    return float(precision_at_k(Y, labels, k=1))


def alone(name, seed, quick):
    """One network, by `fit_batches`."""
    _, test, source = load_set(name, quick)
    network = LSHMLPClassifier(random_state=seed)
    start = time.perf_counter()
    with unconverged(1):
        network.fit_batches(source, shuffle_blocks=N_BLOCKS)
    seconds = time.perf_counter() - start
    return {"precision": found(network, test), "rows_a_second": network.t_ / seconds}


def on_workers(n_workers, name, seed, quick):
    """Replicas on so many processes."""
    _, test, source = load_set(name, quick)
    network = LSHMLPClassifier(random_state=seed)
    silent = {"dashboard_address": ":0", "silence_logs": "CRITICAL"}
    with (
        LocalCluster(n_workers=n_workers, threads_per_worker=1, **silent) as cluster,
        Client(cluster) as client,
        unconverged(1),
    ):
        start = time.perf_counter()
        fit_rounds(network, source, client, n_replicas=N_REPLICAS, timeout=3600)
        seconds = time.perf_counter() - start
    return {"precision": found(network, test), "rows_a_second": network.t_ / seconds}


def one_worker(name, seed, quick):
    """Replicas on one process."""
    return on_workers(1, name, seed, quick)


def two_workers(name, seed, quick):
    """Replicas on two."""
    return on_workers(2, name, seed, quick)


def steps_of_a_round(name, seed, quick):
    """What a round is made of, in this process: seconds, and bytes."""
    _, _, source = load_set(name, quick)
    estimator = LSHMLPClassifier(random_state=seed, max_iter=1)
    with unconverged(1):
        estimator.fit_batches(source, shuffle_blocks=N_BLOCKS)
    network = estimator._network
    batch_size = math.ceil(estimator.settings_["batch_size"] / N_REPLICAS)
    common = Common(bare(estimator), source, batch_size)
    division = make_division(source.n_blocks, N_REPLICAS, "auto")
    jobs = division.assign(seed, 0, np.arange(source.n_blocks))[0]
    seconds, results = {}, {}

    def timed(step, work, *arguments):
        start = time.perf_counter()
        results[step] = work(*arguments)
        seconds[step] = time.perf_counter() - start
        return results[step]

    sent = timed("pickle the network", pickle.dumps, network, 5)
    timed("unpickle it", pickle.loads, sent)
    first = timed("train a replica", train_replica, common, network, jobs[0])
    second = train_replica(common, network, jobs[1])
    both = timed("add two updates", add, first, second)
    timed("merge", apply, network, both)
    rows = [part for layer in first.layers for part in layer[:2]]
    moved = sum(part.rows.nbytes + part.state.nbytes for part in rows)
    return {
        "seconds": seconds,
        "rows": first.n_rows,
        "bytes": {
            "network": len(sent),
            "update": first.nbytes,
            "moved rows": moved,
            "sum of two": both.nbytes,
        },
    }


METHODS = {
    "alone": alone,
    "one worker": one_worker,
    "two workers": two_workers,
    "steps": steps_of_a_round,
}


def project(steps, n_rows):
    """Rows a second of more workers, each with a replica; rounds have as many rows a replica."""
    took, sizes = steps["seconds"], steps["bytes"]
    projected = {}
    for gbits in PROJECTED_GBITS:
        speed = gbits * 1e9 / 8
        for n_workers in PROJECTED_WORKERS:
            depth = math.ceil(math.log2(n_workers))
            down = depth * sizes["network"] / speed + took["pickle the network"]
            up = depth * (sizes["sum of two"] / speed + took["add two updates"])
            overhead = down + took["unpickle it"] + up + took["merge"]
            seconds = took["train a replica"] + overhead
            projected[f"{n_workers} at {gbits} Gbit/s"] = {
                "rows_a_second": n_workers * steps["rows"] / seconds,
                "share_of_training": took["train a replica"] / seconds,
                "rounds_of_an_epoch": n_rows / (n_workers * steps["rows"]),
            }
    return projected


def main():
    options = parse_options(__doc__, repeats=3, sets="", methods="")
    path = path_of(__file__, options)
    results = kept(path)
    for name in names_in(options.sets, SETS):
        found = results.setdefault(name, {})
        wanted = names_in(options.methods, METHODS)
        # In turns, so that what else the machine does falls on all.
        runs = {method: [] for method in wanted}
        for seed in seeds_of(options):
            for method in wanted:
                runs[method].append(in_new_process(METHODS[method], name, seed, options.quick))
                print(name, method, runs[method][-1], flush=True)
        found.update(runs)
        if "steps" in runs:
            n_rows = load_set(name, options.quick)[0][0].shape[0]
            found["projected"] = project(runs["steps"][0], n_rows)
        write(__file__, options, results, packages=("dask", "distributed"))


if __name__ == "__main__":
    main()
