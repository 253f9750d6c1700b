"""What a network is to learn: from y to the network's target, and from its outputs back to y.

A target is one canonical float32 CSR array of shape (n_samples, n_outputs), whatever the task,
and is never made dense. There is one class here for each kind of y. All have

``n_outputs``
    number of the network's outputs;
``encode(y)``
    y as a target;
``strata(y)``
    what a split into training and validation rows should keep the shares of, or None;
``predict(outputs, n_samples)``
    predictions as the user's y was;

and those of classification also ``loss``, ``classes`` and ``probabilities(outputs, n_samples)``.
`outputs` is what `Network.outputs` yields: pairs of a slice of rows and their outputs, an
ndarray, or a `CSR` of the active outputs where the output layer selects.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, csr_matrix, issparse, isspmatrix
from sklearn.utils.multiclass import type_of_target

from sklearn_lsh.inputs import check_float32_range

# What is not active was not computed: its probability is low, but nothing says that it is zero.
# The smallest normal number leaves sums as they are, and its logarithm is finite.
INACTIVE_PROBABILITY = float(np.finfo(np.float32).tiny)


class BinaryTarget:
    """Two classes (or a single one): one column, which is 1 for the second class.

    Parameters
    ----------
    classes : ndarray of shape (1,) or (2,)
        Class labels in sorted order.
    """

    loss = "logistic"
    n_outputs = 1

    def __init__(self, classes: np.ndarray):
        self.classes = classes

    def encode(self, y) -> csr_array:
        """Turn labels into a target."""
        codes = encode_labels(y, self.classes)
        indptr = np.concatenate([[0], np.cumsum(codes)])
        indices = np.zeros(indptr[-1], dtype=np.int32)
        return _ones(indices, indptr, self.n_outputs)

    def strata(self, y):
        """Keep the shares of the classes."""
        return y

    def predict(self, outputs, n_samples: int) -> np.ndarray:
        """Return the likelier class of each sample."""
        codes = _fill(outputs, np.empty((n_samples, 1), np.float32))[:, 0] > 0.5
        # With a single class every label is that class.
        return self.classes[np.minimum(codes.astype(np.intp), len(self.classes) - 1)]

    def rank(self, outputs, n_samples: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers of the classes, the likelier first, and their probabilities."""
        probabilities = self.probabilities(outputs, n_samples)
        codes = np.argsort(-probabilities, axis=1, kind="stable")
        return codes, np.take_along_axis(probabilities, codes, axis=1)

    def probabilities(self, outputs, n_samples: int) -> np.ndarray:
        """Return the probabilities of the classes."""
        if len(self.classes) == 1:
            return np.ones((n_samples, 1), np.float32)
        both = np.empty((n_samples, 2), np.float32)
        _fill(outputs, both[:, 1:])
        np.subtract(1, both[:, 1], out=both[:, 0])
        return both


class MultiClassTarget:
    """Three classes or more: one column for each, one 1 in each row.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Class labels in sorted order.
    """

    loss = "softmax"

    def __init__(self, classes: np.ndarray):
        self.classes = classes

    @property
    def n_outputs(self) -> int:
        """One for each class."""
        return len(self.classes)

    def encode(self, y) -> csr_array:
        """Turn labels into a target."""
        codes = encode_labels(y, self.classes)
        return _ones(codes, np.arange(len(codes) + 1), self.n_outputs)

    def strata(self, y):
        """Keep the shares of the classes."""
        return y

    def predict(self, outputs, n_samples: int) -> np.ndarray:
        """Return the likeliest class of each sample."""
        codes = np.empty(n_samples, np.intp)
        for rows, values in outputs:
            codes[rows] = winners(values)
        return self.classes[codes]

    def probabilities(self, outputs, n_samples: int) -> np.ndarray:
        """Return the probabilities of the classes."""
        probabilities = np.empty((n_samples, self.n_outputs), np.float32)
        return _fill(outputs, probabilities, inactive=INACTIVE_PROBABILITY)


