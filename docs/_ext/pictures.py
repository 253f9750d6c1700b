"""Pictures and tables of the pages, made anew in each build.

They come from the benchmarks' results, which are never copied by hand, and from small programs
that draw what the texts explain.

In a page,

    :::{picture} name
    :alt: What is to be seen, for those who do not see it.

    The caption.
    :::

shows a picture in the colours of the light or the dark theme. Tables are files in
``generated/fragments``, to be included.
"""

import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
from docutils import nodes
from docutils.parsers.rst import directives
from matplotlib.figure import Figure
from sphinx.util.docutils import SphinxDirective

DOCS = Path(__file__).parents[1]
RESULTS = DOCS.parent / "benchmarks" / "results"
PICTURES, FRAGMENTS = DOCS / "generated" / "pictures", DOCS / "generated" / "fragments"

# Okabe and Ito's colours, which all readers can tell apart, darker or lighter for the background.
THEMES = {
    "light": {"text": "#222832", "faint": "#d8dde3", "cycle": ["#0068a8", "#b84a00", "#5f6670"]},
    "dark": {"text": "#d6dde4", "faint": "#3f4851", "cycle": ["#5cc1f4", "#ffa15c", "#b4bcc6"]},
}
NAMES = {
    "hashed_1_threads": "hashed, 1 thread",
    "hashed_2_threads": "hashed, 2 threads",
    "dense_2_threads": "scikit-learn's dense network, 2 threads",
    "hashed": "hashed, 2 threads",
    "scikit_learn": "scikit-learn's dense network, 2 threads",
    "pytorch": "PyTorch's dense network, 2 threads",
}
STYLES = {
    "hashed_1_threads": {"color": "C0", "linestyle": "--", "marker": "o"},
    "hashed_2_threads": {"color": "C0", "linestyle": "-", "marker": "o"},
    "dense_2_threads": {"color": "C1", "linestyle": "-", "marker": "s"},
    "hashed": {"color": "C0", "linestyle": "-", "marker": "o"},
    "scikit_learn": {"color": "C1", "linestyle": "-", "marker": "s"},
    "pytorch": {"color": "C2", "linestyle": "-", "marker": "^"},
}
MISSING = "*This benchmark has not been run for this version.*\n"


def results(name):
    """Return a benchmark's report, or None where it has not been run."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def main_runs(name):
    """Return a benchmark's runs, if it has parts those of the main one, or None."""
    found = (results(name) or {}).get("results", {})
    return found.get("main", {}).get("results", found).get("runs")


# -- pictures -----------------------------------------------------------------------------


def time_accuracy():
    """Accuracy on held-out data against seconds of training: medians over the runs."""
    titles = {
        "dense_networks": "Clothes in pictures\ntwo hidden layers of 1,000",
        "icd_coding": "Diagnoses in words\n12,000 classes",
    }
    panels = {name: runs for name in titles if (runs := main_runs(name))}
    figure = Figure(figsize=(9, 4) if len(panels) > 1 else (7.5, 4), layout="constrained")
    for place, (name, runs) in enumerate(panels.items()):
        axes = figure.add_subplot(1, len(panels), place + 1)
        for network in runs[0]:
            if network not in NAMES:
                continue
            found = [run[network] for run in runs]
            seconds = [run["seconds_before"] + np.cumsum(run["seconds"]) for run in found]
            accuracies = [run["accuracies"] for run in found]
            axes.plot(
                np.median(seconds, axis=0),
                np.median(accuracies, axis=0),
                **STYLES[network],
                markersize=4,
                label=NAMES[network],
            )
        axes.set(xscale="log", xlabel="seconds of training", title=titles[name])
        axes.xaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda x, _: f"{x:g}"))
        axes.xaxis.set_minor_locator(mpl.ticker.NullLocator())
        axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
        if place == 0:
            axes.set_ylabel("accuracy on held-out data")
    if panels:
        handles = {}
        for axes in figure.axes:
            handles |= {line.get_label(): line for line in axes.get_lines()}
        ncols = 2 if len(panels) > 1 else 1
        figure.legend(handles.values(), handles, loc="outside lower center", ncols=ncols)
    return figure


def cells(directions, planes):
    """Code of each direction: on which side of each plane it lies."""
    return (directions @ planes.T > 0) @ (1 << np.arange(len(planes)))


