"""Pictures and tables of single benchmarks, and of what the defaults are."""

import numpy as np
from pictures import as_percent, legend_below, picture, show_seconds
from reports import MISSING, environment, fragment, mega, results, table

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
TIMED = {
    "dense_networks": "Clothes in pictures\ntwo hidden layers of 1,000",
    "icd_coding": "Diagnoses in words\n12,000 classes",
}


def main_runs(name):
    """Return a benchmark's runs, if it has parts those of the main one, or None."""
    found = (results(name) or {}).get("results", {})
    return found.get("main", {}).get("results", found).get("runs")


@picture((9, 4))
def time_accuracy(figure):
    """Accuracy on held-out data against seconds of training: medians over the runs."""
    panels = {name: runs for name in TIMED if (runs := main_runs(name))}
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
        axes.set_title(TIMED[name])
        show_seconds(axes)
        axes.yaxis.set_major_formatter(as_percent)
        if place == 0:
            axes.set_ylabel("accuracy on held-out data")
    if panels:
        legend_below(figure, ncols=2)


@fragment("fashion_mnist", "fashion_mnist")
@fragment("icd_coding", "icd_coding")
def comparison(report):
    """Seconds and final accuracies of a comparison's networks."""
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


@fragment("memory", "memory")
def memory_table(report):
    """Measured memory of fits."""
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


@fragment("sieves", "sieves")
def sieves(report):
    """Tables against all sketches."""
    ways = ("tables", "scan")
    rows = [
        [f"{run['width']:,}", f"{run['density']:.1%}"]
        + [f"{run[way]['milliseconds']:.1f} ms" for way in ways]
        + [f"{run[way]['recall']:.2f}" for way in ways]
        for run in report["results"]["runs"]
    ]
    head = ["neurons", "active", "tables", "all sketches", "recall of tables", "of all sketches"]
    return table(head, rows) + "\n" + environment(report)


@fragment("sieves_text", "sieves")
def sieves_for_texts(report):
    """Hashing against computing all neurons, where inputs have few non-zeros."""
    from sklearn_lsh.selection.hidden import HiddenLSH

    ways = ("hashing", "computing")
    rows = [
        [f"{run['n_nonzero']:.0f}", f"{run['width']:,}", f"{run['density']:.0%}"]
        + [f"{run[way]['seconds']:.1f} s" for way in ways]
        + [f"{run['hashing']['recall']:.2f}"]
        + [f"{run[way]['accuracy']:.1%}" for way in ways]
        for run in report["results"]["text_runs"]
    ]
    head = ["non-zeros", "neurons", "active", "an epoch, hashed", "all computed"]
    head += ["recall of hashing", "accuracy, hashed", "all computed"]
    limit = f"All neurons are computed with up to {HiddenLSH.COMPUTED_TO} non-zeros a row.\n\n"
    return limit + table(head, rows) + "\n" + environment(report)


THREADED = {"fashion_mnist": "Fashion-MNIST", "icd_coding": "ICD-10-CM"}


@fragment("threads", "threads")
def threads_table(report):
    """Two threads against one, and what two processes reach."""
    rows = []
    for name, found in report["results"]["cases"].items():
        summary = found["summary"]
        row = [THREADED[name], f"{summary['samples_a_second']['threads_1']:,.0f}"]
        for way in ("threads_2", "processes_2"):
            low, median, high = summary["times_one_thread"][way]
            row.append(f"{median:.2f} ({low:.2f} to {high:.2f})")
        rows.append(row)
    head = ["data", "samples a second, one thread", "two threads", "two processes at once"]
    return table(head, rows) + "\n" + environment(report)


LOCKS = {"threads_16_free": "free-threaded Python", "threads_16": "the same with Python's lock"}


@picture((9, 4), "threads_16_free")
def many_threads(figure, _):
    """Speed against the number of threads, with and without Python's lock."""
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (case, title) in zip(panels, THREADED.items(), strict=True):
        axes.plot([1, 16], [1, 16], color="C2", linestyle=":", label="in proportion")
        for name, color, marker in zip(LOCKS, ("C0", "C1"), "os", strict=True):
            times = times_one_thread(results(name), case)
            counts, medians = zip(*times["threads"].items(), strict=True)
            axes.plot(counts, medians, color=color, marker=marker, label=LOCKS[name])
        best = times_one_thread(results("threads_16_free"), case)["processes"]
        axes.plot(*zip(*best.items(), strict=True), "C2D", label="16 processes")
        axes.set(title=title, xlabel="threads", xticks=counts, ylim=(0, 16.5))
    panels[0].set_ylabel("times one thread")
    legend_below(figure, ncols=4)


