"""Sampled classes: which are computed, and sums that are right in the mean."""

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")
# Imported after PyTorch, which they need.
from sklearn_lsh.torch import LSHSoftmaxLoss  # noqa: E402
from sklearn_lsh.torch.class_tables import NO_CLASS  # noqa: E402
from sklearn_lsh.torch.scores import Rows, candidate_scores, pair_scores, pool  # noqa: E402

from ..support.torch_layers import shuffled, some_samples, train  # noqa: E402


def test_partition_function_is_unbiased():
    hidden, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 300, n_active=40)
    train(layer, hidden, labels, 20)
    layer.refresh()
    shares = []
    with torch.no_grad():
        exact = layer.log_partition(hidden, exact=True)
        torch.testing.assert_close(exact, torch.logsumexp(layer.scores(hidden), 1))
        for seed in range(400):
            layer._deck = shuffled(300, seed)
            shares.append(torch.exp(layer.log_partition(hidden) - exact).mean())
    assert abs(np.mean(shares) - 1) < 4 * np.std(shares, ddof=1) / 20
    assert np.std(shares) > 1e-3


# What is drawn at a time divides the number of classes, and does not.


@pytest.mark.parametrize("n_active", [40, 45])
def test_all_are_drawn_before_one_comes_again(n_active):
    layer = LSHSoftmaxLoss(8, 300, n_active=n_active)
    counts = np.zeros(300, int)
    for _ in range(100):
        drawn = layer._draw()
        assert drawn.unique().numel() == drawn.numel() == layer.n_drawn
        counts[drawn] += 1
        assert counts.max() - counts.min() <= 1
    assert counts.min() > 5


def test_only_sampled_rows_have_gradients():
    hidden, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 3000, n_active=40)
    layer(hidden, labels).backward()
    for parameter in layer.parameters():
        assert parameter.grad.is_sparse
        touched = parameter.grad.coalesce().indices()[0]
        assert touched.numel() == parameter.grad._nnz()  # each class once
        assert touched.numel() <= 40 + 40 + 40  # its own, two found for every other one, and drawn
        assert set(labels.tolist()) <= set(touched.tolist())


@pytest.mark.parametrize("n_active", [1, 2, 3])
def test_hardly_any_classes(n_active):
    hidden, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 300, n_active=n_active)
    assert np.isfinite(train(layer, hidden, labels)).all()
    assert layer.top_k(hidden, 2).classes.shape == (40, 2)


def test_candidates(path):
    """Each class once, for itself or for all those that it stands for; the same for all samples."""
    hidden, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 300, n_active=160)
    train(layer, hidden, labels, 12)
    layer.refresh()
    with torch.no_grad():
        codes = layer._codes(hidden)
        found = layer._tables.most_collisions(codes, 3)
        layer._deck = shuffled(300, 0)
        classes, log_counts = layer._candidates(codes, labels)
        drawn = layer._deck.cards[:80].tolist()
    popular = layer._tables.popular(80).tolist()
    certain = {*labels.tolist(), *popular}
    for row, own in zip(found.tolist(), labels.tolist(), strict=True):
        certain.update([k for k in row if k not in (own, NO_CLASS)][:2])
    assert classes.tolist() == sorted(certain | set(drawn))
    assert len(certain) < 120
    expected = [0 if k in certain else np.log(300 / 80) for k in classes.tolist()]
    torch.testing.assert_close(log_counts, torch.tensor(expected, dtype=torch.float32))


def test_few_samples_of_a_large_batch_are_looked_up():
    hidden, labels = some_samples(500)
    layer = LSHSoftmaxLoss(8, 300, n_active=40)
    layer(hidden, labels)
    codes = layer._codes(hidden)
    found = layer._found(codes, labels)
    assert torch.equal(found, layer._found(codes[::25], labels[::25]))
    assert 0 < found.numel() <= 20


def test_scores_of_candidates():
    hidden, weight, bias = torch.randn(5, 4), torch.randn(9, 4), torch.randn(9, 1)
    candidates = pool(torch.tensor([7, 2, 7]), torch.tensor([8, 2, 0]), 9)
    assert candidates.classes.tolist() == [0, 2, 7, 8]
    assert candidates.log_counts.tolist() == pytest.approx([np.log(3), 0, 0, np.log(3)])
    assert candidates.places(torch.tensor([8, 2])).tolist() == [3, 1]
    for given in (bias, None):
        expected = hidden @ weight.T + (0 if given is None else given.T)
        scores = candidate_scores(hidden, weight, given, candidates)
        torch.testing.assert_close(
            scores, expected[:, candidates.classes] + candidates.log_counts, check_dtype=False
        )


def test_gradients_of_rows():
    """As by indexing, but for each row once."""
    weight = torch.randn(9, 4, dtype=torch.float64, requires_grad=True)
    classes, factors = torch.tensor([1, 4, 8]), torch.randn(3, 4, dtype=torch.float64)
    (ours,) = torch.autograd.grad((Rows.apply(weight, classes) * factors).square().sum(), weight)
    (theirs,) = torch.autograd.grad((weight[classes] * factors).square().sum(), weight)
    assert ours.is_coalesced()
    assert ours.indices()[0].tolist() == classes.tolist()
    torch.testing.assert_close(ours.to_dense(), theirs)


def test_gradients_add_up():
    hidden, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 300, n_active=40)
    start, sums = copy.deepcopy(layer.get_extra_state()), 0
    for part in (slice(25), slice(25, 40)):
        layer.zero_grad()
        layer(hidden[part], labels[part]).backward()
        sums = sums + layer.weight.grad.to_dense()
    layer.zero_grad()
    layer.set_extra_state(start)
    for part in (slice(25), slice(25, 40)):
        layer(hidden[part], labels[part]).backward()
    torch.testing.assert_close(layer.weight.grad.to_dense(), sums)


def test_popular_classes_are_always_candidates():
    hidden, _ = some_samples(200)
    labels = torch.arange(200).clamp(max=150)  # every fourth sample is of class 150
    layer = LSHSoftmaxLoss(8, 300, n_active=40)
    assert layer._tables.popular(20).numel() == 0
    train(layer, hidden, labels, 12)
    assert layer._tables.popular(4).tolist() == [150]
    assert layer._tables.popular(20).tolist() == [150, 0, 1, 2, 3]
    classes, log_counts = layer._candidates(layer._codes(hidden[:1]), labels[:1])
    assert log_counts[classes == 150] == 0


def test_scores_of_pairs():
    hidden, weight, bias = torch.randn(3, 4), torch.randn(7, 4), torch.randn(7, 1)
    classes = torch.tensor([[0, 6], [1, 1], [5, 2]])
    expected = (hidden @ weight.T).gather(1, classes)
    torch.testing.assert_close(pair_scores(hidden, weight, None, classes), expected)
    expected = expected + bias[classes, 0]
    torch.testing.assert_close(pair_scores(hidden, weight, bias, classes), expected)