class MultiLabelTarget:
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
        self.classes = np.arange(y.shape[1])
        self.loss = loss
        if issparse(y):
            self.container = "csr_matrix" if isspmatrix(y) else "csr_array"
        else:
            self.container = "ndarray"

    @property
    def n_outputs(self) -> int:
        """One for each label."""
        return len(self.classes)

    def encode(self, y) -> csr_array:
        """Turn an indicator matrix into a target."""
        if y.ndim != 2 or y.shape[1] != self.n_outputs:
            raise ValueError(
                f"`y` must be a label indicator matrix of shape (n_samples, {self.n_outputs}), as "
                f"in the previous call to fit. Got shape {y.shape}."
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

    def strata(self, y):
        """Keep nothing: combinations of labels are too many."""
        return None

    def predict(self, outputs, n_samples: int):
        """Return an indicator matrix of the labels that are likelier than not.

        Labels that share a probability are those with more than half of the highest one: of
        labels with equal shares and others with none, that finds the former, however many.
        """
        relative = self.loss == "softmax"
        counts, indices = zip(
            *(_likely_labels(values, relative=relative) for _, values in outputs), strict=True
        )
        indptr = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
        indices = np.concatenate(indices)
        if self.container == "ndarray":
            labels = np.zeros((n_samples, self.n_outputs), int)
            labels[np.repeat(np.arange(n_samples), np.diff(indptr)), indices] = 1
            return labels
        container = csr_matrix if self.container == "csr_matrix" else csr_array
        return container(
            (np.ones(len(indices), int), indices, indptr), shape=(n_samples, self.n_outputs)
        )

    def probabilities(self, outputs, n_samples: int) -> np.ndarray:
        """Return the probability of each label."""
        probabilities = np.empty((n_samples, self.n_outputs), np.float32)
        return _fill(outputs, probabilities, inactive=INACTIVE_PROBABILITY)


class RegressionTarget:
    """Real numbers: one column for each target.

    Parameters
    ----------
    y : ndarray or sparse matrix of shape (n_samples,) or (n_samples, n_outputs)
    loss : {"squared_error", "poisson"}
    """

    def __init__(self, y, loss: str):
        self.n_outputs = 1 if y.ndim == 1 else y.shape[1]
        self.loss = loss

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

    def strata(self, y):
        """Keep nothing: values have no classes."""
        return None

    def predict(self, outputs, n_samples: int) -> np.ndarray:
        """Return the outputs as an array."""
        # float32 says how precise it is; of several outputs scikit-learn expects float64.
        dtype = np.float32 if self.n_outputs == 1 else np.float64
        predicted = _fill(outputs, np.empty((n_samples, self.n_outputs), dtype))
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
    kind = type_of_target(y, input_name="y")
    if kind == "multilabel-indicator":
        return MultiLabelTarget(y, multilabel_loss)
    if kind not in ("binary", "multiclass"):
        raise ValueError(
            f"Unknown label type: {kind}. A classifier needs y with one class for each sample, or "
            "a label indicator matrix of zeros and ones. For a target of continuous values use a "
            "regressor."
        )
    return target_of_classes(np.unique(y))


def target_of_classes(classes: np.ndarray) -> BinaryTarget | MultiClassTarget:
    """Choose the target for one class a sample by the sorted labels of all classes."""
    return MultiClassTarget(classes) if len(classes) > 2 else BinaryTarget(classes)


def encode_labels(y, classes: np.ndarray) -> np.ndarray:
    """Replace labels by their places among the classes.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
    classes : ndarray of shape (n_classes,)
        Sorted.

    Returns
    -------
    codes : ndarray of shape (n_samples,), dtype=int32

    Raises
    ------
    ValueError
        If y has labels that are not among the classes, or is not one label for each sample.
    """
    if y.ndim != 1:
        raise ValueError(f"`y` must hold one class for each sample. Got shape {y.shape}.")
    # Distinct labels first: they are few, or at least sorted only once.
    labels, inverse = np.unique(y, return_inverse=True)
    places = np.minimum(np.searchsorted(classes, labels), len(classes) - 1)
    unknown = labels[classes[places] != labels]
    if len(unknown):
        raise ValueError(
            f"`y` has classes not in `self.classes_`: {unknown[:10]} "
            f"({len(unknown)} in all). `self.classes_` has {classes}."
        )
    return places.astype(np.int32)[inverse]


def indicator(y) -> csr_array:
    """Return a label indicator matrix, dense or sparse, as a target of ones.

    Parameters
    ----------
    y : ndarray or sparse matrix of shape (n_samples, n_labels)
        A label is what has an entry other than zero, however often. Left as it is.

    Returns
    -------
    labels : csr_array of shape (n_samples, n_labels), dtype=float32
    """
    if not issparse(y):
        y = csr_array(y != 0)
        return _ones(y.indices, y.indptr, y.shape[1])
    # As booleans, duplicates cannot add up to zero.
    target = csr_array(y, dtype=bool, copy=True)
    target.sum_duplicates()
    target.eliminate_zeros()
    return _ones(target.indices, target.indptr, y.shape[1])


def without_rows(target: csr_array, drop: np.ndarray) -> csr_array:
    """Return a target of the same shape with nothing in the rows where `drop` is True."""
    counts = np.where(drop, 0, np.diff(target.indptr))
    kept = np.repeat(~drop, np.diff(target.indptr))
    indptr = np.concatenate([[0], np.cumsum(counts)])
    return csr_array((target.data[kept], target.indices[kept], indptr), shape=target.shape)


def winners(values) -> np.ndarray:
    """Column of the highest output in each row; the first of equal ones; 0 in an empty row.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_outputs) or CSR

    Returns
    -------
    columns : ndarray of shape (n_rows,), dtype=intp
    """
    if isinstance(values, np.ndarray):
        return values.argmax(axis=1)
    counts = np.diff(values.indptr.astype(np.intp))
    columns = np.zeros(len(counts), np.intp)
    filled = counts > 0
    if filled.any():
        # `reduceat` would take an empty row for one of the next row's values: leave them out.
        starts = values.indptr[:-1][filled].astype(np.intp)
        highest = np.maximum.reduceat(values.data, starts)
        is_highest = values.data == np.repeat(highest, counts[filled])
        last = np.iinfo(values.indices.dtype).max
        columns[filled] = np.minimum.reduceat(np.where(is_highest, values.indices, last), starts)
    return columns


def _ones(indices, indptr, n_columns: int) -> csr_array:
    data = np.ones(len(indices), np.float32)
    return csr_array((data, indices, indptr), shape=(len(indptr) - 1, n_columns))


def _fill(outputs, out: np.ndarray, inactive: float = 0.0) -> np.ndarray:
    """Write all outputs into one array, and `inactive` where an output was not active."""
    for rows, values in outputs:
        if isinstance(values, np.ndarray):
            out[rows] = values
        else:
            chunk = out[rows]
            chunk.fill(inactive)
            chunk[np.repeat(np.arange(values.n_rows), np.diff(values.indptr)), values.indices] = (
                values.data
            )
    return out


def _likely_labels(values, *, relative: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Count the labels of each row with more than half a probability, and list them in order.

    Half of 1 or, where `relative`, of the row's highest.
    """
    if isinstance(values, np.ndarray):
        highest = values.max(axis=1, keepdims=True) if relative else 1
        rows, columns = np.nonzero(values > highest / 2)
        return np.bincount(rows, minlength=len(values)), columns
    rows = np.repeat(np.arange(values.n_rows), np.diff(values.indptr))
    highest = np.ones(values.n_rows, np.float32)
    if relative:
        highest[:] = 0
        np.maximum.at(highest, rows, values.data)
    likely = values.data > highest[rows] / 2
    rows, columns = rows[likely], values.indices[likely].astype(np.intp)
    order = np.lexsort((columns, rows))
    return np.bincount(rows, minlength=values.n_rows), columns[order]
