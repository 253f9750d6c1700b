"""Weights of a layer, their biases and optimizer state, and what is computed with them.

Rows belong to inputs or to neurons, whichever is sparse: a sparse input then reads and updates
only the rows of its non-zeros, a selected neuron only its own row. Backwards each is the other's
transpose, which is why they share their kernels. Weights know nothing of why some neurons are
computed and others are not: they are told which.
"""

from typing import NamedTuple

import numpy as np

from sklearn_lsh import kernels
from sklearn_lsh.csr import (
    CSR,
    Best,
    Groups,
    as_csr,
    each_alone,
    even_pattern,
    group,
    lengths_of,
    n_nonzero,
    sum_by_column,
    without_zeros,
)
from sklearn_lsh.stored import Attributes

# In place of the gradient of inputs that nobody asks for.
NO_GRADIENT = np.empty((0, 0), np.float32)
NO_CELL_GRADIENT = np.empty(0, np.float32)
# Neurons of a layer up to which the gradients of all inputs of a mini-batch are summed up at once,
# not one after the other: what is kept of them has to fit into the cache.
FEW_NEURONS = 16
# Weights that kernels can number.
MOST_CELLS = np.iinfo(np.uint32).max
# Below this the common factor is multiplied into the weights, before they overflow.
SMALLEST_SCALE = 1e-12


class Parameters(NamedTuple):
    """What kernels need to compute neurons, in the order in which they take it."""

    bias: np.ndarray
    rows: np.ndarray
    scale: np.float32


class Preactivation(NamedTuple):
    """What neurons answer, before the activation function.

    Attributes
    ----------
    outputs : ndarray of shape (n_samples, n_neurons) or CSR
        Dense where all neurons were computed.
    groups : Groups, default=None
        The pairs of a `CSR` of outputs by neuron.
    """

    outputs: "np.ndarray | CSR"
    groups: "Groups | None" = None


class Backward(NamedTuple):
    """What comes of a step on weights.

    Attributes
    ----------
    input_gradient : ndarray or None
        Gradient of the loss with respect to the inputs, like ``values(inputs)``, where asked for.
    n_stepped : int
        Number of weights that had a gradient.
    n_products : int
        Number of products that their gradients took.
    """

    input_gradient: "np.ndarray | None"
    n_stepped: int
    n_products: int


def values(activity):
    """The numbers of a dense array or a `CSR`."""
    return activity.data if isinstance(activity, CSR) else activity


def spread(array, places, length, axis):
    """Put what lies along an axis at some places of a longer one; zeros are between."""
    shape = (*array.shape[:axis], length, *array.shape[axis + 1 :])
    longer = np.zeros(shape, array.dtype)
    longer[(slice(None),) * axis + (places,)] = array
    return longer


