"""Training in rounds: what replicas lose, what two workers gain, and what is sent.

    pip install ".[dask]"
    python benchmarks/replicas.py

trains `LSHMLPClassifier()` on ICD-10-CM and on word forms, alone by `fit_batches` and in rounds of
four replicas on Dask's workers, processes of one thread each: one worker, and then two, in turns.
The scheduler has a process of its own, too. Reported are precision at 1 on held-out rows, rows a
second of whole trainings (reading, merging and sending included), by how much the scheduler's
memory grew at most, beside the network's bytes, and what workers sent each other in a round, beside
the rows that all replicas moved in it.

From the seconds of processor that the steps of a round take, and their bytes, epochs of the same
rows on more workers are projected, on networks of 10 and 100 Gbit/s, and such of a hundred times
the rows: the network's layers go down a tree of workers, and what was learnt comes up one.

``--sets icd`` and ``--methods "alone,two workers"`` measure a part; what the JSON file has of
others is kept.
"""

import math
import pickle
import resource
import time
from functools import partial
from importlib import import_module

import numpy as np
from distributed import Client, SubprocessCluster
from helpers.label_sets import load
from helpers.processes import in_new_process
from helpers.report import kept, names_in, parse_options, path_of, seeds_of, write
from helpers.training import unconverged

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.distributed import fit_rounds
from sklearn_lsh.distributed.fitting import N_ROUNDS, N_SAMPLE, first_rows, make_division
from sklearn_lsh.distributed.replicas import Common, bare, head_of, merge, read_rows, train_replica
from sklearn_lsh.distributed.updates import add
from sklearn_lsh.estimators.automatic import SMALLEST_BATCH
from sklearn_lsh.metrics import precision_at_k
from sklearn_lsh.streaming import ArrayBlocks

SETS = ("icd", "lemma-de")
N_REPLICAS = 4
N_BLOCKS = 64
PROJECTED_WORKERS = (4, 8, 16, 32, 64, 128, 256)
PROJECTED_GBITS = (10, 100)
PROJECTED_TIMES_ROWS = (1, 100)


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


def make_probes():
    """Functions that tell of other processes, which are sent them whole, not by name."""

    def peak_memory():
        """Most bytes that a process has had."""
        return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def bytes_sent(dask_worker):
        """Bytes that a worker has sent to others."""
        return dask_worker.transfer_outgoing_bytes_total

    return peak_memory, bytes_sent


def on_workers(n_workers, name, seed, quick):
    """Replicas on so many processes."""
    _, test, source = load_set(name, quick)
    network = LSHMLPClassifier(random_state=seed)
    peak_memory, bytes_sent = make_probes()
    silent = {"dashboard_address": ":0", "silence_logs": "CRITICAL"}
    with (
        SubprocessCluster(n_workers=n_workers, threads_per_worker=1, **silent) as cluster,
        Client(cluster, direct_to_workers=True) as client,
        unconverged(1),
    ):
        client.wait_for_workers(n_workers)
        client.run(import_module, "sklearn_lsh.distributed")  # which takes seconds
        before = client.run_on_scheduler(peak_memory)
        start = time.perf_counter()
        fit_rounds(network, source, client, n_replicas=N_REPLICAS, timeout=3600)
        seconds = time.perf_counter() - start
        sent = sum(client.run(bytes_sent).values())
        grown = client.run_on_scheduler(peak_memory) - before
    return {
        "precision": found(network, test),
        "rows_a_second": network.t_ / seconds,
        "sent_a_round": sent / (N_ROUNDS * network.n_iter_),
        "scheduler_memory": grown,
        "network": len(pickle.dumps(network._network, 5)),
    }


def one_worker(name, seed, quick):
    """Replicas on one process."""
    return on_workers(1, name, seed, quick)


def two_workers(name, seed, quick):
    """Replicas on two."""
    return on_workers(2, name, seed, quick)


