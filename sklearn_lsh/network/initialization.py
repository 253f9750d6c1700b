"""Values that training starts from."""

from collections.abc import Iterator
from typing import NamedTuple, cast

import numpy as np

from sklearn_lsh import kernels
from sklearn_lsh.csr import CSR, group, take

# Rows that are drawn or normalised at once ...
CHUNK = 1024
# ... and most numbers, so that no float64 copy of a large layer is ever made.
MOST_DRAWN = 1 << 24
# A sample's mean pre-activation of its own class where rows start at centroids. Sure enough to
# learn from the classes that are mistaken for it, not so sure that training has to undo it first:
# with 2 log(n_classes) the first epochs are better and the last ones 1.5 points worse (on
# ICD-10-CM).
OWN_PREACTIVATION = 2.0


class Drawn(NamedTuple):
    """Random values to start from.

    Attributes
    ----------
    coef : ndarray of shape (n_inputs, n_neurons), dtype=float32
    bias : ndarray of shape (n_neurons,), dtype=float32
    """

    coef: np.ndarray
    bias: np.ndarray


def draw_weights(n_inputs, n_neurons, bound, order, random_state) -> Drawn:
    """Draw uniform weights and biases, the same stream of numbers that scikit-learn draws.

    ``order`` is how the weights lie in memory: "C", input by input, or "F", neuron by neuron.
    """
    coef = np.empty((n_inputs, n_neurons), np.float32, order=order)
    size = max(1, min(CHUNK, MOST_DRAWN // n_neurons))
    for start in range(0, n_inputs, size):
        rows = coef[start : start + size]
        rows[...] = random_state.uniform(-bound, bound, rows.shape)
    bias = random_state.uniform(-bound, bound, n_neurons).astype(np.float32)
    return Drawn(coef, bias)


def draw_bound(activation, fan_in, fan_out):
    """Glorot & Bengio (2010), with scikit-learn's factor for the logistic function."""
    return np.sqrt((2.0 if activation == "logistic" else 6.0) / (fan_in + fan_out))


def set_to_share(weights, inputs, share):
    """Start biases such that each neuron responds positively to a ``share`` of the inputs.

    With the share that is selected, ReLU cuts off about as many neurons as are not computed: it
    hardly matters to what a network answers that they are not, and at first all neurons have
    their turn. Otherwise inputs that are all positive select a few of them again and again. Where
    a selection misses many, those that it finds would hardly respond: biases are better left.
    So they are where the share of the inputs is less than one of them, as in a first
    ``partial_fit`` of few rows: by one row all neurons would respond by zero to it.

    Parameters
    ----------
    weights : NeuronWeights or InputWeights
        Of a hidden layer.
    inputs : ndarray or CSR
        A sample of its inputs.
    share : float
    """
    preactivations = weights.preactivate_all(inputs)
    if preactivations.shape[0] * share >= 1:
        weights.bias[0] -= np.quantile(preactivations, 1 - share, axis=0)


class Chunk(NamedTuple):
    """Some rows of data.

    Attributes
    ----------
    inputs : ndarray of shape (n_rows, n_inputs), dtype=float32, or CSR
        Of the network; or what its last hidden layer answers to them.
    targets : CSR
    weight : ndarray of shape (n_rows,), dtype=float32
        Of the rows; 1 on average over all parts.
    """

    inputs: "np.ndarray | CSR"
    targets: CSR
    weight: np.ndarray


class ClassSums(NamedTuple):
    """Sums over samples, in one pass over the data.

    Attributes
    ----------
    counts : ndarray of shape (n_classes,), dtype=float32
        Samples of each class, by their weights.
    mean : ndarray of shape (n_inputs,), dtype=float32
        Weighted mean activity of all samples.
    n_samples : float
        Sum of the weights.
    """

    counts: np.ndarray
    mean: np.ndarray
    n_samples: float


def sum_by_class(parts, sums) -> ClassSums:
    """Add what a hidden layer answers to each sample to the rows of its classes in ``sums``."""
    n_samples = 0.0
    mean = np.zeros(sums.shape[1])
    counts = np.zeros(sums.shape[0], np.float32)
    for hidden, targets, weight in parts:
        hidden = hidden.toarray() if isinstance(hidden, CSR) else hidden
        by_class = group(targets.pattern, targets.n_columns)
        member_weights = weight[by_class.samples]
        members = CSR(by_class.starts, by_class.samples, member_weights, hidden.shape[0])
        part = np.zeros((by_class.rows.shape[0], sums.shape[1]), np.float32)
        kernels.csr_matmul(members, hidden, np.float32(1), part)
        sums[by_class.rows] += part
        starts = by_class.starts[:-1].astype(np.intp)
        counts[by_class.rows] += np.add.reduceat(member_weights, starts, dtype=np.float64)
        mean += (hidden * weight[:, np.newaxis]).sum(axis=0, dtype=np.float64)
        n_samples += float(weight.sum(dtype=np.float64))
    return ClassSums(counts, (mean / n_samples).astype(np.float32), n_samples)


def set_to_centroids(weights, parts, *, odds=False):
    """Start each class's row at the normalised, centred mean of its samples' activities, weighted.

    A class then responds most to what is most like its samples: a nearest-centroid classifier,
    from which training goes on. All rows have the same length, such that samples respond to
    their own class by ``OWN_PREACTIVATION`` on average. Classes without samples start at zero.

    Parameters
    ----------
    weights : NeuronWeights
        Of the output layer.
    parts : iterable of Chunk
        Of the data, with what the last hidden layer answers.
    odds : bool, default=False
        Whether biases start lower, by the logarithms of the classes' odds. For losses that judge
        each class on its own: else every class would be as likely as not at the start, and as
        few of them are active at a time, it takes epochs to push all of them down.
    """
    rows = weights.rows if weights.NEURON_AXIS == 0 else np.empty(weights.rows.shape[::-1], "f4")
    rows[...] = 0
    put_centroids(weights, rows, sum_by_class(parts, rows), odds=odds)


def put_centroids(weights, rows, sums, *, odds):
    """Start at centroids of known sums: in ``rows``, which are changed, and a `ClassSums`."""
    counts, mean, n_samples = sums
    weights.scale = 1.0
    total = point_from(mean, rows, counts)
    if total > 0:
        rows *= np.float32(OWN_PREACTIVATION * n_samples / total)
    bias = -(rows @ mean)
    if odds:
        bias += log_odds(counts, n_samples)
    weights.put(slice(None), rows, bias)


def point_from(mean, rows, counts) -> float:
    """Turn sums of classes' activities into vectors of length one, from a mean to the classes'.

    Parameters
    ----------
    mean : ndarray of shape (n_inputs,)
    rows : ndarray of shape (n_classes, n_inputs)
        The sums, in place of which the vectors are put.
    counts : ndarray of shape (n_classes,)
        How many samples each class has; one without any stays as it is.

    Returns
    -------
    total : float
        Sum of what samples, less the mean, respond to the vectors of their own classes.
    """
    seen = np.flatnonzero(counts)
    total = 0.0
    for start in range(0, seen.shape[0], CHUNK):
        part = seen[start : start + CHUNK]
        centred = rows[part] / counts[part, np.newaxis] - mean
        lengths = np.linalg.norm(centred, axis=1, keepdims=True)
        rows[part] = centred / np.maximum(lengths, np.finfo(np.float32).tiny)
        total += float(np.sum(counts[part, np.newaxis] * lengths))
    return total


def log_odds(counts, n_samples):
    """Logarithms of the classes' odds, with half a sample more of each kind: they are finite."""
    return np.log((counts + 0.5) / (n_samples - counts + 0.5))


def sample_rows(rows, weights, n_rows):
    """About so many of some rows, or all if there are not more: spread evenly over their weights.

    Of rows that hardly count hardly any is taken (systematic sampling).
    """
    step = max(1, rows.shape[0] // n_rows)
    if weights is None:
        return rows[::step][:n_rows]
    shares = weights[rows] / weights[rows].mean(dtype=np.float64)
    ends = np.cumsum(shares)
    # A row is taken if a whole number of steps ends in its share.
    is_taken = np.ceil((ends - shares) / step) * step < ends
    return rows[is_taken][:n_rows]


def chunks(X, target, weights, rows, size, mean=None) -> Iterator[Chunk]:
    """Consecutive parts of some rows of data, targets and weights.

    Weights come as shares of their mean, if no other one is given: only their ratios matter.
    """
    if mean is None:
        mean = 1.0 if weights is None else weights[rows].mean(dtype=np.float64)
    for start in range(0, rows.shape[0], size):
        part = rows[start : start + size]
        weight = np.ones(part.shape[0], np.float32)
        if weights is not None:
            weight = (weights[part] / mean).astype(np.float32)
        yield Chunk(take(X, part), cast(CSR, take(target, part)), weight)
