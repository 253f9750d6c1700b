"""How cost grows with the number of classes: pictures and tables from the benchmarks' results.

See `pictures` and `reports`.
"""

from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from pictures import Line, picture, plainly
from reports import environment, fragment, mega, table, table_of

SETS = {
    "made": Line("made data", {"color": "C0", "marker": "o"}),
    "lemma-hr": Line("word forms → lemmas", {"color": "C1", "marker": "s"}),
}


class Counted(NamedTuple):
    """Medians over the runs with so many classes."""

    n_classes: int
    n_rows: int
    seconds: float  # an epoch
    before: float  # seconds before the first one
    peak: float  # bytes, as are those of weights
    weights: float


def by_count(report, name):
    """What was measured on a set with each number of classes, in their order."""
    return [
        Counted(
            int(count),
            n_rows=runs[0]["rows"],
            seconds=np.median([np.median(run["seconds"]) for run in runs]),
            before=np.median([run["seconds_before"] for run in runs]),
            peak=np.median([run["peak_bytes"] for run in runs]),
            weights=np.median([run["weights_bytes"] for run in runs]),
        )
        for count, runs in sorted(
            report["results"].get(name, {}).items(), key=lambda item: int(item[0])
        )
    ]


@picture((9, 4), "class_counts")
def class_counts(figure, report):
    """Seconds of an epoch and memory against the number of classes."""
    times, memory = figure.subplots(1, 2)
    for name, (label, style) in SETS.items():
        found = by_count(report, name)
        counts = [row.n_classes for row in found]
        times.plot(counts, [row.seconds for row in found], label=label, **style)
        if name == "made":
            peaks = [row.peak / 1e9 for row in found]
            weights = [row.weights / 1e9 for row in found]
            memory.plot(counts, peaks, label="peak", linestyle="-", **style)
            memory.plot(counts, weights, label="weights", linestyle="--", **style)
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
        found = by_count(report, name)
        for row in found:
            rows.append(
                [
                    label,
                    f"{row.n_classes:,}",
                    f"{row.n_rows:,}",
                    f"{row.seconds:.1f}",
                    f"{row.seconds / found[0].seconds:.2f}",
                    f"{row.before:.1f}",
                    mega(row.weights),
                    mega(row.peak),
                ]
            )
    head = ["data", "classes", "rows", "seconds an epoch", "times the first", "seconds before"]
    head += ["weights", "highest memory"]
    return table(head, rows) + "\n" + environment(report)


TOP_K_SETS = {
    "lemma-hr": "word forms → lemmas",
    "made": "made data, one row a class",
}
TOP_K_METHODS = {"hashed": "hash tables", "dense": "dense product"}
TOP_K = {
    "data": lambda found: found["data"],
    "by": lambda found: found["by"],
    "samples a second": lambda found: f"{found['samples_a_second']:,.0f}",
    "milliseconds for one": lambda found: f"{found['milliseconds_median']:.2f}",
    "P@1": lambda found: f"{found['precision_at_1']:.2%}",
}


@fragment("top_k", "top_k")
def top_k_table(report):
    """Hash tables against a dense product."""
    measured = []
    for name, data in TOP_K_SETS.items():
        for method, by in TOP_K_METHODS.items():
            runs = [run[method] for run in report["results"].get(name, [])]
            if runs:
                medians = {key: np.median([run[key] for run in runs]) for key in runs[0]}
                measured.append({"data": data, "by": by, **medians})
    return table_of(measured, TOP_K) + "\n" + environment(report)


NOTHING_SET = {
    "classes": lambda run: f"{run['classes']:,}",
    "epochs": lambda run: f"{run['epochs']}",
    "seconds of training": lambda run: f"{run['seconds']:.1f}",
    "of predicting": lambda run: f"{run['seconds_to_score']:.1f}",
    "peak memory": lambda run: mega(run["peak_bytes"]),
    "accuracy": lambda run: f"{run['accuracy']:.2%}",
    "chance": lambda run: f"{run['chance']:.4%}",
    "on training rows": lambda run: f"{run['accuracy_on_training_rows']:.1%}",
}


@fragment("many_classes", "many_classes")
def many_table(report):
    """200,000 classes, with nothing set."""
    n_classes = report["options"]["classes"]
    runs = [{"classes": n_classes, **run} for run in report["results"]["runs"]]
    return table_of(runs, NOTHING_SET) + "\n" + environment(report)


