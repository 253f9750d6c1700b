"""Which neurons fire: selections, picked by name.

A selection answers ``select(layer, inputs, labels)`` with the active neurons of each sample, a
sample's labels first. It is brought up to date with a layer's weights by ``refresh(layer,
inputs)``.
"""

from sklearn_lsh.selection.exact import Random, TopK
from sklearn_lsh.selection.hidden import HiddenLSH
from sklearn_lsh.selection.output import OutputLSH

# For hidden layers, and for the output layer.
SELECTIONS = {"lsh": (HiddenLSH, OutputLSH), "topk": (TopK, TopK), "random": (Random, Random)}

__all__ = ["SELECTIONS", "HiddenLSH", "OutputLSH", "Random", "TopK"]
