"""A wide output layer for PyTorch that computes few of its classes, found by hashing.

It is imported only when wanted: ``import sklearn_lsh.torch`` needs PyTorch, and array-api-compat
for other devices than the CPU.
"""

from sklearn_lsh.torch.softmax import LSHSoftmaxLoss

__all__ = ["LSHSoftmaxLoss"]
