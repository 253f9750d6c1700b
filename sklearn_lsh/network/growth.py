"""New outputs of a network that is trained further: classes, or labels, that it did not have."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from sklearn_lsh.csr import CSR, take
from sklearn_lsh.network.initialization import (
    OWN_PREACTIVATION,
    chunks,
    point_from,
    sample_rows,
    sum_by_class,
)
from sklearn_lsh.network.network import N_LATER
from sklearn_lsh.selection import Hashing, OutputLSH, make_output_selection
from sklearn_lsh.selection.sketch import mean_of

# How far samples of new outputs rise at first above what outputs answer on average, for what the
# highest of the others does. On ICD-10-CM less finds fewer of the new classes, and more takes rows
# from the old ones.
SURER = 1.2


class Growth(NamedTuple):
    """How the output layer grows.

    Attributes
    ----------
    numbers : int ndarray, ascending
        The new number of each output that there was.
    n_outputs : int
        How many there are then.
    n_active : int or None
        How many of them are selected for each sample; None computes all.
    selection : str
        How: "lsh", "topk" or "random".
    hashing : Hashing
        For tables that there were not, or that are outgrown.
    """

    numbers: np.ndarray
    n_outputs: int
    n_active: "int | None"
    selection: str
    hashing: Hashing

    @property
    def new(self):
        """Numbers of the new outputs."""
        is_new = np.ones(self.n_outputs, bool)
        is_new[self.numbers] = False
        return np.flatnonzero(is_new)


def remember_mean(network, X, rows, sample_weight=None):
    """Remember what rows evoke in the last hidden layer on average, for outputs to come.

    Parameters
    ----------
    network : Network
    X : ndarray or csr_array of shape (n_samples, n_features)
    rows : int ndarray
        Those of X that were trained on. Few of them move the mean by little.
    sample_weight : ndarray of shape (n_samples,), dtype=float32, or None
    """
    if not network.is_prepared:  # early stopping kept weights that were set
        return
    sampled = np.ascontiguousarray(sample_rows(rows, sample_weight, N_LATER))
    mean, known = mean_of(network.hidden(take(X, sampled))), network.mean_hidden
    share = min(1.0, sampled.shape[0] / N_LATER)
    network.mean_hidden = mean if known is None else (1 - share) * known + share * mean


def grow(network, growth, X, target, sample_weight, rows):
    """Add outputs, which start at the centroids of their rows.

    Parameters
    ----------
    network : Network
    growth : Growth
    X, target, sample_weight
        See `Network.train_epoch`. The target has a column for each output, old and new.
    rows : int ndarray
        Training rows, in ascending order.
    """
    if not network.is_prepared:  # its weights were replaced
        network.prepare(X, rows, sample_weight)
    new = growth.new
    own = csr_array(target[:, new])
    labelled = rows[np.diff(own.indptr)[rows] > 0]
    start = find_start(network, X, own, sample_weight, labelled)
    add_outputs(network, growth)
    network.layers[-1].weights.put(new, *start)
    selection = network.layers[-1].selection
    if isinstance(selection, OutputLSH):
        if not selection.is_fitted:
            network.prepare(X, rows, sample_weight)
        remember_samples(network, X, target, labelled)
    network.prepare(X, rows, sample_weight)


class Start(NamedTuple):
    """What new outputs start from.

    Attributes
    ----------
    rows : ndarray of shape (n_new, n_inputs), dtype=float32
    bias : ndarray of shape (n_new,), dtype=float32
    """

    rows: np.ndarray
    bias: np.ndarray


def find_start(network, X, own, sample_weight, labelled) -> Start:
    """Find the weights that new outputs start from.

    They point from what rows evoke on average to what the output's own rows do, as those of
    `set_to_centroids`. At the average they answer as the outputs that there are. But they are so
    long that their own rows respond to them more strongly than to any of these: with the length
    that is right at the beginning they would not be noticed beside others that have grown.
    (Where all have the same length, that of their angles: H. Qi, M. Brown and D. G. Lowe,
    "Low-shot learning with imprinted weights", CVPR 2018.)

    Parameters
    ----------
    network : Network
        As it is without them.
    X : ndarray or csr_array of shape (n_samples, n_features)
    own : csr_array of shape (n_samples, n_new)
        Targets of the new outputs.
    sample_weight : ndarray of shape (n_samples,), dtype=float32, or None
    labelled : int ndarray
        Rows that have some.
    """
    last, highest, weights = network.layers[-1], [], []

    def evoke():
        for part in chunks(X, own, sample_weight, labelled, network.chunk_size):
            hidden = network.hidden(part.inputs)
            highest.append(highest_of(last.forward(hidden).outputs))
            weights.append(part.weight)
            yield part._replace(inputs=hidden)

    rows = np.zeros((own.shape[1], last.weights.coef.shape[0]), np.float32)
    bias = np.zeros(own.shape[1], np.float32)
    if labelled.shape[0] == 0:
        return Start(rows, bias)
    counts, mean, _ = sum_by_class(evoke(), rows)
    if network.mean_hidden is not None:
        mean = network.mean_hidden
    usual = usual_output(last.weights, mean)
    others = np.average(np.concatenate(highest), weights=np.concatenate(weights))
    response = point_from(mean, rows, counts) / counts.sum()
    if response > 0:
        rows *= np.float32(max(OWN_PREACTIVATION, SURER * (others - usual)) / response)
    bias += usual - rows @ mean
    return Start(rows, bias)


def usual_output(weights, mean) -> float:
    """What outputs answer to the mean of their inputs, on average.

    It may be anything, because a softmax does not change if all outputs do by as much; one
    against all it is low, because most labels are not a sample's.
    """
    return float(weights.coef.mean(axis=1) @ mean * weights.scale + weights.bias.mean())


def highest_of(outputs):
    """The highest output of each sample, of those that were computed."""
    if isinstance(outputs, CSR):
        return np.maximum.reduceat(outputs.data, outputs.indptr[:-1].astype(np.intp))
    return outputs.max(axis=1)


def add_outputs(network, growth):
    """Make room for new outputs, which respond by zero.

    Selections of outputs are to be brought up to date (`Network.prepare`) before anything is
    selected.
    """
    last, sizes = network.layers[-1], (growth.n_outputs, growth.n_active)
    last.weights.grow(growth.numbers, growth.n_outputs, network.optimizer)
    network.n_units[-1] = growth.n_outputs
    if growth.n_active is None:
        return
    if last.selection is None:
        last.weights = last.weights.by_neuron(network.optimizer)
    known = last.selection
    fitting = make_output_selection(growth.selection, *sizes[::-1], growth.hashing)
    if type(known) is type(fitting) and not known.is_outgrown(*sizes):
        known.grow(growth.numbers, *sizes)
    else:
        last.selection = fitting


def remember_samples(network, X, target, rows):
    """Let hash tables find new outputs among their like, which rows of weights are not enough for.

    Parameters
    ----------
    network : Network
    X, target
        See `Network.train_epoch`.
    rows : int ndarray
        Those that have new outputs.
    """
    selection = network.layers[-1].selection
    for part in chunks(X, target, None, rows, network.chunk_size):
        selection.remember(network.hidden(part.inputs), part.targets)


def split_logistic(network, n_outputs):
    """Turn the logistic output of two classes into two softmax outputs of equal probabilities.

    Their pre-activations differ by its own. Of a single class, which is always certain, there is
    one output, of zero. What the optimizer remembers of the layer is forgotten.
    """
    weights = network.layers[-1].weights
    weights.settle()
    shares = np.array([-0.5, 0.5] if n_outputs == 2 else [0], np.float32)
    weights.rows, weights.bias = weights.rows * shares, weights.bias * shares
    weights.forget_steps(network.optimizer)
    network.loss = "softmax"
    network.n_units[-1] = n_outputs
