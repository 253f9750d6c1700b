"""Pictures that explain: hash tables, what they find, what mini-batches change, and how late."""

import matplotlib as mpl
import numpy as np
from pictures import picture


def cells(directions, planes):
    """Code of each direction: on which side of each plane it lies."""
    return (directions @ planes.T > 0) @ (1 << np.arange(len(planes)))


@picture((9, 3.3))
def hash_table(figure):
    """Neurons as points, a query, and the buckets of two tables in which it falls."""
    rng = np.random.default_rng(191)
    neurons = rng.standard_normal((60, 2))
    query = np.array([1.0, 0.55])
    first, second = (rng.standard_normal((2, 2)) for _ in range(2))
    shown = {"Table 1": [first], "Table 2": [second], "Both together": [first, second]}
    for place, (title, tables) in enumerate(shown.items(), 1):
        axes = figure.add_subplot(1, 3, place)
        for planes in tables:
            draw_bucket(axes, planes, query)
        title = f"{title}: {draw_neurons(axes, neurons, query, tables)}"
        limits = (-2.6, 2.6)
        axes.set(title=title, xlim=limits, ylim=limits, xticks=[], yticks=[], aspect="equal")
        axes.spines[:].set_visible(True)


def draw_bucket(axes, planes, query):
    """The planes of a table, and the bucket between them in which the query lies."""
    angles = np.linspace(-np.pi, np.pi, 1441)
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    edge = ring[cells(ring, planes) == cells(query[None], planes)] * 9
    axes.fill(*np.vstack([edge, [[0, 0]]]).T, color="C0", alpha=0.18, linewidth=0)
    for x, y in planes:
        line = np.array([-y, x]) / np.hypot(x, y) * 9
        axes.plot(*np.stack([-line, line]).T, color="C2", linewidth=0.8, linestyle="--")


def draw_neurons(axes, neurons, query, tables):
    """The neurons that tables find, and those that respond most; returns how many these are."""
    caught = np.any([cells(neurons, t) == cells(query[None], t) for t in tables], axis=0)
    best = np.argsort(-neurons @ query)[:6]
    axes.plot(*neurons[~caught].T, "o", color="C2", markersize=3, alpha=0.7)
    axes.plot(*neurons[caught].T, "o", color="C0", markersize=5)
    ring = {"markersize": 9, "fillstyle": "none", "markeredgewidth": 1.4}
    axes.plot(*neurons[best].T, "o", color="C1", **ring)
    arrow = {"arrowstyle": "->", "color": "C1", "linewidth": 2}
    axes.annotate("", query * 1.9, (0, 0), arrowprops=arrow)
    hit = np.count_nonzero(caught[best])
    return f"{caught.sum()} neurons,\n{hit} of the {len(best)} that respond most"


@picture((6.4, 3.6))
def found_probability(figure):
    """Chance that a neuron is found, by its angle to the query, for some codes and tables."""
    angle = np.linspace(0, 90, 181)
    agree = 1 - angle / 180
    axes = figure.add_subplot()
    for i, (n_bits, n_tables) in enumerate([(4, 20), (8, 20), (8, 100)]):
        axes.plot(
            angle,
            1 - (1 - agree**n_bits) ** n_tables,
            color=f"C{i}",
            linestyle=["-", "--", ":"][i],
            linewidth=2,
            label=f"n_bits={n_bits}, n_tables={n_tables}",
        )
    axes.set(
        xlabel="angle between neuron and query (degrees)",
        ylabel="chance of a common bucket",
        xticks=range(0, 91, 15),
    )
    axes.legend()