def times_one_thread(report, case):
    """Median speed of threads and of processes, by their number."""
    found = {"threads": {1: 1.0}, "processes": {}}
    summary = report["results"]["cases"][case]["summary"]["times_one_thread"]
    for name, (_, median, _) in summary.items():
        kind, count = name.split("_")
        found[kind][int(count)] = median
    return found


@fragment("many_threads", "threads_16_free")
def many_threads_table(free):
    """Sixteen threads with and without Python's lock, and sixteen processes."""
    rows = []
    for case, title in THREADED.items():
        for name, lock in LOCKS.items():
            times = times_one_thread(results(name), case)
            numbers = [*times["threads"].values(), *times["processes"].values()]
            rows.append([f"{title}, {lock}", *(f"{number:.1f}" for number in numbers[1:])])
    counts = [*times["threads"]][1:]
    head = ["times one thread", *(f"{count} threads" for count in counts), "16 processes"]
    return table(head, rows) + "\n" + environment(free)


@fragment("staleness", "staleness")
def staleness_table(report):
    """What threads cost in accuracy, by their number and the size of mini-batches."""
    rows = [
        [
            f"{found['threads']}",
            f"{found['batch_size']}",
            f"{found['learning_rate_init']:g}",
            f"{np.mean(found['accuracies']):.4f}",
            f"{min(found['accuracies']):.4f} to {max(found['accuracies']):.4f}",
        ]
        for found in report["results"]
    ]
    head = ["threads", "`batch_size`", "learning rate", "mean accuracy", "of the runs"]
    return table(head, rows) + "\n" + environment(report, report["options"]["repeats"])


@fragment("threads_limits", "threads")
def limits_table(report):
    """What stands in the way of more threads."""
    rows = []
    for name, found in report["results"]["cases"].items():
        limits = found["limits"]
        shares = [limits[key] for key in ("outside_kernels", "waiting", "rows_in_common")]
        shares.append(limits["bytes_a_second"] / limits["bytes_a_second_of_copying"])
        rows.append([THREADED[name], *(f"{share:.0%}" for share in shares)])
    head = ["data", "one thread outside kernels", "two threads waiting"]
    head += ["rows that the next mini-batch changes, too", "bytes moved, of copying's"]
    return table(head, rows)


@fragment("many_classes", "many_classes")
def many_table(report):
    """200,000 classes, with nothing set."""
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


@fragment("neighbors", "neighbors")
def neighbors_tables(report):
    """Indexes at equal recall, one table for each set of rows."""
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


@fragment("neighbors_updates", "neighbors")
def neighbors_updates(report):
    """Seconds to insert and to delete a hundredth of the rows."""
    rows = [
        [NEIGHBOR_SETS.get(name, name), index]
        + [f"{1e3 * taken[change]:,.1f}" for change in ("first insert", "insert", "delete")]
        for name, found in report["results"].items()
        for index, taken in found["updates"].items()
    ]
    return table(["rows", "index", "inserting", "inserting more", "deleting"], rows)


@fragment("neighbors_ratios", "neighbors")
def neighbors_ratios(report):
    """How hashing compares with the best of each kind of index."""
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


@fragment("memory_by_classes")
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


@fragment("automatic")
def automatic():
    """What "auto" stands for."""
    from sklearn_lsh.estimators import density
    from sklearn_lsh.selection.hidden import HiddenLSH
    from sklearn_lsh.selection.output import OutputLSH

    rows = [
        [
            "hidden",
            f"fewer than {density.HIDDEN_DENSE_BELOW:,} neurons "
            f"({density.HIDDEN_DENSE_BELOW_SELECTED:,} if few outputs are active)",
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


@fragment("sampling", "sampling")
def sampling_table(report):
    """Bias and deviation of estimates from hash tables."""
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
