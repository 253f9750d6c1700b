"""A convolutional network for drawings of Omniglot, trained with a memory as its last part."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from helpers.omniglot_data import CHUNK, SIDE, moved, warped
from sklearn_lsh.torch import LSHMemory, LSHSoftmaxLoss

# Chosen on background alphabets, when the others were learnt from.
N_FEATURES = 128
BATCH_SIZE = 128
N_WARM_UP = 200
RATE, SOFTMAX_RATE = 0.002, 0.01
DROPOUT = 0.2
# Directions have length 1: a softmax needs larger numbers to become sure of a class.
SOFTMAX_SCALE = 20.0
# Losses of the memory are as small as its margin.
MEMORY_WEIGHT = 5.0
# About one for each class, so that keys are those of the latest network.
N_SLOTS = 4096


class ConvolutionalEmbedding:
    """Directions of pictures, such that those of a class lie together.

    Two losses teach it: the memory's, for which pictures are to lie nearer to a key of their class
    than to those of others, and a softmax over all classes, of which it computes some.

    Parameters
    ----------
    random_state : int
    n_steps : int
        Batches to learn from.
    """

    def __init__(self, random_state, n_steps):
        self.random_state = random_state
        self.n_steps = n_steps

    def fit(self, pictures, labels):
        """Learn from pictures of shape (n_samples, 28, 28), each time warped anew."""
        torch.set_num_threads(1)
        # Moments that fade away would slow the processor down.
        torch.set_flush_denormal(True)
        torch.manual_seed(self.random_state)
        rng = np.random.default_rng(self.random_state)
        self.network = make_network()
        softmax = LSHSoftmaxLoss(N_FEATURES, labels.max() + 1, bias=False)
        memory = LSHMemory(N_FEATURES, N_SLOTS)
        optimizers = [
            torch.optim.AdamW(self.network.parameters(), RATE, weight_decay=1e-4),
            torch.optim.SparseAdam(softmax.parameters(), SOFTMAX_RATE),
        ]
        schedules = [torch.optim.lr_scheduler.LambdaLR(each, self._share) for each in optimizers]
        for step, rows in enumerate(batches(len(labels), self.n_steps, rng)):
            found = self.network(as_images(warped(pictures[rows], rng)))
            found, classes = F.normalize(found), torch.from_numpy(labels[rows])
            loss = softmax(SOFTMAX_SCALE * found, classes) + MEMORY_WEIGHT * memory(found, classes)
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss.backward()
            for each in (*optimizers, *schedules):
                each.step()
            if step % 100 == 0:
                print(f"step {step}: loss {loss.item():.3f}", flush=True)
        return self

    def _share(self, step):
        """Of the rates: at first it rises, to the end it falls, in straight lines."""
        return min(1.0, (step + 1) / N_WARM_UP) * (1 - step / self.n_steps)

    @torch.no_grad()
    def transform(self, pictures):
        """Vectors of pictures, of any leading shape: a row for each, summed over moved copies."""
        self.network.eval()
        return sum(self._embed(copy) for copy in moved(pictures.reshape(-1, SIDE, SIDE)))

    def _embed(self, pictures):
        parts = as_images(pictures).split(CHUNK)
        return torch.cat([F.normalize(self.network(part)) for part in parts]).numpy()


def as_images(pictures):
    """Pictures as a tensor with a channel, which lies last in memory: that is faster."""
    return torch.from_numpy(pictures)[:, None].to(memory_format=torch.channels_last)


def make_network():
    """Four convolutions, pooled thrice, and a linear layer."""
    layers, n_channels = [], 1
    for width, is_pooled in ((32, True), (64, True), (128, True), (128, False)):
        layers += [
            nn.Conv2d(n_channels, width, 3, padding=1, bias=False),
            # Before the others, which so have a quarter of the work.
            *([nn.MaxPool2d(2)] if is_pooled else []),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        ]
        n_channels = width
    side = SIDE // 8
    last = [nn.Flatten(), nn.Dropout(DROPOUT), nn.Linear(side**2 * n_channels, N_FEATURES)]
    return nn.Sequential(*layers, *last).to(memory_format=torch.channels_last)


def batches(n_rows, n_batches, rng):
    """Rows of batches: each once, in random order, then again."""
    rows = np.empty(0, np.intp)
    for _ in range(n_batches):
        if len(rows) < BATCH_SIZE:
            rows = rng.permutation(n_rows)
        yield rows[:BATCH_SIZE]
        rows = rows[BATCH_SIZE:]
