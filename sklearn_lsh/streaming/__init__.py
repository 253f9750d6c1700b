"""Data that do not fit into memory: sources of blocks, which ``fit_batches`` takes."""

from sklearn_lsh.streaming.arrays import ArrayBlocks, SequenceBlocks
from sklearn_lsh.streaming.blocks import JoinedBlocks
from sklearn_lsh.streaming.clicks import HashedClicks
from sklearn_lsh.streaming.frames import FrameBlocks, ParquetBlocks
from sklearn_lsh.streaming.items import NextItems
from sklearn_lsh.streaming.predictions import write_predictions
from sklearn_lsh.streaming.sparse_texts import MultilabelBlocks, SvmlightBlocks

__all__ = [
    "ArrayBlocks",
    "FrameBlocks",
    "HashedClicks",
    "JoinedBlocks",
    "MultilabelBlocks",
    "NextItems",
    "ParquetBlocks",
    "SequenceBlocks",
    "SvmlightBlocks",
    "write_predictions",
]
