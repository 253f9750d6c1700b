"""Activations of hidden neurons: applied in place, derived from their own result.

Each works on any float32 array, dense or the values of a `CSR`, so that adding one is one
function here and one entry in the table.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import expit


class Activation(NamedTuple):
    """One entry of `ACTIVATIONS`.

    ``apply(z)`` turns pre-activations into activations ``h``, in place; ``backward(h, gradient)``
    multiplies a gradient by the derivative at ``h``, in place.
    """

    apply: Callable
    backward: Callable


def _nothing(*arrays):
    pass


def _relu_backward(h, gradient):
    gradient *= h > 0


def _logistic_backward(h, gradient):
    gradient *= h
    gradient *= 1 - h


def _tanh_backward(h, gradient):
    gradient *= 1 - h * h


ACTIVATIONS = {
    "identity": Activation(_nothing, _nothing),
    "logistic": Activation(lambda z: expit(z, out=z), _logistic_backward),
    "tanh": Activation(lambda z: np.tanh(z, out=z), _tanh_backward),
    "relu": Activation(lambda z: np.maximum(z, 0, out=z), _relu_backward),
}
