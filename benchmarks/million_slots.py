"""A memory of a million keys: queries and writes, one by one, on one thread.

    SKLEARN_LSH_DATA=FOLDER python benchmarks/million_slots.py

times, in processor time, questions for the nearest key, and writes: a row whose label is new, for
which the nearest key is found first and the oldest is given up. Against a product with all keys,
and an HNSW index (`pip install hnswlib`) that is changed as often, up to 100,000 keys: a million
take long to build (``--most-of-hnsw 1000000``). Keys are random, and questions keys with noise of
half their length; or both are 128 discriminant directions of Omniglot's drawings, turned, moved and
slanted. ``--sets``, ``--counts`` (of keys) and ``--methods`` measure a part; what the JSON file has
of others is kept, also where several parts run at once.
"""

import time

import numpy as np
from helpers.omniglot_data import as_rows, small_pictures, warped
from helpers.report import kept, names_in, parse_options, path_of, seeds_of, write
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from threadpoolctl import threadpool_limits

from sklearn_lsh.datasets import fetch_omniglot
from sklearn_lsh.memory.buckets import KeyHashing
from sklearn_lsh.memory.slots import Slots
from sklearn_lsh.memory.store import Store

N_DIMENSIONS = 128
SIZES = [10_000, 100_000, 1_000_000]
# Settings of an HNSW index; ef is the first that finds enough.
LINKS = 16
EF_OF_BUILDING = 100
EF = [10, 20, 40, 80, 160, 320, 640]
ENOUGH = 0.95
# Questions, and writes.
N_ASKED = 300


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def random_keys(n_keys, rng):
    """Keys, and questions that are some of the first with noise."""
    keys = unit(rng.standard_normal((n_keys, N_DIMENSIONS), np.float32))
    noise = unit(rng.standard_normal((N_ASKED, N_DIMENSIONS), np.float32))
    return keys, unit(keys[rng.choice(min(n_keys, SIZES[0]), N_ASKED, replace=False)] + noise / 2)


def keys_of_drawings(n_keys, rng):
    background, evaluation = (small_pictures(images) for images in fetch_omniglot())
    labels = np.arange(len(background)).repeat(20)
    found = LinearDiscriminantAnalysis(
        solver="eigen", shrinkage=0.1, n_components=N_DIMENSIONS
    ).fit(as_rows(background), labels)
    drawings = np.concatenate([background, evaluation]).reshape(-1, 1, *background.shape[2:])
    n_wanted = n_keys + N_ASKED
    parts = []
    for start in range(0, n_wanted, len(drawings)):
        some = drawings[rng.permutation(len(drawings))[: n_wanted - start]]
        parts.append(unit(found.transform(as_rows(warped(some, rng)))))
    rows = np.concatenate(parts)[rng.permutation(n_wanted)]
    return rows[:n_keys], rows[n_keys:]


KEYS = {"random": random_keys, "drawings": keys_of_drawings}


def full_store(keys):
    """A memory that is full of keys; to learn them one by one would take minutes."""
    n = len(keys)
    hashing = KeyHashing("simhash", "auto", "auto", 0)
    store = Store(
        n,
        N_DIMENSIONS,
        age_noise=8.0,
        key_weight=1.0,
        search="auto",
        hashing=hashing,
        random_state=np.random.RandomState(0),
    )
    numbers = np.arange(n)
    labels, ones = numbers.astype(np.int32), np.ones_like(numbers)
    counts = np.array([n, n, n, -1])
    slots = Slots(keys.copy(), labels, numbers, ones, store.slots.ring, counts)
    store.slots = slots.kept(numbers, labels)
    store._refresh()
    return store


class Ours:
    """The memory."""

    def __init__(self, keys, asked, truth):
        self.store = full_store(keys)
        self.label = len(keys)

    def ask(self, row):
        """Find the nearest key."""
        return self.store.nearest(row, 1).slots[0, 0]

    def write(self, row):
        """Learn a row of a new label."""
        self.label += 1
        self.store.learn(row, np.array([self.label], np.int32))


