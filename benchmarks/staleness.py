"""What threads cost in accuracy, by their number and the size of mini-batches, on Fashion-MNIST.

    python benchmarks/staleness.py

While a thread computes a mini-batch's gradients the others step: gradients are of weights as they
were as many steps ago as there are other threads. That takes no more processors than threads: as
many mini-batches are under way, whatever runs them. Networks are those of `fashion_mnist.py`; the
learning rate of each number of threads and size of mini-batches is chosen on validation rows.
"""

from helpers.fashion_data import load
from helpers.report import parse_options, seeds_of, write
from helpers.training import FIXED, unconverged

from sklearn_lsh import LSHMLPClassifier

# Threads, and samples of a mini-batch.
THREADS = (1, 2, 16)
BATCH_SIZES = (200, 50)
# Learning rates that are tried.
RATES = (0.0005, 0.001, 0.002)


def accuracy(train, held_out, options, **parameters):
    """Accuracy on held-out rows after training."""
    settings = {**FIXED, "learning_rate": "linear", "max_iter": options.epochs, **parameters}
    network = LSHMLPClassifier(
        (options.width, options.width), density=options.density, tol=0, **settings
    )
    with unconverged(1):
        found = network.fit(*train).score(*held_out)
    print(parameters, f"{found:.4f}", flush=True)
    return found


def measure(n_threads, batch_size, options):
    """Choose the rate on validation rows, then train with all rows."""
    shape = {"n_jobs": n_threads, "batch_size": batch_size}
    data = load(validation=True, quick=options.quick)
    by_rate = {
        rate: accuracy(*data, options, **shape, learning_rate_init=rate, random_state=options.seed)
        for rate in RATES
    }
    best = max(by_rate, key=by_rate.get)
    data = load(validation=False, quick=options.quick)
    found = [
        accuracy(*data, options, **shape, learning_rate_init=best, random_state=seed)
        for seed in seeds_of(options)
    ]
    return {
        "threads": n_threads,
        "batch_size": batch_size,
        "validation": by_rate,
        "learning_rate_init": best,
        "accuracies": found,
    }


def main():
    options = parse_options(__doc__, width=1000, density=0.05, epochs=10)
    results = [
        measure(n_threads, batch_size, options)
        for batch_size in BATCH_SIZES
        for n_threads in THREADS
    ]
    write(__file__, options, results)


if __name__ == "__main__":
    main()
