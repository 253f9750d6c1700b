"""A multilayer perceptron in float64 NumPy, written from the formulas: what networks are tested
against. Inactive neurons and untouched weights are given to it as boolean masks.
"""

import numpy as np
from scipy.special import expit, logsumexp, xlogy

ACTIVATE = {
    "identity": lambda z: z,
    "logistic": expit,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
}
DERIVE = {  # by the response, not by the activity
    "identity": np.ones_like,
    "logistic": lambda z: expit(z) * expit(-z),
    "tanh": lambda z: np.cosh(z) ** -2.0,
    "relu": lambda z: (z > 0).astype(float),
}


def softmax_loss(z, y, active):
    with np.errstate(invalid="ignore"):
        z = np.where(active, z, -np.inf)
        log_p = z - logsumexp(z, axis=-1, keepdims=True)
        return -np.where(active, y * np.where(active, log_p, 0), 0).sum(axis=-1)


def logistic_loss(z, y, active):
    return (active * (np.logaddexp(0, z) - y * z)).sum(axis=-1)


def squared_loss(z, y, active):
    return (active * (z - y) ** 2).sum(axis=-1) / 2


def poisson_loss(z, y, active):
    return (active * (np.exp(z) - y * z + xlogy(y, y) - y)).sum(axis=-1)


LOSS = {
    "softmax": softmax_loss,
    "logistic": logistic_loss,
    "squared_error": squared_loss,
    "poisson": poisson_loss,
}
PREDICT = {
    "softmax": lambda z: np.exp(z - logsumexp(z, axis=1, keepdims=True)),
    "logistic": expit,
    "squared_error": lambda z: z,
    "poisson": np.exp,
}


class Reference:
    """Weights (n_inputs, n_neurons) and biases in float64, and what is computed from them."""

    def __init__(self, coefs, intercepts, activation, loss):
        self.weights = [np.array(w, dtype=float) for w in coefs]
        self.biases = [np.array(b, dtype=float) for b in intercepts]
        self.activation = activation
        self.loss = loss

    def everyone(self, X):
        return [np.ones((X.shape[0], b.size), dtype=bool) for b in self.biases]

    def responses(self, X, active=None):
        """Responses of every layer; only the active neurons' activities are passed on."""
        active = self.everyone(X) if active is None else active
        answers, h = [], X
        for w, b, mask in zip(self.weights, self.biases, active, strict=True):
            answers.append(h @ w + b)
            h = mask * ACTIVATE[self.activation](answers[-1])
        return answers

    def losses(self, X, y, active=None):
        """Each sample's loss, of which the errors are the gradient."""
        active = self.everyone(X) if active is None else active
        return LOSS[self.loss](self.responses(X, active)[-1], y, active[-1])

    def mean_loss(self, X, y, weight=None):
        """As it is reported: of squared errors the outputs' mean rather than their sum."""
        loss = np.average(self.losses(X, y), weights=weight)
        return loss / (y.shape[1] if self.loss == "squared_error" else 1)

    def gradients(self, X, y, weight, active=None):
        """Backpropagation of ``weight @ losses``: a list of (weights', biases', deltas)."""
        active = self.everyone(X) if active is None else active
        answers = self.responses(X, active)
        activate, derive = ACTIVATE[self.activation], DERIVE[self.activation]
        inputs = [X] + [m * activate(z) for m, z in zip(active, answers[:-1], strict=False)]
        top = np.where(active[-1], answers[-1], -np.inf if self.loss == "softmax" else 0)
        delta = weight[:, np.newaxis] * active[-1] * (PREDICT[self.loss](top) - y)
        gradients = []
        for depth in range(len(self.weights) - 1, -1, -1):
            gradients.insert(0, (inputs[depth].T @ delta, delta.sum(axis=0), delta))
            if depth > 0:
                delta = delta @ self.weights[depth].T * active[depth - 1]
                delta = delta * derive(answers[depth - 1])
        return gradients

    def differences(self, X, y, weight, active, step=1e-5):
        """The gradient of ``weight @ losses`` by central differences: [weights'], [biases']."""

        def of(parameters, depth):
            array = parameters[depth]
            # As many arrays as there are cells, each with one cell changed: (n_cells, ...).
            changes = step * np.eye(array.size).reshape(-1, *np.atleast_2d(array).shape)
            totals = []
            for changed in (array + changes, array - changes):
                parameters[depth] = changed
                totals.append(self.losses(X, y, active) @ weight)
            parameters[depth] = array
            return (totals[0] - totals[1]).reshape(array.shape) / (2 * step)

        depths = range(len(self.weights))
        return [[of(p, depth) for depth in depths] for p in (self.weights, self.biases)]


