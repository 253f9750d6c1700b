"""What the README shows of the benchmarks: a picture in the colours of two themes, and a table.

    python docs/_ext/pages.py

brings both up to date, and a test finds out where that was forgotten. Pictures are drawn anew only
where what they show has changed, or where they are missing: each build of Matplotlib writes them a
little differently.
"""

import json
import re
from typing import NamedTuple
from xml.etree import ElementTree

from reports import DOCS, main_runs, results, table, training_curve

README = DOCS.parent / "README.md"
PICTURES = DOCS / "_static"
PICTURE = "time_accuracy"  # the one of the landing page
# A code host may show either on a ground of any colour.
GROUNDS = {"light": "#ffffff", "dark": "#14181e"}
BEGIN, END = "<!-- made by docs/_ext/readme.py: begin -->\n", "<!-- end -->\n"


class Comparison(NamedTuple):
    """Two ways to learn the same."""

    task: str
    other: str
    accuracies: tuple[str, str]
    seconds: tuple[float, float]
    projected: bool = False


# -- the table ----------------------------------------------------------------------------


def comparisons():
    """Yield what the table compares: ours first in each pair."""
    yield from dense_networks()
    yield icd_coding()
    yield full_softmax("lemma-de", "Lemmas of word forms")
    yield label_tree("icd", "Diagnosis codes")
    yield label_tree("wordnet", "Hypernyms of glosses, multi-label")


def dense_networks():
    """Yield the times to the goal of the dense networks' benchmark."""
    found = results("dense_networks")["results"]["main"]
    summary, width = found["results"]["summary"], found["options"]["width"]
    seconds = summary["median_seconds_to_goal"]
    for name, other in (("scikit_learn", "scikit-learn"), ("pytorch", "PyTorch")):
        yield Comparison(
            task=f"Fashion-MNIST, two hidden layers of {width:,}",
            other=f"{other}, dense",
            accuracies=(f"to {summary['goal']:.1%}",) * 2,
            seconds=(seconds["hashed"], seconds[name]),
        )


def icd_coding():
    """Whole trainings on diagnoses, each with its own number of epochs."""
    summary = results("icd_coding")["results"]["summary"]
    networks = ("hashed_2_threads", "dense_2_threads")
    accuracies = (f"{summary['mean_final_accuracy'][network]:.1%}" for network in networks)
    return Comparison(
        task=f"Diagnosis codes, {n_classes('icd')} classes",
        other="scikit-learn, dense",
        accuracies=tuple(accuracies),
        seconds=tuple(summary["seconds_total"][network] for network in networks),
    )


def full_softmax(name, task):
    """The time to nearly the accuracy of a full softmax."""
    found = results("time_to_accuracy")["results"][name]
    return Comparison(
        task=f"{task}, {found['sizes']['labels']:,} classes",
        other="PyTorch, full softmax",
        accuracies=(f"to {found['goal']:.1%}",) * 2,
        seconds=tuple(found["summary"][method]["seconds"] for method in ("ours", "torch_full")),
        projected="projected" in found["methods"]["torch_full"],
    )


def label_tree(name, task):
    """A label tree, the most accurate one, and ours, asked exactly."""
    found = results("extreme")["results"][name]
    names = {"omikuji": "omikuji", "pecos": "PECOS", "napkinxc": "napkinXC"}
    tree = max(names, key=lambda method: found[method][0]["precision_at_1"])
    runs = [found[method][0] for method in ("ours_exact", tree)]
    return Comparison(
        task=f"{task}, {n_classes(name)} classes",
        other=f"{names[tree]}, label trees",
        accuracies=tuple(f"{run['precision_at_1']:.1%}" for run in runs),
        seconds=tuple(run["seconds"] for run in runs),
    )


def n_classes(name):
    """The number of classes of a set."""
    return f"{results('extreme')['results'][name]['sizes']['labels']:,}"


def gains_table():
    """The table, and where it was measured."""
    rows = []
    for task, other, accuracies, (ours, theirs), projected in comparisons():
        measured = [f"{ours:,.0f} s", f"{theirs:,.0f} s" + " (projected)" * projected]
        rows.append([task, other, *accuracies, *measured, f"**{theirs / ours:.1f}**"])
    head = ["", "beside", "accuracy, ours", "theirs", "training, ours", "theirs", "times ours"]
    facts = results("dense_networks")["environment"]
    return (
        f"{table(head, rows)}\n{facts['processor']}, {facts['processors']} processors, two threads "
        f"each, scikit-learn {facts['versions']['scikit-learn']}, "
        f"PyTorch {facts['versions']['torch']}.\n"
    )


def with_table(text):
    """Return the README's text with the table as it is now."""
    wanted = f"{BEGIN}\n{gains_table()}\n{END}"
    return re.sub(f"{BEGIN}.*?{END}", lambda _: wanted, text, flags=re.DOTALL)


# -- the picture --------------------------------------------------------------------------


def picture_path(theme):
    """Return where a picture lies."""
    return PICTURES / f"{PICTURE}-{theme}.svg"


def shown():
    """Return what the picture shows, as it is noted in the picture."""
    curves = {
        f"{name}, {network}": [values.round(4).tolist() for values in training_curve(runs)]
        for name in ("dense_networks", "icd_coding")
        for network, runs in main_runs(results(name)).items()
    }
    return json.dumps(curves)


def noted(theme):
    """Return what a picture says that it shows, or None where there is none."""
    path = picture_path(theme)
    if not path.exists():
        return None
    found = ElementTree.parse(path).find(".//{http://purl.org/dc/elements/1.1/}description")
    return None if found is None else found.text


# -- bringing up to date ------------------------------------------------------------------


def update():
    """Write what has changed."""
    text = README.read_text()
    if with_table(text) != text:
        README.write_text(with_table(text))
    for theme, ground in GROUNDS.items():
        if noted(theme) != shown():
            from pictures import save  # which needs more than the rest

            save(PICTURE, theme, picture_path(theme), ground=ground, Description=shown())
