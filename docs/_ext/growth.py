"""How cost grows with the number of classes: pictures and tables from the benchmarks' results.

See `pictures` and `reports`.
"""

import matplotlib as mpl
import numpy as np
from pictures import picture, plainly
from reports import environment, fragment, mega, table

SETS = {
    "made": ("made data", {"color": "C0", "marker": "o"}),
    "lemma-hr": ("word forms → lemmas", {"color": "C1", "marker": "s"}),
}


def by_count(runs):
    """Median figures of each number of classes, in order: seconds an epoch, those before, bytes."""
    found = {}
    for count in sorted(runs, key=int):
        found[int(count)] = {
            "seconds": np.median([np.median(run["seconds"]) for run in runs[count]]),
            "before": np.median([run["seconds_before"] for run in runs[count]]),
            "peak": np.median([run["peak_bytes"] for run in runs[count]]),
            "weights": np.median([run["weights_bytes"] for run in runs[count]]),
        }
    return found


@picture((9, 4), "class_counts")
def class_counts(figure, report):
    """Seconds of an epoch and memory against the number of classes."""
    times, memory = figure.subplots(1, 2)
    for name, (label, style) in SETS.items():
        found = by_count(report["results"].get(name, {}))
        counts = list(found)
        times.plot(counts, [row["seconds"] for row in found.values()], label=label, **style)
        if name == "made":
            for key, text, line in (("peak", "peak", "-"), ("weights", "weights", "--")):
                numbers = [row[key] / 1e9 for row in found.values()]
                memory.plot(counts, numbers, label=text, linestyle=line, **style)
    times.set_ylabel("seconds an epoch")
    memory.set_ylabel("memory in GB, made data")
    for axes in (times, memory):
        axes.set(xscale="log", xlabel="classes")
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda x, _: f"{x:,.0f}"))
        axes.yaxis.set_major_formatter(plainly)
        axes.legend(loc="upper left")


@fragment("class_counts", "class_counts")
def class_counts_table(report):
    """Seconds and memory of each number of classes, and by what they grow."""
    rows = []
    for name, (label, _) in SETS.items():
        runs = report["results"].get(name, {})
        found = by_count(runs)
        for count, row in found.items():
            first = next(iter(found.values()))
            rows.append(
                [
                    label,
                    f"{count:,}",
                    f"{runs[str(count)][0]['rows']:,}",
                    f"{row['seconds']:.1f}",
                    f"{row['seconds'] / first['seconds']:.2f}",
                    f"{row['before']:.1f}",
                    mega(row["weights"]),
                    mega(row["peak"]),
                ]
            )
    head = ["data", "classes", "rows", "seconds an epoch", "times the first", "seconds before"]
    head += ["weights", "highest memory"]
    return table(head, rows) + "\n" + environment(report)


TOP_K_SETS = {
    "lemma-hr": "word forms → lemmas",
    "made": "made data, one row a class",
}


@fragment("top_k", "top_k")
def top_k_table(report):
    """Hash tables against a dense product."""
    rows = []
    for name, label in TOP_K_SETS.items():
        for method, text in (("hashed", "hash tables"), ("dense", "dense product")):
            found = [run[method] for run in report["results"].get(name, [])]
            if found:
                middle = {key: np.median([run[key] for run in found]) for key in found[0]}
                rows.append(
                    [
                        label,
                        text,
                        f"{middle['samples_a_second']:,.0f}",
                        f"{middle['milliseconds_median']:.2f}",
                        f"{middle['precision_at_1']:.2%}",
                    ]
                )
    head = ["data", "by", "samples a second", "milliseconds for one", "P@1"]
    return table(head, rows) + "\n" + environment(report)
