"""For PyTorch: a wide output layer that computes few of its classes, and a memory of examples.

It is imported only when wanted: ``import sklearn_lsh.torch`` needs PyTorch, and array-api-compat
for other devices than the CPU.
"""

from sklearn_lsh.torch.memory import LSHMemory
from sklearn_lsh.torch.softmax import LSHSoftmaxLoss

__all__ = ["LSHMemory", "LSHSoftmaxLoss"]
