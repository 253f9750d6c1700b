"""Optimizers: coefficients of a step and the state it keeps. Their arithmetic is in the kernels.

All are lazy: weights without a gradient in a mini-batch are left alone, and so is their state.
"""

import math
from typing import NamedTuple

import numpy as np

from sklearn_lsh import kernels
from sklearn_lsh.stored import Attributes

# Ranges of parameters, as the estimators' are.
LIMITS = {
    "beta_1": (0, np.nextafter(1, 0)),
    "beta_2": (0, np.nextafter(1, 0)),
    "epsilon": (np.nextafter(0, 1), np.inf),
    "momentum": (0, 1),
}

# What kernels may add to a root and divide by: positive and finite in float32.
SMALLEST_EPSILON = float(np.finfo(np.float32).tiny)
LARGEST_EPSILON = float(np.finfo(np.float32).max)


class LateMomentum(NamedTuple):
    """A moving mean of gradients, as it is taken where they come late.

    Attributes
    ----------
    decay : float
    n_ahead : float
        Steps by which to look ahead in a straight line: at most until the mean would be the newest
        gradient.
    """

    decay: float
    n_ahead: float


def for_late_gradients(decay, n_threads, alone=0) -> LateMomentum:
    """How a moving mean of gradients takes it that they come late.

    While a thread computes a gradient, each of the others steps once. Momentum then swings and
    diverges at far lower rates than without delay: at a fortieth, if it is 0.9 and the delay one
    step. It bears most if steps follow where the mean will be in as many steps as there are
    threads (Nesterov's look-ahead is one), and more, the longer its memory. But rows that are
    rarely active, which no other thread touches meanwhile, hardly hear of a mean that is too slow:
    the memory is longer by the root of the number of threads.

    A. Kosson et al., "Pipelined backpropagation at scale", MLSys 2021, compensate for delay by a
    look-ahead, too; theirs is exponential, of a mean that is as long as ever.

    Parameters
    ----------
    decay : float
    n_threads : int
    alone : int, default=0
        Steps by which to look ahead where there is one thread and nothing is late.
    """
    newest = (1 - decay) / math.sqrt(n_threads)  # what the newest gradient weighs
    n_ahead = n_threads if n_threads > 1 else alone
    return LateMomentum(1 - newest, n_ahead if newest * n_ahead < 1 else 1 / newest)


class Optimizer:
    """Base: what the training loop needs to know of an optimizer.

    Attributes
    ----------
    learning_rate : float
        The current rate; a schedule may change it between steps.
    decay : float
        By how much each step lowers the rate.
    n_steps : int
        Mini-batches seen so far.
    n_threads : int
        Mini-batches that are under way at once.
    """

    name: str
    n_states: int
    decay = 0.0
    n_threads = 1

    def __init__(self, learning_rate):
        self.learning_rate = float(learning_rate)
        self.n_steps = 0

    def next_step(self) -> "Step":
        """Count a step, and return it."""
        self.n_steps += 1
        rate, *others = self.coefficients()
        self.learning_rate = max(0.0, self.learning_rate - self.decay)
        return Step(self.name, (rate, *map(np.float32, others)))

    def coefficients(self) -> tuple:
        """Coefficients of the current step; the first one multiplies all of it."""
        raise NotImplementedError

    def new_state(self, weights):
        """State for an array of weights, zero: (n_states, *state_shape(weights.shape))."""
        return np.zeros((self.n_states, *self.state_shape(weights.shape)), np.float32)

    def state_shape(self, shape):
        """Shape of what is kept for an array of weights, if that is one number of each."""
        return shape

    def check_stored(self):
        """Check what was loaded."""
        stored = Attributes(self)
        stored.number("learning_rate", 0)
        stored.integer("n_steps")
        if vars(self).keys() >= {"decay"}:
            stored.number("decay", 0)
        if vars(self).keys() >= {"n_threads"}:
            stored.integer("n_threads", 1)
        _, names = _PARAMETERS[self.name]
        for name in names:
            if name == "nesterovs_momentum":
                stored.flag(name)
            else:
                stored.number(name, *LIMITS[name])


