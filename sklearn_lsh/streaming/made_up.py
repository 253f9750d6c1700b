"""Base of data that are made up: any block is a function of a seed and of its number alone."""

from __future__ import annotations

import math

import numpy as np

from sklearn_lsh.inputs import Count
from sklearn_lsh.streaming.blocks import Blocks

# What random numbers are for.
TEACHER, ROWS = range(2)


class MadeUpBlocks(Blocks):
    """Rows that are drawn when they are asked for; a subclass says how (`Blocks._read`).

    Parameters
    ----------
    counts : dict of str to int
        ``n_rows``, ``n_features``, ``block_size`` and others that are at least 1: they become
        attributes.
    seed, first_block : int
    """

    n_rows: int
    n_features: int
    block_size: int
    seed: int
    first_block: int

    def __init__(self, counts: dict[str, int], *, seed: int, first_block: int) -> None:
        for least, parameters in ((1, counts), (0, {"seed": seed, "first_block": first_block})):
            for name, value in parameters.items():
                if not Count(least).is_satisfied_by(value):
                    raise ValueError(f"{name} must be an integer >= {least}, got {value!r}.")
                setattr(self, name, int(value))
        self.n_blocks = math.ceil(self.n_rows / self.block_size)

    def _teachers_generator(self) -> np.random.Generator:
        """Make the generator of what all blocks have in common."""
        return np.random.default_rng((self.seed, TEACHER))

    def _generator(self, number: int) -> tuple[int, np.random.Generator]:
        """Count the rows of a block, and make the generator that they are drawn by."""
        n = min(self.block_size, self.n_rows - number * self.block_size)
        return n, np.random.default_rng((self.seed, ROWS, self.first_block + number))

    def _name(self) -> str:
        return f"{self.n_rows}, n_features={self.n_features}, seed={self.seed}"


def zipf_ranks(u: np.ndarray, sizes) -> np.ndarray:
    """Ranks from 0 on, below sizes, by Zipf's law: rank k has a probability of about 1 / (k + 1).

    That it is less than k has the probability log(k + 1) / log(size + 1).

    Parameters
    ----------
    u : ndarray, dtype=float32
        Even random numbers from 0 to 1.
    sizes : int or ndarray of int
    """
    ranks = np.exp(u * np.log(np.asarray(sizes) + 1).astype(np.float32)) - 1
    return np.minimum(ranks.astype(np.int64), np.asarray(sizes) - 1)
