"""Between PyTorch's tensors and the arrays that hash families and tables read."""

from __future__ import annotations

import numpy as np
import torch


def full_precision(tensor):
    """A context in which PyTorch does not cast what is computed beside a tensor (autocast)."""
    return torch.autocast(tensor.device.type, enabled=False)


def hashable(tensor):
    """A tensor as families and tables read it: on the CPU as NumPy's array of the same memory.

    So the CPU takes the compiled path, and other devices that of the array API, with the same
    results.
    """
    tensor = tensor.detach()
    if tensor.dtype == torch.int16:
        tensor = tensor.view(torch.uint16)
    if tensor.device.type != "cpu":
        return tensor
    array = tensor.numpy()
    return array.view(np.uint32) if array.dtype == np.int32 else array


def unhashable(array):
    """The opposite: signed integers, with which PyTorch computes."""
    if isinstance(array, np.ndarray):
        array = array.view(np.int32) if array.dtype == np.uint32 else array
        array = torch.from_numpy(array)
    return array.view(torch.int16) if array.dtype == torch.uint16 else array
