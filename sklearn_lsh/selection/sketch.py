"""Short vectors whose inner products approximate a layer's pre-activations."""

import copy

import numpy as np
import scipy.sparse as sp
from sklearn.utils.extmath import randomized_svd

from sklearn_lsh import kernels
from sklearn_lsh.csr import CSR, n_samples
from sklearn_lsh.inputs import FLOAT32_MAX
from sklearn_lsh.stored import Attributes

ONE = np.float32(1)


def mean_of(inputs):
    """Mean of each input over a batch."""
    if not isinstance(inputs, CSR):
        with np.errstate(over="ignore", invalid="ignore"):
            mean = inputs.mean(axis=0)
        if not np.isfinite(mean).all():  # the sum has no room in float32
            mean = inputs.mean(axis=0, dtype=np.float64).astype(np.float32)
        return mean
    sums = np.bincount(inputs.indices, weights=inputs.data, minlength=inputs.n_columns)
    return (sums / max(1, inputs.n_rows)).astype(np.float32)


def as_matrix(inputs):
    """Inputs as an array or a matrix of scipy."""
    if not isinstance(inputs, CSR):
        return inputs
    arrays = (inputs.data, inputs.indices.astype(np.int64), inputs.indptr.astype(np.int64))
    return sp.csr_array(arrays, shape=(inputs.n_rows, inputs.n_columns))


class InputSketch:
    r"""Map inputs and neurons to the few directions in which the inputs differ most.

    With the inputs' mean :math:`m`, their principal directions :math:`V` and deviations
    :math:`\sigma` along these, a pre-activation is

    .. math:: w \cdot x + b \approx
        [V^T (x - m) / \sigma,\ 1] \cdot [\sigma V^T w,\ b + w \cdot m].

    Without the mean all queries would point the same way (activations are positive), with it
    and the whitening they fill the space evenly, which is what angles need to tell them apart.
    Inputs of at most ``n_directions`` features are only centred.

    Whitening also makes much of directions in which inputs hardly differ. Where inputs lie in
    tight clusters, as those of an output layer do, these are noise: one common :math:`\sigma`
    keeps angles as they are.

    Parameters
    ----------
    inputs : ndarray of shape (n_samples, n_inputs) or CSR
        A sample of the layer's inputs.
    n_directions : int
        Length of the sketches, less one for the bias.
    random_state : RandomState
    whiten : bool, default=True
        Whether each direction has its own :math:`\sigma`.
    """

    def __init__(self, inputs, n_directions, random_state, whiten=True):
        dense = not isinstance(inputs, CSR)
        matrix = as_matrix(inputs)
        n_sampled, n_inputs = matrix.shape
        self.mean = mean_of(inputs)
        self.basis = None
        if n_directions < min(matrix.shape):
            # A sparse sample stays uncentred: its first direction is then about its mean.
            centred = matrix - self.mean if dense else matrix
            _, deviations, directions = randomized_svd(
                centred, n_directions, random_state=random_state
            )
            if not whiten:
                deviations[:] = np.sqrt((deviations**2).mean())
            self._set_directions(directions.T, deviations / np.sqrt(n_sampled))
            self.unit = ONE
        else:
            spread = matrix - self.mean if dense else matrix
            with np.errstate(over="ignore"):
                power = (spread**2).sum() / max(1, n_sampled * n_inputs)
            # Of values whose squares have no room in float32.
            self.unit = np.float32(np.sqrt(min(power, FLOAT32_MAX)) or 1.0)

    def check_stored(self, n_inputs, n_neurons):
        """Check what was loaded."""
        stored = Attributes(self)
        stored.array("mean", np.float32, (n_inputs,), finite=True)
        stored.require(stored.number("unit", 0) > 0, "unit", "positive")
        if stored.get("basis") is not None:
            shape = (self.n_rows_of_basis(n_inputs, n_neurons), None)
            n_directions = stored.array("basis", np.float32, shape, finite=True).shape[1]
            stored.array("whitener", np.float32, (n_inputs, n_directions), finite=True)
            stored.array("offset", np.float32, (n_directions,), finite=True)

    def n_rows_of_basis(self, n_inputs, n_neurons):
        """Number of rows of ``basis``: here neurons are projected by it."""
        return n_inputs

    def recentred(self, inputs, share):
        """The same sketch with the mean moved by a share of the way to that of these inputs."""
        moved = copy.copy(self)
        moved.mean = (1 - share) * self.mean + share * mean_of(inputs)
        moved._set_offset()
        return moved

    def _set_directions(self, directions, deviations):
        deviations = np.maximum(deviations, deviations[0] * 1e-3 + 1e-12).astype(np.float32)
        self.basis = np.ascontiguousarray(directions * deviations, dtype=np.float32)
        self.whitener = np.ascontiguousarray(directions / deviations, dtype=np.float32)
        self._set_offset()

    def _set_offset(self):
        if self.basis is not None:
            self.offset = self.mean @ self.whitener

    @property
    def n_directions(self):
        """Length of the sketches, less one for the bias."""
        return self.mean.shape[0] if self.basis is None else self.basis.shape[1]

    def queries(self, inputs):
        """Sketches of inputs: (n_samples, n_directions + 1)."""
        dense = not isinstance(inputs, CSR)
        out = np.empty((n_samples(inputs), self.n_directions + 1), np.float32)
        if self.basis is None:
            out[:, :-1] = (inputs if dense else inputs.toarray()) - self.mean
        elif dense:
            np.subtract(inputs @ self.whitener, self.offset, out=out[:, :-1])
        else:
            projected = np.zeros((out.shape[0], self.n_directions), np.float32)
            kernels.csr_matmul(inputs, self.whitener, ONE, projected)
            np.subtract(projected, self.offset, out=out[:, :-1])
        out[:, -1] = self.unit
        return out

    def rows(self, weights, part=slice(None)):
        """Sketches of a layer's neurons, or of a part: (n_neurons, n_directions + 1)."""
        rows = weights.rows[part]
        out = np.empty((rows.shape[0], self.n_directions + 1), np.float32)
        out[:, :-1] = rows if self.basis is None else rows @ self.basis
        out[:, -1] = rows @ self.mean
        out *= np.float32(weights.scale)
        out[:, -1] += weights.bias[0, part]
        out[:, -1] /= self.unit
        return out


