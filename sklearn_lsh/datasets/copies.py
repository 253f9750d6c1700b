"""Data sets that are read from copies on disk, or fetched.

The environment variable ``SKLEARN_LSH_DATA`` may name a folder of copies, each data set in a
folder of its own (``fashion-mnist``, ``uci/bike``, ...), for machines without a network.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path

import numpy as np
from sklearn.datasets import fetch_openml

ENVIRONMENT_VARIABLE = "SKLEARN_LSH_DATA"

# Where Debian's packages install to.
SYSTEM_FOLDERS = {
    "fashion-mnist": Path("/usr/share/datasets/fashion-mnist"),
    "wordnet": Path("/usr/share/wordnet"),
}
# Names of the same data at openml.org.
_OPENML_NAMES = {"fashion-mnist": "Fashion-MNIST", "mnist": "mnist_784"}
# How the files of MNIST's training and test images begin.
_PARTS = ("train", "t10k")
# Images to train on; the others are for tests.
_N_TRAIN = 60_000
# Folds of a set of UCI.
N_FOLDS = 10
# Pixels of an image, 28 x 28.
_N_PIXELS = 784


def find_folder(name: str) -> Path | None:
    """Return the folder that has a copy of a data set, if there is one."""
    folders = [SYSTEM_FOLDERS[name]] if name in SYSTEM_FOLDERS else []
    if os.environ.get(ENVIRONMENT_VARIABLE):
        folders.insert(0, Path(os.environ[ENVIRONMENT_VARIABLE], name))
    return next((folder for folder in folders if folder.is_dir()), None)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Say which file it is that is not as it should be."""
    try:
        yield
    except (ValueError, LookupError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"The file {path} is not as it should be: {error}.") from error


def fetch_mnist(
    name: str = "fashion-mnist",
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Load Fashion-MNIST or MNIST, from a copy if there is one, else from openml.org.

    Copies are the four original files (``train-images-idx3-ubyte.gz`` and so on) in a folder of
    the data set's name, in the folder that ``SKLEARN_LSH_DATA`` names or where Debian's package
    ``dataset-fashion-mnist`` puts them.

    Parameters
    ----------
    name : {"fashion-mnist", "mnist"}, default="fashion-mnist"
        Which of the two.

    Returns
    -------
    X_train, X_test : float32 ndarray of shape (60000, 784) and (10000, 784)
        Images, with values from 0 to 1.
    y_train, y_test : uint8 ndarray of shape (60000,) and (10000,)
        Classes, 0 to 9.

    Raises
    ------
    OSError
        If there is neither a copy nor a network.
    ValueError
        If `name` is another one, or a file is not as it should be.

    Examples
    --------
    >>> from sklearn_lsh.datasets import fetch_mnist
    >>> X_train, X_test, y_train, y_test = fetch_mnist()
    >>> X_train.shape, X_test.shape
    ((60000, 784), (10000, 784))
    """
    if name not in _OPENML_NAMES:
        raise ValueError(f"name must be one of {', '.join(_OPENML_NAMES)}, got {name!r}.")
    folder = find_folder(name)
    if folder is None:
        X, y = fetch_openml(_OPENML_NAMES[name], version=1, return_X_y=True, as_frame=False)
    else:
        X = np.concatenate([_read_idx(folder / f"{p}-images-idx3-ubyte.gz") for p in _PARTS])
        y = np.concatenate([_read_idx(folder / f"{p}-labels-idx1-ubyte.gz") for p in _PARTS])
        if X.size != y.size * _N_PIXELS:
            raise ValueError(
                f"The files of {folder} do not fit together: images are of shape {X.shape}, and "
                f"there are {y.size} labels."
            )
    X = np.divide(X.reshape(-1, _N_PIXELS), 255, dtype=np.float32)
    y = y.astype(np.uint8)
    return X[:_N_TRAIN], X[_N_TRAIN:], y[:_N_TRAIN], y[_N_TRAIN:]


def _read_idx(path: Path) -> np.ndarray:
    """Read unsigned bytes in MNIST's format: its number of axes, their lengths, the bytes."""
    with reading(path), gzip.open(path) as file:
        n_axes = file.read(4)[3]
        shape = np.frombuffer(file.read(4 * n_axes), ">i4")
        return np.frombuffer(file.read(), np.uint8).reshape(shape)


def load_uci(name: str, *, fold: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Load one of the regression sets of ``github.com/treforevans/uci_datasets`` from a copy.

    Copies are ``uci/<name>/data.csv.gz`` and ``uci/<name>/test_mask.csv.gz`` in the folder that
    the environment variable ``SKLEARN_LSH_DATA`` names.

    Parameters
    ----------
    name : str
        Such as ``"bike"``, ``"elevators"`` or ``"pumadyn32nm"``.
    fold : int, default=0
        Which of the ten folds is the test set.

    Returns
    -------
    X_train, X_test : ndarray of shape (n_train, n_features) and (n_test, n_features)
        Features.
    y_train, y_test : ndarray of shape (n_train,) and (n_test,)
        Targets.

    Raises
    ------
    OSError
        If there is no copy.
    ValueError
        If there is no such fold, or a file is not as it should be.

    Examples
    --------
    >>> from sklearn_lsh.datasets import load_uci
    >>> X_train, X_test, y_train, y_test = load_uci("bike")
    >>> X_train.shape, X_test.shape
    ((15642, 17), (1737, 17))
    """
    if not isinstance(fold, Integral) or not 0 <= fold < N_FOLDS:
        raise ValueError(f"fold must be an integer from 0 to {N_FOLDS - 1}, got {fold!r}.")
    folder = find_folder(f"uci/{name}")
    if folder is None:
        raise FileNotFoundError(
            f"There is no copy of {name!r}: the environment variable {ENVIRONMENT_VARIABLE} must "
            f"name a folder with uci/{name}, which github.com/treforevans/uci_datasets has."
        )
    data = _read_csv(folder / "data.csv.gz")
    masks = _read_csv(folder / "test_mask.csv.gz")
    if masks.shape[0] != data.shape[0] or masks.shape[1] <= fold:
        raise ValueError(
            f"The files of {folder} do not fit together: there are {data.shape[0]} samples, and "
            f"masks of shape {masks.shape}."
        )
    test = masks[:, fold] == 1
    X, y = data[:, :-1], data[:, -1]
    return X[~test], X[test], y[~test], y[test]


def _read_csv(path: Path) -> np.ndarray:
    """Read a table of numbers."""
    with reading(path):
        return np.loadtxt(path, delimiter=",", ndmin=2)
