"""Objects of all kinds that users save, how to make and how to use each."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor
from sklearn_lsh.hashing import DWTA, E2LSH, WTA, LSHSampler, LSHTables, MinHash, SimHash, SimpleLSH
from sklearn_lsh.memory import LSHMemoryClassifier
from sklearn_lsh.neighbors import LSHNeighborsTransformer


class Subject(NamedTuple):
    """What is saved.

    Attributes
    ----------
    make : callable
        Makes a new one, always the same.
    use : callable
        Calls everything that reaches a kernel.
    """

    make: Callable
    use: Callable


N_SAMPLES, N_FEATURES = 120, 20
RNG = np.random.default_rng(0)
DENSE = RNG.random((N_SAMPLES, N_FEATURES), np.float32)
SPARSE = sp.csr_array(np.where(DENSE > 0.7, DENSE, 0))
CLASSES = np.arange(N_SAMPLES) % 40
LABELS = sp.csr_array((RNG.random((N_SAMPLES, 30)) < 0.1).astype(np.float32))
TARGETS = np.log1p(DENSE[:, :2] @ np.ones((2, 3)))
# Rows that differ in few directions, many enough for their sketches to be compared.
ROWS = RNG.normal(size=(3000, 8)) @ RNG.normal(size=(8, 200)).astype(np.float32)
FAMILIES = [SimHash, WTA, DWTA, E2LSH, MinHash, SimpleLSH]


def _fit(estimator, X, y):
    return estimator.set_params(max_iter=2, random_state=0).fit(X, y)


def _fit_and_set(estimator, X, y):
    """Hashed layers that know nothing of their inputs yet."""
    estimator = _fit(estimator, X, y)
    estimator.coefs_ = [2 * array for array in estimator.coefs_]
    return estimator


def _use_network(X, y, estimator):
    estimator.predict(X)
    estimator.count_work(X[:5])
    if hasattr(estimator, "predict_top_k"):
        estimator.predict_proba(X)
        estimator.predict_top_k(X, 2)
    estimator.partial_fit(X, y)
    estimator.partial_fit(X, y)
    estimator.predict(X)


def _use_family(family):
    for X in (DENSE, SPARSE):
        family.transform(X)
        family.transform_queries(X)
        family.similarity(X[:5], X[5:10])
    family.probe_codes(DENSE, min(4, family.max_probes))
    family.collision_probability([0.5])
    family.fit_transform(DENSE)


def _make_tables(**options):
    codes = SimHash(4, 5, random_state=0).fit_transform(DENSE)
    return LSHTables(codes, 16, **options)


def _use_tables(tables):
    codes = SimHash(4, 5, random_state=1).fit_transform(DENSE[:30])
    tables.statistics()
    tables.query(codes)
    tables.query(np.stack([codes, codes], axis=1))
    tables.most_collisions(codes, 3, fill_from=0)
    tables.most_collisions(codes, 3, min_shared=2)
    tables.insert(codes)
    tables.update(codes[:5], np.arange(5))
    tables.delete(np.arange(10))
    tables.most_collisions(codes, 3)


def _use_sampler(X, sampler):
    sampler.sample(X[:7])
    sampler.estimate_sum(X[:7], lambda queries, rows: np.ones(len(rows)))
    sampler.log_partition(X[:7])
    sampler.redraw().sample(X[:7])


def _use_neighbors(X, transformer):
    transformer.kneighbors(X[:9])
    if X.shape[0] < 1000:
        transformer.kneighbors()
    transformer.transform(X[:9])
    transformer.partial_fit(X[:10])
    transformer.delete([0, 3])
    transformer.kneighbors(X[:9])
    transformer.partial_fit(X).kneighbors(X[:9])


def _make_neighbors(X, queries=None, **options):
    transformer = LSHNeighborsTransformer(random_state=0, n_neighbors=3, **options)
    return transformer.fit(X, queries=queries).partial_fit(X[:5]).delete([2])


def _make_memory(X, y, **options):
    return LSHMemoryClassifier(300, random_state=0, **options).fit(X, y)


def _use_memory(X, memory):
    memory.predict_proba(X)
    memory.predict_top_k(X, 2)
    memory.kneighbors(X, 3)
    memory.partial_fit(
        X,
        memory.classes_[np.arange(len(memory.classes_) * 30) % len(memory.classes_)][: X.shape[0]],
    )
    memory.forget(memory.classes_[:2]).predict(X)


def _memory(X, y, **options):
    return Subject(partial(_make_memory, X, y, **options), partial(_use_memory, X))


def _network(estimator, X, y):
    return Subject(partial(_fit, estimator, X, y), partial(_use_network, X, y))


def _neighbors(X, **options):
    return Subject(partial(_make_neighbors, X, **options), partial(_use_neighbors, X))


# These take seconds to make.
SLOW = {"neighbors, scanned", "neighbors, products scanned"}
WIDE = {"hidden_layer_sizes": (60,), "density": 0.1, "output_density": 0.2}
TABLES = {"n_tables": 4, "n_bits": 5}
SUBJECTS = {
    "network, all neurons": _network(LSHMLPClassifier((12, 9)), DENSE, CLASSES % 3),
    "network, two classes": _network(LSHMLPClassifier((12,), solver="sgd"), SPARSE, CLASSES % 2),
    "network, scanned": _network(LSHMLPClassifier(**WIDE), DENSE, CLASSES),
    "network, tables": _network(LSHMLPClassifier(**WIDE, **TABLES), DENSE, CLASSES),
    "network, sparse": _network(
        LSHMLPClassifier(**WIDE, **TABLES, solver="rowwise_adagrad"), SPARSE, CLASSES
    ),
    "network, few non-zeros": _network(LSHMLPClassifier(**WIDE, solver="adagrad"), SPARSE, CLASSES),
    "network, dwta": _network(
        LSHMLPClassifier(**WIDE, **TABLES, hash_function="dwta"), DENSE, CLASSES
    ),
    "network, minhash": _network(
        LSHMLPClassifier(**WIDE, **TABLES, hash_function=MinHash()), DENSE, CLASSES
    ),
    "network, simple": _network(
        LSHMLPClassifier(**WIDE, **TABLES, hash_function=SimpleLSH(n_ranges=2)), DENSE, CLASSES
    ),
    "network, e2lsh": _network(
        LSHMLPClassifier(**WIDE, **TABLES, hash_function="e2lsh"), DENSE, CLASSES
    ),
    "network, other weights": Subject(
        partial(_fit_and_set, LSHMLPClassifier(**WIDE, **TABLES), DENSE, CLASSES),
        partial(_use_network, DENSE, CLASSES),
    ),
    "network, labels": _network(LSHMLPClassifier(**WIDE), SPARSE, LABELS),
    "network, random": _network(
        LSHMLPClassifier(**WIDE, selection="random", solver="sgd"), DENSE, CLASSES
    ),
    "network, topk": _network(
        LSHMLPRegressor("squared_error", (60,), density=0.1, selection="topk", solver="adagrad"),
        SPARSE,
        TARGETS,
    ),
    "network, regression": _network(
        LSHMLPRegressor("poisson", (60,), density=0.1, **TABLES), DENSE, TARGETS
    ),
    **{
        family.__name__: Subject(partial(family(6, 4, random_state=0).fit, DENSE), _use_family)
        for family in FAMILIES
    },
    "SimpleLSH, ranges": Subject(
        partial(SimpleLSH(5, 4, n_ranges=3, random_state=0).fit, SPARSE), _use_family
    ),
    "tables": Subject(_make_tables, _use_tables),
    "tables, owners": Subject(
        partial(_make_tables, owners=np.arange(N_SAMPLES) // 2, n_rows=N_SAMPLES // 2, capacity=4),
        _use_tables,
    ),
    "sampler": Subject(
        partial(LSHSampler(random_state=0).fit, DENSE), partial(_use_sampler, DENSE)
    ),
    "sampler, sparse": Subject(
        partial(LSHSampler(method="tables", random_state=0, capacity=6).fit, SPARSE),
        partial(_use_sampler, SPARSE),
    ),
    "sampler, draw": Subject(
        partial(LSHSampler(E2LSH(6, 5), method="draw", random_state=0).fit, DENSE),
        partial(_use_sampler, DENSE),
    ),
    "memory": _memory(DENSE, CLASSES),
    "memory, sparse": _memory(SPARSE, CLASSES),
    "memory, hashed": Subject(
        partial(
            _make_memory,
            np.tile(DENSE, (3, 1)) + 0.1 * RNG.random((360, N_FEATURES), np.float32),
            np.arange(360),
            search="lsh",
        ),
        partial(_use_memory, DENSE),
    ),
    "neighbors, exact": _neighbors(DENSE),
    "neighbors, exact sparse": _neighbors(SPARSE, metric="cosine"),
    "neighbors, tables": _neighbors(DENSE, n_tables=4, n_bits=5, n_probes=3),
    "neighbors, products": _neighbors(
        DENSE, metric="inner_product", n_tables=4, n_bits=5, n_probes=3
    ),
    "neighbors, sets": _neighbors(SPARSE, metric="jaccard", n_tables=4, n_bits=5),
    "neighbors, sparse tables": _neighbors(SPARSE, n_tables=4, n_bits=5),
    "neighbors, wta": _neighbors(DENSE, n_tables=4, n_bits=6, hash_function="wta"),
    "neighbors, scanned": _neighbors(ROWS),
    "neighbors, products scanned": _neighbors(ROWS, metric="inner_product"),
    "neighbors, far": _neighbors(DENSE + 1000, n_tables=4, n_bits=5),
    "neighbors, queries": _neighbors(DENSE, queries=DENSE[:40], n_tables=4, n_bits=5),
}
