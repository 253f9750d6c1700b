"""Which neurons fire: selections, picked by name.

A selection answers ``select(weights, inputs, targets)`` with the active neurons of each sample, a
sample's targets first. It is brought up to date with a layer's weights by ``refresh(weights,
inputs)``.
"""

from sklearn_lsh.selection.base import Selection
from sklearn_lsh.selection.exact import Random, TopK
from sklearn_lsh.selection.hidden import HiddenLSH
from sklearn_lsh.selection.lsh import Hashing
from sklearn_lsh.selection.output import OutputLSH

# Selections that hash nothing, for all layers.
EXACT_SELECTIONS = {"topk": TopK, "random": Random}
# Weights of an output layer up to which predictions under "auto" compute all of it, in some
# milliseconds for a sample: tables miss some of the likeliest classes.
MOST_EXACT = 1 << 25


def make_hidden_selection(name, n_active, n_nonzero, hashing) -> Selection:
    """Make a hidden layer's selection.

    Where a sparse input has few non-zeros, looking up neurons saves little or nothing and misses
    many: all are computed, unless tables are asked for.

    Parameters
    ----------
    name : {"lsh", "topk", "random"}
    n_active : int
        Neurons to select for each sample.
    n_nonzero : float
        Mean number of non-zeros of an input, if it is sparse; else infinity.
    hashing : Hashing
    """
    if name == "lsh" and not (n_nonzero <= HiddenLSH.COMPUTED_TO and hashing.is_automatic):
        return HiddenLSH(n_active, hashing)
    return EXACT_SELECTIONS["topk" if name == "lsh" else name](n_active)


def make_output_selection(name, n_active, n_neurons, hashing) -> Selection:
    """Make the output layer's selection.

    Where every other output is wanted, computing all of them beats looking them up.

    Parameters
    ----------
    name : {"lsh", "topk", "random"}
    n_active : int
        Neurons to select for each sample.
    n_neurons : int
        Number of outputs.
    hashing : Hashing
    """
    if name == "lsh" and 2 * n_active < n_neurons:
        return OutputLSH(n_active, hashing)
    return EXACT_SELECTIONS["topk" if name == "lsh" else name](n_active)


def make_for_predictions(selection, wanted, n_weights) -> Selection:
    """Make the selection that a layer predicts by.

    Parameters
    ----------
    selection : Selection
        By which it was trained.
    wanted : {"auto", "topk", "random"} or None
        None is the same as in training, or, until that knows the layer's weights, what is exact.
    n_weights : int
        Of the layer.
    """
    if wanted == "auto":
        is_cheap = isinstance(selection, OutputLSH) and n_weights <= MOST_EXACT
        wanted = "topk" if is_cheap else None
    if wanted is None and selection.is_fitted:
        return selection
    return EXACT_SELECTIONS[wanted or "topk"](selection.n_active)


__all__ = [
    "EXACT_SELECTIONS",
    "Hashing",
    "HiddenLSH",
    "OutputLSH",
    "Random",
    "Selection",
    "TopK",
    "make_for_predictions",
    "make_hidden_selection",
    "make_output_selection",
]
