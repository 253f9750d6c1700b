"""Omniglot: characters of fifty alphabets, each drawn by twenty people."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sklearn_lsh.datasets.copies import ENVIRONMENT_VARIABLE, find_folder, reading

# Characters of each of the evaluation alphabets, in the order of their names.
EVALUATION_ALPHABETS = (
    *(20, 26, 26, 26, 26, 26, 45, 45, 41, 26),
    *(47, 40, 30, 45, 46, 28, 23, 25, 42, 26),
)
# Drawings of a character, and pixels of a side.
N_DRAWINGS = 20
SIDE = 105
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class OmniglotRun(NamedTuple):
    """One of the 20 official tasks: 20 characters of an alphabet, one drawing of each.

    Attributes
    ----------
    train, test : ndarray of shape (20, 105, 105), dtype=bool
        Drawings; True is paper.
    y_test : ndarray of shape (20,)
        Of which of ``train`` each of ``test`` is.
    """

    train: np.ndarray
    test: np.ndarray
    y_test: np.ndarray


def fetch_omniglot(folder: str | Path | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Read the drawings of Omniglot from a copy.

    Anyone gets them, under the MIT licence, as ``images_background.zip`` and
    ``images_evaluation.zip`` of ``github.com/brendenlake/omniglot``. Read are these, or the same
    packed: ``images_background.npz`` and so on with an array ``images`` of booleans.

    Parameters
    ----------
    folder : path-like, default=None
        Where the two files are. By default the folder ``omniglot`` in the one that the environment
        variable ``SKLEARN_LSH_DATA`` names.

    Returns
    -------
    background : ndarray of shape (964, 20, 105, 105), dtype=bool
        Characters of 30 alphabets, to learn from, 20 drawings of each; True is paper.
    evaluation : ndarray of shape (659, 20, 105, 105), dtype=bool
        Characters of 20 others. As many of each as ``EVALUATION_ALPHABETS`` of this module says.

    Raises
    ------
    OSError
        If there is no copy.
    ValueError
        If a file is not as it should be.

    References
    ----------
    B. Lake, R. Salakhutdinov and J. Tenenbaum, "Human-level concept learning through probabilistic
    program induction", Science 350, 2015.

    Examples
    --------
    >>> from sklearn_lsh.datasets import fetch_omniglot
    >>> background, evaluation = fetch_omniglot()
    >>> background.shape, evaluation.shape
    ((964, 20, 105, 105), (659, 20, 105, 105))
    """
    found = _folder_of(folder, "images_background.zip")
    return _read_images(found, "images_background"), _read_images(found, "images_evaluation")


def fetch_omniglot_runs(folder: str | Path | None = None) -> list[OmniglotRun]:
    """Read the 20 official one-shot tasks within alphabets, from ``all_runs.zip``.

    Parameters
    ----------
    folder : path-like, default=None
        Where it is, see `fetch_omniglot`; ``one-shot-classification/all_runs.zip`` of
        ``github.com/brendenlake/omniglot``.

    Returns
    -------
    runs : list of OmniglotRun
        Named tuples of the drawings to learn from, those to be told, and which is which.

    Raises
    ------
    OSError
        If there is no copy.
    ValueError
        If the file is not as it should be.

    Examples
    --------
    >>> from sklearn_lsh.datasets import fetch_omniglot_runs
    >>> runs = fetch_omniglot_runs()
    >>> len(runs), runs[0].train.shape
    (20, (20, 105, 105))
    """
    path = _folder_of(folder, "all_runs.zip") / "all_runs.zip"
    with reading(path), _open_zip(path) as file:
        names = sorted(name for name in file.namelist() if name.endswith("/class_labels.txt"))
        return [_read_run(file, name) for name in names]


def _folder_of(folder, file) -> Path:
    found = find_folder("omniglot") if folder is None else Path(folder)
    if found is None or not found.is_dir():
        raise FileNotFoundError(
            "There is no copy of Omniglot: folder, or 'omniglot' in the folder that "
            f"{ENVIRONMENT_VARIABLE} names in the environment, must have {file}, which "
            f"github.com/brendenlake/omniglot has. Got folder={folder!r}."
        )
    return found


def _open_zip(path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise ValueError(error) from error


def _read_images(folder, name) -> np.ndarray:
    """Drawings of all characters of a file, packed or not."""
    packed, path = folder / f"{name}.npz", folder / f"{name}.zip"
    if packed.exists():
        with reading(packed), np.load(packed, allow_pickle=False) as file:
            images = file["images"]
        path = packed
    else:
        with reading(path), _open_zip(path) as file:
            names = sorted(each for each in file.namelist() if each.endswith(".png"))
            images = np.array([_read_png(file.read(each)) for each in names])
            images = images.reshape(-1, N_DRAWINGS, *images.shape[1:])
    if images.ndim != 4 or images.shape[1:] != (N_DRAWINGS, SIDE, SIDE) or images.dtype != bool:
        raise ValueError(
            f"The file {path} is not as it should be: {images.dtype} of shape {images.shape}."
        )
    return images


def _read_run(file, name) -> OmniglotRun:
    """One task: a line for each drawing to be told, with its name and that of its like."""
    pairs = [line.split() for line in file.read(name).decode().splitlines() if line.strip()]
    known = sorted({train for _, train in pairs})
    return OmniglotRun(
        train=np.array([_read_png(file.read(each)) for each in known]),
        test=np.array([_read_png(file.read(each)) for each, _ in pairs]),
        y_test=np.array([known.index(each) for _, each in pairs]),
    )


def _read_png(content: bytes) -> np.ndarray:
    """Read a picture of one bit a pixel, the only kind there is here: True is white."""
    stream = io.BytesIO(content)
    if stream.read(len(_SIGNATURE)) != _SIGNATURE:
        raise ValueError("not a PNG file")
    header, data = b"", b""
    while chunk := stream.read(8):
        length, kind = int.from_bytes(chunk[:4], "big"), chunk[4:]
        body = stream.read(length + 4)[:length]  # and a checksum
        header = body if kind == b"IHDR" else header
        data += body if kind == b"IDAT" else b""
    width, height = (int.from_bytes(header[i : i + 4], "big") for i in (0, 4))
    if header[8:] != bytes([1, 0, 0, 0, 0]):
        raise ValueError("a PNG file of other pixels than one bit each")
    lines = np.frombuffer(zlib.decompress(data), np.uint8).reshape(height, -1)
    return np.unpackbits(_unfiltered(lines), axis=1)[:, :width].astype(bool)


def _unfiltered(lines) -> np.ndarray:
    """Undo what PNG does to lines before they are packed: each begins with how."""
    out = np.zeros((lines.shape[0] + 1, lines.shape[1]), np.uint8)  # with a byte of zero before
    for y, line in enumerate(lines, start=1):
        how, above = line[0], out[y - 1]
        if how == 0:
            out[y, 1:] = line[1:]
        elif how == 2:
            out[y, 1:] = line[1:] + above[1:]
        else:
            _unfilter_left(how, line, above, out[y])
    return out[1:, 1:]


def _unfilter_left(how, line, above, out) -> None:
    """The filters that look to the left: by the byte there, a mean, or Paeth's choice."""
    for x in range(1, len(line)):
        left, up, corner = int(out[x - 1]), int(above[x]), int(above[x - 1])
        guess = left + up - corner
        paeth = min((left, up, corner), key=lambda value: abs(guess - value))
        out[x] = (int(line[x]) + {1: left, 3: (left + up) // 2, 4: paeth}[int(how)]) % 256
