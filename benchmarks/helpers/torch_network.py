"""A dense network in PyTorch, with as much of scikit-learn's interface as benchmarks ask for."""

import numpy as np
import torch
import torch._dynamo  # which the first optimizer would import, on the clock
from sklearn.metrics import accuracy_score

# Rows that are predicted at once: 4 MB of activations of 1,000 neurons, about what caches hold.
CHUNK = 1000


class TorchClassifier:
    """Rectified hidden layers under a softmax, trained by Adam on the CPU.

    The data are one tensor that shares the memory of the array given; a mini-batch is a selection
    of its rows. Adam is PyTorch's fused one, the fastest that it has.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int
    batch_size : int
    learning_rate_init : float
    random_state : int
    n_threads : int
    """

    def __init__(
        self, hidden_layer_sizes, *, batch_size, learning_rate_init, random_state, n_threads
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.random_state = random_state
        self.n_threads = n_threads
        self.network = None

    def begin(self, n_features, n_classes):
        """Draw the weights."""
        torch.manual_seed(self.random_state)
        layers, n_inputs = [], n_features
        for width in self.hidden_layer_sizes:
            layers += [torch.nn.Linear(n_inputs, width), torch.nn.ReLU()]
            n_inputs = width
        self.network = torch.nn.Sequential(*layers, torch.nn.Linear(n_inputs, n_classes))
        self.optimizer = torch.optim.Adam(
            self.network.parameters(), self.learning_rate_init, fused=True
        )

    def partial_fit(self, X, y, classes):
        """Train for an epoch; classes are whole numbers from 0."""
        torch.set_num_threads(self.n_threads)
        # Moments that fade away would slow the processor down. It is for this thread, and those
        # that PyTorch starts from it; what runs in turn with PyTorch is not to be changed.
        torch.set_flush_denormal(True)
        if self.network is None:
            self.begin(X.shape[1], len(classes))
        inputs, targets = torch.from_numpy(X), torch.from_numpy(y.astype(np.int64))
        for rows in torch.randperm(len(y)).split(self.batch_size):
            self.optimizer.zero_grad()
            outputs = self.network(inputs[rows])
            torch.nn.functional.cross_entropy(outputs, targets[rows]).backward()
            self.optimizer.step()
        torch.set_flush_denormal(False)
        return self

    @torch.inference_mode()
    def predict(self, X):
        """Predict classes."""
        torch.set_num_threads(self.n_threads)
        chunks = torch.from_numpy(X).split(CHUNK)
        return np.concatenate([self.network(rows).argmax(1).numpy() for rows in chunks])

    def score(self, X, y):
        """Accuracy."""
        return accuracy_score(y, self.predict(X))
