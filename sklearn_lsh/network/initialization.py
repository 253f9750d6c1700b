"""Values that training starts from."""

import numpy as np

from sklearn_lsh.csr import CSR, group, take
from sklearn_lsh.kernels import csr_matmul

# Rows drawn at once, and most numbers, so that no float64 copy of a large layer is ever made.
CHUNK, MOST_DRAWN = 1024, 1 << 24
# A sample's mean response to its own class where rows start at centroids. Sure enough to learn
# from the classes that are mistaken for it, not so sure that training has to undo it first: with
# 2 log(n_classes) the first epochs are better and the last ones 1.5 points worse (on ICD-10-CM).
OWN_RESPONSE = 2.0


def draw_weights(n_inputs, n_neurons, bound, by_neuron, random_state):
    """Uniform weights and biases, the same stream of numbers that scikit-learn draws.

    Returns the weights with one row for each neuron or for each input, and the biases.
    """
    weights = np.empty((n_inputs, n_neurons), np.float32, order="F" if by_neuron else "C")
    size = max(1, min(CHUNK, MOST_DRAWN // n_neurons))
    for start in range(0, n_inputs, size):
        rows = weights[start : start + size]
        rows[...] = random_state.uniform(-bound, bound, rows.shape)
    bias = random_state.uniform(-bound, bound, n_neurons).astype(np.float32)
    return (weights.T if by_neuron else weights), bias


def draw_bound(activation, fan_in, fan_out):
    """Glorot & Bengio (2010), with scikit-learn's factor for the logistic function."""
    return np.sqrt((2.0 if activation == "logistic" else 6.0) / (fan_in + fan_out))


def set_to_share(layer, inputs, share):
    """Start biases such that each neuron responds positively to a ``share`` of the inputs.

    With the share that is selected, ReLU cuts off about as many neurons as are not computed: it
    hardly matters to what a network answers that they are not, and at first all neurons have
    their turn. Otherwise inputs that are all positive select a few of them again and again. Where
    a selection misses many, those that it finds would hardly respond: biases are better left.
    So they are where the share of the inputs is less than one of them, as in a first
    ``partial_fit`` of few rows: by one row all neurons would respond by zero to it.

    Parameters
    ----------
    layer : SelectedLayer
        A hidden layer.
    inputs : ndarray or CSR
        A sample of its inputs.
    share : float
    """
    responses = layer.respond_all(inputs)
    if responses.shape[0] * share >= 1:
        layer.bias[0] -= np.quantile(responses, 1 - share, axis=0)


def set_to_centroids(layer, activities, *, odds=False):
    """Start each class's row at the normalised, centred mean of its samples' activities.

    A class then responds most to what is most like its samples: a nearest-centroid classifier,
    from which training goes on. All rows have the same length, such that samples respond to
    their own class by ``OWN_RESPONSE`` on average. Classes without samples start at zero.

    Parameters
    ----------
    layer : SelectedLayer
        The output layer.
    activities : iterable of (ndarray or CSR, CSR)
        What the last hidden layer answers to parts of the data, and their targets.
    odds : bool, default=False
        Whether biases start lower, by the logarithms of the classes' odds. For losses that judge
        each class on its own: else every class would be as likely as not at the start, and as
        few of them are active at a time, it takes epochs to push all of them down.
    """
    weights = layer.weights
    weights[...] = 0
    layer.scale = 1.0
    n_samples = 0
    mean = np.zeros(weights.shape[1])
    counts = np.zeros(layer.n_neurons, np.float32)
    for hidden, targets in activities:
        hidden = hidden.toarray() if isinstance(hidden, CSR) else hidden
        by_class = group(targets.pattern, targets.n_columns)
        sums = np.zeros((by_class.rows.shape[0], weights.shape[1]), np.float32)
        ones = np.ones(by_class.samples.shape[0], np.float32)
        members = CSR(by_class.starts, by_class.samples, ones, hidden.shape[0])
        csr_matmul(members, hidden, np.float32(1), sums)
        weights[by_class.rows] += sums
        counts[by_class.rows] += np.diff(by_class.starts)
        mean += hidden.sum(axis=0, dtype=np.float64)
        n_samples += hidden.shape[0]
    mean = (mean / n_samples).astype(np.float32)
    seen = np.flatnonzero(counts)
    own = 0.0  # the sum of all samples' responses to their own classes
    for start in range(0, seen.shape[0], CHUNK):
        rows = seen[start : start + CHUNK]
        centred = weights[rows] / counts[rows, np.newaxis] - mean
        lengths = np.linalg.norm(centred, axis=1, keepdims=True)
        weights[rows] = centred / np.maximum(lengths, np.finfo(np.float32).tiny)
        own += float(np.sum(counts[rows, np.newaxis] * lengths))
    if own > 0:
        weights *= np.float32(OWN_RESPONSE * n_samples / own)
    layer.bias[0] = -(weights @ mean)
    if odds:  # with half a sample more of each kind, so that they are finite
        layer.bias[0] += np.log((counts + 0.5) / (n_samples - counts + 0.5))


def chunks(X, target, size):
    """Consecutive parts of data and targets."""
    for start in range(0, X.shape[0], size):
        rows = slice(start, min(start + size, X.shape[0]))
        yield take(X, rows), take(target, rows)
