"""A memory of examples that learns classes from a single one, and new ones at any time."""

from sklearn_lsh.memory.classifier import LSHMemoryClassifier

__all__ = ["LSHMemoryClassifier"]
