"""All that a call may change of an estimator, to be compared before and after."""

import numpy as np


def arrays_of(layer):
    """Bytes of what a layer predicts and learns by."""
    weights, selection = layer.weights, layer.selection
    arrays = [weights.rows, weights.bias, weights.state, weights.bias_state]
    tables = getattr(selection, "tables", None) if selection is not None else None
    if tables is not None:
        arrays += [tables.indptr, tables.members]
    arrays.append(getattr(selection, "codes", np.empty(0)))
    return [array.tobytes() for array in arrays]


def state_of(estimator):
    """What an estimator has learnt; lists that are equal where nothing has changed."""
    names = sorted(name for name in vars(estimator) if name.endswith("_"))
    if not hasattr(estimator, "coefs_"):
        return names
    network = estimator._network
    curves = [estimator.loss_curve_, estimator.validation_scores_, estimator.t_, estimator.n_iter_]
    optimizer = [network.optimizer.n_steps, network.optimizer.learning_rate, network.alpha]
    labels = np.asarray(getattr(estimator, "classes_", [])).tolist()
    return [names, curves, optimizer, labels, *map(arrays_of, network.layers)]
