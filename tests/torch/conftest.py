"""What the tests of the PyTorch layers share."""

import pytest


@pytest.fixture(autouse=True)
def _one_thread_and_seed():
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)  # the tests' tensors are small
    torch.manual_seed(0)


@pytest.fixture(params=["compiled", "arrays"])
def path(request, monkeypatch):
    """On the CPU tensors are hashed as NumPy's arrays; "arrays" is what other devices do."""
    if request.param == "arrays":
        pytest.importorskip("array_api_compat")
        from ..support.torch_layers import as_on_other_devices

        monkeypatch.setattr("sklearn_lsh.torch.bridge.hashable", as_on_other_devices)
    return request.param
