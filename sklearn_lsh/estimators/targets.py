"""What a network is to learn: from y to the network's target, and from its outputs back to y.

A target is one canonical float32 CSR array of shape (n_samples, n_outputs), whatever the task,
and is never made dense. There is one class here for each kind of y; what all have is described
at `Target`. `outputs` is what `Network.outputs` yields: pairs of a slice of rows and their
outputs, an ndarray, or a `CSR` of the active outputs where the output layer selects.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array, csr_matrix, issparse, isspmatrix
from sklearn.utils.multiclass import type_of_target

from sklearn_lsh.estimators.labels import (
    check_one_class_each,
    distinct,
    encode_labels,
    join_labels,
    new_labels,
)
from sklearn_lsh.estimators.outputs import argmax, likely_labels, to_dense
from sklearn_lsh.inputs import check_float32_range, csr_of_ones, indicator
from sklearn_lsh.stored import Attributes

# What is not active was not computed: its probability is low, but nothing says that it is zero.
# The smallest normal number leaves sums as they are, and its logarithm is finite.
INACTIVE_PROBABILITY = float(np.finfo(np.float32).tiny)


class Target(ABC):
    """Base: what an estimator needs to know of its y.

    Attributes
    ----------
    n_outputs : int
        Number of the network's outputs.
    loss : str
        A key of `sklearn_lsh.network.losses.LOSSES`.
    """

    n_outputs: int
    loss: str

    def check_stored(self) -> None:
        """Check what was loaded."""
        Attributes(self).integer("n_outputs", 1)

    @abstractmethod
    def encode(self, y) -> csr_array:
        """Turn y into a target."""

    @abstractmethod
    def predict(self, outputs, n_samples: int):
        """Return predictions as the user's y was."""

    def grown(self, y) -> Target:
        """Return what has outputs for all of y, too: itself, where outputs are fixed."""
        return self

    def strata(self, y):
        """Return what a split keeps the shares of: nothing, where y has no few classes."""
        return None

    def weigh(self, sample_weight, y):
        """Return the sample weights, 0 for samples that teach nothing."""
        return sample_weight

    def for_scorers(self, y):
        """Return y as scikit-learn's scorers take it."""
        return y


class ClassTarget(Target):
    """Base: one class for each sample.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Class labels in sorted order.
    """

    def __init__(self, classes: np.ndarray):
        self.classes = classes

    def check_stored(self) -> None:
        """Check what was loaded."""
        check_stored_classes(self)

    def strata(self, y):
        """Return the classes."""
        return y

    def grown(self, y) -> ClassTarget:
        """See `Target.grown`: new classes are put between the others."""
        labels = new_labels(y, self.classes)
        if len(labels) == 0:
            return self
        return MultiClassTarget(join_labels(self.classes, labels))

    def check_same(self, y, multilabel_loss: str) -> None:
        """Refuse to train further on a y with other classes than before."""
        classes = distinct(y)
        if not np.array_equal(classes, self.classes):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes}, `y` has {classes}"
            )


class ManyOutputsTarget(Target):
    """Base: one output for each of many classes, or labels.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Class labels in sorted order.
    """

    def __init__(self, classes: np.ndarray):
        self.classes = classes
        self.n_outputs = len(classes)

    def check_stored(self) -> None:
        """Check what was loaded."""
        n_classes = check_stored_classes(self)
        Attributes(self).integer("n_outputs", n_classes, n_classes)

    def probabilities(self, outputs, n_samples: int) -> np.ndarray:
        """Return the probabilities of the classes."""
        probabilities = np.empty((n_samples, self.n_outputs), np.float32)
        return to_dense(outputs, probabilities, inactive=INACTIVE_PROBABILITY)


class RankedClasses(NamedTuple):
    """The classes of each sample, the likeliest first."""

    codes: np.ndarray
    """Their places in `classes`."""
    scores: np.ndarray
    """Their probabilities."""


