"""Short vectors whose inner products approximate a layer's responses."""

import copy

import numpy as np
import scipy.sparse as sp
from sklearn.utils.extmath import randomized_svd

from sklearn_lsh import kernels
from sklearn_lsh.csr import CSR, n_samples

ONE = np.float32(1)


def mean_of(inputs):
    """Mean of each input over a batch."""
    if not isinstance(inputs, CSR):
        return inputs.mean(axis=0)
    sums = np.bincount(inputs.indices, weights=inputs.data, minlength=inputs.n_columns)
    return (sums / max(1, inputs.n_rows)).astype(np.float32)


def as_matrix(inputs):
    """Inputs as an array or a matrix of scipy."""
    if not isinstance(inputs, CSR):
        return inputs
    arrays = (inputs.data, inputs.indices.astype(np.int64), inputs.indptr.astype(np.int64))
    return sp.csr_array(arrays, shape=(inputs.n_rows, inputs.n_columns))


class Sketch:
    r"""Map inputs and neurons to a space of few directions in which they are compared.

    With the inputs' mean :math:`m`, their principal directions :math:`V` and deviations
    :math:`\sigma` along these, a response is

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
            power = (spread**2).sum() / max(1, n_sampled * n_inputs)
            self.unit = np.float32(np.sqrt(power) or 1.0)

    def recentred(self, inputs, share):
        """The same sketch with the mean moved by a share of the way to that of these inputs."""
        moved = copy.copy(self)
        moved.mean = (1 - share) * self.mean + share * mean_of(inputs)
        moved._set_offset()
        return moved

    def following(self, inputs, share):
        """The same sketch with its directions moved by a share of the way to those of a batch.

        A step of the block power method on a stream: the inputs' covariance, as the sketch knows
        it and as the batch has it, times the directions (I. Mitliagkas, C. Caramanis and P. Jain,
        "Memory limited, streaming PCA", NeurIPS 2013).
        """
        if self.basis is None:
            return self
        directions = self.basis / self.deviations
        projected = self.queries(inputs)[:, :-1] * self.deviations
        projected -= projected.mean(axis=0)
        batch = as_matrix(inputs).T @ projected / np.float32(n_samples(inputs))
        known = directions * self.deviations**2
        product = (1 - share) * known + share * batch
        if not np.isfinite(product).all():
            return self  # training diverges, which is told at the end of the epoch
        turned, variances, _ = np.linalg.svd(product, full_matrices=False)
        moved = copy.copy(self)
        moved._set_directions(turned, np.sqrt(variances))
        return moved

    def narrowed(self, rows, n_directions):
        """The same sketch, and rows, in the directions in which neurons differ most.

        Whitened inputs fill all directions evenly. Then these are the ones that approximate
        differences of responses best (Eckart and Young), and ranks depend on nothing else.
        """
        if self.basis is None or n_directions >= self.n_directions:
            return self, rows
        spread = rows[:, :-1] - rows[:, :-1].mean(axis=0)
        covariance = spread.T @ spread
        if not np.isfinite(covariance).all():
            return self, rows
        turn = np.linalg.eigh(covariance)[1][:, -n_directions:]
        narrow = copy.copy(self)
        narrow.basis, narrow.whitener = self.basis @ turn, self.whitener @ turn
        narrow._set_offset()
        return narrow, np.column_stack([rows[:, :-1] @ turn, rows[:, -1]])

    def _set_directions(self, directions, deviations):
        self.deviations = np.maximum(deviations, deviations[0] * 1e-3 + 1e-12).astype(np.float32)
        self.basis = np.ascontiguousarray(directions * self.deviations, dtype=np.float32)
        self.whitener = np.ascontiguousarray(directions / self.deviations, dtype=np.float32)
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
            kernels.sum_rows(*inputs[:3], self.whitener, ONE, projected)
            np.subtract(projected, self.offset, out=out[:, :-1])
        out[:, -1] = self.unit
        return out

    def rows(self, layer, part=slice(None)):
        """Sketches of a layer's neurons, or of a part: (n_neurons, n_directions + 1)."""
        weights = layer.weights[part]
        out = np.empty((weights.shape[0], self.n_directions + 1), np.float32)
        out[:, :-1] = weights if self.basis is None else weights @ self.basis
        out[:, -1] = weights @ self.mean
        out *= np.float32(layer.scale)
        out[:, -1] += layer.bias[0, part]
        out[:, -1] /= self.unit
        return out
