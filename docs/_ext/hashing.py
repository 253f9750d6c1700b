"""What hashing finds: active neurons, in layers, and rows that stand for all, in sums."""

from reports import environment, fragment, table, table_of

SIEVES = {
    "neurons": lambda run: f"{run['width']:,}",
    "active": lambda run: f"{run['density']:.1%}",
    "tables": lambda run: f"{run['tables']['milliseconds']:.1f} ms",
    "all sketches": lambda run: f"{run['scan']['milliseconds']:.1f} ms",
    "recall of tables": lambda run: f"{run['tables']['recall']:.2f}",
    "of all sketches": lambda run: f"{run['scan']['recall']:.2f}",
}


@fragment("sieves", "sieves")
def sieves(report):
    """Tables against all sketches."""
    return table_of(report["results"]["runs"], SIEVES) + "\n" + environment(report)


def seconds_of(run, way):
    """Seconds of an epoch."""
    return f"{run[way]['seconds']:.1f} s"


def accuracy_of(run, way):
    """Accuracy on held-out texts."""
    return f"{run[way]['accuracy']:.1%}"


# Two of the headings are the same.
TEXT_HEAD = ["non-zeros", "neurons", "active", "an epoch, hashed", "all computed"]
TEXT_HEAD += ["recall of hashing", "accuracy, hashed", "all computed"]


@fragment("sieves_text", "sieves")
def sieves_for_texts(report):
    """Hashing against computing all neurons, where inputs have few non-zeros."""
    from sklearn_lsh.selection.hidden import HiddenLSH

    rows = [
        [
            f"{run['n_nonzero']:.0f}",
            f"{run['width']:,}",
            f"{run['density']:.0%}",
            seconds_of(run, "hashing"),
            seconds_of(run, "computing"),
            f"{run['hashing']['recall']:.2f}",
            accuracy_of(run, "hashing"),
            accuracy_of(run, "computing"),
        ]
        for run in report["results"]["text_runs"]
    ]
    limit = f"All neurons are computed with up to {HiddenLSH.COMPUTED_TO} non-zeros a row.\n\n"
    return limit + table(TEXT_HEAD, rows) + "\n" + environment(report)


ESTIMATES = {
    "union": "union",
    "tables": "tables",
    "draw": "draw",
    "retrying": "the printed form",
    "uniform": "uniform",
}


@fragment("sampling", "sampling")
def sampling_table(report):
    """Bias and deviation of estimates from hash tables."""
    found = report["results"]
    rows = [
        [
            title,
            weights,
            f"{of['empty buckets']:.0%}",
            f"{of[name]['rows']:.1f} of {of['rows']}",
            f"{of[name]['mean']:.2f} ± {of[name]['standard_error']:.2f}",
            f"{of[name]['deviation']:.2f}",
        ]
        for weights, of in found["weights"].items()
        for name, title in ESTIMATES.items()
    ]
    head = ["estimate", "weights", "empty buckets", "rows", "mean", "deviation"]
    text = f"SimHash of {found['n_bits']} bits and {found['n_tables']} tables. "
    return table(head, rows) + "\n" + text + environment(report)
