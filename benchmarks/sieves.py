"""When hash tables, sketches of all neurons, or all pre-activations are the faster sieve.

    python benchmarks/sieves.py

trains hidden layers of several widths and densities on Fashion-MNIST for an epoch, and then finds
the active neurons of a mini-batch by tables and by sketches, on one thread: how long each takes,
and which share of the neurons that respond most each finds. `HiddenLSH.SCANNED_FROM` is chosen by
it.

Then it does the same for sparse texts, short ones and long ones, with hashing (tables or sketches,
as `SCANNED_FROM` says) and by computing all neurons: also how long an epoch takes, and the accuracy
on held-out texts after it. A text is made of the descriptions of diagnoses that stand near each
other in ICD-10-CM, and its class is their chapter. `HiddenLSH.COMPUTED_TO` is chosen by it.
"""

import time
from itertools import product

import numpy as np
from helpers.measures import share_found
from helpers.report import parse_options, seeds_of, write
from helpers.training import FIXED, unconverged
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.csr import take
from sklearn_lsh.datasets import fetch_mnist, load_icd10cm
from sklearn_lsh.selection import Hashing, HiddenLSH

# Neurons of a layer, and the share of them that is active.
WIDTHS = (1000, 4000, 16_000)
DENSITIES = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1)
# Descriptions in a text, and the width and density of layers for these.
N_DESCRIPTIONS = (1, 6, 24, 96, 384)
TEXT_LAYERS = ((1000, 0.05), (4000, 0.05), (4000, 0.01))
# Samples that neurons are found for at a time, and how many times that is timed.
BATCH = 200
CALLS = 15


def train(X, y, width, density, seed):
    """Train a network for an epoch."""
    settings = {**FIXED, "max_iter": 1}
    network = LSHMLPClassifier((width,), **settings, density=density, random_state=seed)
    with unconverged():
        return network.fit(X, y)


def first_layer(network):
    """Its hidden layer, which knows how it selects."""
    return network._network.layers[0]


def limits(name, values):
    """Set a limit of `HiddenLSH` to each of some values in turn: {name of the value: value}."""
    before = getattr(HiddenLSH, name)
    try:
        for way, value in values.items():
            setattr(HiddenLSH, name, value)
            yield way
    finally:
        setattr(HiddenLSH, name, before)


def measure(selection, layer, inputs):
    """Milliseconds of choosing for a mini-batch, and recall of the true best."""
    seconds = []
    for _ in range(CALLS):
        start = time.perf_counter()
        active = selection.choose(layer.weights, inputs)
        seconds.append(time.perf_counter() - start)
    found = active.pattern.indices.reshape(BATCH, -1)
    recall = share_found(found, layer.weights.preactivate_all(inputs))
    return {"milliseconds": 1e3 * float(np.median(seconds)), "recall": recall}


def compare_sieves(X, y, width, density, seed):
    """Choose by tables, then by all sketches."""
    inputs, known = take(X, slice(len(y) - BATCH, len(y))), take(X, slice(2048))
    results = {}
    for way in limits("SCANNED_FROM", {"tables": 1.0, "scan": 0.0}):
        if way == "tables":
            layer = first_layer(train(X[:-BATCH], y[:-BATCH], width, density, seed))
        hashing = Hashing("simhash", "auto", "auto", np.random.RandomState(seed))
        selection = HiddenLSH(layer.selection.n_active, hashing)
        selection.fit(layer.weights, known)
        if way == "tables":  # which neurons were active of late
            selection.uses = layer.selection.uses
            selection.refresh(layer.weights, known)
        results[way] = measure(selection, layer, inputs)
    return {"width": width, "density": density, **results}


def join_descriptions(n_each, n_texts, seed):
    """Texts of diagnoses that stand near each other, as sparse rows, and their chapters."""
    texts, codes = load_icd10cm()
    order = np.argsort(codes, kind="stable")
    words = TfidfVectorizer(sublinear_tf=True, dtype=np.float32).fit_transform(texts)[order]
    chapters = np.array([code[0] for code in codes])[order]
    rng = np.random.default_rng(seed)
    first = rng.integers(len(order), size=n_texts)
    steps = rng.integers(-2 * n_each, 2 * n_each + 1, size=(n_texts, n_each))
    steps[:, 0] = 0
    joined = ((first[:, np.newaxis] + steps) % len(order)).ravel()
    indptr = np.arange(n_texts + 1) * n_each
    counts = sparse.csr_array((np.ones(len(joined), np.float32), joined, indptr))
    counts.resize(n_texts, len(order))
    return normalize(sparse.csr_array(counts @ words)), chapters[first]


def compare_computing(X, y, width, density, seed):
    """Train with hashing, then with all neurons computed; choose for held-out rows."""
    split = 4 * len(y) // 5
    results = {}
    for way in limits("COMPUTED_TO", {"hashing": 0, "computing": np.inf}):
        start = time.perf_counter()
        network = train(X[:split], y[:split], width, density, seed)
        seconds = time.perf_counter() - start
        layer, inputs = first_layer(network), take(X, slice(split, split + BATCH))
        found = measure(layer.selection, layer, inputs)
        accuracy = network.score(X[split:], y[split:])
        results[way] = {"seconds": seconds, "accuracy": accuracy, **found}
    return {"n_nonzero": X.nnz / len(y), "width": width, "density": density, **results}


def main():
    options = parse_options(__doc__, repeats=1, rows=20_000)
    widths, densities, n_descriptions = WIDTHS, DENSITIES, N_DESCRIPTIONS
    if options.quick:
        options.rows, widths, densities, n_descriptions = 3000, (1000,), (0.1,), (6,)
    X, _, y, _ = fetch_mnist()
    X, y = X[: options.rows], y[: options.rows]
    found = {
        "scanned_from": HiddenLSH.SCANNED_FROM,
        "runs": [],
        "text_runs": [],
    }

    def note(part, compare, *case):
        found[part].append(compare(*case))
        print(found[part][-1], flush=True)

    with threadpool_limits(1):
        for seed in seeds_of(options):
            for width, density in product(widths, densities):
                note("runs", compare_sieves, X, y, width, density, seed)
            for n_each in n_descriptions:
                texts = join_descriptions(n_each, options.rows, seed)
                for width, density in TEXT_LAYERS:
                    note("text_runs", compare_computing, *texts, width, density, seed)
    write(__file__, options, found)


if __name__ == "__main__":
    main()