class BinaryTarget(ClassTarget):
    """Two classes (or a single one): one column, which is 1 for the second class."""

    loss = "logistic"
    n_outputs = 1

    def check_stored(self) -> None:
        """Check what was loaded."""
        super().check_stored()
        Attributes(self).require(len(self.classes) <= 2, "classes", "two, or one")

    def encode(self, y) -> csr_array:
        """Turn labels into a target."""
        codes = encode_labels(y, self.classes)
        indptr = np.concatenate([[0], np.cumsum(codes)])
        indices = np.zeros(indptr[-1], dtype=np.int32)
        return csr_of_ones(indices, indptr, self.n_outputs)

    def predict(self, outputs, n_samples: int) -> np.ndarray:
        """Return the likelier class of each sample."""
        codes = to_dense(outputs, np.empty((n_samples, 1), np.float32))[:, 0] > 0.5
        # With a single class every label is that class.
        return self.classes[np.minimum(codes.astype(np.intp), len(self.classes) - 1)]

    def rank(self, outputs, n_samples: int) -> RankedClasses:
        """Rank both classes of each sample."""
        probabilities = self.probabilities(outputs, n_samples)
        codes = np.argsort(-probabilities, axis=1, kind="stable")
        return RankedClasses(codes, np.take_along_axis(probabilities, codes, axis=1))

    def probabilities(self, outputs, n_samples: int) -> np.ndarray:
        """Return the probabilities of the classes."""
        if len(self.classes) == 1:
            return np.ones((n_samples, 1), np.float32)
        both = np.empty((n_samples, 2), np.float32)
        to_dense(outputs, both[:, 1:])
        np.subtract(1, both[:, 1], out=both[:, 0])
        return both


class MultiClassTarget(ManyOutputsTarget, ClassTarget):
    """Three classes or more: one column for each, one 1 in each row."""

    loss = "softmax"

    def encode(self, y) -> csr_array:
        """Turn labels into a target."""
        codes = encode_labels(y, self.classes)
        return csr_of_ones(codes, np.arange(len(codes) + 1), self.n_outputs)

    def predict(self, outputs, n_samples: int) -> np.ndarray:
        """Return the likeliest class of each sample."""
        codes = np.empty(n_samples, np.intp)
        for rows, values in outputs:
            codes[rows] = argmax(values)
        return self.classes[codes]


class MultiLabelTarget(ManyOutputsTarget):
    """Any number of labels for a sample: an indicator matrix, dense or sparse.

    Parameters
    ----------
    y : ndarray or sparse matrix of shape (n_samples, n_labels)
        An indicator matrix: predictions will be of the same kind.
    loss : {"logistic", "softmax"}, default="logistic"
        Whether each label is learnt on its own, as 1 or 0, or a sample's labels share the
        probability 1 in equal parts.
    """

    def __init__(self, y, loss: str = "logistic"):
        super().__init__(np.arange(y.shape[1]))
        self.loss = loss
        if issparse(y):
            self.container = "csr_matrix" if isspmatrix(y) else "csr_array"
        else:
            self.container = "ndarray"

    def grown(self, y) -> MultiLabelTarget:
        """See `Target.grown`: new labels are further columns."""
        if y.ndim != 2 or y.shape[1] <= self.n_outputs:
            return self
        twin = copy.copy(self)
        ManyOutputsTarget.__init__(twin, np.arange(y.shape[1]))
        return twin

    def check_stored(self) -> None:
        """Check what was loaded."""
        super().check_stored()
        Attributes(self).one_of("loss", ("logistic", "softmax"))
        Attributes(self).one_of("container", ("ndarray", "csr_array", "csr_matrix"))

    def encode(self, y) -> csr_array:
        """Turn an indicator matrix into a target."""
        if y.ndim != 2 or y.shape[1] != self.n_outputs:
            raise ValueError(
                f"`y` must be a label indicator matrix of shape (n_samples, {self.n_outputs}), as "
                f"in the previous call to fit. Got shape {y.shape}. (In partial_fit there may be "
                "further columns, but not fewer.)"
            )
        target = indicator(y)
        if self.loss == "softmax":
            n_labels = np.diff(target.indptr)
            target.data[:] = np.repeat(1 / np.maximum(n_labels, 1), n_labels)
        return target

    def weigh(self, sample_weight, y):
        """Leave out samples that teach nothing, by a weight of 0.

        A softmax has no answer for a sample without labels: its probabilities sum to 1.

        Raises
        ------
        ValueError
            If there are no other samples.
        """
        if self.loss != "softmax":
            return sample_weight
        labelled = np.diff(indicator(y).indptr) > 0
        if labelled.all():
            return sample_weight
        if not labelled.any():
            raise ValueError("multilabel_loss='softmax' needs samples with labels: `y` has none.")
        return labelled.astype(np.float32) if sample_weight is None else sample_weight * labelled

    def check_same(self, y, multilabel_loss: str) -> None:
        """Refuse to train further with another loss than before."""
        if multilabel_loss != self.loss:
            raise ValueError(
                f"multilabel_loss={multilabel_loss!r} cannot be used with warm_start "
                f"where the previous call to fit used {self.loss!r}."
            )

    def predict(self, outputs, n_samples: int):
        """Return an indicator matrix of the labels that are likelier than not.

        Labels that share a probability are those with more than half of the highest one: of
        labels with equal shares and others with none, that finds the former, however many.
        """
        relative = self.loss == "softmax"
        found = [likely_labels(values, relative=relative) for _, values in outputs]
        counts = np.concatenate([labels.counts for labels in found])
        indptr = np.concatenate([[0], np.cumsum(counts)])
        indices = np.concatenate([labels.columns for labels in found])
        if self.container == "ndarray":
            labels = np.zeros((n_samples, self.n_outputs), int)
            labels[np.repeat(np.arange(n_samples), np.diff(indptr)), indices] = 1
            return labels
        container = csr_matrix if self.container == "csr_matrix" else csr_array
        return container(
            (np.ones(len(indices), int), indices, indptr), shape=(n_samples, self.n_outputs)
        )


