"""What a layer's state consists of beside its tensors, and what is checked when it is loaded."""

from __future__ import annotations

import torch

from sklearn_lsh.hashing import HashFamily
from sklearn_lsh.network.refresh import RefreshPeriod
from sklearn_lsh.selection.negatives import MOST_DEALT, Deck
from sklearn_lsh.stored import MOST, Attributes, is_integer, is_number, refuse
from sklearn_lsh.torch import checks
from sklearn_lsh.torch.class_tables import ClassTables

# Greatest seed of NumPy's generators.
MOST_SEED = 2**32 - 1
# Settings of the loss.
ENTROPY = ("ignore_index", "label_smoothing", "reduction")
NAMES = {"seed", "unit", "schedule", "n_drawn", "tables"}


def extra_state(layer) -> dict:
    """Tell what a layer's `state_dict` holds beside its parameters: tensors and numbers."""
    return {
        "seed": layer.seed,
        "unit": layer._unit,
        "schedule": (layer._n_steps, layer._period.due, layer._period.length),
        "n_drawn": layer._deck.n_dealt,
        "tables": layer._tables.state(),
    }


def check_extra_state(layer, state) -> None:
    """Refuse a state that is not of a layer with these settings.

    Raises
    ------
    ValueError
        If something is missing, of another type or size, or out of range.
    """
    if not isinstance(state, dict) or not state.keys() >= NAMES:
        refuse("extra_state", f"a dictionary of {sorted(NAMES)}", state)
    are_right = {
        "seed": is_integer(state["seed"], 0, MOST_SEED),
        "unit": is_number(state["unit"], 0, MOST) and state["unit"] > 0,
        "schedule": is_schedule(state["schedule"]),
        "n_drawn": is_integer(state["n_drawn"], 0, MOST_DEALT),
    }
    for name, is_right in are_right.items():
        if not is_right:
            refuse(f"extra_state[{name!r}]", "as `get_extra_state` told it", state[name])
    layer._tables.check_state(state["tables"])


def is_schedule(value) -> bool:
    """Whether it tells of refreshing: steps so far, when the next one is due, steps between two."""
    if not isinstance(value, (tuple, list)) or len(value) != 3:
        return False
    n_steps, due, length = value
    is_known = length is None or is_number(length, 0, MOST)
    return is_integer(n_steps, 0, MOST) and is_number(due, 0, MOST) and is_known


def check_tensor(layer, name, shape) -> None:
    """Check a parameter or buffer of a layer that was loaded; a bias may be missing."""
    tensor = getattr(layer, name, None)
    fits = isinstance(tensor, torch.Tensor) and tensor.shape == shape
    if not fits and not (name == "bias" and tensor is None):
        refuse(f"{type(layer).__name__}.{name}", f"a tensor of shape {shape}", tensor)


def check_layer(layer) -> None:
    """Check a layer that was loaded as a whole."""
    stored = Attributes(layer)
    n_classes = stored.integer("n_classes", 1)
    in_features = stored.integer("in_features", 1)
    stored.integer("n_active", 1, n_classes)
    stored.integer("n_hashed", 0, layer.n_active)
    stored.integer("n_drawn", 1, layer.n_active)
    shapes = {"weight": (n_classes, in_features), "bias": (n_classes, 1), "mean": (in_features,)}
    for name, shape in shapes.items():
        check_tensor(layer, name, shape)
    checks.check_class_weight(layer.class_weight, layer.weight)
    checks.check_settings({name: stored.get(name) for name in ENTROPY}, type(layer).__name__)
    family = stored.part("family_", HashFamily)
    is_hashed = vars(family).get("n_features_in_") == in_features + 1
    stored.require(is_hashed, "family_", f"of {in_features + 1} features")
    stored.part("_deck", Deck).check_stored(n_classes, int)
    stored.part("_period", RefreshPeriod).check_stored()
    stored.integer("_n_steps")
    stored.require(stored.number("_unit", 0) > 0, "_unit", "positive")
    stored.part("_tables", ClassTables).check_stored(n_classes, family)