def hash_table():
    """Neurons as points, a query, and the buckets of two tables in which it falls."""
    rng = np.random.default_rng(191)
    neurons = rng.standard_normal((60, 2))
    query = np.array([1.0, 0.55])
    best = np.argsort(-neurons @ query)[:6]
    tables = [rng.standard_normal((2, 2)) for _ in range(2)]
    caught_by = [cells(neurons, planes) == cells(query[None], planes) for planes in tables]
    angles = np.linspace(-np.pi, np.pi, 1441)
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    figure = Figure(figsize=(9, 3.3), layout="constrained")
    titles = ["Table 1", "Table 2", "Both together"]
    for place, title in enumerate(titles):
        axes = figure.add_subplot(1, 3, place + 1)
        shown = caught_by[place : place + 1] if place < 2 else caught_by
        for planes in tables[place : place + 1] if place < 2 else tables:
            inside = cells(ring, planes) == cells(query[None], planes)
            edge = ring[inside] * 9
            axes.fill(*np.vstack([edge, [[0, 0]]]).T, color="C0", alpha=0.18, linewidth=0)
            for plane in planes:
                line = np.array([-plane[1], plane[0]]) / np.linalg.norm(plane) * 9
                axes.plot(*np.stack([-line, line]).T, color="C2", linewidth=0.8, linestyle="--")
        caught = np.any(shown, axis=0)
        axes.plot(*neurons[~caught].T, "o", color="C2", markersize=3, alpha=0.7)
        axes.plot(*neurons[caught].T, "o", color="C0", markersize=5)
        axes.plot(
            *neurons[best].T, "o", color="C1", markersize=9, fillstyle="none", markeredgewidth=1.4
        )
        axes.annotate(
            "", query * 1.9, (0, 0), arrowprops={"arrowstyle": "->", "color": "C1", "linewidth": 2}
        )
        hit = np.count_nonzero(caught[best])
        axes.set(
            title=f"{title}: {caught.sum()} neurons,\n{hit} of the {len(best)} that respond most",
            xlim=(-2.6, 2.6),
            ylim=(-2.6, 2.6),
            xticks=[],
            yticks=[],
            aspect="equal",
        )
        axes.spines[:].set_visible(True)
    return figure


def found_probability():
    """Chance that a neuron is found, by its angle to the query, for some codes and tables."""
    angle = np.linspace(0, 90, 181)
    agree = 1 - angle / 180
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
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
    return figure


def stale_tables():
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
    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    axes = figure.add_subplot()
    labels = ["tables rebuilt an epoch ago", "tables never rebuilt"]
    for i, (line, label) in enumerate(zip(moved, labels, strict=True)):
        axes.plot(epochs, line, color=f"C{i}", marker="os"[i], markersize=4, label=label)
    axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
    axes.set(xlabel="epoch", ylabel="neurons in the wrong bucket", ylim=(0, None))
    axes.legend()
    return figure


def kept_rows():
    """The weights that a mini-batch reads and changes: rows, where a dense layer has them all."""
    rng = np.random.default_rng(1)
    n_neurons, n_samples = 40, 12
    active = np.zeros((n_neurons, n_samples), bool)
    for sample in range(n_samples):
        liked = rng.choice(n_neurons, 3, replace=False, p=np.linspace(2, 0.2, n_neurons) / 44)
        active[liked, sample] = True
    figure = Figure(figsize=(8, 3.2), layout="constrained")
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
    return figure


DRAWN = [time_accuracy, hash_table, found_probability, stale_tables, kept_rows]


def draw_all(functions):
    """Draw pictures for both themes, each by a function of its name."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for draw in functions:
        for theme, colours in THEMES.items():
            with mpl.rc_context(_look(colours)):
                path = PICTURES / f"{draw.__name__}-{theme}.svg"
                figure = draw()
                figure.savefig(path, transparent=True, bbox_inches="tight", metadata={"Date": None})


def _look(colours):
    text, faint = colours["text"], colours["faint"]
    return {
        "axes.prop_cycle": mpl.cycler(color=colours["cycle"]),
        "axes.edgecolor": text,
        "axes.labelcolor": text,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlesize": "medium",
        "font.size": 10.5,
        "grid.color": faint,
        "legend.frameon": False,
        "svg.hashsalt": "sklearn_lsh",
        "text.color": text,
        "xtick.color": text,
        "ytick.color": text,
    }


# -- tables -------------------------------------------------------------------------------


def table(head, rows):
    """A table in Markdown, numbers to the right."""
    align = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, align, *rows)) + "\n"


def mega(n_bytes):
    """A number of bytes for people."""
    if n_bytes >= 1e9:
        return f"{n_bytes / 1e9:.1f} GB"
    return f"{n_bytes / 1e6:,.0f} MB"


def comparison(name):
    """Seconds and final accuracies of a comparison's networks."""
    report = results(name)
    if report is None:
        return MISSING
    runs = report["results"]["runs"]
    rows = []
    for network in runs[0]:
        found = [run[network] for run in runs]
        seconds = np.median([np.median(run["seconds"]) for run in found])
        total = np.median([run["seconds_before"] + sum(run["seconds"]) for run in found])
        last = [run["accuracies"][-1] for run in found]
        rows.append(
            [
                NAMES.get(network, network.replace("_", " ")),
                f"{len(found[0]['seconds'])}",
                f"{seconds:.2f}",
                f"{total:.0f}",
                f"{np.mean(last):.1%}",
                f"{min(last):.1%} to {max(last):.1%}",
            ]
        )
    head = ["network", "epochs", "seconds an epoch", "in all", "accuracy", "range"]
    return table(head, rows) + "\n" + environment(report, len(runs))


