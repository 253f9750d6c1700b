"""Pictures and tables of the page on gains, from the benchmarks' results.

See `pictures` and `reports`.
"""

from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from pictures import Line, as_percent, legend_below, picture, plainly, show_seconds
from reports import MISSING, environment, fragment, table, table_of

SETS = {
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "convex": "Convex",
    "rectangles": "Rectangles",
}
SELECTIONS = {
    "lsh": Line("found by hashing", {"color": "C0", "marker": "o"}),
    "topk": Line("that respond most", {"color": "C1", "marker": "s"}),
    "random": Line("at random", {"color": "C2", "marker": "^"}),
}


# -- how few neurons are enough -----------------------------------------------------------


@picture((9, 6), "density")
def density_accuracy(figure, report):
    """Errors against the share of active neurons, a panel for each set."""
    panels = figure.subplots(2, 2)
    sets = report["results"]["summary"]["sets"]
    for axes, (name, found) in zip(panels.flat, sets.items(), strict=False):
        for selection, (label, style) in SELECTIONS.items():
            rows = found[selection]
            points = zip(*((row["density"], 1 - row["accuracy"]) for row in rows), strict=True)
            axes.plot(*points, label=label, **style)
        (dense,) = found["all"]
        errors, color = 1 - dense["accuracy"], mpl.rcParams["text.color"]
        axes.axhline(errors, color=color, linestyle="--", label="all neurons")
        axes.set(xscale="log", xticks=[row["density"] for row in found["lsh"]], title=SETS[name])
        axes.xaxis.set_minor_locator(mpl.ticker.NullLocator())
        axes.xaxis.set_major_formatter(as_percent)
        show_errors(axes)
    for axes in panels[-1]:
        axes.set_xlabel("active hidden neurons")
    for axes in panels[:, 0]:
        axes.set_ylabel("errors on test rows")
    legend_below(figure, ncols=4)


def show_errors(axes):
    """Logarithmic: what few neurons lose would not be seen beside what random ones do."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(mpl.ticker.NullLocator())
    axes.yaxis.set_major_formatter(as_percent)


@picture((9, 4), "density")
def density_work(figure, report):
    """Errors against the share of multiply-adds that were done, in training and predicting."""
    overall = report["results"]["summary"]["overall"]
    for axes, stage in zip(
        figure.subplots(1, 2, sharey=True), ("training", "prediction"), strict=True
    ):
        for selection, (label, style) in SELECTIONS.items():
            rows = overall[selection]
            shares = [row[f"{stage}_share"] for row in rows]
            axes.plot(shares, [1 - row["accuracy"] for row in rows], label=label, **style)
        (dense,) = overall["all"]
        axes.plot(
            dense[f"{stage}_share"],
            1 - dense["accuracy"],
            marker="*",
            markersize=12,
            linestyle="none",
            color=mpl.rcParams["text.color"],
            label="all neurons",
        )
        axes.set(xscale="log", xlabel=f"multiply-adds of {stage}, of a dense network's")
        axes.xaxis.set_major_formatter(as_percent)
        show_errors(axes)
    figure.axes[0].set_ylabel("errors on test rows, mean of all sets")
    legend_below(figure, ncols=4)


@fragment("density_headline", "density")
@fragment("more_data_headline", "density_more_data")
@fragment("longer_headline", "density_longer")
def density_headline(report):
    """What few neurons cost and spare."""
    found = report["results"]["summary"]["headline"]
    lost = found["points_lost"]
    return (
        f"With {found['density']:.0%} of the hidden neurons, found by hashing, training does "
        f"**{found['training_share']:.1%}** of the dense network's multiply-adds and predicting "
        f"{found['prediction_share']:.1%}, for an accuracy of {found['accuracy']:.2%}, where all "
        f"neurons reach {found['dense_accuracy']:.2%}: **{abs(lost):.2f} points "
        f"{'less' if lost > 0 else 'more'}**, on average over all networks.\n"
    )


@fragment("density_data", "density", missing="")
@fragment("more_data_data", "density_more_data", missing="")
@fragment("longer_data", "density_longer", missing="")
def density_data(report):
    """On how many images, and with how many seeds, accuracy by density was measured."""
    options, summary = report["options"], report["results"]["summary"]
    overall, n_networks = summary["overall"], len(summary["sets"]) * len(options["layers"])
    n_seeds = {
        row["density"]: row["n_runs"] // n_networks for rows in overall.values() for row in rows
    }
    seeds = ", ".join(
        f"{density:g}: {count}" if density < 1 else f"all neurons: {count}"
        for density, count in sorted(n_seeds.items())
    )
    epochs = f"{options['epochs']} epochs"
    if options.get("longer", 1) != 1:
        longer = round(options["epochs"] * options["longer"])
        epochs += f" of the dense networks and {longer} of the hashed ones"
    return (
        f"{options['train']:,} images of each set to train on, {epochs}, and "
        f"{options['test']:,} images to test on. Seeds by density: {seeds}.\n"
    )


@fragment("density", "density")
@fragment("more_data", "density_more_data")
@fragment("longer", "density_longer")
def density_table(report):
    """Each set at the density of the headline, beside the dense network."""
    summary = report["results"]["summary"]
    density = summary["headline"]["density"]
    selections = [selection for selection in SELECTIONS if selection in summary["overall"]]
    rows = []
    for one, found in {**summary["sets"], "all sets": summary["overall"]}.items():
        few = {
            selection: next(row for row in found[selection] if row["density"] == density)
            for selection in selections
        }
        (dense,) = found["all"]
        accuracies = [row["accuracy"] for row in (*few.values(), dense)]
        shares = [few["lsh"][f"{stage}_share"] for stage in ("training", "prediction")]
        numbers = [*(f"{accuracy:.2%}" for accuracy in accuracies), *(f"{s:.1%}" for s in shares)]
        rows.append([SETS.get(one, one), *numbers])
    head = ["set", *(f"`{selection}`" for selection in selections), "`all`"]
    head += ["work of training", "of predicting"]
    return table(head, rows) + "\n" + environment(report)


# -- time, beside dense networks ----------------------------------------------------------

NETWORKS = {
    "hashed": Line("hashed", {"color": "C0", "marker": "o"}),
    "scikit_learn": Line("scikit-learn, dense", {"color": "C1", "marker": "s"}),
    "pytorch": Line("PyTorch, dense", {"color": "C2", "marker": "^"}),
}


# Parts of `dense_networks.py`, and the option that says how wide their networks are.
WIDTHS = {"main": "width", "wide": "wide"}


def timed_parts(report):
    """Each part that was run: its name, the networks' width, and what was found."""
    for part, option in WIDTHS.items():
        found = report["results"].get(part)
        if found:
            yield part, found["options"][option], found["results"]


