"""
A convolutional network with a memory as its last part
======================================================

In PyTorch a memory may be what a network ends with. Its loss asks that an image lies nearer to a
key of its own class than to all keys of others, by a margin. So the network learns vectors of which
those of a class lie together, even of classes that come later. Here it learns from the digits zero
to six. When its training is over, sevens, eights and nines come, a few examples of each.
"""

# %%
# Classes to learn from
# ---------------------
# Seven are few. A digit that is turned by a quarter is another character, so there are 28.

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

from sklearn_lsh.torch import LSHMemory, LSHSoftmaxLoss

images, digits = (torch.from_numpy(array) for array in load_digits(return_X_y=True))
images = images.float().reshape(-1, 1, 8, 8) / 16
old, new = (digits < 7).nonzero()[:, 0], (digits >= 7).nonzero()[:, 0]
X = torch.cat([torch.rot90(images[old], turn, (2, 3)) for turn in range(4)])
y = torch.cat([digits[old] + 7 * turn for turn in range(4)])

# %%
# A network that ends with a memory
# ---------------------------------
# Both parts are trained in one: an image goes through the network to the memory, which compares it
# with its keys, answers a loss, and learns it. No gradient goes into keys. At first they say
# little, made by a network that knows nothing. A softmax over the 28 classes helps it on.


def make_network():
    """Make a network of two convolutions."""
    return nn.Sequential(
        nn.Conv2d(1, 24, 3, padding=1),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(24),
        nn.ReLU(),
        nn.Conv2d(24, 48, 3, padding=1),
        nn.BatchNorm2d(48),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(48 * 4 * 4, 64),
    )


def warped(batch):
    """Images moved, turned, scaled and slanted a little, each by chance."""
    maps = torch.eye(2, 3) + 0.1 * torch.randn(len(batch), 2, 3)
    return F.grid_sample(batch, F.affine_grid(maps, batch.shape, False), align_corners=False)


def train(with_softmax, n_epochs=3):
    """Train a network with a memory, and perhaps a softmax; return it and the memory's losses."""
    torch.manual_seed(0)
    network, memory, softmax = make_network(), LSHMemory(64, n_slots=256), LSHSoftmaxLoss(64, 28)
    optimizers = [torch.optim.Adam(network.parameters(), lr=0.003)]
    if with_softmax:
        optimizers.append(torch.optim.SparseAdam(softmax.parameters(), lr=0.01))
    losses = []
    for batch in torch.cat([torch.randperm(len(y)) for _ in range(n_epochs)]).split(64):
        vectors = F.normalize(network(warped(X[batch])))
        loss = memory(vectors, y[batch])
        losses.append(loss.item())
        if with_softmax:
            loss = loss + softmax(10 * vectors, y[batch])
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
    return network.eval(), losses


networks = {"pixels": nn.Flatten()}
figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
for name, with_softmax in (("memory alone", False), ("memory and softmax", True)):
    networks[name], losses = train(with_softmax)
    axes.plot(np.convolve(losses, np.full(20, 1 / 20), "valid"), label=name)
axes.set(xlabel="batch", ylabel="memory's loss, mean of 20")
axes.legend()
plt.show()

# %%
# New digits
# ----------
# A memory that has thirty images of each of the old digits gets images of the new ones, one of each
# after the other. Each time it is asked about all images of new digits that it does not get. Only
# the memory learns here: the network stays as it is.

rng = np.random.default_rng(0)
places = {digit: (digits == digit).nonzero()[:, 0].numpy() for digit in range(10)}
shares = {name: np.zeros(10) for name in networks}
for draw in range(5):
    known = np.concatenate([rng.choice(places[digit], 30, replace=False) for digit in range(7)])
    given = np.stack([rng.choice(places[digit], 10, replace=False) for digit in (7, 8, 9)], axis=1)
    asked = np.setdiff1d(new, given)
    for name, network in networks.items():
        with torch.no_grad():
            vectors = network(images)
        memory = LSHMemory(vectors.shape[1], n_slots=256, seed=draw)
        memory(vectors[known], digits[known])
        for i, rows in enumerate(given):
            memory(vectors[rows], digits[rows])
            told = memory.query(vectors[asked]).labels[:, 0]
            shares[name][i] += (told == digits[asked]).float().mean().item() / 5

figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for (name, right), style in zip(shares.items(), (":", "--", "-"), strict=True):
    axes.plot(np.arange(1, 11), right, style, marker="o", label=name)
axes.set(xlabel="examples of each new digit", ylabel="share of new digits told right", ylim=(0, 1))
axes.legend(loc="lower right")
plt.show()
