"""Pictures and tables of the memory: what a slot does, and what few examples teach."""

import numpy as np
from pictures import picture
from reports import environment, fragment, table_of

# Tasks whose figures were published, in their order.
PUBLISHED_TASKS = ["5-way 1-shot", "5-way 5-shot", "20-way 1-shot", "20-way 5-shot"]


@picture((9, 3.2))
def memory_rule(figure):
    """Keys on a circle: a sample that is recognized, and one that is not."""
    keys = np.deg2rad([20, 75, 140])
    titles = ["Three keys of two classes", "Recognized: the key turns", "Not recognized: a new key"]
    samples = [None, np.deg2rad(50), np.deg2rad(100)]
    for place, (title, sample) in enumerate(zip(titles, samples, strict=True), 1):
        axes = figure.add_subplot(1, 3, place)
        turn = np.linspace(-0.1, np.pi + 0.1, 200)
        axes.plot(np.cos(turn), np.sin(turn), color="C2", linewidth=0.8)
        for number, key in enumerate(keys):
            is_moved = place == 2 and number == 1
            arrow(axes, key, f"C{number % 2}", faint=is_moved)
        if place == 2:
            arrow(axes, (keys[1] + sample) / 2, "C1")
        if place == 3:
            arrow(axes, sample, "C0")
        if sample is not None:
            axes.plot(np.cos(sample), np.sin(sample), "o", color=f"C{2 - place + 1}", markersize=9)
        limits = {"xlim": (-1.2, 1.2), "ylim": (-0.2, 1.25)}
        axes.set(title=title, aspect="equal", **limits)
        axes.set_axis_off()


def arrow(axes, angle, color, *, faint=False):
    """A key as an arrow from the middle."""
    look = {"arrowstyle": "->", "color": color, "linewidth": 2, "alpha": 0.3 if faint else 1}
    axes.annotate("", (np.cos(angle), np.sin(angle)), (0, 0), arrowprops=look)


@picture((6.4, 3.6), of="omniglot")
def memory_showings(figure, report):
    """Accuracy of 20-class episodes by how often a class was shown."""
    axes = figure.add_subplot()
    for (name, found), style in zip(report["results"]["vectors"].items(), LINES, strict=False):
        shares = found["mean"]["online"]
        axes.plot(np.arange(1, len(shares) + 1), shares, style, marker="o", label=name)
    axes.set(xlabel="showing of a class", ylabel="told right (%)", ylim=(0, 100))
    axes.legend(loc="lower right")


LINES = ["-", "--", ":", "-."]


# Heading of what is asked about all evaluation classes at once.
ALL_CLASSES = "all 659, 1-shot"


def percentages(name, shares):
    """A row of percentages by task."""
    return {"vectors and answer": name} | {task: f"{share:.1f}" for task, share in shares.items()}


def columns(tasks):
    """Columns of such rows; a row may lack tasks."""
    names = ("vectors and answer", *tasks)
    return {name: (lambda row, name=name: row.get(name, "")) for name in names}


@fragment("omniglot", "omniglot")
def omniglot(report):
    """Percent told right of the usual tasks, across alphabets and within one."""
    vectors, rows = report["results"]["vectors"], {"across": [], "within": []}
    for name, runs in vectors.items():
        mean = runs["mean"]
        for answer, all_classes in mean["all classes"].items():
            for place, tasks in mean["tasks"].items():
                shares = {task: tasks[task][answer] for task in PUBLISHED_TASKS}
                found = shares | {ALL_CLASSES: all_classes}
                rows[place].append(percentages(f"{name}: {answer}", found))
    for source, shares in report["results"]["published"].items():
        published = dict(zip(PUBLISHED_TASKS, shares, strict=True))
        rows["across"].append(percentages(source, published))
    across = table_of(rows["across"], columns([*PUBLISHED_TASKS, ALL_CLASSES]))
    within = table_of(rows["within"], columns(PUBLISHED_TASKS))
    counts = ", ".join(f"{name} {len(runs['runs'])}" for name, runs in vectors.items())
    return (
        f"Across alphabets:\n\n{across}\nWithin an alphabet:\n\n{within}\n"
        f"Means of runs with seeds of their own: {counts}. {environment(report)}"
    )


def microseconds(name):
    """A column of microseconds."""
    return lambda run: f"{1e6 * run[name]:,.0f}"


SLOTS = {
    "keys": lambda run: run["keys"],
    "slots": lambda run: f"{int(run['slots']):,}",
    "search": lambda run: run["method"],
    "a question (µs)": microseconds("question"),
    "a write (µs)": microseconds("write"),
    "nearest found": lambda run: f"{100 * run['found']:.1f}%",
}


def medians(runs):
    """Medians of numbers over runs."""
    return {name: float(np.median([run[name] for run in runs])) for name in runs[0]}


@fragment("million_slots", "million_slots")
def million_slots(report):
    """Time of questions and writes by the number of keys."""
    rows = [
        {"keys": keys, "slots": slots, "method": method} | medians(list(runs.values()))
        for keys, sizes in report["results"].items()
        for slots, methods in sizes.items()
        for method, runs in methods.items()
    ]
    return "\n".join([table_of(rows, SLOTS), environment(report)])