class Weights:
    """Base: a row of weights for each input or each neuron, and a bias for each neuron.

    Weights are stored divided by ``scale``. Multiplying that one number decays all of them, in no
    time and exactly, whether or not they were active.

    Parameters
    ----------
    rows : ndarray, dtype=float32
    bias : ndarray of shape (n_neurons,), dtype=float32
    optimizer : Optimizer
        Says what state it keeps of them.

    Attributes
    ----------
    rows : ndarray, dtype=float32
        The weights, divided by `scale`.
    bias : ndarray of shape (1, n_neurons), dtype=float32
    scale : float
        Common factor of all weights.
    state, bias_state : ndarray of shape (n_states, n_rows, n_columns), dtype=float32
        What the optimizer remembers.
    """

    def __init__(self, rows, bias, optimizer):
        self.rows = rows
        self.bias = bias.reshape(1, -1)
        self.scale = 1.0
        self.forget_steps(optimizer)

    def forget_steps(self, optimizer):
        """Start with an optimizer that has no memory."""
        self.state = optimizer.new_state(self.rows)
        # Each bias is a row of its own.
        self.bias_state = optimizer.new_state(self.bias.T).reshape(-1, *self.bias.shape)

    def replace(self, coef, bias) -> bool:
        """Take other weights, (n_inputs, n_neurons), and biases. Returns whether any differ."""
        self.settle()
        differ = not (np.array_equal(coef, self.coef) and np.array_equal(bias, self.bias[0]))
        self.coef[...] = coef
        self.bias[0] = bias
        return differ

    def settles(self, factor) -> bool:
        """Whether decaying by ``factor`` changes the rows, which nobody else may use meanwhile."""
        return self.scale * factor < SMALLEST_SCALE

    def decay(self, factor):
        """Multiply all weights by ``factor``."""
        scale = self.scale * factor
        if scale < SMALLEST_SCALE:
            self.rows *= np.float32(scale)
            scale = 1.0
        # Only now, because other threads divide by it.
        self.scale = scale

    def settle(self):
        """Multiply the common factor into the weights."""
        if self.scale != 1.0:
            self.rows *= np.float32(self.scale)
            self.scale = 1.0

    # The axis of `rows` along which neurons lie.
    NEURON_AXIS: int

    def grow(self, places, n_neurons, optimizer):
        """Put all neurons at new places; those between have weights, biases and state of zero.

        Parameters
        ----------
        places : int ndarray
            The new number of each neuron.
        n_neurons : int
            How many there are then.
        optimizer : Optimizer
            Whose state is kept.
        """
        axis = self.NEURON_AXIS
        self.rows = spread(self.rows, places, n_neurons, axis)
        self.bias = spread(self.bias, places, n_neurons, axis=1)
        self.bias_state = spread(self.bias_state, places, n_neurons, axis=2)
        # A number for each row may be all that is kept, and rows need not be neurons'.
        if self.state.shape[1:] != optimizer.state_shape(self.rows.shape):
            self.state = spread(self.state, places, n_neurons, 1 + axis)

    def put(self, neurons, rows, bias):
        """Give some neurons other weights and biases: a row for each of them."""
        self.settle()
        self.bias[0, neurons] = bias
        if self.NEURON_AXIS == 0:
            self.rows[neurons] = rows
        else:
            self.rows[:, neurons] = rows.T

    def is_finite(self):
        """Whether all weights, biases and what the optimizer remembers of them are."""
        arrays = (self.rows, self.bias, self.state, self.bias_state)
        # Extremes instead of `isfinite(array)`, which is an array of the same shape.
        return all(np.isfinite([array.min(), array.max()]).all() for array in arrays if array.size)

    def check_stored(self, n_inputs, n_neurons, optimizer):
        """Check what was loaded."""
        stored = Attributes(self)
        shape = self.rows_shape(n_inputs, n_neurons)
        stored.array("rows", np.float32, shape, finite=True)
        stored.array("bias", np.float32, (1, n_neurons), finite=True)
        scale = stored.number("scale", 0)
        stored.require(scale > 0, "scale", "positive")
        # What is not finite in these is found by the first training that reads it.
        stored.array("state", np.float32, (optimizer.n_states, *optimizer.state_shape(shape)))
        stored.array("bias_state", np.float32, (optimizer.n_states, 1, n_neurons))

    def rows_shape(self, n_inputs, n_neurons):
        """Shape of `rows`."""
        raise NotImplementedError

    @property
    def parameters(self):
        """As kernels take them."""
        return Parameters(self.bias, self.rows, np.float32(self.scale))

    @property
    def n_neurons(self):
        """Number of neurons."""
        return self.bias.shape[1]

    @property
    def size(self):
        """Number of weights and biases."""
        return self.rows.size + self.bias.size

    @property
    def coef(self):
        """The weights as (n_inputs, n_neurons), divided by `scale`: a view."""
        raise NotImplementedError

    def preactivate_all(self, inputs):
        """Compute all neurons: (n_samples, n_neurons)."""
        raise NotImplementedError

    def preactivate(self, inputs, pattern) -> Preactivation:
        """Compute the neurons that a pattern names for each sample."""
        raise NotImplementedError

    def backward(self, inputs, computed, deltas, step, *, pass_gradient) -> Backward:
        """Step on the weights.

        Parameters
        ----------
        inputs : ndarray or CSR
        computed : Preactivation
            What was computed from them.
        deltas : ndarray, dtype=float32
            Gradient of the loss with respect to the values of ``computed.outputs``.
        step : Step
            Of the optimizer.
        pass_gradient : bool
            Whether the inputs' gradient is wanted.
        """
        raise NotImplementedError