def environment(report, n_runs=None):
    """Where and with what a benchmark ran."""
    facts, versions = report["environment"], report["environment"]["versions"]
    runs = "" if n_runs is None else f"{n_runs} runs with seeds of their own. " * (n_runs > 1)
    packages = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"{runs}{facts['processor']}, {facts['processors']} processors, kernels for "
        f"{facts['kernels']}; Python {facts['python']}, {packages}.\n"
    )


def ratios(name, sentences):
    """Ratios of a benchmark's summary, as a list."""
    report = results(name)
    if report is None:
        return MISSING
    summary = report["results"]["summary"]
    known = [text.format(summary[key]) for key, text in sentences.items() if key in summary]
    return "\n".join(f"- {line}" for line in known) + "\n"


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


def memory_table():
    """Measured memory of fits."""
    report = results("memory")
    if report is None:
        return MISSING
    titles = {
        "fashion_mnist": "Fashion-MNIST, 784-1000-1000-10",
        "icd_coding": "ICD-10-CM, 12,078 classes",
        "many_classes": "200,000 classes, nothing set",
    }
    rows = [
        [
            titles.get(name, name),
            f"{found['parameters']:,}",
            mega(found["data_bytes"]),
            mega(12 * found["parameters"]),
            mega(found["peak_bytes"] - found["peak_bytes_before_data"]),
        ]
        for name, found in report["results"].items()
    ]
    head = ["network", "parameters", "data", "weights and Adam's moments", "peak of a fit"]
    return table(head, rows) + "\n" + environment(report)


def sieves():
    """Tables against all sketches."""
    report = results("sieves")
    if report is None:
        return MISSING
    ways = ("tables", "scan")
    rows = [
        [f"{run['width']:,}", f"{run['density']:.1%}"]
        + [f"{run[way]['milliseconds']:.1f} ms" for way in ways]
        + [f"{run[way]['recall']:.2f}" for way in ways]
        for run in report["results"]["runs"]
    ]
    head = ["neurons", "active", "tables", "all sketches", "recall of tables", "of all sketches"]
    return table(head, rows) + "\n" + environment(report)


THREADED = {"fashion_mnist": "Fashion-MNIST", "icd_coding": "ICD-10-CM"}


def threads_table():
    """Two threads against one, and what two processes reach."""
    report = results("threads")
    if report is None:
        return MISSING
    rows = []
    for name, found in report["results"].items():
        summary = found["summary"]
        row = [THREADED[name], f"{summary['samples_a_second']['one_thread']:,.0f}"]
        for way in ("two_threads", "two_processes"):
            low, median, high = summary["times_one_thread"][way]
            row.append(f"{median:.2f} ({low:.2f} to {high:.2f})")
        rows.append(row)
    head = ["data", "samples a second, one thread", "two threads", "two processes at once"]
    return table(head, rows) + "\n" + environment(report)


def limits_table():
    """What stands in the way of more threads."""
    report = results("threads")
    if report is None:
        return MISSING
    rows = []
    for name, found in report["results"].items():
        limits = found["limits"]
        shares = [limits[key] for key in ("outside_kernels", "waiting", "rows_in_common")]
        shares.append(limits["bytes_a_second"] / limits["bytes_a_second_of_copying"])
        rows.append([THREADED[name], *(f"{share:.0%}" for share in shares)])
    head = ["data", "one thread outside kernels", "two threads waiting"]
    head += ["rows that the next mini-batch changes, too", "bytes moved, of copying's"]
    return table(head, rows)


