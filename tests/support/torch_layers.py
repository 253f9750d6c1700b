"""Samples for output layers in PyTorch, and their training."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from sklearn_lsh.selection.negatives import Deck  # noqa: E402

DEVICES = [
    "cpu",
    pytest.param(
        "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
    ),
]


def as_on_other_devices(tensor):
    """Leave a tensor what it is, but for the type of codes."""
    tensor = tensor.detach()
    return tensor.view(torch.uint16) if tensor.dtype == torch.int16 else tensor


def shuffled(n_classes, seed):
    """A deck of classes in an order that a seed draws."""
    return Deck(np.arange(n_classes), np.random.RandomState(seed))


def some_samples(n_samples=40, n_features=8, n_classes=300):
    """Hidden vectors and labels."""
    return torch.randn(n_samples, n_features), torch.randint(n_classes, (n_samples,))


def train(layer, hidden, labels, n_steps=10, optimizer=torch.optim.SparseAdam):
    """Train a layer, and return its losses."""
    optimizer = optimizer(layer.parameters(), lr=0.05)
    losses = []
    for _ in range(n_steps):
        optimizer.zero_grad()
        loss = layer(hidden, labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
