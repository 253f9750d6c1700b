"""From the parameters of an estimator to a network: widths, active neurons, optimizer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from numbers import Integral

import numpy as np
from scipy.sparse import issparse

from sklearn_lsh.estimators.automatic import Settings, is_auto
from sklearn_lsh.estimators.density import auto_hidden, count_active, count_hidden
from sklearn_lsh.estimators.targets import Target
from sklearn_lsh.inputs import Count
from sklearn_lsh.network import Network, make_optimizer

# scikit-learn's names of the output layer's activation functions, by the loss.
OUT_ACTIVATIONS = {
    "softmax": "softmax",
    "logistic": "logistic",
    "squared_error": "identity",
    "poisson": "exp",
}


def describe_network(
    estimator,
    settings: Settings,
    n_features: int,
    target: Target,
    auto_output: Callable[[int], int | None],
    selects_outputs: bool | None = None,
) -> dict:
    """Collect what the shape of a network depends on, by its names in `Network`.

    Parameters
    ----------
    estimator : BaseLSHMLP
        Its parameters are read.
    settings : Settings
        Those of its parameters that may be left to the data.
    n_features : int
    target : Target
    auto_output : callable
        The rule for ``output_density="auto"``: width -> number of active outputs or None.
    selects_outputs : bool or None, default=None
        Whether outputs were selected when the network was built, by which hidden layers' "auto"
        goes. None where it is to be built.

    Returns
    -------
    description : dict

    Raises
    ------
    ValueError
        If a width or density is out of range.
    """
    sizes = _hidden_sizes(settings.hidden_layer_sizes)
    n_active: list[int | None] = [None] * (len(sizes) + 1)
    selects_outputs = bool(selects_outputs) if estimator.selection == "all" else selects_outputs
    if estimator.selection != "all":
        active_outputs = count_active(
            estimator.output_density, target.n_outputs, name="output_density", auto=auto_output
        )
        if selects_outputs is None:
            selects_outputs = active_outputs is not None
        auto = partial(auto_hidden, outputs_selected=selects_outputs)
        n_active = [*count_hidden(estimator.density, sizes, auto=auto), active_outputs]
    return {
        "n_units": [n_features, *sizes, target.n_outputs],
        "activation": estimator.activation,
        "loss": target.loss,
        "n_active": n_active,
        "selection": estimator.selection,
        "hash_function": estimator.hash_function,
        "n_bits": estimator.n_bits,
        "n_tables": estimator.n_tables,
        "selects_outputs": selects_outputs,
    }


def _hidden_sizes(sizes) -> list[int]:
    if is_auto(sizes):
        return []
    is_single = isinstance(sizes, Integral) or getattr(sizes, "ndim", 1) == 0
    sizes = [sizes] if is_single else list(sizes)
    if not all(Count().is_satisfied_by(size) for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be integers > 0, got {sizes}.")
    return [int(size) for size in sizes]


def refuse_unaffordable(estimator, n_features: int, y) -> None:
    """Refuse a network whose weights would not fit into memory, before any of it is taken.

    Shapes of sparse data cost nothing to declare. Systems refuse at once what they do not have,
    and give out the rest only when it is written to.

    Parameters
    ----------
    estimator : BaseLSHMLP
    n_features : int
    y : ndarray or sparse matrix
        Of which the columns are outputs, if it has two dimensions.

    Raises
    ------
    ValueError
        If there is not enough memory.
    """
    n_outputs = y.shape[1] if y.ndim == 2 else 1
    sizes = [n_features, *_hidden_sizes(estimator.hidden_layer_sizes), n_outputs]
    n_weights = sum(a * b for a, b in pairwise(sizes))
    try:
        np.empty(n_weights, np.float32)
    except (MemoryError, OverflowError, ValueError) as error:
        raise ValueError(
            f"The network's {n_weights} weights do not fit into memory: X has {n_features} "
            f"features, hidden_layer_sizes is {estimator.hidden_layer_sizes!r}, and there are "
            f"{n_outputs} outputs."
        ) from error


def check_unchanged(new: dict, old: dict) -> None:
    """Refuse to train a network further that is not the one described.

    Raises
    ------
    ValueError
        If a property differs.
    """
    changed = [name for name, value in new.items() if old[name] != value]
    if changed:
        raise ValueError(
            "The network cannot change while it is trained further (by warm_start or "
            "partial_fit), but these of its properties would: "
            + ", ".join(f"{name}={new[name]!r}" for name in changed)
            + " in place of "
            + ", ".join(f"{name}={old[name]!r}" for name in changed)
            + "."
        )


def build_network(
    estimator, settings: Settings, description: dict, X, rows, random_state
) -> Network:
    """Build the network described, for data like X.

    Parameters
    ----------
    estimator : BaseLSHMLP
    settings : Settings
    description : dict
    X : ndarray or csr_array of shape (n_samples, n_features)
    rows : int ndarray
        Those of X to learn from: not those of weight 0 or set aside for validation.
    random_state : RandomState
        Draws weights and hash functions.
    """
    shape = {name: value for name, value in description.items() if name != "selects_outputs"}
    return Network(
        **shape,
        alpha=estimator.alpha,
        optimizer=build_optimizer(estimator, settings),
        sparse_input=issparse(X),
        active_inputs=_mean_length(X, rows) if issparse(X) else float(X.shape[1]),
        random_state=random_state,
    )


def _mean_length(X, rows) -> float:
    """Mean number of non-zeros of some rows of a CSR array."""
    return int(np.diff(X.indptr)[rows].sum()) / len(rows)


def build_optimizer(estimator, settings: Settings):
    """Build the optimizer that the parameters ask for."""
    return make_optimizer(
        estimator.solver,
        learning_rate_init=settings.learning_rate_init,
        momentum=estimator.momentum,
        nesterovs_momentum=estimator.nesterovs_momentum,
        beta_1=estimator.beta_1,
        beta_2=estimator.beta_2,
        epsilon=estimator.epsilon,
    )
