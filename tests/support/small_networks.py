"""Small data sets and networks, and the reference that belongs to them."""

import numpy as np
import scipy.sparse as sp

from sklearn_lsh.csr import CSR, take
from sklearn_lsh.network import Network, make_optimizer
from sklearn_lsh.weights import InputWeights

from .reference import Reference, RowwiseSteps, Steps

N_SAMPLES, N_FEATURES, N_OUTPUTS = 50, 12, 5
BATCH = 16

# Name of the optimizer, learning rate, parameters.
SOLVERS = {
    "sgd": ("sgd", 0.1, {"momentum": 0.0, "nesterovs_momentum": False}),
    "momentum": ("sgd", 0.1, {"momentum": 0.9, "nesterovs_momentum": False}),
    "nesterov": ("sgd", 0.1, {"momentum": 0.9, "nesterovs_momentum": True}),
    "adagrad": ("adagrad", 0.05, {"epsilon": 1e-7}),
    "rowwise_adagrad": ("rowwise_adagrad", 0.05, {"epsilon": 1e-7}),
    "adam": ("adam", 0.01, {"beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-5}),
}


def make_data(
    loss="softmax", density=0.5, n_outputs=N_OUTPUTS, n_samples=N_SAMPLES, n_features=N_FEATURES
):
    """Random rows with zeros among them, and targets that suit the loss."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_samples, n_features))
    X[rng.random(X.shape) > density] = 0
    if loss == "softmax":
        y = np.eye(n_outputs)[rng.integers(n_outputs, size=n_samples)]
    else:
        y = (rng.random((n_samples, n_outputs)) < 0.5).astype(float)
        y[n_samples // 2] = 0
    if loss in ("squared_error", "poisson"):
        y *= rng.uniform(0.5, 2, size=y.shape)
    return X.astype(np.float32), sp.csr_array(y.astype(np.float32))


def make_network(
    solver="adam",
    n_units=(N_FEATURES, 10, 8, N_OUTPUTS),
    n_active=(None, None, None),
    rate=None,
    **settings,
):
    name, usual_rate, parameters = SOLVERS[solver]
    defaults = {"activation": "tanh", "selection": "random", "active_inputs": n_units[0]}
    settings = defaults | settings
    return Network(
        n_units,
        n_active=n_active,
        optimizer=make_optimizer(name, learning_rate_init=rate or usual_rate, **parameters),
        random_state=np.random.RandomState(1),
        **settings,
    )


def make_reference(network, solver="adam"):
    """The reference with a network's present weights, and its optimizer."""
    name, rate, parameters = SOLVERS[solver]
    reference = Reference(network.coefs, network.intercepts, network.activation, network.loss)
    if name == "rowwise_adagrad":
        axes = [int(isinstance(layer.weights, InputWeights)) for layer in network.layers]
        return reference, RowwiseSteps(rate, **parameters, axes=axes)
    return reference, Steps(name, rate, **parameters)


def active_masks(network, X, target):
    """Which neurons of each layer a sample computes when it trains: masks (samples, neurons)."""
    rows = slice(0, X.shape[0])
    masks = []
    for done, n_neurons in zip(
        network.forward(take(X, rows), take(target, rows)), network.n_units[1:], strict=True
    ):
        selected = isinstance(done.outputs, CSR)
        masks.append(np.full((X.shape[0], n_neurons), not selected))
        if selected:
            samples = np.repeat(np.arange(X.shape[0]), np.diff(done.outputs.indptr))
            masks[-1][samples, done.outputs.indices] = True
    return masks


def batches(order, size=BATCH):
    return [order[i : i + size] for i in range(0, order.size, size)]


def assert_same_weights(network, reference, atol=2e-5):
    __tracebackhide__ = True
    for ours, theirs in zip(network.coefs, reference.weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=atol)
    for ours, theirs in zip(network.intercepts, reference.biases, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=atol)


def assert_equal_weights(network, other):
    __tracebackhide__ = True
    for ours, theirs in zip(network.coefs, other.coefs, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(network.intercepts, other.intercepts, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def make_blobs(n_samples=1200, n_features=20, n_classes=60):
    """Classes that are easy to tell, as sparse rows of positive numbers."""
    rng = np.random.default_rng(3)
    centres = rng.random((n_classes, n_features)) * (rng.random((n_classes, n_features)) < 0.4)
    y = rng.integers(n_classes, size=n_samples)
    X = centres[y] * rng.uniform(0.7, 1.3, size=(n_samples, n_features))
    target = sp.csr_array(
        (np.ones(n_samples, np.float32), y, np.arange(n_samples + 1)), shape=(n_samples, n_classes)
    )
    return X.astype(np.float32), target, y


def predict_dense(network, X, **how):
    parts = [
        part.toarray() if isinstance(part, CSR) else part for _, part in network.outputs(X, **how)
    ]
    return np.concatenate(parts)
