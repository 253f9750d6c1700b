"""Locality-sensitive hashing: families that code vectors, and tables that find them again."""

from sklearn_lsh.hashing.families import DWTA, FAMILIES, SimHash
from sklearn_lsh.hashing.tables import LSHTables

__all__ = ["DWTA", "FAMILIES", "LSHTables", "SimHash"]
