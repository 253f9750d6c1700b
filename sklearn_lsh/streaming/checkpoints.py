"""Checkpoints in a folder: never half of one, and always one that can be read.

A checkpoint is one ``.npz`` file, after the end of which a checksum stands. It is written under
another name, flushed to the disk, and only then gets its own; the one before it is kept as well. So
whenever the process ends, there is a whole one, if there ever was.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
import warnings
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from secrets import token_hex
from typing import Any, NamedTuple

import numpy as np

from sklearn_lsh.streaming.state import Decoder, Encoder

# How many are kept, if they are of the same training.
N_KEPT = 2
# Of the way in which they are written.
VERSION = 1
DIGEST_SIZE = 16
# Seconds after which nobody writes to a file any more.
ABANDONED = 3600
# What names of files begin with; all others in the folder are somebody else's.
PREFIX = "checkpoint-"
_NAME = re.compile(rf"{PREFIX}(\d{{8}})\.npz")
_UNITS = {"s": 1, "min": 60, "h": 3600}
_PERIOD = re.compile(r"(\d+(?:\.\d*)?)\s*(s|min|h)")
# What is in the file beside the arrays of the state.
HEAD = "json"


class Saved(NamedTuple):
    """What a checkpoint has."""

    facts: dict
    """What it is of, as JSON has it."""
    state: Any


class Checkpoints:
    """The checkpoints in a folder.

    Parameters
    ----------
    folder : str or path
        Is made if it is not there.

    Raises
    ------
    OSError
        If nothing can be written there.
    """

    def __init__(self, folder: str | PathLike):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in self.folder.glob(f"{PREFIX}*.tmp"):
            _remove_abandoned(path)
        with _writing(self.folder) as file:
            file.write(bytes(1))

    def paths(self) -> list[Path]:
        """List them, the latest first."""
        found = [path for path in self.folder.iterdir() if _NAME.fullmatch(path.name)]
        return sorted(found, reverse=True)

    def write(self, facts: dict, state, *, n_kept: int = N_KEPT) -> None:
        """Write another one, and remove the oldest: so many stay."""
        earlier = self.paths()
        number = 1 + (int(earlier[0].stem.rpartition("-")[2]) if earlier else 0)
        encoder = Encoder()
        root = encoder.encode(state)
        head = {"version": VERSION, "facts": facts, "root": root, "entries": encoder.entries}
        text = np.frombuffer(json.dumps(head).encode(), np.uint8)
        with _writing(self.folder, f"{PREFIX}{number:08d}.npz") as file:
            np.savez(file, allow_pickle=False, **{HEAD: text, **encoder.arrays})
            file.write(_digest(file, file.seek(0, os.SEEK_END)))
        _flush_folder(self.folder)
        for old in earlier[n_kept - 1 :]:
            old.unlink(missing_ok=True)

    def read(self, *, whole: bool = True) -> Saved | None:
        """Read the latest one that is whole; None if there is none.

        Parameters
        ----------
        whole : bool, default=True
            Whether to read its state, too; else that is None.

        Raises
        ------
        ValueError
            If it is of another version.
        """
        for path in self.paths():
            try:
                return _read(path, whole=whole)
            except FileNotFoundError:  # another process has written newer ones
                return self.read(whole=whole)
            except _Damaged as error:
                warnings.warn(f"{path} is damaged: {error}. An earlier one is taken.", stacklevel=2)
        return None


class _Damaged(Exception):
    """A file is not as it was written."""


def _read(path: Path, *, whole: bool) -> Saved:
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END) - DIGEST_SIZE
        if size < 0 or _digest(file, size) != file.read(DIGEST_SIZE):
            raise _Damaged("its checksum is another one")
        file.seek(0)
        with np.load(file, allow_pickle=False) as stored:
            head = json.loads(stored[HEAD].tobytes())
            if head.get("version") != VERSION:
                raise ValueError(f"{path} is of another version: {head.get('version')!r}.")
            if not whole:
                return Saved(head["facts"], None)
            arrays = {name: stored[name] for name in stored.files if name != HEAD}
    try:
        state = Decoder(head["entries"], arrays).decode(head["root"])
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{path} is not as it was written: {error!r}.") from error
    return Saved(head["facts"], state)


def _digest(file, size: int) -> bytes:
    """Digest the beginning of a file, and stop after it."""
    digest = hashlib.blake2b(digest_size=DIGEST_SIZE)
    file.seek(0)
    while size > 0:
        part = file.read(min(size, 1 << 20))
        digest.update(part)
        size -= len(part)
    return digest.digest()


@contextmanager
def _writing(folder: Path, name: str | None = None):
    """Open a file. It gets its name when it is on the disk, or is removed, without one or an error.

    Until then it has one of its own, lest two processes write to the same.
    """
    path = folder / f"{PREFIX}{token_hex(8)}.tmp"
    try:
        with open(path, "x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if name is not None:
            path.replace(folder / name)
    finally:
        path.unlink(missing_ok=True)


def _remove_abandoned(path: Path) -> None:
    """Remove what a process was writing, if it was killed: others may be writing right now."""
    with suppress(FileNotFoundError):
        if path.stat().st_mtime < time.time() - ABANDONED:
            path.unlink()


def _flush_folder(folder: Path) -> None:
    """Flush to the disk what files there are, where systems know of such a thing."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def seconds_of(period, name: str) -> float:
    """Read a period of time: a number of seconds, or a text such as "10min", "30s" or "1h".

    Raises
    ------
    ValueError
        If it is anything else.
    """
    if isinstance(period, str) and (found := _PERIOD.fullmatch(period.strip())):
        return float(found[1]) * _UNITS[found[2]]
    is_number = isinstance(period, int | float) and not isinstance(period, bool)
    if is_number and 0 <= period < np.inf:
        return float(period)
    raise ValueError(
        f"{name} must be a number of seconds, or a text such as '30s', '10min' or '1h', got "
        f"{period!r}."
    )