def many_table():
    """200,000 classes, with nothing set."""
    report = results("many_classes")
    if report is None:
        return MISSING
    rows = [
        [
            f"{report['options']['classes']:,}",
            f"{run['epochs']}",
            f"{run['seconds_an_epoch']:.1f}",
            mega(run["peak_bytes"]),
            f"{run['accuracy']:.2%}",
            f"{run['chance']:.4%}",
            f"{run['accuracy_on_training_rows']:.1%}",
        ]
        for run in report["results"]["runs"]
    ]
    head = ["classes", "epochs", "seconds an epoch", "peak memory", "accuracy", "chance"]
    return table([*head, "on training rows"], rows) + "\n" + environment(report)


NEIGHBOR_SETS = {
    "fashion-mnist": "Fashion-MNIST",
    "mnist": "MNIST",
    "outputs": "rows of an output layer, by angle",
    "responses": "responses of an output layer, by inner product",
}


def neighbors_tables():
    """Indexes at equal recall, one table for each set of rows."""
    report = results("neighbors")
    if report is None:
        return MISSING
    parts = []
    for name, found in report["results"].items():
        n_rows, n_features = found["shape"]
        rows = [
            [
                index,
                f"{run['build_seconds']:.2f}",
                f"{run['queries_a_second']:,.0f}",
                f"{run['recall']:.3f}",
            ]
            for index, run in found["best"].items()
        ]
        head = ["index", "seconds to build", "queries a second", "recall"]
        title = f"{NEIGHBOR_SETS.get(name, name)}: {n_rows:,} rows of {n_features} features"
        parts.append(f"{title}\n\n{table(head, rows)}")
    return "\n".join([*parts, environment(report)])


def neighbors_updates():
    """Seconds to insert and to delete a hundredth of the rows."""
    report = results("neighbors")
    if report is None:
        return MISSING
    rows = [
        [NEIGHBOR_SETS.get(name, name), index]
        + [f"{1e3 * taken[change]:,.1f}" for change in ("first insert", "insert", "delete")]
        for name, found in report["results"].items()
        for index, taken in found["updates"].items()
    ]
    return table(["rows", "index", "inserting", "inserting more", "deleting"], rows)


def neighbors_ratios():
    """How hashing compares with the best of each kind of index."""
    report = results("neighbors")
    if report is None:
        return MISSING
    lines = []
    for name, found in report["results"].items():
        best = found["best"]
        others = ("faiss IndexLSH", "faiss IndexLSH, refined", "faiss exact")
        if not {"hashed", "faiss HNSW", "hnswlib", *others} <= set(best):
            continue  # measured in part
        ours, graphs = best["hashed"], [best["faiss HNSW"], best["hnswlib"]]
        build = min(run["build_seconds"] for run in graphs) / ours["build_seconds"]
        speed = {
            other: ours["queries_a_second"] / best[other]["queries_a_second"] for other in others
        }
        graph = ours["queries_a_second"] / max(run["queries_a_second"] for run in graphs)
        lines.append(
            f"- {NEIGHBOR_SETS.get(name, name)}: built {build:.1f} times as fast as the HNSW graph "
            f"that is built faster. It answers {speed['faiss IndexLSH']:.1f} times as many queries "
            f"a second as IndexLSH, {speed['faiss IndexLSH, refined']:.1f} times as many as that "
            f"with refinement, {speed['faiss exact']:.1f} times as many as faiss's exact search, "
            f"and {graph:.2f} times as many as the HNSW graph that answers faster."
        )
    return "\n".join(lines) + "\n"


def memory_by_classes():
    """What an output layer takes, by the rule that the text gives."""
    from sklearn_lsh.selection.output import OutputLSH

    rows = []
    for n_classes in (10_000, 100_000, 1_000_000):
        for n_hidden in (100, 256):
            weights = 4 * n_classes * (n_hidden + 1)
            # A class, or a sample of it, has codes of two bytes, an owner, and places in tables.
            entry = (2 + 4) * OutputLSH.N_TABLES + 4
            least, most = (entry * n_classes * (1 + n_samples) for n_samples in (1, 5))
            rows.append(
                [
                    f"{n_classes:,}",
                    f"{n_hidden}",
                    mega(weights),
                    mega(2 * weights),
                    f"{mega(least)} to {mega(most)}",
                    f"{mega(3 * weights + least)} to {mega(3 * weights + most)}",
                    f"{mega(weights + least)} to {mega(weights + most)}",
                ]
            )
    head = ["classes", "hidden neurons", "weights", "Adam's moments", "tables", "together"]
    head.append("with row-wise Adagrad")
    return table(head, rows)


