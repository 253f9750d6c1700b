"""Values of parameters, right and wrong."""

import numpy as np

from sklearn_lsh.hashing import DWTA, E2LSH, FAMILIES, WTA, MinHash, SimHash

FLOATS = {"foo", -1, 10**400, np.nan, None, (), 1j}
COUNTS = {"foo", -1, 0, 1.5, np.nan, None, (), 1j}
TABLES = {*COUNTS, True, 2**16, 10**12}
FLAGS = {"foo", 3.5, None, ()}
CHOICES = {"foo", 3, -1.5, ()}

# Of the estimators: values that work, and values that have to be refused.
ESTIMATOR = {
    "hidden_layer_sizes": (
        ["auto", (4,), (6, 5), 5, (), [7], (20,), (24, 12)],
        ["foo", -1, 0, (0,), (3, -1), (2.5,), None, ("a",), ((2,),)],
    ),
    "activation": (["identity", "logistic", "tanh", "relu"], CHOICES),
    "solver": (["adam", "adagrad", "rowwise_adagrad", "sgd"], {*CHOICES, "lbfgs"}),
    "alpha": ([0, 1e-4, 1.0, np.float32(0.1)], FLOATS),
    "batch_size": (["auto", 1, 3, 100, np.int16(2), 10**18], COUNTS),
    "learning_rate": (["auto", "constant", "invscaling", "adaptive", "linear"], CHOICES),
    "learning_rate_init": (["auto", 1e-3, 0.1, 5e-324], {*FLOATS, 0}),
    "power_t": ([0, 0.5, 3, 1e308], FLOATS),
    "max_iter": (["auto", 1, 2, 3, np.int8(2)], COUNTS),
    "shuffle": ([True, False, np.bool_(True)], FLAGS),
    "random_state": ([0, 3, None], ["foo", -1, 1.5, 2**32]),
    "tol": ([0, 1e-4, 1.0], FLOATS),
    "warm_start": ([False, True], FLAGS),
    "momentum": ([0, 0.9, 1], {*FLOATS, 1.5}),
    "nesterovs_momentum": ([True, False], FLAGS),
    "early_stopping": ([False, False, True], FLAGS),
    "validation_fraction": ([0.1, 0.5, 0.9], {*FLOATS, 1.5}),
    "beta_1": ([0, 0.9], {*FLOATS, 1}),
    "beta_2": ([0, 0.999], {*FLOATS, 1}),
    "epsilon": ([1e-8, 1e-3, 1e-300], {*FLOATS, 0}),
    "n_iter_no_change": ([1, 10, np.inf], {*COUNTS, 0}),
    "density": (
        [1.0, 0.5, 0.2, 2, 1, "auto", [0.5]],
        ["foo", -1, 0, 0.0, 1.5, 1000, None, [], [0.5] * 9, np.nan],
    ),
    "output_density": ([1.0, 0.5, 3, "auto"], ["foo", -1, 0, 1.5, None, np.nan]),
    "selection": (["lsh", "topk", "random", "all"], CHOICES),
    "predict_selection": (["auto", None, "topk"], CHOICES),
    "hash_function": (
        [*FAMILIES, SimHash(), DWTA(), MinHash(), E2LSH(width=2.0)],
        {*CHOICES, SimHash, None, E2LSH(width=-1.0), MinHash(n_hashes=0)},
    ),
    "n_bits": (["auto", 1, 4, 8], {*COUNTS, 17, 64}),
    "n_tables": (["auto", 1, 2, 5], TABLES),
    "multilabel_loss": (["logistic", "softmax"], CHOICES),
    "n_neighbors": (["auto", None, 1, 3, 10**6], COUNTS - {None}),
    "class_weight": ([None, None, "balanced", {}, {0: 2.0}], {*CHOICES, True}),
    "loss": (["squared_error", "poisson"], CHOICES),
    "scoring": ([None, "loss", "accuracy", "r2", "f1_macro", "neg_log_loss"], CHOICES),
    "n_jobs": ([None, None, None, 1, 2], {"foo", 1.5, 0}),
}
# What training depends on that is drawn at random elsewhere: so that fits end soon.
QUICK = {"max_iter": 2, "hidden_layer_sizes": (6,), "random_state": 0}

FAMILY = {
    "n_bits": ([1, 3, 8, 12, 16], {*COUNTS, 17}),
    "n_tables": ([1, 2, 5], TABLES),
    "random_state": ([0, 3, None], ["foo", -1, 1.5]),
    "projections": (["normal", "sparse"], CHOICES),
    "n_ranges": ([1, 2, 3], COUNTS),
    "width": ([1.0, 0.1, 1e3, 1e-30, 1e30], {*FLOATS, 0}),
    "n_hashes": ([1, 2, 3], TABLES),
}
MEMORY = {
    "n_slots": ([1, 2, 7, 300, np.int16(5)], {*COUNTS, True, 2**31}),
    "n_neighbors": ([1, 2, 10**6], {*COUNTS, True}),
    "search": (["auto", "exact", "lsh"], CHOICES),
    "hash_function": (["simhash", "dwta", SimHash(), E2LSH(width=2.0)], {*CHOICES, SimHash, None}),
    "n_bits": (["auto", 1, 4], {*COUNTS, 17}),
    "n_tables": (["auto", 1, 4], {*COUNTS, True}),
    "age_noise": ([0, 8.0, 1e9, np.float32(0.5)], {*FLOATS, np.inf}),
    "key_weight": ([0, 1.0, np.float32(2.5), 10**400, np.inf], {"foo", -1, np.nan, None, ()}),
    "temperature": ([40.0, 1, 1e-300, 1e300], {*FLOATS, 0}),
    "random_state": ([0, 3, None], ["foo", -1, 1.5]),
    "n_jobs": ([None, None, 1, 2], {"foo", 1.5}),
}
NEIGHBOURS = {
    "mode": (["distance", "connectivity"], CHOICES),
    "n_neighbors": ([1, 2, 5], COUNTS),
    "metric": (["euclidean", "l2", "cosine", "inner_product", "jaccard"], CHOICES),
    "recall": ([0.9, 0.5, 1.0], {*FLOATS, 0, 1.5}),
    "n_bits": (["auto", 1, 4], {*COUNTS, 17}),
    "n_tables": (["auto", 1, 4], TABLES),
    "n_probes": (["auto", 1, 3], COUNTS),
    "hash_function": (["auto", "simhash", "wta", "dwta", "minhash", "e2lsh", SimHash()], CHOICES),
    "random_state": ([0, 3, None], ["foo", -1, 1.5]),
    "n_jobs": ([None, None, 1, 2], {"foo", 1.5, 0}),
}
SAMPLER = {
    "family": ([None, SimHash(4, 5), WTA(1, 5), E2LSH(3, 4), MinHash(2, 3, n_hashes=1)], CHOICES),
    "method": (["union", "tables", "draw"], CHOICES),
    "n_draws": ([1, 4], COUNTS),
    "capacity": ([None, 1, 3], COUNTS - {None}),
    "random_state": ([0, 3, None], ["foo", -1, 1.5]),
}


def draw(call, table, known, n):
    """Draw right values of n parameters among those that are known."""
    names = [name for name in table if name in known]
    chosen = call.rng.permutation(len(names))[:n]
    return {names[i]: call.pick(table[names[i]][0]) for i in chosen}


def draw_wrong(call, table, known):
    """Draw a parameter and a value that it must not have."""
    name = call.pick(name for name in table if name in known)
    # In an order that does not depend on hashes of strings.
    return name, call.pick(sorted(table[name][1], key=repr))
