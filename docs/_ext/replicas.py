"""A picture of a round of replicas, and tables of what rounds cost."""

import numpy as np
from pictures import picture
from reports import environment, fragment, mega, table_of

NAMES = {"icd": "diagnosis codes", "lemma-de": "lemmas of word forms"}
METHODS = {
    "alone": "one network, `fit_batches`",
    "one worker": "4 replicas, one worker",
    "two workers": "4 replicas, two workers",
}


@picture((9, 3.2))
def round_of_replicas(figure):
    """The network, four replicas, their sums in pairs, and the network of the next round."""
    axes = figure.add_subplot()
    network, after = (0.0, 1.5), (9.0, 1.5)
    replicas = [(3.0, 3.0 - k) for k in range(4)]
    pairs, total = [(5.2, 2.5), (5.2, 0.5)], (7.0, 1.5)
    for number, place in enumerate(replicas):
        draw_arrow(axes, network, place)
        draw_arrow(axes, place, pairs[number // 2])
        draw_box(axes, place, f"replica {number},\nblocks of its own", "C0")
    for place in pairs:
        draw_arrow(axes, place, total)
        draw_box(axes, place, "sum", "C1")
    draw_arrow(axes, total, after)
    draw_box(axes, total, "sum", "C1")
    for place, title in ((network, "network"), (after, "network,\nmerged")):
        draw_box(axes, place, title, "C2")
    axes.set(xlim=(-0.9, 9.9), ylim=(-0.6, 3.6))
    axes.set_axis_off()


def draw_box(axes, place, title, color):
    """A word in a frame."""
    frame = {"boxstyle": "round,pad=0.4", "facecolor": "none", "edgecolor": color, "linewidth": 1.6}
    axes.text(*place, title, ha="center", va="center", bbox=frame)


def draw_arrow(axes, start, end):
    """From one box to the next."""
    gap = {"shrinkA": 34, "shrinkB": 40}
    axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": "C2", **gap})


def median(runs, name):
    """Of the runs, of one figure."""
    return np.median([run[name] for run in runs])


@fragment("replicas", "replicas")
def replicas(report):
    """Precision, rows a second and bytes of each set."""
    rows, sent = [], []
    for name, found in report["results"].items():
        for method, title in METHODS.items():
            if method in found:
                runs = found[method]
                rows.append(
                    {
                        "": f"{NAMES[name]}: {title}",
                        "precision at 1": f"{median(runs, 'precision'):.2%}",
                        "rows a second": f"{median(runs, 'rows_a_second'):,.0f}",
                    }
                )
        if "steps" in found:
            sizes = [steps["bytes"] for steps in found["steps"]]
            sent.append(
                f"A round of the {NAMES[name]} sends the network, "
                f"{mega(median(sizes, 'network'))}, to each worker; a replica returns "
                f"{mega(median(sizes, 'update'))}, of which the rows that it moved are "
                f"{mega(median(sizes, 'moved rows'))}.\n"
            )
    columns = {key: (lambda row, key=key: row[key]) for key in rows[0]}
    return "\n".join([table_of(rows, columns), *sent, environment(report)])


@fragment("replicas_projected", "replicas")
def projected(report):
    """Share of the time in which more workers train, and how much faster they are than none."""
    rows = []
    for name, found in report["results"].items():
        if "projected" not in found:
            continue
        alone = median(found["alone"], "rows_a_second")
        for cluster, figures in found["projected"].items():
            rows.append(
                {
                    "": f"{NAMES[name]}: {cluster.replace(' at', ' workers,')}",
                    "times one network alone": f"{figures['rows_a_second'] / alone:.1f}",
                    "share of training": f"{figures['share_of_training']:.0%}",
                }
            )
    columns = {key: (lambda row, key=key: row[key]) for key in rows[0]}
    return table_of(rows, columns)