class Steps:
    """Optimizers by the formulas of scikit-learn's, for arrays with masks of touched cells."""

    def __init__(self, solver, learning_rate, **parameters):
        self.update = getattr(self, solver)
        self.rate = learning_rate
        self.parameters = parameters
        self.n_steps = 0
        self.states = {}

    def begin(self):
        self.n_steps += 1

    def step(self, key, array, gradient, touched=True):
        """Change the touched cells of an array, and their state, which is kept under a key."""
        touched = np.broadcast_to(touched, array.shape)
        state = self.states.setdefault(key, np.zeros((2, *array.shape)))
        new_state, change = self.update(state, gradient, **self.parameters)
        state[:, touched] = new_state[:, touched]
        array[touched] -= change[touched]

    def sgd(self, state, g, momentum, nesterovs_momentum):
        velocity = momentum * state[0] + self.rate * g
        change = momentum * velocity + self.rate * g if nesterovs_momentum else velocity
        return np.stack([velocity, state[1]]), change

    def adagrad(self, state, g, epsilon):
        squares = state[0] + g**2
        return np.stack([squares, state[1]]), self.rate * g / (np.sqrt(squares) + epsilon)

    def adam(self, state, g, beta_1, beta_2, epsilon):
        mean = beta_1 * state[0] + (1 - beta_1) * g
        square = beta_2 * state[1] + (1 - beta_2) * g**2
        rate = self.rate * np.sqrt(1 - beta_2**self.n_steps) / (1 - beta_1**self.n_steps)
        return np.stack([mean, square]), rate * mean / (np.sqrt(square) + epsilon)


class RowwiseSteps(Steps):
    """Row-wise Adagrad: one sum for each row, of mean squares of the gradient's touched cells.

    ``axes`` names for each layer the axis of the weights (n_inputs, n_neurons) that rows lie along.
    Each bias is a row of its own.
    """

    def __init__(self, learning_rate, epsilon, axes):
        self.rate, self.epsilon, self.axes = learning_rate, epsilon, axes
        self.n_steps, self.states = 0, {}

    def step(self, key, array, gradient, touched=True):
        depth, kind = key
        axis = self.axes[depth] if kind == "w" else ()
        touched = np.broadcast_to(touched, array.shape)
        squares = (touched * gradient**2).sum(axis, keepdims=True)
        squares /= np.maximum(1, touched.sum(axis, keepdims=True))
        total = self.states[key] = self.states.get(key, 0) + squares
        array -= touched * self.rate * gradient / (np.sqrt(total) + self.epsilon)


def train(reference, steps, X, y, weight, alpha=0.0, active=None, touched=None):
    """One step of a batch whose weights are not normalised; returns its mean loss.

    ``touched`` holds for each layer a pair of masks, for its weights and for its biases.
    """
    loss = reference.mean_loss(X, y, weight) if active is None else None
    steps.begin()
    gradients = reference.gradients(X, y, weight / weight.sum(), active)
    for depth, (of_weights, of_biases, _) in enumerate(gradients):
        cells, neurons = (True, True) if touched is None else touched[depth]
        steps.step((depth, "w"), reference.weights[depth], of_weights, cells)
        steps.step((depth, "b"), reference.biases[depth], of_biases, neurons)
    for w in reference.weights:
        w *= 1 - steps.rate * alpha / weight.sum()
    return loss
