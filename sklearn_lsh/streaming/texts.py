"""Text files of which a block of lines is found without reading what is before it.

A file is looked through once, for where its blocks begin. Of a compressed one the state of the
decompressor is kept there, too.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

# Bytes that are looked through at a time, of a plain file ...
CHUNK = 1 << 24
# ... and of a compressed one.
COMPRESSED_CHUNK = 1 << 18
# How zlib is told to expect gzip's header.
GZIP = 16 + zlib.MAX_WBITS


class Piece(NamedTuple):
    """A piece of the text."""

    start: int
    text: bytes
    position: Any
    """What it takes to read on from its start."""


class Place(NamedTuple):
    """Where some lines are in a text."""

    start: int
    stop: int
    first_line: int
    """From 1."""
    position: Any
    """What it takes to read on from the start, or from a little before it."""


class PlainText:
    """A file of text, as it is."""

    def __init__(self, path):
        self.path = path

    def pieces(self) -> Iterator[Piece]:
        """Read all of it."""
        start = 0
        with open(self.path, "rb") as file:
            while text := file.read(CHUNK):
                yield Piece(start, text, None)
                start += len(text)

    def read(self, place: Place) -> bytes:
        """Read what is in a place."""
        with open(self.path, "rb") as file:
            file.seek(place.start)
            return file.read(place.stop - place.start)


class GzipPosition(NamedTuple):
    """A place in a compressed file from which it can be read on."""

    start: int
    """In the text."""
    in_file: int
    decompressor: Any


class GzipText:
    """A file of text that gzip compressed, of one part or several."""

    def __init__(self, path):
        self.path = path

    def pieces(self, position: GzipPosition | None = None) -> Iterator[Piece]:
        """Read on from a position, or all of it."""
        start, in_file, state = position or GzipPosition(0, 0, zlib.decompressobj(GZIP))
        with open(self.path, "rb") as file:
            file.seek(in_file)
            state = state.copy()
            while packed := file.read(COMPRESSED_CHUNK):
                before = GzipPosition(start, in_file, state.copy())
                text, state = self._unpack(packed, state)
                yield Piece(start, text, before)
                start, in_file = start + len(text), in_file + len(packed)
        if not state.eof and start > 0:
            raise ValueError(f"{self.path} ends in the middle: it is not whole.")

    def read(self, place: Place) -> bytes:
        """Read what is in a place."""
        parts = []
        for start, text, _ in self.pieces(place.position):
            parts.append(text[max(0, place.start - start) : max(0, place.stop - start)])
            if start + len(text) >= place.stop:
                break
        return b"".join(parts)

    def _unpack(self, packed: bytes, state):
        """Decompress, over the end of one part and on into the next."""
        parts = []
        try:
            while packed:
                if state.eof:
                    state = zlib.decompressobj(GZIP)
                parts.append(state.decompress(packed))
                packed = state.unused_data.lstrip(b"\0") if state.eof else b""
        except zlib.error as error:
            raise ValueError(f"{self.path} cannot be decompressed: {error}.") from error
        return b"".join(parts), state


class TextBlocks:
    """Blocks of so many lines of a file.

    Parameters
    ----------
    path : str or path
        If its name ends in ``.gz``, it is decompressed.
    n_lines : int
        Lines of a block.
    skip : int
        Lines before the first one.

    Raises
    ------
    ValueError
        If the file is compressed in another way, or damaged.
    """

    def __init__(self, path: str | PathLike, n_lines: int, skip: int = 0):
        suffix = Path(path).suffix
        if suffix in (".bz2", ".xz", ".zst"):
            raise ValueError(
                f"{path} is compressed in a way in which no block is found without unpacking all "
                "before it: decompress it, or use gzip."
            )
        self.path = path
        self._given = (path, n_lines, skip)
        self._text = GzipText(path) if suffix == ".gz" else PlainText(path)
        self._state = self._find_state()
        self.head, self.places = self._scan(n_lines, skip)

    def __reduce__(self):
        """Look through the file again where a copy goes: decompressors cannot be stored."""
        return type(self), self._given

    def _find_state(self) -> tuple[int, int]:
        found = os.stat(self.path)
        return found.st_size, found.st_mtime_ns

    def _scan(self, n_lines: int, skip: int) -> tuple[bytes, list[Place]]:
        """Find where the blocks begin; returns the lines before them, too."""
        starts: list[tuple[int, Any]] = [(0, None)] if skip == 0 else []
        head, n_seen, end = b"", 0, 0
        for piece in self._text.pieces():
            ends = np.flatnonzero(np.frombuffer(piece.text, np.uint8) == ord("\n"))
            # A block begins after each line of which the number, less those to skip, is so.
            numbers = np.arange(n_seen + 1, n_seen + 1 + len(ends)) - skip
            begins = ends[(numbers >= 0) & (numbers % n_lines == 0)] + piece.start + 1
            if n_seen < skip:
                head += piece.text[: begins[0] - piece.start if len(begins) else None]
            starts += [(start, piece.position) for start in begins.tolist()]
            n_seen, end = n_seen + len(ends), piece.start + len(piece.text)
        starts = [start for start in starts if start[0] < end]
        stops = [*(start for start, _ in starts), end][1:]
        firsts = range(1 + skip, 1 + skip + len(starts) * n_lines, n_lines)
        places = [
            Place(start, stop, first, position)
            for (start, position), stop, first in zip(starts, stops, firsts, strict=True)
        ]
        return head, places

    def read(self, number: int) -> bytes:
        """Read the lines of a block, each of which ends with a newline."""
        if self._find_state() != self._state:
            raise ValueError(f"{self.path} has changed since it was looked through.")
        text = self._text.read(self.places[number])
        return text if text.endswith(b"\n") else text + b"\n"
