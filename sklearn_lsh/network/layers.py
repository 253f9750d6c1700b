"""Layers: weights with one row for each neuron or for each input, whichever is sparse.

Three kinds share one interface. `FullLayer` computes all its neurons; its rows belong to inputs,
so that a sparse input reads and updates only the rows of its non-zeros. `SelectedLayer`
computes the neurons that a selection names; its rows belong to neurons. `SelectedFirstLayer` has
rows for inputs and a selection. Backwards each is another's transpose, which is why they share
their kernels.

Weights are stored divided by ``scale``. Multiplying that one number decays all of them, in no
time and exactly, whether or not they were active.
"""

from typing import NamedTuple

import numpy as np

from sklearn_lsh import kernels
from sklearn_lsh.csr import (
    CSR,
    Best,
    Groups,
    Pattern,
    as_csr,
    group,
    lengths_of,
    n_nonzero,
    without_zeros,
)
from sklearn_lsh.selection.base import Active

NO_ERRORS = np.empty((0, 0), np.float32)
NO_CELL_ERRORS = np.empty(0, np.float32)
# Below this the common factor is multiplied into the weights, before they overflow. Threads that
# are at work then go on with the old factor, so this must be rarer than an epoch's end.
LEAST_SCALE = 1e-12


class Pass(NamedTuple):
    """What a layer's backward pass needs from its forward pass.

    ``inputs`` is what it was given, ``outputs`` what it answered: a dense array or a `CSR` of
    responses (which the activation then changes in place). ``groups`` are the outputs' pairs by
    neuron and ``active`` is what the selection said, if there was one.
    """

    inputs: "np.ndarray | CSR"
    outputs: "np.ndarray | CSR"
    groups: "Groups | None" = None
    active: "Active | None" = None


def values(activity):
    """The numbers of a dense array or a `CSR`."""
    return activity.data if isinstance(activity, CSR) else activity


def respond_by_input(layer, inputs):
    """Compute all neurons of a layer whose rows belong to inputs: (n_samples, n_neurons)."""
    scale = np.float32(layer.scale)
    if isinstance(inputs, CSR):
        responses = np.repeat(layer.bias, inputs.n_rows, axis=0)
        kernels.csr_matmul(inputs, layer.weights, scale, responses)
        return responses
    responses = inputs @ layer.weights
    responses *= scale
    responses += layer.bias
    return responses


def by_kind(inputs, for_dense, for_sparse):
    """What is for dense inputs or for sparse ones."""
    return for_sparse if isinstance(inputs, CSR) else for_dense


class Layer:
    """Weights, biases and their optimizer state. See the module's text.

    Attributes
    ----------
    weights : ndarray of float32
        One row for each input or for each neuron, divided by `scale`.
    bias : ndarray of shape (1, n_neurons), dtype=float32
    scale : float
        Factor of all weights.
    """

    def __init__(self, weights, bias, optimizer):
        self.weights = weights
        self.bias = bias.reshape(1, -1)
        self.scale = 1.0
        self.reset(optimizer)

    def reset(self, optimizer):
        """Start with an optimizer that has no memory."""
        self.weight_state = optimizer.new_state(self.weights)
        # Each bias is a row of its own.
        self.bias_state = optimizer.new_state(self.bias.T).reshape(-1, *self.bias.shape)

    def decay(self, factor):
        """Multiply all weights by ``factor``."""
        self.scale *= factor
        if self.scale < LEAST_SCALE:
            self.settle()

    def settle(self):
        """Multiply the common factor into the weights."""
        if self.scale != 1.0:
            self.weights *= np.float32(self.scale)
            self.scale = 1.0

    @property
    def _scale(self):
        return np.float32(self.scale)

    @property
    def n_neurons(self):
        """Number of neurons."""
        return self.bias.shape[1]

    @property
    def n_held(self):
        """Most numbers that the forward pass holds for a sample."""
        return self.n_neurons

    def drain_rebuilds(self):
        """Seconds of each rebuild of tables since this was last asked, work of each, occupancy."""
        return [], 0, {}


class FullLayer(Layer):
    """All neurons are computed; ``weights`` has shape (n_inputs, n_neurons)."""

    @property
    def coef(self):
        """The weights as (n_inputs, n_neurons)."""
        return self.weights

    def forward(self, inputs, labels=None):
        """Compute the responses of all neurons; ``labels`` are among them anyway."""
        return Pass(inputs, respond_by_input(self, inputs))

    def backward(self, done, delta, optimizer, rates, pass_errors):
        """Step on the weights.

        Returns
        -------
        errors : ndarray
            Errors of the inputs, like ``values(inputs)``, if they are to be passed down.
        n_stepped, n_products : int
            Number of weights that had a gradient, and of products that it took.
        """
        inputs = done.inputs
        backward = self._backward_sparse if isinstance(inputs, CSR) else self._backward_dense
        errors, n_stepped = backward(inputs, delta, optimizer, rates, pass_errors)
        n_products = n_nonzero(inputs) * self.n_neurons
        column = (self.n_neurons, 1)
        total, bias = delta.sum(axis=0).reshape(column), self.bias.reshape(column)
        optimizer.step("dense", rates, 1.0, total, bias, self.bias_state.reshape(-1, *column))
        return errors, n_stepped, n_products

    def _backward_dense(self, inputs, delta, optimizer, rates, pass_errors):
        errors = self._scale * (delta @ self.weights.T) if pass_errors else None
        gradient = inputs.T @ delta
        state = self.weight_state
        return errors, optimizer.step("dense", rates, self.scale, gradient, self.weights, state)

    def _backward_sparse(self, inputs, delta, optimizer, rates, pass_errors):
        by_input = group(inputs.pattern, inputs.n_columns)
        errors = None
        if pass_errors:
            errors = np.zeros_like(inputs.data)
            kernels.dot_rows(by_input, self.weights, self._scale, delta, errors)
        n_stepped, _ = optimizer.step(
            "rows",
            rates,
            self.scale,
            *(by_input, inputs.data, delta, NO_ERRORS),
            *(self.weights, self.weight_state, self._scale),
        )
        return errors, n_stepped