FITS = {
    "fashion_mnist": "Fashion-MNIST, 784-1000-1000-10",
    "icd_coding": "ICD-10-CM, 12,078 classes",
    "many_classes": "200,000 classes, nothing set",
}
# Weights and Adam's two moments, in float32.
BYTES_A_PARAMETER = 12
MEMORY = {
    "network": lambda fit: FITS[fit["name"]],
    "parameters": lambda fit: f"{fit['parameters']:,}",
    "data": lambda fit: mega(fit["data_bytes"]),
    "weights and Adam's moments": lambda fit: mega(BYTES_A_PARAMETER * fit["parameters"]),
    "peak of a fit": lambda fit: mega(fit["peak_bytes"] - fit["peak_bytes_before_data"]),
}


@fragment("memory", "memory")
def memory_table(report):
    """Measured memory of fits."""
    fits = [{"name": name, **found} for name, found in report["results"].items()]
    return table_of(fits, MEMORY) + "\n" + environment(report)


SOAK = {
    "rounds": lambda check: f"{check['rounds']:,}",
    "minutes": lambda check: f"{check['seconds'] / 60:.0f}",
    "resident memory": lambda check: mega(check["resident_bytes"]),
    "threads": lambda check: f"{check['threads']}",
    "open files": lambda check: f"{check['open_files']}",
}


@fragment("soak", "soak")
def soak_table(report):
    """What a process holds in the course of many rounds."""
    return table_of(report["results"]["checks"], SOAK) + "\n" + environment(report)


class OutputMemory(NamedTuple):
    """Bytes of an output layer, by the rule that the text gives."""

    n_classes: int
    n_hidden: int
    bytes_an_entry: int

    @property
    def weights(self):
        """Of float32, with the biases."""
        return 4 * self.n_classes * (self.n_hidden + 1)

    def tables(self, n_samples):
        """Of tables that hold each class and so many of its samples."""
        return self.bytes_an_entry * self.n_classes * (1 + n_samples)

    def together(self, n_copies):
        """Copies of the weights and the tables, with as few and as many samples as there may be."""
        copies = n_copies * self.weights
        least, most = (copies + self.tables(n_samples) for n_samples in (1, 5))
        return f"{mega(least)} to {mega(most)}"


OUTPUT_MEMORY = {
    "classes": lambda layer: f"{layer.n_classes:,}",
    "hidden neurons": lambda layer: f"{layer.n_hidden}",
    "weights": lambda layer: mega(layer.weights),
    "Adam's moments": lambda layer: mega(2 * layer.weights),
    "tables": lambda layer: layer.together(0),
    "together": lambda layer: layer.together(3),
    "with row-wise Adagrad": lambda layer: layer.together(1),
}


@fragment("memory_by_classes")
def memory_by_classes():
    """What an output layer takes."""
    from sklearn_lsh.selection.output import OutputLSH

    # A class, or a sample of it, has codes of two bytes, an owner, and places in tables.
    bytes_an_entry = (2 + 4) * OutputLSH.N_TABLES + 4
    layers = [
        OutputMemory(n_classes, n_hidden, bytes_an_entry)
        for n_classes in (10_000, 100_000, 1_000_000)
        for n_hidden in (100, 256)
    ]
    return table_of(layers, OUTPUT_MEMORY)


def _mean(runs, *keys):
    """Mean of what all runs have under some keys."""
    found = []
    for run in runs:
        for key in keys:
            run = run[key]
        found.append(run)
    return np.mean(found)


@fragment("new_classes", "new_classes")
def new_classes(report):
    """How often classes are found that came in `partial_fit`."""
    runs = report["results"]["runs"]
    networks = [name for name in runs[0] if name != "stream"]
    rows = []
    for way in runs[0][networks[0]]:
        known = [name for name in networks if way in runs[0][name]]
        cells = {
            name: [f"{_mean(runs, name, way, kind):.3f}" for kind in ("new", "others")]
            for name in known
        }
        rows.append([way, *(cell for name in networks for cell in cells.get(name, ["", ""]))])
    head = [f"{name}: {kind}" for name in networks for kind in ("rows of the 500", "of the others")]
    return table(["", *head], rows) + "\n" + environment(report)


@fragment("new_classes_named", "new_classes")
def new_classes_named(report):
    """What a stream's network finds after a pass, whose classes were named before, or not."""
    runs = report["results"]["runs"]
    found = {name: f"{_mean(runs, 'stream', name):.3f}" for name in runs[0]["stream"]}
    return table(["classes", "found"], found.items())
