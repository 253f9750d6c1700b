"""Tables of learning from data larger than memory; see `reports`."""

from reports import environment, fragment, mega, table_of


def millions(key):
    """A column of millions a second."""
    return lambda found: f"{found[key] / 1e6:,.1f} M" if key in found else "-"


SOURCES = {
    "source": lambda found: found["source"],
    "rows a second": lambda found: f"{found['rows_a_second']:,.0f}",
    "non-zeros a second": millions("non_zeros_a_second"),
    "of memory's": lambda found: f"{found['share']:.0%}",
    "reading alone, rows a second": lambda found: f"{found['rows_read_a_second']:,.0f}",
}


@fragment("streams_sources", "streams")
def sources_table(report):
    """Rows a second by where they come from."""
    medians = report["results"]["sources"]["medians"]
    memory = medians["memory"]["rows_a_second"]
    rows = [
        {"source": name, "share": found["rows_a_second"] / memory, **found}
        for name, found in medians.items()
    ]
    return "\n".join([table_of(rows, SOURCES), environment(report)])


ORDERS = {
    "file": lambda found: found["file"],
    "accuracy": lambda found: f"{found['accuracy']:.4f}",
    "log-loss": lambda found: f"{found['log_loss']:.4f}",
}


@fragment("streams_order", "streams")
def order_table(report):
    """What files come to by their order."""
    medians = report["results"]["order"]["medians"]
    return table_of([{"file": name, **found} for name, found in medians.items()], ORDERS)


@fragment("streams_memory", "streams")
def memory_line(report):
    """Highest memory, with little data and much."""
    few, many = report["results"]["memory"]["runs"]
    return (
        f"With {few['rows']:,} rows a fit takes {mega(few['bytes'])} at most, with "
        f"{many['rows']:,} rows {mega(many['bytes'])}.\n"
    )


@fragment("streams_items", "streams")
def items_lines(report):
    """Next items."""
    found = report["results"]["items"]
    return (
        f"One pass over {found['rows']:,} rows of which the class is the next of "
        f"{found['items']:,} items: {found['rows_a_second']:,.0f} rows a second of processor's "
        f"time, {found['outputs_computed']:,.0f} outputs computed for each; "
        f"{mega(found['highest_bytes'])} at most, of which {mega(found['weights_bytes'])} are "
        f"weights. Of other rows {found['right']:.1%} are named, and {found['among_five']:.1%} are "
        f"among five; whoever knows how they were made names {found['best_possible']:.1%}, and the "
        f"most frequent item is {found['most_popular']:.1%}.\n"
    )


@fragment("streams_long", "streams")
def long_lines(report):
    """One long pass."""
    found = report["results"]["long"]
    slowest, fastest = min(found["rates"]), max(found["rates"])
    resident = found["resident_bytes"]
    days = 1e12 / found["non_zeros_a_day_projected"]
    return (
        f"One pass over {found['rows']:,} rows with {found['non_zeros'] / 1e6:,.0f} million "
        f"non-zeros: {found['non_zeros_a_second'] / 1e6:.1f} million non-zeros a second of "
        f"processor's time, from {slowest / 1e6:.1f} to {fastest / 1e6:.1f} million in its tenths; "
        f"resident memory from {mega(min(resident))} to {mega(max(resident))}; a log-loss of "
        f"{found['log_loss']:.4f}, where the teacher's own is {found['teachers_log_loss']:.4f}.\n\n"
        "*Projected, not measured:* two processors that are busy all day learn from "
        f"10^12 non-zeros "
        f"in {days:.1f} days.\n"
    )


OPPONENTS = {
    "learner": lambda found: found["name"],
    "non-zeros a second": millions("non_zeros_a_second"),
    "log-loss": lambda found: f"{found['log_loss']:.4f}" if "log_loss" in found else "-",
}


@fragment("streams_opponents", "streams")
def opponents_table(report):
    """One pass over the same rows, by each."""
    found = report["results"]["opponents"]
    rows = [{"name": name, **each} for name, each in found["methods"].items()]
    return table_of(rows, OPPONENTS)
