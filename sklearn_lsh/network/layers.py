"""Layers: weights, and a selection of the neurons that are computed where not all are.

`make_layer` decides which. A layer without a selection computes all its neurons; its weights have
a row for each input, so that a sparse input reads and updates only the rows of its non-zeros. A
layer with a selection computes the neurons that it names, from a row for each neuron. Of a first
layer whose inputs have few non-zeros all neurons take less time than looking some up and
gathering their weights: there the selection only says which are passed on, and rows are inputs'.
"""

import copy
import math
from typing import NamedTuple

import numpy as np

from sklearn_lsh.csr import CSR, Groups, group
from sklearn_lsh.network.initialization import draw_weights
from sklearn_lsh.selection import make_hidden_selection, make_output_selection
from sklearn_lsh.selection.base import Active, Selection
from sklearn_lsh.stored import Attributes
from sklearn_lsh.weights import InputWeights, NeuronWeights, Preactivation


class Cache(NamedTuple):
    """What a layer's backward pass needs from its forward pass.

    Attributes
    ----------
    inputs : ndarray or CSR
        What the layer was given.
    outputs : ndarray or CSR
        What it answered: pre-activations, which the activation function then changes in place.
    groups : Groups, default=None
        The outputs' pairs by neuron, if neurons were selected.
    active : Active, default=None
        What the selection said, if there is one.
    targets_first : bool, default=False
        Whether the outputs of each sample begin with its targets, in their own order.
    """

    inputs: "np.ndarray | CSR"
    outputs: "np.ndarray | CSR"
    groups: "Groups | None" = None
    active: "Active | None" = None
    targets_first: bool = False


class Upkeep(NamedTuple):
    """What keeping a layer's tables up to date took.

    Attributes
    ----------
    rebuild_seconds : list of float
        Of each rebuild.
    work_of_each : int
        Multiply-adds of a rebuild.
    occupancy : dict of str to float
        How full the tables are.
    """

    rebuild_seconds: list
    work_of_each: int
    occupancy: dict


class Snapshot(NamedTuple):
    """What a layer's predictions come from.

    Attributes
    ----------
    rows, bias : ndarray, dtype=float32
    selection : Selection or None
    """

    rows: np.ndarray
    bias: np.ndarray
    selection: "Selection | None"


class Layer:
    """Neurons that are computed from the same inputs.

    Parameters
    ----------
    weights : Weights
    selection : Selection, default=None
        Names the neurons that are computed; None computes all.
    """

    def __init__(self, weights, selection=None):
        self.weights = weights
        self.selection = selection

    def check_stored(self, n_inputs, n_neurons, optimizer, *, is_first_hidden):
        """Check what was loaded."""
        stored = Attributes(self)
        selection = stored.get("selection")
        kinds = [InputWeights]
        if selection is not None:
            kinds = [NeuronWeights]
            # Where inputs have few non-zeros, see `make_layer`.
            if stored.part("selection", Selection).computes_all and is_first_hidden:
                kinds.append(InputWeights)
        weights = stored.part("weights", *kinds)
        weights.check_stored(n_inputs, n_neurons, optimizer)
        if selection is not None:
            selection.check_stored(n_inputs, n_neurons)

    @property
    def n_neurons(self):
        """Number of neurons."""
        return self.weights.n_neurons

    @property
    def n_held(self):
        """Most numbers that the forward pass holds for a sample."""
        return self.n_neurons if self.selection is None else self.selection.n_held(self.n_neurons)

    def forward(self, inputs, targets=None) -> Cache:
        """Compute a batch's pre-activations.

        Parameters
        ----------
        inputs : ndarray or CSR
        targets : CSR, default=None
            Neurons that are computed whatever the selection says.
        """
        if self.selection is None:
            return Cache(inputs, self.weights.preactivate_all(inputs))
        active = self.selection.select(self.weights, inputs, targets)
        computed = self._compute(inputs, active)
        return Cache(inputs, *computed, active, targets_first=targets is not None)

    def _compute(self, inputs, active) -> Preactivation:
        if active.preactivations is None:
            return self.weights.preactivate(inputs, active.pattern)
        indptr, indices = active.pattern
        outputs = CSR(indptr, indices, active.preactivations, self.n_neurons)
        return Preactivation(outputs, group(active.pattern, self.n_neurons))

    def backward(self, cache, deltas, step, *, pass_gradient):
        """Step on the weights, see `Weights.backward`."""
        computed = Preactivation(cache.outputs, cache.groups)
        return self.weights.backward(
            cache.inputs, computed, deltas, step, pass_gradient=pass_gradient
        )

    def snapshot(self) -> Snapshot:
        """Copy what predictions come from, to return to it with `restore`."""
        weights = self.weights
        return Snapshot(weights.rows.copy(), weights.bias.copy(), copy.deepcopy(self.selection))

    def restore(self, snapshot):
        """Return to what `snapshot` copied."""
        self.weights.rows[...] = snapshot.rows
        self.weights.bias[...] = snapshot.bias
        self.selection = copy.deepcopy(snapshot.selection)

    def drain_upkeep(self) -> Upkeep:
        """Tell what the selection's tables took since this was last asked."""
        if self.selection is None:
            return Upkeep([], 0, {})
        return Upkeep(
            self.selection.drain_rebuilds(),
            self.selection.refresh_work(self.weights),
            self.selection.occupancy(),
        )


def replace_parameters(layers, coefs, intercepts):
    """Give layers other weights and biases, and selections that know of it.

    Parameters
    ----------
    layers : list of Layer
        Of a network, from the first one on.
    coefs, intercepts : iterable of ndarray
        For each layer, (n_inputs, n_neurons) and (n_neurons,).
    """
    same_inputs = True
    for layer, coef, bias in zip(layers, coefs, intercepts, strict=True):
        differ = layer.weights.replace(coef, bias)
        if layer.selection is not None and (differ or not same_inputs):
            layer.selection = layer.selection.replaced(layer.weights, same_inputs=same_inputs)
        same_inputs = same_inputs and not differ


class LayerShape(NamedTuple):
    """Where a layer stands, and how much of it is computed.

    Attributes
    ----------
    n_inputs, n_neurons : int
    n_active : int or None
        Neurons to select for each sample; None computes all.
    is_output : bool
    n_nonzero : float, default=inf
        Mean number of non-zeros of an input, for a first layer that reads sparse data.
    """

    n_inputs: int
    n_neurons: int
    n_active: "int | None"
    is_output: bool
    n_nonzero: float = math.inf


def make_layer(shape, bound, optimizer, selection_name, hashing) -> Layer:
    """Make a layer: decide on its selection, then draw weights in the order that suits it.

    Parameters
    ----------
    shape : LayerShape
    bound : float
        Of the uniform distribution of weights and biases.
    optimizer : Optimizer
    selection_name : str
        "lsh", "topk" or "random".
    hashing : Hashing
    """
    name, n_active = selection_name, shape.n_active
    if n_active is None:
        selection = None
    elif shape.is_output:
        selection = make_output_selection(name, n_active, shape.n_neurons, hashing)
    else:
        selection = make_hidden_selection(name, n_active, shape.n_nonzero, hashing)
    few_nonzero = not shape.is_output and math.isfinite(shape.n_nonzero)
    by_input = selection is None or (selection.computes_all and few_nonzero)
    kind = InputWeights if by_input else NeuronWeights
    order = "C" if by_input else "F"
    drawn = draw_weights(shape.n_inputs, shape.n_neurons, bound, order, hashing.random_state)
    rows = drawn.coef if by_input else drawn.coef.T
    return Layer(kind(rows, drawn.bias, optimizer), selection)