@picture((9, 4), "dense_networks")
def gains_time(figure, report):
    """Accuracy against seconds of training: medians over the runs; and the accuracy to reach."""
    parts = list(timed_parts(report))
    for place, (_, width, found) in enumerate(parts):
        axes = figure.add_subplot(1, len(parts), place + 1)
        for network, (label, style) in NETWORKS.items():
            runs = [run[network] for run in found["runs"] if "accuracies" in run[network]]
            if not runs:
                continue  # projected
            length = min(len(run["accuracies"]) for run in runs)
            seconds = [run["seconds_before"] + np.cumsum(run["seconds"])[:length] for run in runs]
            accuracies = [run["accuracies"][:length] for run in runs]
            middles = (np.median(values, axis=0) for values in (seconds, accuracies))
            axes.plot(*middles, label=label, markersize=4, **style)
        goal = found["summary"]["goal"]
        axes.axhline(goal, color=mpl.rcParams["text.color"], linestyle="--", label="goal")
        axes.set_title(f"two hidden layers of {width:,}")
        show_seconds(axes)
        axes.yaxis.set_major_formatter(as_percent)
    if parts:
        figure.axes[0].set_ylabel("accuracy on test rows")
        legend_below(figure, ncols=4)


class Timed(NamedTuple):
    """What a network took at a width; None for what was not reached."""

    label: str
    width: int
    projected: bool
    seconds_an_epoch: float
    epochs_to_goal: float | None
    seconds_to_goal: float | None
    times_ours: float | None


def written(value, form, otherwise=""):
    """A number in some form, or what stands for None."""
    return otherwise if value is None else format(value, form)


TO_THE_GOAL = {
    "network": lambda timed: timed.label + (", projected" if timed.projected else ""),
    "width": lambda timed: f"{timed.width:,}",
    "seconds an epoch": lambda timed: f"{timed.seconds_an_epoch:.2f}",
    "epochs to the goal": lambda timed: written(timed.epochs_to_goal, "g", "not reached"),
    "seconds to the goal": lambda timed: written(timed.seconds_to_goal, ".1f"),
    "times ours": lambda timed: written(timed.times_ours, ".1f"),
}


@fragment("gains_time", "dense_networks")
def gains_time_table(report):
    """Seconds until each network is a point below what the dense one ends with."""
    networks = []
    for part, width, found in timed_parts(report):
        summary = found["summary"]
        for network, line in NETWORKS.items():
            networks.append(
                Timed(
                    line.label,
                    width,
                    projected=summary.get("projected", {}).get(network, False),
                    seconds_an_epoch=summary["seconds_an_epoch"][network],
                    epochs_to_goal=epochs_to_goal(part, network, found),
                    seconds_to_goal=summary["median_seconds_to_goal"][network],
                    times_ours=summary["faster_than"].get(network),
                )
            )
    return table_of(networks, TO_THE_GOAL) + "\n" + environment(report)


