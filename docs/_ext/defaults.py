"""What settings stand for by default."""

from reports import environment, fragment, table

# Methods of `benchmarks/defaults.py`, by the names of columns.
METHODS = {"default": "nothing set", "search": "best of a search", "scikit_learn": "scikit-learn"}


@fragment("automatic_settings")
def automatic_settings():
    """What parameters become that are left to the data, for some kinds of these."""
    from sklearn_lsh import LSHMLPClassifier
    from sklearn_lsh.estimators.automatic import Facts, choose

    kinds = {
        "dense, 1,000 rows of 30 features, 3 classes": Facts(1_000, 3, False, 30, 30),
        "dense, 10,000 rows of 30 features, 3 classes": Facts(10_000, 3, False, 30, 30),
        "the same of 784 features": Facts(10_000, 3, False, 784, 784),
        "dense, 1,000,000 rows, 3 classes": Facts(1_000_000, 3, False, 30, 30),
        "sparse, 10,000 rows of 30,000 features, 20 classes": Facts(10_000, 20, True, 30_000),
        "the same, 1,000 classes": Facts(10_000, 1_000, True, 30_000),
        "the same of ones, 30 a row": Facts(10_000, 1_000, True, 30_000, 30),
        "sparse, 1,000,000 rows of 1,000,000 features, 100,000 classes": Facts(
            1_000_000, 100_000, True, 1_000_000
        ),
    }
    chosen = {kind: choose(LSHMLPClassifier(), facts)._asdict() for kind, facts in kinds.items()}
    names = next(iter(chosen.values()))
    rows = [[kind, *(f"`{value!r}`" for value in each.values())] for kind, each in chosen.items()]
    return table(["data", *(f"`{name}`" for name in names)], rows)


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


@fragment("defaults", "defaults")
def defaults(report):
    """Nothing set, against a search and scikit-learn's networks, set by set."""
    rows = []
    for name, found in report["results"].items():
        size = found["set"]
        title = f"*{name}*" if size["unseen"] else name
        described = f"{size['rows']:,} × {size['features']:,}, {size['outputs']:,}"
        cells = (_cell(found[method]) if method in found else "" for method in METHODS)
        rows.append([title, described, *cells])
    head = ["set", "rows × features, outputs", *METHODS.values()]
    return table(head, rows) + "\n" + environment(report)


def _cell(runs):
    """Mean score and seconds of some runs."""
    score, seconds = (sum(run[key] for run in runs) / len(runs) for key in ("score", "cpu_seconds"))
    return f"{score:.4f} ({seconds:.1f} s)"
