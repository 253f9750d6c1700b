"""Which neurons fire: selections, picked by name.

A selection answers ``select(layer, inputs, labels)`` with the active neurons of each sample, a
sample's labels first. It is brought up to date with a layer's weights by ``refresh(layer,
inputs)``.
"""

import math

from sklearn_lsh.selection.exact import Random, TopK
from sklearn_lsh.selection.hidden import HiddenLSH
from sklearn_lsh.selection.output import OutputLSH

# For hidden layers, and for the output layer.
SELECTIONS = {"lsh": (HiddenLSH, OutputLSH), "topk": (TopK, TopK), "random": (Random, Random)}


def make_selection(
    name, n_active, n_neurons, *, last, n_nonzero=math.inf, n_targets=None, **hashing
):
    """Make a selection by name, for the last layer or another one.

    Where every other output is wanted, computing all of them is better in any respect than looking
    them up. Where a sparse input has few non-zeros (``n_nonzero``), looking up a hidden layer's
    neurons saves little or nothing and misses many.
    """
    if name == "lsh":
        half = last and 2 * n_active >= n_neurons
        few = not last and n_nonzero <= HiddenLSH.COMPUTED_TO
        if half or (few and hashing["n_bits"] == hashing["n_tables"] == "auto"):
            name = "topk"
    if last:
        hashing["n_targets"] = n_targets
    return SELECTIONS[name][last](n_active, **hashing)


__all__ = ["SELECTIONS", "HiddenLSH", "OutputLSH", "Random", "TopK", "make_selection"]