class SelectedLayer(Layer):
    """The neurons that ``selection`` names are computed; ``weights`` is (n_neurons, n_inputs)."""

    def __init__(self, weights, bias, optimizer, selection):
        super().__init__(weights, bias, optimizer)
        self.selection = selection

    @property
    def coef(self):
        """The weights as (n_inputs, n_neurons)."""
        return self.weights.T

    @property
    def n_held(self):
        """See `Layer.n_held`."""
        return self.selection.n_held(self.n_neurons)

    def drain_rebuilds(self):
        """See `Layer.drain_rebuilds`."""
        selection = self.selection
        return (
            selection.drain_rebuilds(),
            selection.refresh_work(self),
            selection.occupancy(),
        )

    def forward(self, inputs, labels=None):
        """``labels`` is a `CSR` of neurons that are active whatever the selection says.

        They come first among a sample's outputs.
        """
        active = self.selection.select(self, inputs, labels)
        if active.responses is None:
            done = self.respond(inputs, active.indptr, active.indices)
            return done._replace(active=active)
        outputs = CSR(*active[:3], self.n_neurons)
        groups = group(outputs.pattern, self.n_neurons)
        return Pass(inputs, outputs, groups, active)

    def respond(self, inputs, indptr, indices):
        """Compute the named neurons."""
        groups = Groups.with_room(indices.shape[0], self.n_neurons)
        outputs = CSR(indptr, indices, np.empty(indices.shape[0], np.float32), self.n_neurons)
        preactivate = by_kind(inputs, kernels.preactivate_rows, kernels.preactivate_cells)
        n = preactivate(outputs.pattern, self._parameters, inputs, groups, outputs.data)
        return Pass(inputs, outputs, groups.cut(n))

    def best(self, inputs, indptr, indices, n_best):
        """Of the named neurons keep those that respond most: ragged lists, and their responses."""
        pattern = Pattern(indptr, indices)
        kept = Best.with_room(pattern, n_best)
        best = by_kind(inputs, kernels.best_rows, kernels.best_cells)
        return kept.cut(best(pattern, n_best, self._parameters, inputs, kept))

    @property
    def _parameters(self):
        return self.bias, self.weights, self._scale

    def respond_all(self, inputs):
        """Compute all neurons: (n_samples, n_neurons)."""
        if isinstance(inputs, CSR):
            n_pairs = inputs.n_rows * self.n_neurons
            everyone = np.tile(np.arange(self.n_neurons, dtype=np.uint32), inputs.n_rows)
            indptr = np.arange(0, n_pairs + 1, self.n_neurons, dtype=np.uint32)
            return self.respond(inputs, indptr, everyone).outputs.data.reshape(inputs.n_rows, -1)
        responses = inputs @ self.weights.T
        if self.scale != 1.0:
            responses *= self._scale
        responses += self.bias
        return responses

    def backward(self, done, delta, optimizer, rates, pass_errors):
        """Step on the weights.

        Returns
        -------
        errors : ndarray
            Errors of the inputs, like ``values(inputs)``, if they are to be passed down.
        n_stepped, n_products : int
            Number of weights that had a gradient, and of products that it took.
        """
        inputs, groups = done.inputs, done.groups
        kind, none = by_kind(inputs, ("rows", NO_ERRORS), ("cells", NO_CELL_ERRORS))
        errors = np.zeros_like(values(inputs)) if pass_errors else none
        counts = optimizer.step(
            kind,
            rates,
            self.scale,
            *(groups, delta, inputs, errors),
            *(self.weights, self.weight_state, self._scale),
        )
        optimizer.step("bias", rates, 1.0, groups, delta, self.bias, self.bias_state)
        return errors, *counts


class SelectedFirstLayer(SelectedLayer):
    """Of all neurons some are used, and updated; ``weights`` is (n_inputs, n_neurons).

    For a first layer whose inputs have few non-zeros. All neurons' responses then are a sum of few
    rows, which takes less time than to look up some neurons and to gather their weights.
    """

    @property
    def coef(self):
        """The weights as (n_inputs, n_neurons)."""
        return self.weights

    def respond(self, inputs, indptr, indices):
        """Compute the named neurons."""
        samples = np.repeat(np.arange(indptr.shape[0] - 1), lengths_of(indptr))
        outputs = CSR(indptr, indices, self.respond_all(inputs)[samples, indices], self.n_neurons)
        return Pass(inputs, outputs, group(outputs.pattern, self.n_neurons))

    def respond_all(self, inputs):
        """Compute all neurons: (n_samples, n_neurons)."""
        return respond_by_input(self, inputs)

    def backward(self, done, delta, optimizer, rates, pass_errors):
        """See `SelectedLayer.backward`. There is no layer before to pass errors to."""
        inputs = as_csr(done.inputs)
        # What has no error does not learn, nor follow its momentum.
        errors = without_zeros(done.outputs._replace(data=delta))
        counts = optimizer.step(
            "cells",
            rates,
            self.scale,
            *(group(inputs.pattern, inputs.n_columns), inputs.data, errors, NO_CELL_ERRORS),
            *(self.weights, self.weight_state, self._scale),
        )
        optimizer.step("bias", rates, 1.0, done.groups, delta, self.bias, self.bias_state)
        return None, *counts
