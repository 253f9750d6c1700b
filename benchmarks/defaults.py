"""With nothing set, against the best of a search over settings, and scikit-learn's networks.

    python benchmarks/defaults.py

fits `LSHMLPClassifier()` or `LSHMLPRegressor()` on sets of many kinds. Settings of the search are
drawn at random and chosen on validation rows, a fifth of the training rows; then all training rows
are learnt with them. Measured are accuracy, precision at 1, or R², on test rows, and seconds of
the processor in training on one thread. ``--sets`` (names, or paths of multi-label files, separated
by commas) and ``--methods`` measure a part; what the JSON file has of others is kept.
"""

import time
from functools import partial

import numpy as np
from helpers.default_sets import SETS, UNSEEN, Split, find
from helpers.processes import in_new_process
from helpers.report import RESULTS, kept, parse_options, seeds_of, write
from helpers.training import unconverged
from scipy import sparse
from sklearn.metrics import r2_score
from sklearn.model_selection import ParameterSampler
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor
from sklearn_lsh.metrics import precision_at_k

# What the search draws from; of classifiers also `OF_CLASSIFIERS`.
SPACE = {
    "hidden_layer_sizes": [(64,), (128,), (256,), (128, 128)],
    "learning_rate": ["constant", "linear"],
    "learning_rate_init": [0.001, 0.002, 0.005, 0.01, 0.02],
    "batch_size": [32, 64, 128, 256, 512],
    "max_iter": [3, 5, 10, 20, 40, 80],
    "alpha": [0, 1e-4, 1e-2, 1],
}
OF_CLASSIFIERS = {"n_neighbors": [None, 20, 50], "predict_selection": ["topk"]}
# Values of a set, rows times features that are not zero, up to which it takes part in searches.
MOST_SEARCHED = 20_000_000
# The same for scikit-learn's networks, which are dense: rows times all features.
MOST_DENSE = 20_000_000


def make_ours(kind, **settings):
    """Our estimator for a kind of targets."""
    if kind == "values":
        return LSHMLPRegressor(**settings)
    return LSHMLPClassifier(**settings)


def make_theirs(kind, **settings):
    """scikit-learn's."""
    return (MLPRegressor if kind == "values" else MLPClassifier)(**settings)


def score(estimator, kind, split):
    """Accuracy, precision at 1, or R²."""
    if kind == "values":
        return float(r2_score(split.y_test, estimator.predict(split.X_test)))
    if kind == "classes":
        return float(np.mean(estimator.predict(split.X_test) == split.y_test))
    best = estimator.predict_top_k(split.X_test, 1)[0]
    return float(precision_at_k(split.y_test, best, k=1))


def fit_and_score(estimator, kind, split):
    """Train and measure: the record that the JSON file gets."""
    with unconverged(1):
        start = time.process_time()
        estimator.fit(split.X, split.y)
        seconds = time.process_time() - start
        start = time.process_time()
        found = score(estimator, kind, split)
    return {
        "score": found,
        "cpu_seconds": seconds,
        "cpu_seconds_to_predict": time.process_time() - start,
        "epochs": estimator.n_iter_,
    }


def run_default(name, seed):
    """Nothing set."""
    data = find(name)
    estimator = make_ours(data.kind, random_state=seed)
    record = fit_and_score(estimator, data.kind, data.load(seed))
    blend = getattr(estimator, "blend_", None)
    return record | {"settings": estimator.settings_, "blend": blend}


def run_theirs(name, seed):
    """scikit-learn's network, nothing set."""
    data = find(name)
    return fit_and_score(make_theirs(data.kind, random_state=seed), data.kind, data.load(seed))


def run_search(name, seed, n_settings):
    """The best of some settings by validation rows."""
    data = find(name)
    split = data.load(seed)
    order = np.random.RandomState(seed).permutation(split.X.shape[0])
    n_validation = len(order) // 5
    rows, held_out = np.sort(order[n_validation:]), np.sort(order[:n_validation])
    inner = Split(split.X[rows], split.y[rows], split.X[held_out], split.y[held_out])
    space = SPACE if data.kind == "values" else {**SPACE, **OF_CLASSIFIERS}
    tried = []
    for settings in ParameterSampler(space, n_settings, random_state=seed):
        estimator = make_ours(data.kind, **settings, random_state=seed)
        try:
            found = fit_and_score(estimator, data.kind, inner)["score"]
        except ValueError:  # the rate was too high
            found = -np.inf
        tried.append((found, settings))
        print(name, found, settings, flush=True)
    best = max(tried, key=lambda each: each[0])[1]
    record = fit_and_score(make_ours(data.kind, **best, random_state=seed), data.kind, split)
    return record | {"settings": best}


def describe(name, seed):
    """What a set is like."""
    split = find(name).load(seed)
    n_outputs = split.y.shape[1] if split.y.ndim == 2 else len(np.unique(split.y))
    return {
        "rows": split.X.shape[0],
        "features": split.X.shape[1],
        "outputs": 1 if find(name).kind == "values" else n_outputs,
        "values": split.X.nnz if sparse.issparse(split.X) else split.X.size,
        "is_sparse": sparse.issparse(split.X),
        "kind": find(name).kind,
        "unseen": name in UNSEEN,
    }


def main():
    options = parse_options(__doc__, repeats=1, sets="", methods="", settings=40)
    options.out = options.out or RESULTS / "defaults.json"
    results = kept(options.out)
    methods = {
        "default": run_default,
        "scikit_learn": run_theirs,
        "search": partial(run_search, n_settings=4 if options.quick else options.settings),
    }
    wanted = options.methods.split(",") if options.methods else list(methods)
    for path in options.sets.split(",") if options.sets else SETS:
        name = path.rpartition("/")[2].partition(".")[0]
        found = results.setdefault(name, {})
        found["set"] = size = in_new_process(describe, path, options.seed)
        is_dense = size["rows"] * size["features"] <= MOST_DENSE and size["kind"] != "labels"
        for method in wanted:
            is_large = method == "search" and size["values"] > MOST_SEARCHED
            if is_large or (method == "scikit_learn" and not is_dense):
                continue
            runs = [in_new_process(methods[method], path, seed) for seed in seeds_of(options)]
            found[method] = runs
            print(name, method, *runs, sep="\n", flush=True)
            write(__file__, options, results)


if __name__ == "__main__":
    main()
