"""What threads bring, what limits them, and what they cost in accuracy."""

import numpy as np
from pictures import legend_below, picture
from reports import environment, fragment, results, table, table_of

# Data sets, and what is beside each other.
THREADED = {"fashion_mnist": "Fashion-MNIST", "icd_coding": "ICD-10-CM"}


def quartiles(case, way):
    """How many times as fast as one thread a way is: the median, and the quartiles."""
    low, median, high = case["summary"]["times_one_thread"][way]
    return f"{median:.2f} ({low:.2f} to {high:.2f})"


SPEEDS = {
    "data": lambda case: case["title"],
    "samples a second, one thread": lambda case: (
        f"{case['summary']['samples_a_second']['threads_1']:,.0f}"
    ),
    "two threads": lambda case: quartiles(case, "threads_2"),
    "two processes at once": lambda case: quartiles(case, "processes_2"),
}


def cases_of(report):
    """What was measured on each data set, with its title."""
    return [
        {"title": THREADED[name], **found} for name, found in report["results"]["cases"].items()
    ]


@fragment("threads", "threads")
def threads_table(report):
    """Two threads against one, and what two processes reach."""
    return table_of(cases_of(report), SPEEDS) + "\n" + environment(report)


# Reports, by which Python they are of.
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


COST_IN_ACCURACY = {
    "threads": lambda found: f"{found['threads']}",
    "`batch_size`": lambda found: f"{found['batch_size']}",
    "learning rate": lambda found: f"{found['learning_rate_init']:g}",
    "mean accuracy": lambda found: f"{np.mean(found['accuracies']):.4f}",
    "of the runs": lambda found: (
        f"{min(found['accuracies']):.4f} to {max(found['accuracies']):.4f}"
    ),
}


@fragment("staleness", "staleness")
def staleness_table(report):
    """What threads cost in accuracy, by their number and the size of mini-batches."""
    text = environment(report, report["options"]["repeats"])
    return table_of(report["results"], COST_IN_ACCURACY) + "\n" + text


def share_copied(limits):
    """Bytes moved, as a share of those that copying moves."""
    return limits["bytes_a_second"] / limits["bytes_a_second_of_copying"]


LIMITS = {
    "data": lambda case: case["title"],
    "one thread outside kernels": lambda case: f"{case['limits']['outside_kernels']:.0%}",
    "two threads waiting": lambda case: f"{case['limits']['waiting']:.0%}",
    "rows that the next mini-batch changes, too": lambda case: (
        f"{case['limits']['rows_in_common']:.0%}"
    ),
    "bytes moved, of copying's": lambda case: f"{share_copied(case['limits']):.0%}",
}


@fragment("threads_limits", "threads")
def limits_table(report):
    """What stands in the way of more threads."""
    return table_of(cases_of(report), LIMITS)
