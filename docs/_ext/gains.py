"""Pictures and tables of the page on gains, from the benchmarks' results.

See `pictures`, whose form they have: a function a picture, a function a table.
"""

import matplotlib as mpl
import numpy as np
import pictures
from matplotlib.figure import Figure
from pictures import MISSING, environment, results, table

SETS = {
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "convex": "Convex",
    "rectangles": "Rectangles",
}
SELECTIONS = {
    "lsh": ("found by hashing", {"color": "C0", "marker": "o"}),
    "topk": ("that respond most", {"color": "C1", "marker": "s"}),
    "random": ("at random", {"color": "C2", "marker": "^"}),
}


def figure_or_note(report, size):
    """An empty figure, with a note in it where there is nothing to be drawn."""
    figure = Figure(figsize=size if report else (6, 1), layout="constrained")
    if not report:
        figure.text(0.5, 0.5, MISSING.strip("*\n"), ha="center", va="center", style="italic")
    return figure


def as_percent(value, _):
    """A share on an axis."""
    return f"{100 * value:g}%"


def plainly(value, _):
    """A number on a logarithmic axis, as people write it."""
    return f"{value:g}"


def legend_below(figure, **settings):
    """One legend for all panels."""
    lines = {line.get_label(): line for axes in figure.axes for line in axes.get_lines()}
    figure.legend(lines.values(), lines, loc="outside lower center", **settings)


# -- how few neurons are enough -----------------------------------------------------------


def density_accuracy():
    """Errors against the share of active neurons, a panel for each set."""
    report = results("density")
    figure = figure_or_note(report, (9, 6))
    if not report:
        return figure
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
    return figure


