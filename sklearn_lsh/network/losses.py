"""Losses of the output layer, each with its canonical activation.

Outputs are dense rows or the ragged rows of a `CSR`; targets are given by where they stand among
the outputs' values. With the canonical pairs the delta of an output, the loss's derivative with
respect to its pre-activation, is ``prediction - target`` whatever the loss, so that a loss is an
activation and a sum, and adding one is one table entry.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import expit, xlogy

from sklearn_lsh import kernels
from sklearn_lsh.csr import CSR, ragged_rows

# Probabilities are clipped like this where their logarithm is taken, as in scikit-learn.
EPSILON = np.finfo(np.float32).eps
# A selected class with a probability this small teaches nothing; without a delta its weights
# need not be visited. Most selected classes are soon of that kind: with a tenth of it, two to
# three times as many rows of 83,136 classes are stepped on, for the same accuracy.
NEGLIGIBLE = 1e-4


class Loss(NamedTuple):
    """One entry of `LOSSES`.

    Attributes
    ----------
    output_activation : str
        Name of the activation, as scikit-learn has it in ``out_activation_``.
    activate : callable
        ``activate(outputs)`` turns pre-activations into predictions, in place.
    each : callable
        ``each(predictions, targets)`` is the loss of every single output.
    averaged : bool
        Whether a sample's loss is its outputs' mean rather than their sum.
    probable : bool
        Whether predictions are probabilities.
    normalised : bool
        Whether outputs are divided by a sum over them. The others' part in a target's loss is
        in that sum, and they have none of their own.
    """

    output_activation: str
    activate: Callable
    each: Callable
    averaged: bool = False
    probable: bool = False
    normalised: bool = False


def _softmax(outputs):
    indptr, data = ragged_rows(outputs)
    kernels.subtract_highest(indptr, data)
    np.exp(data, out=data)
    kernels.divide_by_sum(indptr, data)


def _elementwise(function):
    def activate(outputs):
        data = outputs.data if isinstance(outputs, CSR) else outputs
        function(data, out=data)

    return activate


def _binary_log_loss(p, y):
    p = np.clip(p, EPSILON, 1 - EPSILON)
    return -xlogy(y, p) - xlogy(1 - y, 1 - p)


LOSSES = {
    "softmax": Loss(
        "softmax",
        _softmax,
        lambda p, y: -xlogy(y, np.clip(p, EPSILON, 1 - EPSILON)),
        probable=True,
        normalised=True,
    ),
    "logistic": Loss("logistic", _elementwise(expit), _binary_log_loss, probable=True),
    "squared_error": Loss(
        "identity", lambda outputs: None, lambda p, y: (p - y) ** 2 / 2, averaged=True
    ),
    "poisson": Loss("exp", _elementwise(np.exp), lambda p, y: xlogy(y, y / p) - y + p),
}


class LossAndDeltas(NamedTuple):
    """What a batch's outputs are worth, and which way they should move.

    Attributes
    ----------
    total : float
        Weighted sum of the samples' losses.
    deltas : ndarray, dtype=float32
        Its gradient with respect to the pre-activations, shaped like the outputs' values.
    """

    total: float
    deltas: np.ndarray


def loss_and_deltas(loss, cache, targets, weight) -> LossAndDeltas:
    """Activate the outputs, sum up their losses, and find the deltas.

    Outputs that were drawn at random also stand for those that were not. Where predictions are
    probabilities, the logarithm of how many each stands for is added to its pre-activation. In a
    softmax it is then counted so many times (Jean et al., https://arxiv.org/abs/1412.2007). One
    against all, it makes up for what drawing does to a label's odds: others' labels are active
    with the probability that they are drawn, a sample's own always. Elsewhere delta and loss are
    multiplied, and the sums are unbiased (Horvitz & Thompson, 1952); for logistic losses such
    deltas, of up to the number of labels, would drown the few of a sample's own labels.

    Parameters
    ----------
    loss : Loss
    cache : Cache
        Of the output layer. Its outputs are changed in place: afterwards they are predictions.
    targets : CSR
    weight : ndarray of shape (n_samples,), dtype=float32
    """
    outputs = cache.outputs
    indptr, predictions = ragged_rows(outputs)
    log_importance = cache.active.log_importance if cache.active else None
    if log_importance is not None and loss.probable:
        predictions += log_importance
    loss.activate(outputs)
    deltas, places = predictions.copy(), np.empty_like(targets.indices)
    kernels.subtract_targets(indptr, targets, int(cache.targets_first), deltas, places)
    if loss.normalised:
        each, rows = loss.each(predictions[places], targets.data), targets.indptr
    else:
        y = np.zeros_like(predictions)
        y[places] = targets.data
        each, rows = loss.each(predictions, y), indptr
    if log_importance is not None and not loss.probable:
        importance = np.exp(log_importance)
        each *= importance
        deltas *= importance
    kernels.weigh_rows(rows, each, weight, np.float32(0))
    total = float(each.sum(dtype=np.float64)) / (targets.n_columns if loss.averaged else 1)
    is_dense = not isinstance(outputs, CSR)
    negligible = NEGLIGIBLE if loss.probable and not is_dense else 0
    kernels.weigh_rows(indptr, deltas, weight, np.float32(negligible))
    return LossAndDeltas(total, deltas.reshape(outputs.shape) if is_dense else deltas)
