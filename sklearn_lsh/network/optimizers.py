"""Optimizers: coefficients of a step and the state it keeps. Their arithmetic is in the kernels.

All are lazy: weights without a gradient in a mini-batch are left alone, and so is their state.
"""

import math

import numpy as np

from sklearn_lsh import kernels


def slowed(decay, n_threads):
    """Decay of a moving mean of so many times as many steps.

    While a thread computes a gradient, each of the others steps once: gradients come late. Momentum
    then swings and diverges at far lower rates than without delay; at a fortieth, if it is 0.9 and
    the delay one step. It bears about five times as much if it counts in rounds, of one step of
    each thread, in which the delay is less than one: if the mean forgets in a round what it else
    forgets in a step, and steps follow where it will be after another round, in a straight line
    (Nesterov's look-ahead).
    """
    return 1 - (1 - decay) / n_threads


class Optimizer:
    """Base: what the training loop needs to know of an optimizer.

    Attributes
    ----------
    learning_rate : float
        The current rate; a schedule may change it between steps.
    fall : float
        By how much each step lowers the rate.
    n_steps : int
        Mini-batches seen so far.
    n_threads : int
        Mini-batches that are under way at once.
    """

    name: str
    n_states: int
    fall = 0.0
    n_threads = 1

    def __init__(self, learning_rate):
        self.learning_rate = float(learning_rate)
        self.n_steps = 0

    def next_step(self):
        """Count a step, and return its coefficients as `step` takes them."""
        self.n_steps += 1
        first, *others = self.rates()
        self.learning_rate = max(0.0, self.learning_rate - self.fall)
        return first, *map(np.float32, others)

    def rates(self) -> tuple:
        """Coefficients of the current step; the first one multiplies all of it."""
        raise NotImplementedError

    def new_state(self, weights):
        """State for an array of weights: (n_states, *weights.shape), zero."""
        return np.zeros((self.n_states, *weights.shape), np.float32)

    def step(self, kind, rates, weight_scale, *args):
        """Call this optimizer's kernel for one kind of visit; returns how many it stepped on.

        Weights are stored divided by ``weight_scale``, and so are their steps.
        """
        rates = (np.float32(rates[0] / weight_scale), *rates[1:])
        return getattr(kernels, f"step_{kind}_{self.name}")(*args, rates)


class Adam(Optimizer):
    """Kingma & Ba, "Adam: A method for stochastic optimization", ICLR 2015.

    With several threads the mean of the gradients counts in rounds, see `slowed`, and Nesterov's
    look-ahead is that of T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016.
    """

    name = "adam"
    n_states = 2

    def __init__(self, learning_rate, beta_1, beta_2, epsilon):
        super().__init__(learning_rate)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def rates(self):
        """See `Optimizer.rates`."""
        beta_1 = slowed(self.beta_1, self.n_threads)
        seen = 1 - beta_1**self.n_steps
        correction = math.sqrt(1 - self.beta_2**self.n_steps) / seen
        looks_ahead = self.n_threads > 1
        shares = (self.beta_1, (1 - self.beta_1) * seen) if looks_ahead else (1.0, 0.0)
        return (
            self.learning_rate * correction,
            *shares,
            *(beta_1, 1 - beta_1),
            *(self.beta_2, 1 - self.beta_2),
            self.epsilon,
        )


class Adagrad(Optimizer):
    """Duchi, Hazan & Singer, "Adaptive subgradient methods", JMLR 12, 2011."""

    name = "adagrad"
    n_states = 1

    def __init__(self, learning_rate, epsilon):
        super().__init__(learning_rate)
        self.epsilon = epsilon

    def rates(self):
        """See `Optimizer.rates`."""
        return self.learning_rate, self.epsilon


class RowwiseAdagrad(Adagrad):
    """Adagrad with one sum for each row of weights, of the mean squares of its gradients.

    M. Naumov et al., "Deep learning recommendation model for personalization and recommendation
    systems", https://arxiv.org/abs/1906.00091, and its code. Of a row of which a mini-batch
    touches a part, it is the mean over that part. Each bias is a row of its own.
    """

    name = "rowwise_adagrad"

    def new_state(self, weights):
        """See `Optimizer.new_state`: (1, n_rows, 1)."""
        return np.zeros((self.n_states, weights.shape[0], 1), np.float32)


class SGD(Optimizer):
    """Gradient descent with (Nesterov's) momentum, in scikit-learn's form.

    With several threads momentum counts in rounds, see `slowed`, and always looks ahead.
    """

    name = "sgd"
    n_states = 1

    def __init__(self, learning_rate, momentum, nesterovs_momentum):
        super().__init__(learning_rate)
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum

    def rates(self):
        """See `Optimizer.rates`."""
        momentum = slowed(self.momentum, self.n_threads)
        looks_ahead = self.nesterovs_momentum or self.n_threads > 1
        shares = (self.momentum, self.learning_rate) if looks_ahead else (1.0, 0.0)
        return (1.0, momentum, self.learning_rate / self.n_threads, *shares)


_PARAMETERS = {
    "adam": (Adam, ("beta_1", "beta_2", "epsilon")),
    "adagrad": (Adagrad, ("epsilon",)),
    "rowwise_adagrad": (RowwiseAdagrad, ("epsilon",)),
    "sgd": (SGD, ("momentum", "nesterovs_momentum")),
}


def make_optimizer(solver, *, learning_rate_init, **parameters) -> Optimizer:
    """Make an optimizer by name from parameters named as in `MLPClassifier`; others are ignored."""
    optimizer, names = _PARAMETERS[solver]
    return optimizer(learning_rate_init, **{name: parameters[name] for name in names})
