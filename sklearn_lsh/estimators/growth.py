"""New classes, or labels, of an estimator that is trained further."""

from __future__ import annotations

import numpy as np

from sklearn_lsh.estimators.architecture import build_optimizer
from sklearn_lsh.estimators.labels import refuse_new_labels
from sklearn_lsh.estimators.targets import BinaryTarget, MultiClassTarget, Target
from sklearn_lsh.network.growth import Growth, grow, split_logistic
from sklearn_lsh.selection import Hashing


def take_in(estimator, y, classes) -> Target:
    """Return an estimator's target with what is new in the y of a later call of ``partial_fit``.

    Raises
    ------
    ValueError
        If there is something new though `classes`, now or in the first call, named all there is.
    """
    known = estimator._target
    target = known.grown(y)
    if target is known:
        return known
    if estimator._is_closed or classes is not None:
        refuse_new_labels(target.classes, known.classes)
    estimator.classes_ = target.classes
    return target


def starts_like_new_ones(estimator) -> bool:
    """Whether all classes of a first call of ``partial_fit`` start as new ones do, at centroids.

    So they do where it does not name all classes that may come: those that come later are then in
    no better place than the first. Of label indicators, which need no names, only hashed layers
    start so.
    """
    return isinstance(estimator._target, MultiClassTarget) and not estimator._is_closed


def grow_network(estimator, known, data, random_state) -> None:
    """Give a network the outputs that its estimator's target has beyond those that are known.

    Parameters
    ----------
    estimator : BaseLSHMLP
        With its new target, and a description of the network as it will be.
    known : ClassTarget or MultiLabelTarget
        What the network has outputs for.
    data : TrainingSet
        Of the call that brings the new ones.
    random_state : RandomState
        Draws hash functions, where they are needed.
    """
    network, history = estimator._network, estimator._history
    target, wanted = estimator._target, estimator._description
    if history.n_iter > 1:
        # After many epochs gradients are small, and so are their moments. New outputs make large
        # ones, by which steps would be many times too long for all outputs beside them.
        network.set_optimizer(build_optimizer(estimator, estimator._settings))
    if isinstance(known, BinaryTarget):
        split_logistic(network, len(known.classes))
    growth = Growth(
        numbers=np.searchsorted(target.classes, known.classes),
        n_outputs=target.n_outputs,
        n_active=wanted["n_active"][-1],
        selection=estimator.selection,
        hashing=Hashing(
            wanted["hash_function"], wanted["n_bits"], wanted["n_tables"], random_state
        ),
    )
    grow(network, growth, data.X, data.target, data.sample_weight, np.sort(data.rows))
