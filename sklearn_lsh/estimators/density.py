"""How many neurons of a layer compute for one sample: from `density` to a number.

Counts are what the network works with: ``None`` for a layer of which all neurons compute,
an integer for a layer that selects that many for each sample.
"""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real

# What "auto" stands for.
# Neurons of a hidden layer below which a dense product costs less than finding those that matter;
# in `benchmarks/widths.py` the times are equal between 250 and 500.
HIDDEN_DENSE_BELOW = 500
# Share of a wider one that is active, as in `benchmarks/fashion_mnist.py`; what a share costs in
# accuracy is measured by `benchmarks/density.py`.
HIDDEN_SHARE = 0.05
# The same number of neurons below an output layer that selects. Classes are told apart by the
# activities below them, and 5% of some hundred neurons are too few for thousands of classes. More
# of them cost as much as all: of the rows of weights of active classes single numbers would be
# gathered where whole rows can be read (`benchmarks/sieves.py`).
HIDDEN_DENSE_BELOW_SELECTED = 2_000
# Classes below which a dense product costs less than finding those that matter.
OUTPUT_DENSE_BELOW = 2_000
# Classes that are active of more: of 256, 512 and 1,024 the middle between speed and accuracy.
OUTPUT_ACTIVE = 512


def auto_hidden(width: int, outputs_selected: bool = False) -> int | None:
    """Active neurons of a hidden layer under ``density="auto"``."""
    dense_below = HIDDEN_DENSE_BELOW_SELECTED if outputs_selected else HIDDEN_DENSE_BELOW
    return None if width < dense_below else share_of(HIDDEN_SHARE, width)


def auto_output(width: int) -> int | None:
    """Active outputs under ``output_density="auto"``."""
    return None if width < OUTPUT_DENSE_BELOW else OUTPUT_ACTIVE


def all_neurons(width: int) -> int | None:
    """Every neuron computes, whatever the width."""
    return None


def share_of(share: float, width: int) -> int:
    """Return the number of neurons that a share of a layer amounts to: at least one."""
    return max(1, round(share * width))


def count_active(value, width: int, *, name: str, auto) -> int | None:
    """Turn one density into the number of active neurons of one layer.

    Parameters
    ----------
    value : float, int or "auto"
        A float in (0, 1] is a share of the layer, an integer of at least 1 a number of
        neurons, ``"auto"`` leaves it to the rule `auto`.
    width : int
        Number of neurons in the layer.
    name : str
        The parameter's name, for error messages.
    auto : callable
        The rule for ``"auto"``: width -> number of active neurons or None.

    Returns
    -------
    n_active : int or None
        None when all neurons are active.

    Raises
    ------
    ValueError
        If the value is neither, or more than the layer has.
    """
    if isinstance(value, str) and value == "auto":
        return auto(width)
    if isinstance(value, Integral) and not isinstance(value, bool):
        n_active = int(value)
        if not 1 <= n_active <= width:
            raise ValueError(
                f"{name}={value!r} is a number of active neurons and must be from 1 to the "
                f"width of the layer, which is {width}."
            )
    elif isinstance(value, Real) and not isinstance(value, bool) and 0 < float(value) <= 1:
        n_active = share_of(float(value), width)
    else:
        raise ValueError(
            f"{name} must be a float in (0, 1] (a share of the layer), an int from 1 to the "
            f"layer's width ({width}) or 'auto'. Got {value!r}."
        )
    return None if n_active >= width else n_active


def count_hidden(density, widths: list[int], *, auto=auto_hidden) -> list[int | None]:
    """Turn the `density` parameter into one count for each hidden layer.

    Parameters
    ----------
    density : float, int, "auto" or sequence of them
        One value for all hidden layers, or one for each.
    widths : list of int
        Number of neurons in each hidden layer.
    auto : callable, default=auto_hidden
        The rule for ``"auto"``.

    Returns
    -------
    n_active : list of int or None

    Raises
    ------
    ValueError
        If a value is out of range, or there are not as many values as hidden layers.
    """
    is_array_of_one = getattr(density, "ndim", 1) == 0  # which has no length
    if isinstance(density, str) or not isinstance(density, Iterable) or is_array_of_one:
        return [count_active(density, width, name="density", auto=auto) for width in widths]
    values = list(density)
    if len(values) != len(widths):
        raise ValueError(
            f"density must have one value for each hidden layer: there are {len(widths)} hidden "
            f"layers in hidden_layer_sizes={tuple(widths)}, but density={values!r} has "
            f"{len(values)}."
        )
    return [
        count_active(value, width, name=f"density[{layer}]", auto=auto)
        for layer, (value, width) in enumerate(zip(values, widths, strict=True))
    ]
