"""Ours beside scikit-learn's and PyTorch's networks: the landing page's picture, and tables."""

from typing import NamedTuple

import numpy as np
from pictures import Line, as_percent, legend_below, picture, show_seconds
from reports import (
    MISSING,
    environment,
    fragment,
    main_runs,
    results,
    table_of,
    training_curve,
)

HASHED = Line("hashed, 2 threads", {"color": "C0", "linestyle": "-", "marker": "o"})
DENSE = Line(
    "scikit-learn's dense network, 2 threads", {"color": "C1", "linestyle": "-", "marker": "s"}
)
NETWORKS = {
    "hashed_1_threads": Line("hashed, 1 thread", {"color": "C0", "linestyle": "--", "marker": "o"}),
    "hashed_2_threads": HASHED,
    "dense_2_threads": DENSE,
    "hashed": HASHED,
    "scikit_learn": DENSE,
    "pytorch": Line(
        "PyTorch's dense network, 2 threads", {"color": "C2", "linestyle": "-", "marker": "^"}
    ),
}
# Benchmarks on the landing page, and the titles of their panels.
TIMED = {
    "dense_networks": "Clothes in pictures\ntwo hidden layers of 1,000",
    "icd_coding": "Diagnoses in words\n12,000 classes",
}


def runs_of(report):
    """Runs of each network that we have a name for: {network: its runs}."""
    runs = main_runs(report)
    return {network: runs[network] for network in NETWORKS if network in runs}


@picture((9, 4))
def time_accuracy(figure):
    """Accuracy on held-out data against seconds of training: medians over the runs."""
    panels = {title: runs_of(results(name) or {}) for name, title in TIMED.items()}
    panels = {title: networks for title, networks in panels.items() if networks}
    for place, (title, networks) in enumerate(panels.items(), 1):
        axes = figure.add_subplot(1, len(panels), place)
        for network, runs in networks.items():
            draw_training(axes, runs, NETWORKS[network])
        axes.set_title(title)
        show_seconds(axes)
        axes.yaxis.set_major_formatter(as_percent)
        if place == 1:
            axes.set_ylabel("accuracy on held-out data")
    if panels:
        legend_below(figure, ncols=2)


def draw_training(axes, runs, line):
    """A network's accuracy against seconds."""
    axes.plot(*training_curve(runs), **line.style, markersize=4, label=line.label)


COMPARED = {
    "network": lambda network: NETWORKS[network.name].label,
    "epochs": lambda network: f"{network.n_epochs}",
    "seconds an epoch": lambda network: f"{network.seconds_an_epoch:.2f}",
    "in all": lambda network: f"{network.seconds:.0f}",
    "accuracy": lambda network: f"{np.mean(network.accuracies):.1%}",
    "range": lambda network: f"{min(network.accuracies):.1%} to {max(network.accuracies):.1%}",
}


class Trained(NamedTuple):
    """A network's runs in short: medians of seconds, and the last accuracies."""

    name: str
    n_epochs: int
    seconds_an_epoch: float
    seconds: float
    accuracies: list

    @classmethod
    def of(cls, name, runs):
        """Of all runs of a network."""
        epochs = [run["seconds"] for run in runs]
        return cls(
            name,
            n_epochs=len(epochs[0]),
            seconds_an_epoch=np.median([np.median(seconds) for seconds in epochs]),
            seconds=np.median([run["seconds_before"] + sum(run["seconds"]) for run in runs]),
            accuracies=[run["accuracies"][-1] for run in runs],
        )


@fragment("fashion_mnist", "fashion_mnist")
@fragment("icd_coding", "icd_coding")
def comparison(report):
    """Seconds and final accuracies of a comparison's networks."""
    networks = [Trained.of(name, runs) for name, runs in runs_of(report).items()]
    n_runs = len(report["results"]["runs"])
    return table_of(networks, COMPARED) + "\n" + environment(report, n_runs)


RATIOS = {
    "faster_than_dense": "An epoch is {:.1f} times faster than the dense network's.",
    "training_faster_than_dense": "Training is {:.1f} times faster than the dense network's.",
    "epoch_faster_than_dense": "An epoch is {:.1f} times faster than the dense network's.",
    "two_threads_to_one": "Two threads are {:.2f} times as fast as one.",
}


@fragment("fashion_mnist_ratios", "fashion_mnist")
@fragment("icd_coding_ratios", "icd_coding")
def ratios(report):
    """Ratios of a benchmark's summary, as a list."""
    summary = report["results"]["summary"]
    known = [text.format(summary[key]) for key, text in RATIOS.items() if key in summary]
    return "\n".join(f"- {line}" for line in known) + "\n"


@fragment("headline")
def headline():
    """One line below the landing page's picture."""
    parts = [line for line in (time_to_goal(), coding_time()) if line]
    if not parts:
        return MISSING
    return f"{' '.join(parts)} Two threads each; [how it was measured](/gains.md).\n"


def time_to_goal():
    """How many times as long dense networks take to come near the accuracy of the best of them."""
    main = (results("dense_networks") or {}).get("results", {}).get("main")
    faster = main["results"]["summary"]["faster_than"] if main else {}
    if not all(faster.get(network) for network in ("scikit_learn", "pytorch")):
        return ""
    return (
        "Pictures of clothes: a point below the dense network's accuracy is reached "
        f"**{faster['scikit_learn']:.1f} times as fast** as by scikit-learn's, "
        f"{faster['pytorch']:.1f} times as fast as by PyTorch's."
    )


def difference(lost):
    """How much accuracy is lost, in words."""
    points = f"{abs(lost) * 100:.1f}"
    if points == "0.0":
        return "as accurate"
    return f"{points} points of accuracy {'lower' if lost > 0 else 'higher'}"


def coding_time():
    """How much faster diagnoses are learnt, and at what price."""
    report = results("icd_coding")
    if not report:
        return ""
    summary = report["results"]["summary"]
    accuracy = summary["mean_final_accuracy"]
    lost = accuracy["dense_2_threads"] - accuracy["hashed_2_threads"]
    return (
        f"12,000 diagnoses: training **{summary['training_faster_than_dense']:.1f} times faster** "
        f"than scikit-learn's, {difference(lost)}."
    )
