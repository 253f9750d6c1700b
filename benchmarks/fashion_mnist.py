"""Fashion-MNIST with two wide hidden layers: ours with one and two threads against scikit-learn's.

    python benchmarks/fashion_mnist.py

trains 784-1000-1000-10 networks for ten epochs in mini-batches of 200, with several seeds: ours
with 5% of the hidden neurons active, and `MLPClassifier`. Ours with a learning rate that falls to
zero (chosen on a part of the training rows), which scikit-learn's has for ``solver="sgd"`` alone.
All run in one process, one after the other. The accuracy is that on the test set after every
epoch.
"""

from helpers.fashion_data import load
from helpers.measures import median
from helpers.report import parse_options, seeds_of, write
from helpers.training import FIXED, train_dense, train_hashed
from sklearn.neural_network import MLPClassifier

from sklearn_lsh import LSHMLPClassifier


def compare(train, test, options, seed):
    """Train all networks with one seed."""
    shape = {
        "hidden_layer_sizes": (options.width, options.width),
        "batch_size": options.batch_size,
        "random_state": seed,
    }
    runs = {}
    for n_threads in (1, 2):
        settings = {
            **FIXED,
            **shape,
            "density": options.density,
            "learning_rate": "linear",
            "learning_rate_init": options.learning_rate,
            "max_iter": options.epochs,
        }
        hashed = LSHMLPClassifier(**settings, tol=0, n_iter_no_change=options.epochs)
        print(f"hashed, {n_threads} threads, seed {seed}")
        runs[f"hashed_{n_threads}_threads"] = train_hashed(hashed, train, test, n_threads=n_threads)
    print(f"dense, 2 threads, seed {seed}")
    dense = MLPClassifier(**shape, learning_rate_init=options.dense_learning_rate)
    runs["dense_2_threads"] = train_dense(dense, train, test, n_epochs=options.epochs, n_threads=2)
    return runs


def summarise(runs):
    """Medians over the seeds, and their ratios."""
    networks = {name: [run[name] for run in runs] for name in runs[0]}
    seconds = {name: median(found, "seconds_an_epoch") for name, found in networks.items()}
    last = {
        name: [found["accuracies"][-1] for found in network] for name, network in networks.items()
    }
    return {
        "seconds_an_epoch": seconds,
        "final_accuracies": last,
        "mean_final_accuracy": {name: sum(found) / len(found) for name, found in last.items()},
        "two_threads_to_one": seconds["hashed_1_threads"] / seconds["hashed_2_threads"],
        "faster_than_dense": seconds["dense_2_threads"] / seconds["hashed_2_threads"],
    }


def main():
    options = parse_options(
        __doc__,
        width=1000,
        density=0.05,
        batch_size=200,
        epochs=10,
        learning_rate=0.001,
        dense_learning_rate=0.001,
    )
    train, test = load(validation=False, quick=options.quick)
    if options.quick:
        options.epochs, options.repeats, options.width = 2, 1, 400
    runs = [compare(train, test, options, seed) for seed in seeds_of(options)]
    summary = summarise(runs)
    print(summary)
    write(__file__, options, {"summary": summary, "runs": runs})


if __name__ == "__main__":
    main()
