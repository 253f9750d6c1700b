"""Nearest neighbours found by hashing, in the form of scikit-learn's."""

from sklearn_lsh.neighbors.transformer import LSHNeighborsTransformer

__all__ = ["LSHNeighborsTransformer"]
