"""Labels of classes: what users may call them, and where they stand among the sorted ones."""

from __future__ import annotations

import numpy as np
from sklearn.utils.multiclass import type_of_target

from sklearn_lsh.inputs import check_label_numbers, check_same_kind, find_places, read_labels


def check_one_class_each(y) -> None:
    """Refuse a y that has not one class for each sample.

    Raises
    ------
    ValueError
        If it is continuous, or has several columns.
    """
    kind = type_of_target(y, input_name="y")
    if kind not in ("binary", "multiclass"):
        raise ValueError(
            f"Unknown label type: {kind}. A classifier needs y with one class for each sample, or "
            "a label indicator matrix of zeros and ones. For a target of continuous values use a "
            "regressor."
        )


def check_classes(y, classes, known: np.ndarray | None) -> None:
    """Check what ``partial_fit`` is told of the classes that any of its calls will have.

    Parameters
    ----------
    y : ndarray or sparse matrix
    classes : array-like or None
    known : ndarray or None
        The classes of earlier calls; None in the first one.

    Raises
    ------
    ValueError
        If they are needed and missing, empty, or others than before, or names for the columns of
        label indicators.
    TypeError
        If they are of another kind than the labels of y.
    """
    if type_of_target(y) == "multilabel-indicator":
        check_label_numbers(classes, y.shape[1])
    elif classes is not None:
        given = np.unique(read_labels(classes, "classes"))
        if np.ndim(classes) != 1 or len(given) == 0:
            raise ValueError(f"classes must be a list of one class or more, got {classes!r}.")
        check_same_kind(read_labels(y, "y"), "y", given, "classes")
        if known is not None and not np.array_equal(given, known):
            raise ValueError(
                f"`classes={classes!r}` is not the same as on last call to partial_fit, "
                f"was: {known!r}"
            )


def new_labels(y, classes: np.ndarray) -> np.ndarray:
    """Find the labels of y that are not among the sorted classes; none where y is no such list.

    Raises
    ------
    ValueError
        If y is continuous, or has labels of other kinds than the classes.
    """
    if y.ndim != 1:
        return classes[:0]
    labels = distinct(y)
    try:
        unknown = find_places(labels, classes).unknown
    except TypeError:
        unknown = labels
    if len(unknown) > 0:
        check_one_class_each(y)
        try:
            check_same_kind(read_labels(y, "y"), "y", read_labels(classes, "classes_"), "classes_")
        except TypeError as error:
            raise ValueError(f"`y` has labels of another kind than before: {error}") from error
    return unknown


def refuse_new_labels(grown: np.ndarray, classes: np.ndarray) -> None:
    """Refuse labels that were not among the classes of which a call said that they are all.

    Raises
    ------
    ValueError
        It says which they are.
    """
    unknown = np.setdiff1d(grown, classes)
    raise ValueError(
        f"`y` has classes not in `self.classes_`: {unknown[:10]} ({len(unknown)} in all). "
        "`classes` names all that may come. Leave it out of all calls of partial_fit, and the "
        "network takes in what is new."
    )


def join_labels(classes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Join sorted classes with others.

    Raises
    ------
    ValueError
        If no type of integers holds all of them.
    """
    joined = np.union1d(classes, labels)
    if joined.dtype.kind == "f" and classes.dtype.kind != "f" and labels.dtype.kind != "f":
        raise ValueError(
            f"`y` has new labels of type {labels.dtype}, which cannot be told apart from those of "
            f"type {classes.dtype}, of earlier calls, in a common type."
        )
    return joined


def distinct(y) -> np.ndarray:
    """Return the labels of y, each once, sorted."""
    try:
        return np.unique(y)
    except TypeError as error:
        raise ValueError(f"`y` has labels of kinds that have no common order: {error}.") from error


def encode_labels(y, classes: np.ndarray) -> np.ndarray:
    """Replace labels by their places among the classes.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
    classes : ndarray of shape (n_classes,)
        Sorted.

    Returns
    -------
    codes : ndarray of shape (n_samples,), dtype=int32

    Raises
    ------
    ValueError
        If y has labels that are not among the classes, or is not one label for each sample.
    """
    if y.ndim != 1:
        raise ValueError(f"`y` must hold one class for each sample. Got shape {y.shape}.")
    # Distinct labels first: they are few, or at least sorted only once.
    try:
        labels, inverse = np.unique(y, return_inverse=True)
        places, unknown = find_places(labels, classes)
    except TypeError as error:
        raise ValueError(f"`y` has labels of another kind than the classes: {error}.") from error
    if len(unknown):
        raise ValueError(
            f"`y` has classes not in `self.classes_`: {unknown[:10]} "
            f"({len(unknown)} in all). `self.classes_` has {classes}."
        )
    return places.astype(np.int32)[inverse]
