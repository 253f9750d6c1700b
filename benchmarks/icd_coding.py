"""ICD-10-CM coding: 12,000 classes, ours with one and two threads against computing all classes.

    python benchmarks/icd_coding.py

trains networks with 128 hidden neurons on the descriptions of diagnoses and tests them on
held-out ones: hashed (ours) and dense (`MLPClassifier`), each with the settings below.
`icd_search.py` looks for better ones on a validation part of the training texts. All run in one
process, one after the other.
"""

from helpers.icd_data import HIDDEN, PART, load
from helpers.measures import median
from helpers.report import parse_options, seeds_of, write
from helpers.training import FIXED, train_dense, train_hashed
from sklearn.neural_network import MLPClassifier

from sklearn_lsh import LSHMLPClassifier

# Each did best, of half a dozen, on a validation part of the training texts.
SETTINGS = {
    "hashed": {"batch_size": 400, "epochs": 20, "learning_rate_init": 0.005},
    "dense": {"batch_size": 400, "epochs": 14, "learning_rate_init": 0.005},
}


def compare(train, test, options, seed):
    """Train all networks with one seed."""
    runs = {}
    for name, n_threads in (("hashed", 1), ("hashed", 2), ("dense", 2)):
        settings = dict(SETTINGS[name])
        n_epochs = settings.pop("epochs") if options.epochs == 0 else options.epochs
        settings.pop("epochs", None)
        settings |= {"hidden_layer_sizes": HIDDEN, "random_state": seed}
        print(f"{name}, {n_threads} threads, seed {seed}: {settings}")
        if name == "dense":
            dense = MLPClassifier(**settings)
            run = train_dense(dense, train, test, n_epochs=n_epochs, n_threads=n_threads, part=PART)
        else:
            settings = {**FIXED, **settings, "max_iter": n_epochs}
            ours = LSHMLPClassifier(**settings, tol=0, n_iter_no_change=n_epochs)
            run = train_hashed(ours, train, test, n_threads=n_threads)
        run["seconds_total"] = run["seconds_before"] + sum(run["seconds"])
        runs[f"{name}_{n_threads}_threads"] = run
    return runs


def summarise(runs):
    """Medians over the seeds, and their ratios."""
    networks = {name: [run[name] for run in runs] for name in runs[0]}
    last = {
        name: [found["accuracies"][-1] for found in network] for name, network in networks.items()
    }
    seconds = {name: median(found, "seconds_an_epoch") for name, found in networks.items()}
    total = {name: median(found, "seconds_total") for name, found in networks.items()}
    return {
        "seconds_an_epoch": seconds,
        "seconds_total": total,
        "final_accuracies": last,
        "mean_final_accuracy": {name: sum(found) / len(found) for name, found in last.items()},
        "two_threads_to_one": seconds["hashed_1_threads"] / seconds["hashed_2_threads"],
        "epoch_faster_than_dense": seconds["dense_2_threads"] / seconds["hashed_2_threads"],
        "training_faster_than_dense": total["dense_2_threads"] / total["hashed_2_threads"],
    }


def main():
    options = parse_options(__doc__, epochs=0)
    if options.quick:
        options.epochs, options.repeats = 2, 1
    train, test = load(validation=False, quick=options.quick)
    runs = [compare(train, test, options, seed) for seed in seeds_of(options)]
    summary = summarise(runs)
    print(summary)
    write(__file__, options, {"settings": SETTINGS, "summary": summary, "runs": runs})


if __name__ == "__main__":
    main()
