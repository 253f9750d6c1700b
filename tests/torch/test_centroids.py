"""Rows of the output layer that start at the centroids of their classes."""

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")
# Imported after PyTorch, which they need.
from sklearn_lsh.torch import LSHSoftmaxLoss  # noqa: E402
from sklearn_lsh.torch.centroids import OWN_SCORE  # noqa: E402

from ..support.torch_layers import some_samples, train  # noqa: E402


def test_rows_start_at_centroids():
    centres = torch.randn(50, 8) + 2
    labels = torch.arange(45).repeat(4)
    hidden = centres[labels] + 0.1 * torch.randn(180, 8)
    layer = LSHSoftmaxLoss(8, 50, n_active=10)
    losses = train(layer, hidden, labels, 3)
    spoilt = torch.full((2, 8), np.nan), torch.tensor([3, -100])
    batches = [(hidden[:70], labels[:70]), (hidden[70:], labels[70:]), spoilt]
    layer.start_at_centroids(iter(batches))
    assert torch.isfinite(layer.weight).all()
    assert (layer.weight[45:] == 0).all()
    mean = hidden.mean(dim=0)
    towards = torch.stack([hidden[labels == k].mean(dim=0) for k in range(45)]) - mean
    cosines = torch.cosine_similarity(layer.weight[:45], towards)
    torch.testing.assert_close(cosines, torch.ones(45))
    lengths = layer.weight[:45].norm(dim=1)
    torch.testing.assert_close(lengths, lengths[:1].expand(45))
    scores = layer.scores(hidden)
    own = scores.gather(1, labels[:, None]).mean()
    torch.testing.assert_close(own, torch.tensor(OWN_SCORE))
    torch.testing.assert_close(layer.scores(mean), torch.zeros(50), atol=1e-4, rtol=0)
    assert (layer.top_k(hidden, 1).classes[:, 0] == labels).float().mean() > 0.95
    assert np.isfinite(train(layer, hidden, labels, 3)).all()
    assert layer(hidden, labels) < losses[0]


def test_rows_that_cannot_start_at_centroids_stay():
    hidden, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 300)
    before = layer.weight.detach().clone()
    for wrong in ([], [(hidden, torch.full_like(labels, -100))]):
        with pytest.raises(ValueError, match="batches must hold samples"):
            layer.start_at_centroids(wrong)
    with pytest.raises(ValueError, match="labels must have shape"):
        layer.start_at_centroids([(hidden, labels), (hidden, labels[:3])])
    assert torch.equal(layer.weight, before)
    without_bias = LSHSoftmaxLoss(8, 300, bias=False)
    without_bias.start_at_centroids([(hidden.reshape(2, 20, 8), labels.reshape(2, 20))])
    assert (without_bias.weight[labels] != 0).any(dim=1).all()
    alike = torch.ones(40, 8)
    without_bias.start_at_centroids([(alike, labels)])
    assert (without_bias.weight == 0).all()


@pytest.mark.parametrize("n_samples", [1000, 100_000])
def test_rounding_is_no_difference_between_classes(n_samples):
    """Centroids of equal vectors differ by their sums' last digits."""
    hidden, labels = torch.randn(8).expand(n_samples, 8), torch.arange(n_samples) % 30
    layer = LSHSoftmaxLoss(8, 30, n_active=10)
    layer.start_at_centroids([(hidden, labels)])
    assert (layer.weight == 0).all()
    assert (layer.bias == 0).all()
    # What is a thousandth of what they have in common is a difference.
    layer.start_at_centroids([(hidden + 1e-3 * torch.randn(30, 8)[labels], labels)])
    assert (layer.weight != 0).any(dim=1).all()


@pytest.mark.parametrize(("size", "dtype"), [(3e38, None), (1e30, None), (1e-4, torch.float16)])
def test_centroids_that_are_not_finite_change_nothing(size, dtype):
    _, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 300, dtype=dtype)
    before = copy.deepcopy(layer.state_dict())
    hidden = (size * torch.eye(8).repeat(5, 1)).to(layer.weight.dtype)
    with pytest.raises(ValueError, match="batches must hold hidden vectors"):
        layer.start_at_centroids([(hidden, labels)])
    torch.testing.assert_close(layer.state_dict(), before, rtol=0, atol=0)


def test_hashing_starts_where_centroids_are():
    """Hidden vectors have much in common, and other than those of the training before."""
    centres = torch.randn(3000, 16) + 20
    labels = torch.arange(3000)
    layer = LSHSoftmaxLoss(16, 3000, n_active=256, seed=0)
    train(layer, *some_samples(40, 16, 3000), 2)
    layer.start_at_centroids([(centres, labels)])
    torch.testing.assert_close(layer.mean, centres.mean(dim=0))
    assert layer._unit == pytest.approx(1, rel=0.1)
    exact = layer.top_k(centres[:300], 1, exact=True).classes
    assert (layer.top_k(centres[:300], 1).classes == exact).float().mean() > 0.95