@picture((6.4, 3.4))
def stale_tables(figure):
    """Share of a hidden layer's codes that training changes, from epoch to epoch."""
    from sklearn.datasets import load_digits

    from sklearn_lsh import LSHMLPClassifier

    X, y = load_digits(return_X_y=True)
    X = X / 16
    network = LSHMLPClassifier((400,), density=0.1, learning_rate_init=0.003, random_state=0)
    rng = np.random.default_rng(0)
    n_tables, n_bits = 20, 6
    planes = rng.standard_normal((X.shape[1], n_tables * n_bits))
    codes = []
    for _ in range(16):
        network.partial_fit(X, y, classes=range(10))
        rows = network.coefs_[0].T
        signs = (rows - rows.mean(axis=0)) @ planes > 0
        codes.append(signs.reshape(len(rows), n_tables, n_bits))
    epochs = range(2, len(codes) + 1)
    moved = [
        [np.any(codes[i] != codes[i - 1], axis=2).mean() for i in range(1, len(codes))],
        [np.any(codes[i] != codes[0], axis=2).mean() for i in range(1, len(codes))],
    ]
    axes = figure.add_subplot()
    labels = ["tables rebuilt an epoch ago", "tables never rebuilt"]
    for i, (line, label) in enumerate(zip(moved, labels, strict=True)):
        axes.plot(epochs, line, color=f"C{i}", marker="os"[i], markersize=4, label=label)
    axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
    axes.set(xlabel="epoch", ylabel="neurons in the wrong bucket", ylim=(0, None))
    axes.legend()


@picture((8, 3.2))
def kept_rows(figure):
    """The weights that a mini-batch reads and changes: rows, where a dense layer has them all."""
    rng = np.random.default_rng(1)
    n_neurons, n_samples = 40, 12
    active = np.zeros((n_neurons, n_samples), bool)
    for sample in range(n_samples):
        liked = rng.choice(n_neurons, 3, replace=False, p=np.linspace(2, 0.2, n_neurons) / 44)
        active[liked, sample] = True
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.6])
    rows, samples = np.nonzero(active)
    left.plot(samples, rows, "s", color="C0", markersize=4)
    left.set(xlabel="samples of a mini-batch", ylabel="neurons", title="which are active")
    touched = active.any(axis=1)
    weights = np.repeat(touched[:, None], 24, axis=1)
    y, x = np.nonzero(weights)
    right.plot(x, y, "s", color="C0", markersize=4)
    y, x = np.nonzero(~weights)
    right.plot(x, y, "s", color="C2", markersize=4, alpha=0.25)
    right.set(xlabel="inputs", title="weights that are read and changed")
    for axes in (left, right):
        axes.set(xticks=[], yticks=[], ylim=(n_neurons, -1))


def highest_stable(decay, share, delay):
    """Highest product of rate and curvature at which momentum converges, with late gradients.

    A step follows a mean of that decay, and by a share the gradient. On a quadratic both are sums
    of powers of the roots of a polynomial, which grow if a root lies outside of the unit circle.
    """
    momentum, push = np.zeros((2, delay + 3))
    momentum[:3] = 1, -1 - decay, decay
    push[-2:] = (1 - share) * (1 - decay) + share, -share * decay
    products = np.geomspace(1e-3, 100, 600)
    for product in products:
        if np.abs(np.roots(momentum + product * push)).max() >= 1:
            return product
    return products[-1]


@picture((6.4, 3.6))
def late_gradients(figure):
    """Highest stable rate of momentum by the delay, with and without looking ahead."""
    from sklearn_lsh.network.optimizers import for_late_gradients

    def ahead(n_late):
        decay, n_ahead = for_late_gradients(0.9, n_late + 1)
        return decay, n_ahead * (1 - decay)

    lines = {"as for one thread": lambda n_late: (0.9, 0), "longer, and looking ahead": ahead}
    delays = np.arange(16)
    axes = figure.add_subplot()
    for i, (label, momentum) in enumerate(lines.items()):
        rates = [highest_stable(*momentum(n_late), n_late) for n_late in delays]
        axes.plot(delays, rates, color=f"C{i}", marker="os"[i], markersize=4, label=label)
    axes.set(
        xlabel="steps that others make while a gradient is computed",
        ylabel="highest stable rate",
        yscale="log",
    )
    axes.legend(title="momentum of 0.9")
