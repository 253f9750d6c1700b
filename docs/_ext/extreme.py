"""Tables of extreme classification, from the benchmarks' results; see `reports`."""

from typing import NamedTuple

import numpy as np
from reports import environment, fragment, table, table_of

SETS = {
    "wordnet": "WordNet",
    "icd": "ICD-10",
    "lemma-de": "German lemmas",
    "lemma-hr": "Croatian lemmas",
}
METHODS = {
    "ours": "ours",
    "ours_longer": "ours, more epochs",
    "ours_exact": "ours, exact prediction",
    "ours_blended": "ours, exact, with neighbours",
    "ours_uniform": "ours, uniform candidates",
    "omikuji": "omikuji (Parabel)",
    "pecos": "PECOS (XR-Linear)",
    "napkinxc": "napkinXC (PLT)",
    "fasttext": "fastText",
    "torch_full": "PyTorch, full softmax",
    "torch_512": "PyTorch, 512 sampled",
    "torch_1024": "PyTorch, 1,024 sampled",
    "torch_4096": "PyTorch, 4,096 sampled",
}
TREES = ("omikuji", "pecos", "napkinxc")
# How ours is asked, by the validation rows: exactly, and where it helps with neighbours.
RECIPES = {"wordnet": "ours_blended"}
FIGURES = {
    **{f"precision_at_{k}": "{:.4f}" for k in (1, 3, 5)},
    **dict.fromkeys(("seconds", "seconds_to_predict"), "{:.1f}"),
}


def means(runs):
    """Means of figures over runs."""
    return {key: np.mean([run[key] for run in runs]) for key in FIGURES}


def methods_of(found):
    """Figures of each method that was measured on a set."""
    return {name: means(found[name]) for name in METHODS if name in found}


@fragment("extreme", "extreme")
def extreme_table(report):
    """Each set by each method that was measured on it, with the best P@1 of each set in bold."""
    rows = []
    for name, title in SETS.items():
        if name not in report["results"]:
            continue
        found = report["results"][name]
        measured = methods_of(found)
        best = max(figures["precision_at_1"] for figures in measured.values())
        title = f"{title}, {found['sizes']['labels']:,} labels"
        for method, figures in measured.items():
            cells = [form.format(figures[key]) for key, form in FIGURES.items()]
            if figures["precision_at_1"] == best:
                cells[0] = f"**{cells[0]}**"
            rows.append([title, METHODS[method], *cells])
    head = ["set", "method", "P@1", "P@3", "P@5", "seconds of training", "of predicting"]
    return table(head, rows) + "\n" + environment(report)


@fragment("extreme_lines", "extreme")
def extreme_lines(report):
    """Ours against the best tree of each set, as a list."""
    lines = []
    for name, title in SETS.items():
        measured = methods_of(report["results"].get(name, {}))
        trees = [method for method in TREES if method in measured]
        own = RECIPES.get(name, "ours_exact")
        if not trees or own not in measured:
            continue
        tree = max(trees, key=lambda method: measured[method]["precision_at_1"])
        points = 100 * (measured[own]["precision_at_1"] - measured[tree]["precision_at_1"])
        times = measured[own]["seconds"] / measured[tree]["seconds"]
        says = "ahead of" if points > 0 else "behind"
        lines.append(
            f"- {title}: {METHODS[own]}, is {abs(points):.1f} points {says} the best tree, "
            f"{METHODS[tree]}, and trains for {times:.1f} times as long."
        )
    return "\n".join(lines) + "\n"


class Followed(NamedTuple):
    """How far a method got on a set, and what it took to reach the goal."""

    title: str
    method: str
    accuracies: list
    summary: dict
    seconds_of_ours: float

    def least(self, number):
        """A number, of which it may be known only that it is no less."""
        return f"{'at least ' * self.summary['at_least']}{number}"

    @property
    def best(self):
        """The best accuracy, and of how many epochs."""
        return f"{max(self.accuracies):.4f} ({len(self.accuracies)})" if self.accuracies else ""


TO_THE_GOAL = {
    "set": lambda run: run.title,
    "network": lambda run: METHODS[run.method],
    "best P@1 (epochs)": lambda run: run.best,
    "epochs to the goal": lambda run: run.least(run.summary["epochs"]),
    "seconds an epoch": lambda run: f"{run.summary['seconds_an_epoch']:.1f}",
    "seconds to the goal": lambda run: run.least(f"{run.summary['seconds']:.0f}"),
    "times ours": lambda run: run.least(f"{run.summary['seconds'] / run.seconds_of_ours:.1f}"),
}


@fragment("time_to_accuracy", "time_to_accuracy")
def time_to_accuracy_table(report):
    """Seconds until each network is nearly as accurate as the full softmax."""
    runs = []
    for name, title in SETS.items():
        found = report["results"].get(name)
        if found is None:
            continue
        title = f"{title}, {found['sizes']['labels']:,} classes"
        ours = found["summary"]["ours"]["seconds"]
        for method, summary in found["summary"].items():
            accuracies = found["methods"][method].get("accuracies")
            runs.append(Followed(title, method, accuracies, summary, ours))
    return table_of(runs, TO_THE_GOAL) + "\n" + environment(report)


# Of rare labels: how many labels are named for a row, and how many rows a label has.
RARE_SETS = {
    "icd": "ICD-10-CM, percent of the texts whose code is named first",
    "wordnet": "WordNet, percent of the labels that are among the first five",
}
ROWS_OF_LABEL = ("one", "two", "at most two", "three to nine", "ten or more", "all")


@fragment("rare_classes", "rare_classes")
def rare_classes(report):
    """What a network finds alone and with neighbours, by how many rows a label has."""
    parts = []
    for name, methods in report["results"].items():
        pairs = [(methods["network"][seed], run) for seed, run in methods["blend"].items()]
        rows = [rare_row(rows, *zip(*pairs, strict=True)) for rows in ROWS_OF_LABEL]
        head = ["rows of the label", "asked for", "network alone", "with neighbours", "gain"]
        parts.append(f"{RARE_SETS[name]}:\n\n{table(head, rows)}")
    return "\n".join([*parts, environment(report)])


def rare_row(rows, alone, blend):
    """Means over runs, and the standard deviation of the gain."""
    before, after = (np.array([run["shares"][rows] for run in runs]) for runs in (alone, blend))
    asked_for, gains = np.mean([run["labels"][rows] for run in alone]), after - before
    figures = [f"{asked_for:,.0f}", f"{before.mean():.1f}", f"{after.mean():.1f}"]
    deviation = f" ± {gains.std(ddof=1):.2f}" if len(gains) > 1 else ""
    return [rows, *figures, f"{gains.mean():+.2f}{deviation}"]
