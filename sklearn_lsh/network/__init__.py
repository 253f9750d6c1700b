"""Multilayer perceptrons of full and selected layers, in NumPy and compiled kernels."""

from sklearn_lsh.network.network import Network
from sklearn_lsh.network.optimizers import make_optimizer

__all__ = ["Network", "make_optimizer"]