def show_errors(axes):
    """Logarithmic: what few neurons lose would not be seen beside what random ones do."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(mpl.ticker.NullLocator())
    axes.yaxis.set_major_formatter(as_percent)


def density_work():
    """Errors against the share of multiply-adds that were done, in training and predicting."""
    report = results("density")
    figure = figure_or_note(report, (9, 4))
    if not report:
        return figure
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
    return figure


def density_headline(name="density"):
    """What few neurons cost and spare."""
    report = results(name)
    if report is None:
        return MISSING
    found = report["results"]["summary"]["headline"]
    lost = found["points_lost"]
    return (
        f"With {found['density']:.0%} of the hidden neurons, found by hashing, training does "
        f"**{found['training_share']:.1%}** of the dense network's multiply-adds and predicting "
        f"{found['prediction_share']:.1%}, for an accuracy of {found['accuracy']:.2%}, where all "
        f"neurons reach {found['dense_accuracy']:.2%}: **{abs(lost):.2f} points "
        f"{'less' if lost > 0 else 'more'}**, on average over all networks.\n"
    )


def density_data(name="density"):
    """On how many images, and with how many seeds, accuracy by density was measured."""
    report = results(name)
    if report is None:
        return ""
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


def density_table(name="density"):
    """Each set at the density of the headline, beside the dense network."""
    report = results(name)
    if report is None:
        return MISSING
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
        rows.append([SETS.get(one, one)])
        rows[-1] += [f"{accuracy:.2%}" for accuracy in accuracies]
        rows[-1] += [f"{share:.1%}" for share in shares]
    head = ["set", *(f"`{selection}`" for selection in selections), "`all`"]
    head += ["work of training", "of predicting"]
    return table(head, rows) + "\n" + environment(report)


# -- time, beside dense networks ----------------------------------------------------------

NETWORKS = {
    "hashed": ("hashed", {"color": "C0", "marker": "o"}),
    "scikit_learn": ("scikit-learn, dense", {"color": "C1", "marker": "s"}),
    "pytorch": ("PyTorch, dense", {"color": "C2", "marker": "^"}),
}


def part_of(name, part):
    """What a part of a benchmark found, with its options; None where it has not been run."""
    report = results(name)
    return report and report["results"].get(part)


def width_of(part):
    """Width of the networks of a part of `dense_networks.py`, and the option that says it."""
    found = part_of("dense_networks", part)
    return found["options"]["wide" if part == "wide" else "width"]


def gains_time():
    """Accuracy against seconds of training: medians over the runs; and the accuracy to reach."""
    parts = [part for part in ("main", "wide") if part_of("dense_networks", part)]
    figure = figure_or_note(parts, (9, 4))
    for place, part in enumerate(parts):
        found = part_of("dense_networks", part)["results"]
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
        axes.set(xscale="log", xlabel="seconds of training")
        axes.set_title(f"two hidden layers of {width_of(part):,}")
        axes.xaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(plainly)
        axes.xaxis.set_minor_locator(mpl.ticker.NullLocator())
        axes.yaxis.set_major_formatter(as_percent)
    if parts:
        figure.axes[0].set_ylabel("accuracy on test rows")
        legend_below(figure, ncols=4)
    return figure


def gains_time_table():
    """Seconds until each network is a point below what the dense one ends with."""
    rows = []
    for part in ("main", "wide"):
        found = part_of("dense_networks", part)
        if not found:
            continue
        summary, runs = found["results"]["summary"], found["results"]["runs"]
        medians = summary["median_seconds_to_goal"]
        for network, (label, _) in NETWORKS.items():
            projected = summary.get("projected", {}).get(network, False)
            faster = summary["faster_than"].get(network)
            n_epochs = epochs_to_goal(part, network, summary, runs)
            rows.append(
                [
                    label + (", projected" if projected else ""),
                    f"{width_of(part):,}",
                    f"{summary['seconds_an_epoch'][network]:.2f}",
                    "not reached" if n_epochs is None else f"{n_epochs:g}",
                    "" if medians[network] is None else f"{medians[network]:.1f}",
                    "" if faster is None else f"{faster:.1f}",
                ]
            )
    if not rows:
        return MISSING
    head = ["network", "width", "seconds an epoch", "epochs to the goal", "seconds to the goal"]
    head += ["times ours"]
    return table(head, rows) + "\n" + environment(results("dense_networks"))


def epochs_to_goal(part, network, summary, runs):
    """Median number of epochs after which the goal is reached, or None."""
    if part == "main":
        found = summary["epochs_to_goal"][network]
    else:
        found = [run[network]["epochs_to_goal"] for run in runs]
    middle = np.median([np.inf if n is None else n for n in found])
    return middle if np.isfinite(middle) else None


def settings_table():
    """What the search chose for each network, and from how many candidates."""
    found = part_of("dense_networks", "search")
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


def prediction_table():
    """Samples that are predicted in a second."""
    found = part_of("dense_networks", "predict")
    if not found:
        return MISSING
    rows = []
    for of_width in found["results"]:
        for network, (label, _) in NETWORKS.items():
            rate = of_width["samples_a_second"][network]
            slower = of_width["faster_than"].get(network)
            rows.append(
                [
                    label,
                    f"{of_width['width']:,}",
                    f"{rate['median']:,.0f}",
                    f"{rate['min']:,.0f} to {rate['max']:,.0f}",
                    "" if slower is None else f"{slower:.2f}",
                ]
            )
    return table(["network", "width", "samples a second", "range", "ours is faster by"], rows)


# -- width --------------------------------------------------------------------------------

WIDTH_NETWORKS = {
    "hashed": NETWORKS["hashed"],
    "dense": ("ours, dense", {"color": "C0", "marker": "D", "linestyle": "--"}),
    **{name: NETWORKS[name] for name in ("scikit_learn", "pytorch")},
}


def by_width(found):
    """What JSON keeps by width: {width: ...} in order."""
    return {int(width): found[width] for width in sorted(found, key=int)}


def gains_width():
    """Seconds of an epoch against the width of a hidden layer."""
    report = results("widths")
    figure = figure_or_note(report, (7.5, 4.5))
    if not report:
        return figure
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
    return figure


def width_lines():
    """From which width hashing takes less time than each dense network, as a list."""
    report = results("widths")
    if report is None:
        return MISSING
    summary = report["results"]["summary"]
    lines = []
    for network, width in summary["faster_from"].items():
        label = WIDTH_NETWORKS[network][0]
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


def width_table():
    """What an epoch takes at each width, by what it grows, and what is found."""
    report = results("widths")
    if report is None:
        return MISSING
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


DRAWN = [density_accuracy, density_work, gains_time, gains_width]


def fragments():
    """Every table, and lists and lines with figures."""
    return {
        "density": density_table(),
        "density_data": density_data(),
        "density_headline": density_headline(),
        "more_data": density_table("density_more_data"),
        "more_data_data": density_data("density_more_data"),
        "more_data_headline": density_headline("density_more_data"),
        "longer": density_table("density_longer"),
        "longer_data": density_data("density_longer"),
        "longer_headline": density_headline("density_longer"),
        "gains_time": gains_time_table(),
        "gains_settings": settings_table(),
        "gains_prediction": prediction_table(),
        "gains_width": width_table(),
        "gains_width_lines": width_lines(),
    }


def make(app=None):
    """Make everything before pages are read."""
    pictures.draw_all(DRAWN)
    pictures.write_fragments(fragments())


def setup(app):
    """Tell Sphinx."""
    app.connect("builder-inited", make)
    return {"parallel_read_safe": True}


if __name__ == "__main__":
    make()