def epochs_to_goal(part, network, found):
    """Median number of epochs after which the goal is reached, or None."""
    if part == "main":
        epochs = found["summary"]["epochs_to_goal"][network]
    else:
        epochs = [run[network]["epochs_to_goal"] for run in found["runs"]]
    middle = np.median([np.inf if n is None else n for n in epochs])
    return middle if np.isfinite(middle) else None


@fragment("gains_settings", "dense_networks")
def settings_table(report):
    """What the search chose for each network, and from how many candidates."""
    found = report["results"].get("search")
    if not found:
        return MISSING
    found = found["results"]
    names = list(dict.fromkeys(name for chosen in found["chosen"].values() for name in chosen))
    rows = [
        [
            label,
            *(str(found["chosen"][network].get(name, "")) for name in names),
            f"{len(found['candidates'][network])}",
        ]
        for network, (label, _) in NETWORKS.items()
    ]
    return table(["network", *(f"`{name}`" for name in names), "candidates"], rows)


class Predicting(NamedTuple):
    """Samples that a network predicts in a second, at a width."""

    label: str
    width: int
    rate: dict
    times_ours: float | None


PREDICTION = {
    "network": lambda found: found.label,
    "width": lambda found: f"{found.width:,}",
    "samples a second": lambda found: f"{found.rate['median']:,.0f}",
    "range": lambda found: f"{found.rate['min']:,.0f} to {found.rate['max']:,.0f}",
    "ours is faster by": lambda found: written(found.times_ours, ".2f"),
}


@fragment("gains_prediction", "dense_networks")
def prediction_table(report):
    """Samples that are predicted in a second."""
    found = report["results"].get("predict")
    if not found:
        return MISSING
    networks = [
        Predicting(
            line.label,
            of_width["width"],
            of_width["samples_a_second"][network],
            of_width["faster_than"].get(network),
        )
        for of_width in found["results"]
        for network, line in NETWORKS.items()
    ]
    return table_of(networks, PREDICTION)


# -- width --------------------------------------------------------------------------------

WIDTH_NETWORKS = {
    "hashed": NETWORKS["hashed"],
    "dense": Line("ours, dense", {"color": "C0", "marker": "D", "linestyle": "--"}),
    **{name: NETWORKS[name] for name in ("scikit_learn", "pytorch")},
}


def by_width(found):
    """What JSON keeps by width: {width: ...} in order."""
    return {int(width): found[width] for width in sorted(found, key=int)}


@picture((7.5, 4.5), "widths")
def gains_width(figure, report):
    """Seconds of an epoch against the width of a hidden layer."""
    axes = figure.add_subplot()
    seconds = report["results"]["summary"]["seconds_an_epoch"]
    for network, (label, style) in WIDTH_NETWORKS.items():
        found = by_width(seconds[network])
        axes.plot(found.keys(), found.values(), label=label, markersize=5, **style)
    widths = by_width(seconds["hashed"])
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="neurons of the hidden layer",
        ylabel="seconds an epoch",
    )
    axes.set_xticks(list(widths), [f"{width:,}" for width in widths])
    axes.xaxis.set_minor_locator(mpl.ticker.NullLocator())
    for which in ("major", "minor"):
        getattr(axes.yaxis, f"set_{which}_formatter")(plainly)
    axes.legend()


@fragment("gains_width_lines", "widths")
def width_lines(report):
    """From which width hashing takes less time than each dense network, as a list."""
    summary = report["results"]["summary"]
    lines = []
    for network, width in summary["faster_from"].items():
        label = WIDTH_NETWORKS[network].label
        widest = max(by_width(summary["seconds_an_epoch"][network]))
        if width is None:
            lines.append(f"- {label}: is not slower up to {widest:,} neurons.")
        else:
            ratio = summary["faster_than"][network][str(widest)]
            lines.append(
                f"- {label}: is slower from **{width:,}** neurons on; at {widest:,} it takes "
                f"{ratio:.1f} times as long."
            )
    return "\n".join(lines) + "\n"


@fragment("gains_width", "widths")
def width_table(report):
    """What an epoch takes at each width, by what it grows, and what is found."""
    summary = report["results"]["summary"]
    seconds, growth = summary["seconds_an_epoch"], summary["growth"]["hashed"]
    rows = [
        [
            f"{int(width):,}",
            *(
                f"{seconds[network][width]:.2f}" if width in seconds[network] else ""
                for network in WIDTH_NETWORKS
            ),
            f"{growth[width]:.2f}" if width in growth else "",
            f"{summary['recall'][width]:.2f}",
        ]
        for width in sorted(seconds["hashed"], key=int)
    ]
    head = ["neurons", *(label for label, _ in WIDTH_NETWORKS.values())]
    head += ["hashed, times half the width", "found of the best"]
    return table(head, rows) + "\n" + environment(report)