def automatic():
    """What "auto" stands for."""
    from sklearn_lsh.estimators import density
    from sklearn_lsh.selection.hidden import HiddenLSH
    from sklearn_lsh.selection.output import OutputLSH

    rows = [
        [
            "hidden",
            f"fewer than {density.HIDDEN_DENSE_BELOW:,} neurons",
            f"{density.HIDDEN_SHARE:.0%} of the neurons",
            f"{HiddenLSH.N_TABLES}, if less than {HiddenLSH.SCANNED_FROM:.0%} is active",
        ],
        [
            "output (classifier)",
            f"fewer than {density.OUTPUT_DENSE_BELOW:,} classes",
            f"{density.OUTPUT_ACTIVE} classes",
            f"{OutputLSH.N_TABLES}",
        ],
        ["output (regressor)", "always", "", ""],
    ]
    return table(["layer", "dense with", "otherwise active", "tables"], rows)


def sampling_table():
    """Bias and deviation of estimates from hash tables."""
    report = results("sampling")
    if report is None:
        return MISSING
    found = report["results"]
    titles = {
        "union": "union",
        "tables": "tables",
        "draw": "draw",
        "retrying": "the printed form",
        "uniform": "uniform",
    }
    rows = [
        [
            titles[name],
            weights,
            f"{of['empty buckets']:.0%}",
            f"{of[name]['rows']:.1f} of {of['rows']}",
            f"{of[name]['mean']:.2f} ± {of[name]['standard_error']:.2f}",
            f"{of[name]['deviation']:.2f}",
        ]
        for weights, of in found["weights"].items()
        for name in titles
    ]
    head = ["estimate", "weights", "empty buckets", "rows", "mean", "deviation"]
    text = f"SimHash of {found['n_bits']} bits and {found['n_tables']} tables. "
    return table(head, rows) + "\n" + text + environment(report)


FASHION_RATIOS = {
    "faster_than_dense": "An epoch is {:.1f} times faster than the dense network's.",
    "two_threads_to_one": "Two threads are {:.2f} times as fast as one.",
}
ICD_RATIOS = {
    "training_faster_than_dense": "Training is {:.1f} times faster than the dense network's.",
    "epoch_faster_than_dense": "An epoch is {:.1f} times faster than the dense network's.",
    "two_threads_to_one": "Two threads are {:.2f} times as fast as one.",
}


def fragments():
    """Every table, and lists and lines with figures."""
    return {
        "fashion_mnist": comparison("fashion_mnist"),
        "fashion_mnist_ratios": ratios("fashion_mnist", FASHION_RATIOS),
        "icd_coding": comparison("icd_coding"),
        "icd_coding_ratios": ratios("icd_coding", ICD_RATIOS),
        "headline": headline(),
        "memory": memory_table(),
        "many_classes": many_table(),
        "memory_by_classes": memory_by_classes(),
        "neighbors": neighbors_tables(),
        "neighbors_ratios": neighbors_ratios(),
        "neighbors_updates": neighbors_updates(),
        "automatic": automatic(),
        "sieves": sieves(),
        "threads": threads_table(),
        "threads_limits": limits_table(),
        "sampling": sampling_table(),
    }


def write_fragments(texts):
    """Write tables, and lists and lines with figures, by their names."""
    FRAGMENTS.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        path = FRAGMENTS / f"{name}.md"
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


# -- Sphinx -------------------------------------------------------------------------------


class PictureDirective(SphinxDirective):
    """A picture in the colours of the theme, with a caption."""

    required_arguments = 1
    has_content = True
    option_spec = {"alt": directives.unchanged_required}  # noqa: RUF012

    def run(self):
        """Return an image for each theme, of which one is shown, and the caption."""
        name = self.arguments[0]
        box = nodes.container(classes=["picture"])
        for theme in THEMES:
            uri = f"/generated/pictures/{name}-{theme}.svg"
            classes = [f"only-{theme}", "drawn"]
            box += nodes.image(uri=uri, alt=self.options["alt"], classes=classes)
        caption = nodes.container(classes=["picture-caption"])
        self.state.nested_parse(self.content, self.content_offset, caption)
        if self.content:
            box += caption
        return [box]


def make(app=None):
    """Make everything before pages are read."""
    draw_all(DRAWN)
    write_fragments(fragments())


def setup(app):
    """Tell Sphinx."""
    app.add_directive("picture", PictureDirective)
    app.connect("builder-inited", make)
    return {"parallel_read_safe": True}


if __name__ == "__main__":
    make()
