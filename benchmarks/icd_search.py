"""Choose the settings of the networks for ICD-10-CM, on a validation part of the training texts.

    python benchmarks/icd_search.py --network hashed
    python benchmarks/icd_search.py --network dense

each tries the same number of random candidates, and prints and writes the best: settings, and
the epoch after which the validation accuracy was highest. No test text is seen. What is found
is then written into `icd_coding.SETTINGS` by hand.
"""

from helpers.icd_data import HIDDEN, PART, load
from helpers.report import RESULTS, parse_options, write
from helpers.training import FIXED, train_dense, train_hashed
from scipy.stats import loguniform
from sklearn.model_selection import ParameterSampler
from sklearn.neural_network import MLPClassifier

from sklearn_lsh import LSHMLPClassifier

# Of which candidates are drawn.
SPACES = {
    "hashed": {
        "solver": ["adam", "adagrad"],
        "learning_rate_init": loguniform(3e-4, 1e-1),
        "alpha": loguniform(1e-6, 1e-3),
        "batch_size": [100, 200, 400],
        "output_density": [128, 256, 512, 1024],
        "hash_function": ["simhash", "dwta"],
        "n_tables": ["auto", 50],
    },
    "dense": {
        "learning_rate_init": loguniform(3e-4, 3e-2),
        "alpha": loguniform(1e-6, 1e-3),
        "batch_size": [100, 200, 400, 1000, 2000],
    },
}


def try_out(network, settings, train, test, options):
    """Train with one candidate's settings."""
    shape = {"hidden_layer_sizes": HIDDEN, "random_state": options.seed, **settings}
    if network == "dense":
        return train_dense(
            MLPClassifier(**shape),
            train,
            test,
            n_epochs=options.epochs,
            n_threads=options.threads,
            part=PART,
        )
    settings = {**FIXED, **shape, "max_iter": options.epochs}
    hashed = LSHMLPClassifier(**settings, tol=0, n_iter_no_change=options.epochs)
    return train_hashed(hashed, train, test, n_threads=options.threads)


def main():
    options = parse_options(__doc__, network="hashed", candidates=16, epochs=15, threads=2)
    options.out = options.out or RESULTS / f"icd_search_{options.network}.json"
    if options.quick:
        options.candidates, options.epochs = 2, 2
    train, validation = load(validation=True, quick=options.quick)
    tried = []
    space = SPACES[options.network]
    for settings in ParameterSampler(space, options.candidates, random_state=options.seed):
        print(settings)
        run = try_out(options.network, settings, train, validation, options)
        best = max(run["accuracies"])
        epochs = run["accuracies"].index(best) + 1
        tried.append({"settings": settings, "accuracy": best, "epochs": epochs, "run": run})
    tried.sort(key=lambda candidate: -candidate["accuracy"])
    best = {key: tried[0][key] for key in ("settings", "accuracy", "epochs")}
    print("best:", best)
    write(__file__, options, {"best": best, "tried": tried})


if __name__ == "__main__":
    main()