class PreactivationSketch(InputSketch):
    r"""Map inputs and neurons to the directions in which a layer's pre-activations differ most.

    With the leading eigenvectors :math:`U` of their covariance over samples, a pre-activation is

    .. math:: w_i \cdot x + b_i \approx
        [U^T W (x - m),\ 1] \cdot [u_i,\ b_i + w_i \cdot m],

    and no other map to as many directions approximates all of them better (Eckart and Young,
    1936). Ranks depend on differences between neurons alone: what is common to all is left out.
    As weights and inputs change, the eigenvectors are followed by the block power method on a
    stream (I. Mitliagkas, C. Caramanis and P. Jain, "Memory limited, streaming PCA", NeurIPS
    2013).

    Parameters
    ----------
    weights : NeuronWeights
    inputs : ndarray of shape (n_samples, n_inputs) or CSR
        A sample of the layer's inputs.
    n_directions : int
        Length of the sketches, less one for the bias, at most the number of neurons.
    random_state : RandomState
        Draws what the eigenvectors are iterated from.
    """

    # Steps from random directions to those that are used first.
    FIRST_STEPS = 4

    def __init__(self, weights, inputs, n_directions, random_state):
        self.mean, self.unit = mean_of(inputs), ONE
        self.variances = np.zeros(n_directions, np.float32)
        self._turn(weights, random_state.normal(size=(weights.n_neurons, n_directions)))
        for _ in range(self.FIRST_STEPS):
            self._step(weights, inputs, 1.0)

    def check_stored(self, n_inputs, n_neurons):
        """See `InputSketch.check_stored`."""
        super().check_stored(n_inputs, n_neurons)
        stored = Attributes(self)
        stored.part("basis", np.ndarray)
        stored.array("variances", np.float32, (self.n_directions,), finite=True)

    def n_rows_of_basis(self, n_inputs, n_neurons):
        """See `InputSketch.n_rows_of_basis`: here it is the neurons' sketches."""
        return n_neurons

    def following(self, weights, inputs, share):
        """The same sketch with its directions moved by a share of the way to those of a batch."""
        moved = copy.copy(self)
        moved._step(weights, inputs, share)
        return moved

    def _step(self, weights, inputs, share):
        """The covariance, as it is known and as a batch has it, times the directions."""
        projected = self.queries(inputs)[:, :-1]
        projected -= projected.mean(axis=0)
        batch = as_matrix(inputs).T @ projected * np.float32(weights.scale / n_samples(inputs))
        known = self.basis * self.variances
        self._turn(weights, (1 - share) * known + share * (weights.rows @ batch))

    def _turn(self, weights, product):
        centred = (product - product.mean(axis=0)).astype(np.float32)
        if not np.isfinite(centred).all():
            return  # training diverges, which is told after the epoch; LAPACK may loop for ever
        self.basis, self.variances, _ = np.linalg.svd(centred, full_matrices=False)
        self.whitener = weights.rows.T @ self.basis * np.float32(weights.scale)
        self._set_offset()

    def rows(self, weights, part=slice(None)):
        """See `InputSketch.rows`."""
        base = (weights.rows[part] @ self.mean) * np.float32(weights.scale) + weights.bias[0, part]
        return np.column_stack([self.basis[part], base])