class InputWeights(Weights):
    """A row for each input: `rows` is (n_inputs, n_neurons)."""

    NEURON_AXIS = 1

    def by_neuron(self, optimizer) -> "NeuronWeights":
        """The same weights, and what the optimizer remembers, with a row for each neuron."""
        self.settle()
        twin = NeuronWeights(np.ascontiguousarray(self.rows.T), self.bias[0], optimizer)
        twin.bias_state = self.bias_state
        if self.state.shape[1:] == self.rows.shape:
            twin.state = np.ascontiguousarray(self.state.transpose(0, 2, 1))
        else:  # of one number for each input, each neuron gets their mean
            twin.state[...] = self.state.mean(axis=1, keepdims=True)
        return twin

    def rows_shape(self, n_inputs, n_neurons):
        """See `Weights.rows_shape`."""
        return n_inputs, n_neurons

    @property
    def coef(self):
        """See `Weights.coef`."""
        return self.rows

    def preactivate_all(self, inputs):
        """See `Weights.preactivate_all`."""
        scale = np.float32(self.scale)
        if isinstance(inputs, CSR):
            outputs = np.repeat(self.bias, inputs.n_rows, axis=0)
            kernels.csr_matmul(inputs, self.rows, scale, outputs)
            return outputs
        outputs = inputs @ self.rows
        outputs *= scale
        outputs += self.bias
        return outputs

    def preactivate(self, inputs, pattern):
        """See `Weights.preactivate`. All neurons are computed: that is their rows' order."""
        samples = np.repeat(np.arange(pattern.n_rows), lengths_of(pattern.indptr))
        named = self.preactivate_all(inputs)[samples, pattern.indices]
        outputs = CSR(pattern.indptr, pattern.indices, named, self.n_neurons)
        return Preactivation(outputs, group(pattern, self.n_neurons))

    def backward(self, inputs, computed, deltas, step, *, pass_gradient):
        """See `Weights.backward`. Where a pattern named the neurons, no gradient is passed."""
        if computed.groups is not None:
            return self._backward_some(inputs, computed, deltas, step)
        backward = self._backward_sparse if isinstance(inputs, CSR) else self._backward_dense
        input_gradient, n_stepped = backward(inputs, deltas, step, pass_gradient)
        column = (self.n_neurons, 1)  # a row for each bias
        gradient, bias = deltas.sum(axis=0).reshape(column), self.bias.reshape(column)
        step.take("dense", gradient, bias, self.bias_state.reshape(-1, *column))
        return Backward(input_gradient, n_stepped, n_nonzero(inputs) * self.n_neurons)

    def _backward_dense(self, inputs, deltas, step, pass_gradient):
        scale = np.float32(self.scale)
        input_gradient = scale * (deltas @ self.rows.T) if pass_gradient else None
        gradient = inputs.T @ deltas
        step = step.on_scaled(self.scale)
        return input_gradient, step.take("dense", gradient, self.rows, self.state)

    def _backward_sparse(self, inputs, deltas, step, pass_gradient):
        if not pass_gradient and self._is_one_row_of_cells():
            return None, self._step_on_few(inputs, deltas, step)
        scale = np.float32(self.scale)
        by_input = group(inputs.pattern, inputs.n_columns)
        input_gradient = None
        if pass_gradient:
            input_gradient = np.zeros_like(inputs.data)
            kernels.dot_rows(by_input, self.rows, scale, deltas, input_gradient)
        n_stepped, _ = step.on_scaled(self.scale).take(
            "rows", by_input, inputs.data, deltas, NO_GRADIENT, self.rows, self.state, scale
        )
        return input_gradient, n_stepped

    def _is_one_row_of_cells(self):
        """Whether there are few neurons, each weight has its state, and 32 bits number them all."""
        has_state_of_cells = self.state.shape[1:] == self.rows.shape
        is_numbered = self.rows.size <= MOST_CELLS
        return self.n_neurons <= FEW_NEURONS and has_state_of_cells and is_numbered

    def _step_on_few(self, inputs, deltas, step):
        """Step on the weights of some inputs that have a gradient: cells of one long row."""
        cells, gradient = sum_by_column(inputs, deltas)
        if (width := self.n_neurons) > 1:
            neurons = np.arange(width, dtype=np.uint32)
            cells = (cells[:, np.newaxis] * np.uint32(width) + neurons).ravel()
        row, state = self.rows.reshape(1, -1), self.state.reshape(len(self.state), 1, -1)
        # As on biases: on each number alone.
        step = step.on_scaled(self.scale)
        return step.take("bias", each_alone(cells), gradient.ravel(), row, state)

    def _backward_some(self, inputs, computed, deltas, step):
        inputs = as_csr(inputs)
        # What has no gradient does not learn, nor follow its momentum.
        by_sample = without_zeros(computed.outputs._replace(data=deltas))
        by_input = group(inputs.pattern, inputs.n_columns)
        counts = step.on_scaled(self.scale).take(
            "cells",
            by_input,
            inputs.data,
            by_sample,
            NO_CELL_GRADIENT,
            self.rows,
            self.state,
            np.float32(self.scale),
        )
        step.take("bias", computed.groups, deltas, self.bias, self.bias_state)
        return Backward(None, *counts)