class Step(NamedTuple):
    """One step of an optimizer, which all layers take.

    Attributes
    ----------
    solver : str
        Name of the optimizer.
    coefficients : tuple of float
        As its kernels take them.
    """

    solver: str
    coefficients: tuple

    def on_scaled(self, scale) -> "Step":
        """The same step on weights that are stored divided by ``scale``: so is it."""
        rate, *others = self.coefficients
        return Step(self.solver, (rate / scale, *others))

    def take(self, visit, *arguments):
        """Call the kernel for one kind of visit; returns how many weights it stepped on."""
        rate, *others = self.coefficients
        step = getattr(kernels, f"step_{visit}_{self.solver}")
        return step(*arguments, (np.float32(rate), *others))


class Adam(Optimizer):
    """Kingma & Ba, "Adam: A method for stochastic optimization", ICLR 2015.

    With several threads the mean of the gradients looks ahead, see `for_late_gradients`. By one
    step it would be T. Dozat's, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016.
    """

    name = "adam"
    n_states = 2

    def __init__(self, learning_rate, beta_1, beta_2, epsilon):
        super().__init__(learning_rate)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def coefficients(self):
        """See `Optimizer.coefficients`."""
        beta_1, n_ahead = for_late_gradients(self.beta_1, self.n_threads)
        share = n_ahead * (1 - beta_1)
        seen = 1 - beta_1**self.n_steps
        return (
            self.learning_rate * math.sqrt(1 - self.beta_2**self.n_steps) / seen,
            1 - share,
            share * seen,
            beta_1,
            1 - beta_1,
            self.beta_2,
            1 - self.beta_2,
            self.epsilon,
        )


class Adagrad(Optimizer):
    """Duchi, Hazan & Singer, "Adaptive subgradient methods", JMLR 12, 2011."""

    name = "adagrad"
    n_states = 1

    def __init__(self, learning_rate, epsilon):
        super().__init__(learning_rate)
        self.epsilon = epsilon

    def coefficients(self):
        """See `Optimizer.coefficients`."""
        return self.learning_rate, self.epsilon


class RowwiseAdagrad(Adagrad):
    """Adagrad with one sum for each row of weights, of the mean squares of its gradients.

    M. Naumov et al., "Deep learning recommendation model for personalization and recommendation
    systems", https://arxiv.org/abs/1906.00091, and its code. Of a row of which a mini-batch
    touches a part, it is the mean over that part. Each bias is a row of its own.
    """

    name = "rowwise_adagrad"

    def state_shape(self, shape):
        """See `Optimizer.state_shape`: (n_rows, 1)."""
        return shape[0], 1


class SGD(Optimizer):
    """Gradient descent with (Nesterov's) momentum, in scikit-learn's form.

    With several threads it always looks ahead, see `for_late_gradients`.
    """

    name = "sgd"
    n_states = 1

    def __init__(self, learning_rate, momentum, nesterovs_momentum):
        super().__init__(learning_rate)
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum

    def coefficients(self):
        """See `Optimizer.coefficients`."""
        alone = int(self.nesterovs_momentum)
        momentum, n_ahead = for_late_gradients(self.momentum, self.n_threads, alone)
        gain = self.learning_rate / math.sqrt(self.n_threads)
        return (1.0, momentum, gain, 1 - n_ahead * (1 - momentum), n_ahead * gain)


_PARAMETERS = {
    "adam": (Adam, ("beta_1", "beta_2", "epsilon")),
    "adagrad": (Adagrad, ("epsilon",)),
    "rowwise_adagrad": (RowwiseAdagrad, ("epsilon",)),
    "sgd": (SGD, ("momentum", "nesterovs_momentum")),
}


def make_optimizer(solver, *, learning_rate_init, **parameters) -> Optimizer:
    """Make an optimizer by name from parameters named as in `MLPClassifier`; others are ignored."""
    optimizer, names = _PARAMETERS[solver]
    chosen = {name: parameters[name] for name in names}
    if "epsilon" in chosen:
        chosen["epsilon"] = float(np.clip(chosen["epsilon"], SMALLEST_EPSILON, LARGEST_EPSILON))
    return optimizer(learning_rate_init, **chosen)