def steps_of_a_round(name, seed, quick):
    """What a round is made of, in this process: seconds of processor, and bytes."""
    _, _, source = load_set(name, quick)
    estimator = LSHMLPClassifier(random_state=seed, max_iter=1)
    with unconverged(1):
        estimator.fit_batches(source, shuffle_blocks=N_BLOCKS)
    network, batch_size = estimator._network, estimator.settings_["batch_size"]
    head, layers = head_of(network), network.layers
    common = Common(bare(estimator), source, math.ceil(batch_size / N_REPLICAS))
    jobs = make_division(source.n_blocks, N_REPLICAS, "auto").assign(
        seed, 0, np.arange(source.n_blocks)
    )[0]
    common = common._replace(sample=first_rows(read_rows(common, jobs[0], None), N_SAMPLE))
    smallest = common._replace(batch_size=min(SMALLEST_BATCH, batch_size))
    seconds, results = {}, {}

    def timed(step, work, *arguments):
        start = time.process_time()
        results[step] = work(*arguments)
        seconds[step] = time.process_time() - start
        return results[step]

    train_replica(common, head, layers, jobs[0])  # takes memory that the others find
    first = timed("train a replica", train_replica, common, head, layers, jobs[0])
    timed("in smallest mini-batches", train_replica, smallest, head, layers, jobs[0])
    second = train_replica(common, head, layers, jobs[1])
    both = timed("add two updates", add, first, second)
    timed("merge", merge, common, head, layers, both)
    sent = timed("pickle the layers", pickle.dumps, layers, 5)
    timed("unpickle them", pickle.loads, sent)
    updates = [first, second, *(train_replica(common, head, layers, job) for job in jobs[2:])]
    return {
        "seconds": seconds,
        "rows": first.n_rows,
        "batch_size": batch_size,
        "bytes": {
            "layers": len(sent),
            "update": first.nbytes,
            "moved rows": moved_bytes(first),
            "moved rows of all": sum(map(moved_bytes, updates)),
            "sum of two": both.nbytes,
        },
    }


def moved_bytes(update):
    """Bytes of the rows that were moved, and of what the optimizer remembers of them."""
    rows = [part for layer in update.layers for part in layer[:2]]
    return sum(part.rows.nbytes + part.state.nbytes for part in rows)


METHODS = {
    "alone": alone,
    "one worker": one_worker,
    "two workers": two_workers,
    "steps": steps_of_a_round,
}


def project(steps, n_rows):
    """Seconds of an epoch on more workers, each with a replica, and how many steps each takes."""
    projected = []
    for times in PROJECTED_TIMES_ROWS:
        for gbits in PROJECTED_GBITS:
            epoch = partial(project_epoch, steps, times * n_rows, gbits * 1e9 / 8)
            of_all = [{"workers": n, **epoch(n)} for n in PROJECTED_WORKERS]
            projected.append({"rows": times * n_rows, "gbits": gbits, "clusters": of_all})
    return projected


def project_epoch(steps, n_rows, speed, n_workers):
    """Seconds that replicas train in an epoch, and that its rounds take besides."""
    took, sizes = steps["seconds"], steps["bytes"]
    batch_size = max(SMALLEST_BATCH, math.ceil(steps["batch_size"] / n_workers))
    # The smaller, the more time a row takes; below four replicas nothing is projected.
    step = "in smallest mini-batches" if batch_size == SMALLEST_BATCH else "train a replica"
    training = n_rows / n_workers * took[step] / steps["rows"]
    depth = math.ceil(math.log2(n_workers))
    packing = took["pickle the layers"] + took["unpickle them"]
    down = depth * (sizes["layers"] / speed + packing)
    up = depth * (sizes["sum of two"] / speed + took["add two updates"])
    return {
        "training": training,
        "rounds": N_ROUNDS * (down + up + took["merge"]),
        "share_of_steps": steps["batch_size"] / (n_workers * batch_size),
    }


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
