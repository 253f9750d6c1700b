"""A picture of a round of replicas, and tables of what rounds cost."""

from itertools import pairwise

import numpy as np
from pictures import picture
from reports import environment, fragment, mega, table_of

NAMES = {"icd": "diagnosis codes", "lemma-de": "lemmas of word forms"}
# Doubling workers has to make an epoch this many times as fast, or it does not pay.
PAYS = 1.25
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
            sent.append(describe_bytes(NAMES[name], found))
    columns = {key: (lambda row, key=key: row[key]) for key in rows[0]}
    return "\n".join([table_of(rows, columns), *sent, environment(report)])


def describe_bytes(name, found):
    """What a round sends, and what the scheduler keeps."""
    sizes = [steps["bytes"] for steps in found["steps"]]
    text = (
        f"Of the {name} a replica returns {mega(median(sizes, 'update'))} a round, of which the "
        f"rows that it moved are {mega(median(sizes, 'moved rows'))}. A worker that makes a "
        f"replica is sent the layers, {mega(median(sizes, 'layers'))}, unless it has merged them."
    )
    runs = found.get("two workers", [])
    if runs and all("sent_a_round" in run for run in runs):
        text += (
            f" Two workers send each other {mega(median(runs, 'sent_a_round'))} a round, where all "
            f"replicas move {mega(median(sizes, 'moved rows of all'))} of rows. The scheduler's "
            f"memory grows by {mega(median(runs, 'scheduler_memory'))} at most, and the network "
            f"has {mega(median(runs, 'network'))}."
        )
    return text + "\n"


@fragment("replicas_projected", "replicas")
def projected(report):
    """How much faster more workers are than one network alone, and where more do not pay."""
    parts = []
    for name, found in report["results"].items():
        if "projected" in found:
            alone = median(found["alone"], "rows_a_second")
            projections = found["projected"]
            columns = {
                "workers": lambda row: f"{row[0]['workers']}",
                "steps": lambda row: f"{row[0]['share_of_steps']:.0%}",
            } | {
                title(each): speed_up(number, each, alone)
                for number, each in enumerate(projections)
            }
            rows = list(zip(*(each["clusters"] for each in projections), strict=True))
            ends = "; ".join(f"{title(each)}: {last_that_pays(each)}" for each in projections)
            parts.append(f"The {NAMES[name]}:\n\n{table_of(rows, columns)}")
            parts.append(f"Twice as many workers are hardly faster from these on: {ends}.\n")
    return "\n".join(parts)


def title(projection):
    """Rows, and the network's speed."""
    return f"{projection['rows']:,} rows, {projection['gbits']} Gbit/s"


def seconds_of(cluster):
    """Seconds of an epoch."""
    return cluster["training"] + cluster["rounds"]


def speed_up(number, projection, alone):
    """A column: the times that an epoch is as fast as that of one network."""
    seconds = projection["rows"] / alone
    return lambda row: f"{seconds / seconds_of(row[number]):.1f}"


def last_that_pays(projection):
    """Workers of which twice as many are hardly faster."""
    seconds = [seconds_of(cluster) for cluster in projection["clusters"]]
    pays = [before > PAYS * after for before, after in pairwise(seconds)]
    if all(pays):
        return "none of these"
    return projection["clusters"][pays.index(False)]["workers"]
