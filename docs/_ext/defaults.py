"""What settings stand for by default."""

from reports import fragment, table


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