class NeuronWeights(Weights):
    """A row for each neuron: `rows` is (n_neurons, n_inputs)."""

    NEURON_AXIS = 0

    def rows_shape(self, n_inputs, n_neurons):
        """See `Weights.rows_shape`."""
        return n_neurons, n_inputs

    @property
    def coef(self):
        """See `Weights.coef`."""
        return self.rows.T

    def preactivate_all(self, inputs):
        """See `Weights.preactivate_all`."""
        if isinstance(inputs, CSR):
            everyone = np.arange(self.n_neurons, dtype=np.uint32)
            pattern = even_pattern(np.tile(everyone, (inputs.n_rows, 1)))
            return self.preactivate(inputs, pattern).outputs.data.reshape(inputs.n_rows, -1)
        outputs = inputs @ self.rows.T
        if self.scale != 1.0:
            outputs *= np.float32(self.scale)
        outputs += self.bias
        return outputs

    def preactivate(self, inputs, pattern):
        """See `Weights.preactivate`."""
        groups = Groups.with_room(pattern.n_pairs, self.n_neurons)
        outputs = CSR(*pattern, np.empty(pattern.n_pairs, np.float32), self.n_neurons)
        sparse = isinstance(inputs, CSR)
        preactivate = kernels.preactivate_cells if sparse else kernels.preactivate_rows
        n_groups = preactivate(pattern, self.parameters, inputs, groups, outputs.data)
        return Preactivation(outputs, groups.cut(n_groups))

    def best(self, inputs, pattern, n_best) -> Best:
        """Of a pattern's neurons keep those of each sample whose pre-activations are highest."""
        best = Best.with_room(pattern, n_best)
        find_best = kernels.best_cells if isinstance(inputs, CSR) else kernels.best_rows
        return best.cut(find_best(pattern, n_best, self.parameters, inputs, best))

    def backward(self, inputs, computed, deltas, step, *, pass_gradient):
        """See `Weights.backward`."""
        sparse = isinstance(inputs, CSR)
        visit, input_gradient = ("cells", NO_CELL_GRADIENT) if sparse else ("rows", NO_GRADIENT)
        if pass_gradient:
            input_gradient = np.zeros_like(values(inputs))
        counts = step.on_scaled(self.scale).take(
            visit,
            computed.groups,
            deltas,
            inputs,
            input_gradient,
            self.rows,
            self.state,
            np.float32(self.scale),
        )
        step.take("bias", computed.groups, deltas, self.bias, self.bias_state)
        return Backward(input_gradient, *counts)
