"""What a module is made of and given, checked before a kernel sees it."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Real

import torch
from sklearn.utils._param_validation import Interval, StrOptions, validate_parameter_constraints

from sklearn_lsh.hashing import FAMILIES, HashFamily
from sklearn_lsh.hashing.base import MAX_BITS
from sklearn_lsh.hashing.table_checks import MOST_LOOKUPS
from sklearn_lsh.inputs import Count


class Share(Interval):
    """Constraint of scikit-learn's form for a real number from 0 to 1, and no boolean."""

    def __init__(self) -> None:
        super().__init__(Real, 0, 1, closed="both")

    def is_satisfied_by(self, val) -> bool:
        """Tell whether a value is allowed."""
        return not isinstance(val, bool) and super().is_satisfied_by(val)


CONSTRAINTS: dict = {
    "in_features": [Count()],
    "n_classes": [Count()],
    "n_active": [Count()],
    "bias": ["boolean"],
    "hash_function": [StrOptions(set(FAMILIES)), HashFamily],
    "n_bits": [StrOptions({"auto"}), Count(1, MAX_BITS)],
    "n_tables": [Count(1, MOST_LOOKUPS)],
    "ignore_index": [Count(-(2**63), 2**63 - 1)],  # int64, as labels
    "label_smoothing": [Share()],
    "reduction": [StrOptions({"mean", "sum", "none"})],
    "seed": [None, Count(0, 2**32 - 1)],
}


def check_settings(settings: dict, caller_name: str) -> None:
    """Refuse settings of a module that are not what they should be.

    Raises
    ------
    ValueError
        With the setting's name, and what is allowed.
    """
    validate_parameter_constraints(CONSTRAINTS, settings, caller_name)


def check_hidden(hidden, weight) -> torch.Tensor:
    """Return hidden vectors in rows.

    Parameters
    ----------
    hidden : Tensor of shape (..., n_features)
    weight : Tensor of shape (n_classes, n_features)
        Of the module.

    Raises
    ------
    TypeError
        If they are no tensor of real numbers, or of another type than the weights where PyTorch
        does not cast by itself.
    ValueError
        If they have another number of features.
    """
    if not (isinstance(hidden, torch.Tensor) and hidden.is_floating_point()):
        raise TypeError(f"hidden must be a tensor of floating-point numbers, got {_kind(hidden)}.")
    n_features = weight.shape[1]
    if hidden.ndim == 0 or hidden.shape[-1] != n_features:
        raise ValueError(
            f"hidden must have {n_features} features, got shape {tuple(hidden.shape)}."
        )
    if hidden.dtype != weight.dtype and not torch.is_autocast_enabled(weight.device.type):
        raise TypeError(
            f"hidden must be of the weights' type, {weight.dtype}, got {hidden.dtype}. Convert "
            "one of them, or use torch.autocast."
        )
    return hidden.reshape(-1, n_features)


def check_class_weight(class_weight, weight) -> torch.Tensor | None:
    """Return the weights of classes beside a layer's parameters, of their type.

    Raises
    ------
    TypeError
        If they are no tensor of real numbers.
    ValueError
        If they are not one for each class, negative or not finite.
    """
    if class_weight is None:
        return None
    if not (isinstance(class_weight, torch.Tensor) and class_weight.is_floating_point()):
        raise TypeError(
            f"class_weight must be a tensor of floating-point numbers, got {_kind(class_weight)}."
        )
    shape = tuple(class_weight.shape)
    if shape != (weight.shape[0],):
        raise ValueError(f"class_weight must have shape {(weight.shape[0],)}, got {shape}.")
    if not (torch.isfinite(class_weight) & (class_weight >= 0)).all():
        raise ValueError("class_weight must hold finite numbers of at least 0.")
    return class_weight.detach().to(weight, copy=True)


def check_classes(name: str, classes, n_classes: int, ignored: int | None = None) -> torch.Tensor:
    """Return numbers of classes as int64.

    Parameters
    ----------
    name : str
        Of the argument.
    classes : Tensor
    n_classes : int
    ignored : int, default=None
        May be among them.

    Raises
    ------
    TypeError
        If they are no tensor of integers.
    ValueError
        If there are no such classes.
    """
    is_tensor = isinstance(classes, torch.Tensor)
    if not is_tensor or classes.dtype == torch.bool or _is_inexact(classes):
        raise TypeError(f"{name} must be a tensor of integers, got {_kind(classes)}.")
    classes = classes.to(torch.int64)
    told = classes if ignored is None else classes[classes != ignored]
    if told.numel() and not 0 <= int(told.min()) <= int(told.max()) < n_classes:
        raise ValueError(
            f"{name} must be classes from 0 to {n_classes - 1}, got numbers from "
            f"{int(told.min())} to {int(told.max())}."
        )
    return classes


def check_batches(batches, check):
    """Yield pairs of hidden vectors and labels as a check of pairs returns them.

    Raises
    ------
    TypeError
        If they are no pairs, and with ValueError if one is not right.
    """
    wanted = "batches must be an iterable of pairs (hidden, labels)"
    if not isinstance(batches, Iterable):
        raise TypeError(f"{wanted}, got {_kind(batches)}.")
    for batch in batches:
        if not (isinstance(batch, (tuple, list)) and len(batch) == 2):
            raise TypeError(f"{wanted}, got {_kind(batch)} in it.")
        try:
            checked = check(*batch)
        except (TypeError, ValueError) as error:
            raise type(error)(f"One of batches is wrong: {error}") from error
        yield checked


def check_leading(name: str, shape, wanted) -> None:
    """Refuse an argument of another shape than hidden vectors have but for the features."""
    if shape != wanted:
        raise ValueError(
            f"{name} must have shape {tuple(wanted)}, as hidden has but for the features, got "
            f"{tuple(shape)}."
        )


def check_k(k, n_classes: int) -> None:
    """Refuse another number of classes to be found than there may be."""
    if not Count(1, n_classes).is_satisfied_by(k):
        raise ValueError(f"k must be from 1 to {n_classes}, got {k!r}.")


def _is_inexact(tensor):
    return tensor.is_floating_point() or tensor.is_complex()


def _kind(value):
    """What a message says that was given."""
    return value.dtype if isinstance(value, torch.Tensor) else type(value).__name__
