"""Losses of the output layer are those of cross-entropy, with all its options."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
# Imported after PyTorch, which they need.
from sklearn_lsh.torch import LSHSoftmaxLoss  # noqa: E402
from sklearn_lsh.torch.losses import Entropy  # noqa: E402
from sklearn_lsh.torch.scores import candidate_scores, pool  # noqa: E402

from ..support.torch_layers import shuffled, some_samples  # noqa: E402

cross_entropy = torch.nn.functional.cross_entropy


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("ignore_index", [-100, 7])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_losses_are_those_of_cross_entropy(weighted, label_smoothing, ignore_index, reduction):
    hidden, labels = some_samples(60, 8, 20)
    labels[::9] = ignore_index
    settings = {
        "ignore_index": ignore_index,
        "label_smoothing": label_smoothing,
        "reduction": reduction,
    }
    weight = torch.rand(20) + 0.5 if weighted else None
    layer = LSHSoftmaxLoss(8, 20, n_active=20, class_weight=weight, **settings)
    answers = []
    for loss in (
        lambda: layer.train()(hidden, labels),
        lambda: layer.eval()(hidden, labels),
        lambda: cross_entropy(layer.scores(hidden), labels, weight, **settings),
    ):
        layer.zero_grad()
        value = loss()
        value.sum().backward()
        answers.append([value, *(p.grad.to_dense() for p in layer.parameters())])
    for sampled, exact, expected in zip(*answers, strict=True):
        torch.testing.assert_close(sampled, expected)
        torch.testing.assert_close(exact, expected)


def test_smoothed_losses_are_right_in_the_mean():
    """What is smoothed is a mean over all classes, here that of scores that are far apart."""
    hidden, labels = some_samples(10)
    weight = torch.rand(300) + 0.5
    layer = LSHSoftmaxLoss(8, 300, n_active=40, class_weight=weight, label_smoothing=1.0)
    sampled, means = [], []
    with torch.no_grad():
        layer.weight *= 3
        scores = layer.scores(hidden)
        for seed in range(300):
            layer._deck = shuffled(300, seed)
            candidates = layer._candidates(layer._codes(hidden), labels)
            some = candidate_scores(hidden, layer.weight, layer.bias, candidates)
            losses = layer._entropy.of_candidates(some, labels, candidates, 300)
            weights = candidates.log_counts.exp() * weight[candidates.classes]
            # Less the partition function's logarithm, which is biased.
            sampled.append((losses * 300 - weights.sum() * torch.logsumexp(some, 1)).mean())
            means.append(weights.sum() / 300)
        expected = -(scores * weight).sum(dim=1).mean()
    assert abs(np.mean(sampled) - expected) < 4 * np.std(sampled, ddof=1) / 300**0.5
    assert abs(np.mean(means) - weight.mean()) < 4 * np.std(means, ddof=1) / 300**0.5
    assert np.std(sampled) > 1e-3


def test_losses_from_some_classes():
    """Of samples whose partition function is known: their own class, and one for two others."""
    batch = pool(torch.tensor([1]), torch.tensor([0]), 2)
    assert batch.classes.tolist() == [0, 1]
    scores = torch.tensor([[2.0, 1.0], [0.5, 3.0]])
    plain, smooth = (Entropy(None, -100, eps, "none") for eps in (0.0, 0.5))
    log_partition = torch.logsumexp(scores, dim=1)
    labels = torch.tensor([1, 1])
    losses = log_partition - scores[:, 1]
    torch.testing.assert_close(plain.of_candidates(scores, labels, batch, 3), losses)
    others = (3 * log_partition - 2 * (scores[:, 0] - np.log(2)) - scores[:, 1]) / 3
    found = smooth.of_candidates(scores, labels, batch, 3)
    torch.testing.assert_close(found, (losses + others) / 2)


def test_all_samples_ignored():
    hidden, labels = some_samples()
    labels[:] = -100
    layer = LSHSoftmaxLoss(8, 300, n_active=40)
    assert torch.isnan(layer(hidden, labels))  # as PyTorch's
    layer = LSHSoftmaxLoss(8, 300, n_active=40, reduction="sum")
    layer(hidden, labels).backward()
    assert layer.weight.grad.to_dense().abs().sum() == 0
