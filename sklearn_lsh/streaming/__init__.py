"""Data that do not fit into memory: sources of blocks, which ``fit_batches`` takes."""

from sklearn_lsh.streaming.arrays import ArrayBlocks, SequenceBlocks
from sklearn_lsh.streaming.blocks import JoinedBlocks
from sklearn_lsh.streaming.clicks import HashedClicks
from sklearn_lsh.streaming.sparse_texts import MultilabelBlocks, SvmlightBlocks

__all__ = [
    "ArrayBlocks",
    "HashedClicks",
    "JoinedBlocks",
    "MultilabelBlocks",
    "SequenceBlocks",
    "SvmlightBlocks",
]