class Product:
    """A product with all keys; a write finds the nearest first, as the memory has to."""

    def __init__(self, keys, asked, truth):
        self.keys, self.oldest = keys.copy(), 0

    def ask(self, row):
        """Find the nearest key."""
        return (self.keys @ row[0]).argmax()

    def write(self, row):
        """Learn a row of a new label."""
        self.ask(row)
        self.keys[self.oldest] = row[0]
        self.oldest = (self.oldest + 1) % len(self.keys)


class HNSW:
    """A graph. What is given up is marked: to reuse its place takes hundreds of times longer."""

    def __init__(self, keys, asked, truth):
        import hnswlib

        self.index = hnswlib.Index("ip", N_DIMENSIONS)
        self.index.init_index(len(keys) + N_ASKED, EF_OF_BUILDING, LINKS)
        self.index.add_items(keys, np.arange(len(keys)))  # by all threads: it is not timed
        self.index.set_num_threads(1)
        self.oldest, self.label = 0, len(keys)
        for ef in EF:
            self.index.set_ef(ef)
            if np.mean([self.ask(row[None]) for row in asked] == truth) >= ENOUGH:
                break

    def ask(self, row):
        """Find the nearest key."""
        return self.index.knn_query(row, 1)[0][0, 0]

    def write(self, row):
        """Learn a row of a new label."""
        self.ask(row)
        self.index.mark_deleted(self.oldest)
        self.index.add_items(row, [self.label])
        self.oldest, self.label = self.oldest + 1, self.label + 1


METHODS = {"memory": Ours, "product": Product, "HNSW": HNSW}


def seconds_each(function, rows):
    """Median processor time of calls, each with one row."""
    times = []
    for i in range(len(rows)):
        start = time.process_time()
        function(rows[i : i + 1])
        times.append(time.process_time() - start)
    return float(np.median(times))


def measure(method, keys, asked, strangers):
    """Seconds of a question and of a write, and what share of the nearest keys is found."""
    truth = np.concatenate([(keys @ part.T).argmax(axis=0) for part in np.split(asked, 10)])
    index = METHODS[method](keys, asked, truth)
    told = np.array([index.ask(row[None]) for row in asked])
    # A key that is as near is as good: drawings may come twice.
    nearness = (keys[told] * asked).sum(axis=1), (keys[truth] * asked).sum(axis=1)
    run = {
        "found": float(np.mean(nearness[0] >= nearness[1] - 1e-6)),
        "question": seconds_each(index.ask, asked),
        "write": seconds_each(index.write, strangers),
    }
    run["half writes"] = (run["question"] + run["write"]) / 2
    return run


def main():
    settings = {"sets": "", "counts": "", "methods": "", "most_of_hnsw": 100_000}
    options = parse_options(__doc__, repeats=1, **settings)
    path, sizes = path_of(__file__, options), [10_000] if options.quick else SIZES
    if options.counts:
        sizes = [int(count) for count in options.counts.split(",")]
    for name in names_in(options.sets, KEYS):
        for seed in seeds_of(options):
            rows, asked = KEYS[name](max(sizes), np.random.default_rng(seed))
            for n_keys in sizes:
                keys = rows[:n_keys]
                strangers = unit(asked[::-1] + 0.1 * rows[-len(asked) :])
                for method in names_in(options.methods, METHODS):
                    if method == "HNSW" and n_keys > options.most_of_hnsw:
                        continue
                    with threadpool_limits(1):
                        run = measure(method, keys, asked, strangers)
                    print(f"{name}, {n_keys} keys, {method}: {run}", flush=True)
                    results = kept(path)  # read now: other parts may have been written meanwhile
                    place = results.setdefault(name, {}).setdefault(str(n_keys), {})
                    place.setdefault(method, {})[str(seed)] = run
                    write(__file__, options, results)


if __name__ == "__main__":
    main()
