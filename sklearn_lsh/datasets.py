"""Real data for the examples and benchmarks: what scikit-learn's own fetchers do not have.

The environment variable ``SKLEARN_LSH_DATA`` may name a folder of copies, each data set in a
folder of its own (``fashion-mnist``, ``uci/bike``, ...), for machines without a network.
"""

from __future__ import annotations

import gzip
import os
import re
from pathlib import Path

import numpy as np
from sklearn.datasets import fetch_openml
from sklearn.utils import check_random_state

ENVIRONMENT_VARIABLE = "SKLEARN_LSH_DATA"

# Where Debian's packages dataset-... install to.
_SYSTEM_FOLDER = Path("/usr/share/datasets")
_OPENML_NAMES = {"fashion-mnist": "Fashion-MNIST", "mnist": "mnist_784"}
_PARTS, _N_TRAIN, _N_PIXELS = ("train", "t10k"), 60_000, 784

_ENCOUNTER = re.compile(r", (initial encounter|subsequent encounter|sequela).*$")
_LENGTH_OF_CLASS = len("S02.4")


def _find_folder(name: str) -> Path | None:
    """Return the folder that has a copy of a data set, if there is one."""
    folders = [_SYSTEM_FOLDER / name]
    if os.environ.get(ENVIRONMENT_VARIABLE):
        folders.insert(0, Path(os.environ[ENVIRONMENT_VARIABLE], name))
    return next((folder for folder in folders if folder.is_dir()), None)


def load_icd10cm() -> tuple[np.ndarray, np.ndarray]:
    """Load descriptions of diagnoses and their codes, from the package `simple-icd-10-cm`.

    For every category and subcategory of ICD-10-CM its description and inclusion terms, in
    lower case, without the encounter that they end with (", initial encounter ..."). The class
    is the code's first four characters. About half of the classes have a single text.

    Returns
    -------
    texts : ndarray of str objects of shape (n_samples,)
        Different from each other within a class, though a text may stand in two classes.
    codes : ndarray of str of shape (n_samples,)
        Their classes, such as ``"S02.4"``; categories without subcategories have no dot.

    Raises
    ------
    ImportError
        If simple-icd-10-cm is not installed; it comes with the extra ``examples``.
    """
    import simple_icd_10_cm as icd

    pairs = dict.fromkeys(
        (_ENCOUNTER.sub("", text).lower(), code[:_LENGTH_OF_CLASS])
        for code in icd.get_all_codes(with_dots=True)
        if icd.is_category(code) or icd.is_subcategory(code)
        for text in (icd.get_description(code), *icd.get_inclusion_term(code))
    )
    texts, codes = zip(*pairs, strict=True)
    return np.array(texts, dtype=object), np.array(codes)


def split_keeping_classes(
    y, *, test_size: float = 0.1, random_state=None
) -> tuple[np.ndarray, np.ndarray]:
    """Split samples at random, but leave every class at least one sample to be learnt from.

    For many classes of few samples, where neither a random nor a stratified split will do.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Classes.
    test_size : float, default=0.1
        Share of the samples to hold out; fewer are, where the classes do not have as many to
        spare.
    random_state : int, RandomState instance or None, default=None
        Source of the choice.

    Returns
    -------
    train, test : ndarray of int
        Numbers of the samples, in ascending order.

    Raises
    ------
    ValueError
        If `test_size` is not in (0, 1).
    """
    if not 0 < test_size < 1:
        raise ValueError(f"test_size must be between 0 and 1, got {test_size!r}.")
    y = np.asarray(y)
    order = check_random_state(random_state).permutation(len(y))
    _, kept = np.unique(y[order], return_index=True)  # the first of each class
    test = np.sort(np.delete(order, kept)[: int(test_size * len(y))])
    return np.setdiff1d(np.arange(len(y)), test), test


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
    """
    if name not in _OPENML_NAMES:
        raise ValueError(f"name must be one of {', '.join(_OPENML_NAMES)}, got {name!r}.")
    folder = _find_folder(name)
    if folder is None:
        X, y = fetch_openml(_OPENML_NAMES[name], version=1, return_X_y=True, as_frame=False)
    else:
        X = np.concatenate([_read_idx(folder / f"{p}-images-idx3-ubyte.gz") for p in _PARTS])
        y = np.concatenate([_read_idx(folder / f"{p}-labels-idx1-ubyte.gz") for p in _PARTS])
    X = np.divide(X.reshape(-1, _N_PIXELS), 255, dtype=np.float32)
    y = y.astype(np.uint8)
    return X[:_N_TRAIN], X[_N_TRAIN:], y[:_N_TRAIN], y[_N_TRAIN:]


def _read_idx(path: Path) -> np.ndarray:
    """Read unsigned bytes in MNIST's format: its number of axes, their lengths, the bytes."""
    with gzip.open(path) as file:
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
    """
    folder = _find_folder(f"uci/{name}")
    if folder is None:
        raise FileNotFoundError(
            f"There is no copy of {name!r}: the environment variable {ENVIRONMENT_VARIABLE} must "
            f"name a folder with uci/{name}, which github.com/treforevans/uci_datasets has."
        )
    data = np.loadtxt(folder / "data.csv.gz", delimiter=",")
    test = np.loadtxt(folder / "test_mask.csv.gz", delimiter=",", usecols=fold) == 1
    X, y = data[:, :-1], data[:, -1]
    return X[~test], X[test], y[~test], y[test]
