"""Half precision and autocast."""

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")
# Imported after PyTorch, which they need.
from sklearn_lsh.torch import LSHSoftmaxLoss, checks  # noqa: E402

from ..support.torch_layers import DEVICES, some_samples, train  # noqa: E402


def test_moving_to_another_type():
    hidden, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 300, n_active=40)
    train(layer, hidden, labels)
    losses = train(layer.double(), hidden.double(), labels)
    assert np.isfinite(losses).all()


def test_checks_under_autocast():
    weight = torch.zeros(5, 3)
    with pytest.raises(TypeError, match=r"use torch\.autocast"):
        checks.check_hidden(torch.zeros(2, 3).bfloat16(), weight)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert checks.check_hidden(torch.zeros(2, 2, 3).bfloat16(), weight).shape == (4, 3)


@pytest.mark.parametrize("n_active", [40, 300])
@pytest.mark.parametrize("device", DEVICES)
def test_losses_under_autocast_are_float32(device, n_active):
    hidden, labels = (tensor.to(device) for tensor in some_samples(400))
    layer, twin = (
        LSHSoftmaxLoss(8, 300, n_active=n_active, seed=0, device=device) for _ in range(2)
    )
    twin.load_state_dict(layer.state_dict())
    for given in (hidden, hidden.bfloat16()):
        layer.train()
        with torch.autocast(device, dtype=torch.bfloat16):
            losses = [
                layer(given, labels),
                layer.log_partition(given),
                layer.log_partition(given, exact=True),
                layer.log_prob(given, labels[:, None]),
                layer.eval()(given, labels),
            ]
        assert all(loss.dtype == torch.float32 for loss in losses)
    layer.load_state_dict(twin.state_dict())
    with torch.autocast(device, dtype=torch.bfloat16):
        loss = layer.train()(hidden, labels)
    expected = twin(hidden, labels)
    torch.testing.assert_close(loss, expected, rtol=2e-3, atol=2e-3)
    # Codes are those of full precision.
    assert torch.equal(layer._tables.codes, twin._tables.codes)
    loss.backward()
    assert layer.weight.grad.dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_modules_of_half_precision_answer_in_it(dtype):
    hidden, labels = some_samples()
    layer = LSHSoftmaxLoss(8, 300, n_active=60).to(dtype)
    loss = layer(hidden.to(dtype), labels)
    assert loss.dtype == layer.log_partition(hidden.to(dtype)).dtype == dtype
    full = copy.deepcopy(layer).float().eval()
    torch.testing.assert_close(
        layer.eval()(hidden.to(dtype), labels).float(), full(hidden, labels), rtol=0.02, atol=0.02
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("n_active", [40, 300])
@pytest.mark.parametrize("weighted", [False, True])
def test_means_in_half_precision_are_of_any_number_of_losses(dtype, n_active, weighted):
    """Their sum is more than float16 holds, their number more than bfloat16 counts to."""
    hidden, labels = torch.zeros(7000, 8, dtype=dtype), torch.zeros(7000, dtype=torch.int64)
    weight = torch.rand(300) + 0.5 if weighted else None
    layer = LSHSoftmaxLoss(8, 300, n_active=n_active, class_weight=weight, dtype=dtype, seed=0)
    with torch.no_grad():
        layer.bias.zero_()
        layer.bias[0] = -12
    expected = torch.tensor(np.log(299) + 12, dtype=dtype)
    for loss in (layer(hidden, labels), layer.eval()(hidden, labels)):
        torch.testing.assert_close(loss, expected, rtol=0.02, atol=0)
    loss.backward()
    assert torch.isfinite(layer.bias.grad.to_dense()).all()