class RegressionTarget(Target):
    """Real numbers: one column for each target.

    Parameters
    ----------
    y : ndarray or sparse matrix of shape (n_samples,) or (n_samples, n_outputs)
    loss : {"squared_error", "poisson"}
    """

    def __init__(self, y, loss: str):
        self.n_outputs = 1 if y.ndim == 1 else y.shape[1]
        self.loss = loss

    def check_stored(self) -> None:
        """Check what was loaded."""
        super().check_stored()
        Attributes(self).one_of("loss", ("squared_error", "poisson"))

    def encode(self, y) -> csr_array:
        """Turn target values into a target."""
        n_outputs = 1 if y.ndim == 1 else y.shape[1]
        if n_outputs != self.n_outputs:
            raise ValueError(
                f"`y` has {n_outputs} outputs, but the network was trained with {self.n_outputs}."
            )
        values = y.data if issparse(y) else y
        check_float32_range(values, "y")
        if self.loss == "poisson" and (values < 0).any():
            raise ValueError("loss='poisson' needs y >= 0, but y has negative values.")
        target = csr_array(y.reshape(-1, 1) if y.ndim == 1 else y, dtype=np.float32, copy=True)
        target.sum_duplicates()
        return target

    def for_scorers(self, y):
        """Return y as an array: scorers know sparse labels, but no sparse target values."""
        return y.toarray() if issparse(y) else y

    def predict(self, outputs, n_samples: int) -> np.ndarray:
        """Return the outputs as an array."""
        # float32 says how precise it is; of several outputs scikit-learn expects float64.
        dtype = np.float32 if self.n_outputs == 1 else np.float64
        predicted = to_dense(outputs, np.empty((n_samples, self.n_outputs), dtype))
        return predicted.ravel() if self.n_outputs == 1 else predicted


def class_target(
    y, multilabel_loss: str = "logistic"
) -> BinaryTarget | MultiClassTarget | MultiLabelTarget:
    """Choose the target of a classifier by what its y looks like.

    Raises
    ------
    ValueError
        If y is continuous, or has several columns of classes.
    """
    if type_of_target(y, input_name="y") == "multilabel-indicator":
        return MultiLabelTarget(y, multilabel_loss)
    check_one_class_each(y)
    return target_of_classes(distinct(y))


def target_of_classes(classes: np.ndarray) -> BinaryTarget | MultiClassTarget:
    """Choose the target for one class a sample by the sorted labels of all classes."""
    return MultiClassTarget(classes) if len(classes) > 2 else BinaryTarget(classes)


def check_stored_classes(target) -> int:
    """Check the classes of a target that was loaded; returns how many there are."""
    stored = Attributes(target)
    classes = stored.part("classes", np.ndarray)
    is_sorted = classes.ndim == 1 and len(classes) > 0 and (classes[:-1] < classes[1:]).all()
    stored.require(is_sorted, "classes", "labels in order, each once")
    return len(classes)
