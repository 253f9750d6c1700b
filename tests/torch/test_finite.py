"""Vectors that are not finite leave no trace in the output layer."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
# Imported after PyTorch, which they need.
from sklearn_lsh.torch import LSHSoftmaxLoss, sketches  # noqa: E402

from ..support.torch_layers import some_samples, train  # noqa: E402


def test_centres_are_of_finite_vectors():
    hidden = torch.randn(20, 4) + 3
    spoilt = torch.cat([hidden, torch.tensor([[np.nan, 0, 0, 0], [0, np.inf, 0, 0]])])
    for given in (hidden, spoilt):
        mean, unit = sketches.find_centre(given)
        torch.testing.assert_close(mean, hidden.mean(dim=0))
        assert unit == pytest.approx(float((hidden - mean).square().mean().sqrt()))
    for none in (spoilt[20:], hidden[:0], hidden * 1e38):
        assert sketches.find_centre(none) is None
    assert sketches.find_centre(torch.ones(3, 2)).unit == 1
    found = sketches.query_sketches(spoilt, sketches.Centre(mean, unit))
    torch.testing.assert_close(found[:20, :4], hidden - mean)
    assert (found[20:, :4] == 0).all()
    assert (found[:, 4] == unit).all()


CENTRES = 2 * torch.randn(200, 16, generator=torch.Generator().manual_seed(0))


def train_but_for_one_batch(step, spoil):
    """Train on noisy centres, and skip a batch that may be spoilt; returns the share found then."""
    torch.manual_seed(1)
    layer = LSHSoftmaxLoss(16, 200, n_active=40, seed=0)
    optimizer = torch.optim.SparseAdam(layer.parameters(), lr=0.05)
    for k in range(40):
        labels = torch.randint(200, (64,))
        hidden = CENTRES[labels] + 0.1 * torch.randn(64, 16)
        if k == step:
            spoil(layer, hidden, labels)
            continue
        optimizer.zero_grad()
        layer(hidden, labels).backward()
        optimizer.step()
    assert torch.isfinite(layer.mean).all()
    layer.refresh()
    found = layer.eval().top_k(CENTRES, 1).classes[:, 0]
    return (found == torch.arange(200)).float().mean()


@pytest.mark.parametrize("bad", [np.nan, np.inf, 3e38], ids=str)
@pytest.mark.parametrize("step", [0, 1, 10])
@pytest.mark.parametrize("n_bad", [1, 64])
def test_vectors_that_are_not_finite_leave_no_trace(bad, step, n_bad, path):
    """Whether or not tables are built at that step: at 0 and at 10 they are."""

    def spoil(layer, hidden, labels):
        hidden[:n_bad] = bad
        codes, counts = layer._tables.codes.clone(), layer._tables.memory.counts.copy()
        assert not torch.isfinite(layer(hidden, labels))
        if n_bad == 64 and bad != 3e38:  # nothing of it is remembered
            np.testing.assert_array_equal(layer._tables.memory.counts, counts)
            assert torch.equal(layer._tables.codes[200:], codes[200:])

    expected = train_but_for_one_batch(step, lambda *batch: None)
    assert expected > 0.9
    assert train_but_for_one_batch(step, spoil) > expected - 0.05


def test_one_bad_vector_changes_nothing_that_others_leave():
    hidden, labels = some_samples()
    layers = [LSHSoftmaxLoss(8, 300, n_active=40, seed=0) for _ in range(2)]
    layers[1].load_state_dict(layers[0].state_dict())
    spoilt = torch.cat([hidden, torch.full((1, 8), np.nan)])
    layers[0](hidden, labels)
    layers[1](spoilt, torch.cat([labels, labels[:1]]))
    one, other = (layer.state_dict() for layer in layers)
    assert torch.equal(one["mean"], other["mean"])
    assert torch.equal(*(state["_extra_state"]["tables"]["codes"] for state in (one, other)))


def test_a_checkpoint_that_was_spoilt_recovers():
    hidden, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 300, n_active=40)
    train(layer, hidden, labels)
    layer.mean[0] = np.nan
    layer.refresh(hidden)
    torch.testing.assert_close(layer.mean, hidden.mean(dim=0))
