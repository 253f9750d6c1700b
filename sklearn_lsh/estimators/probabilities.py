"""Classes by their probabilities: of all, or the likeliest few."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from numbers import Integral

import numpy as np

from sklearn_lsh.estimators.outputs import refuse_large_table
from sklearn_lsh.estimators.targets import BinaryTarget
from sklearn_lsh.inputs import MatrixLike


class ProbabilityMixin:
    """Mixin of classifiers: predictions that are no labels."""

    _to_predict: Callable

    def predict_top_k(self, X: MatrixLike, k: int = 5) -> tuple[np.ndarray, np.ndarray]:
        """Find the likeliest classes or labels, in chunks and by `n_jobs` threads.

        A hashed output layer looks them up and computes no other, unless
        ``predict_selection="topk"``. For every sample it computes at least `k` classes, and more
        if `output_density` says so: where the tables have fewer to offer, they are made up with
        any others.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, in float32 or float64.
        k : int, default=5
            How many classes to find for each sample, at most all.

        Returns
        -------
        labels : ndarray of shape (n_samples, k)
            Class labels, the likeliest first; for label indicators the columns' numbers.
        scores : ndarray of shape (n_samples, k), dtype=float32
            Their probabilities, as in `predict_proba`. Where `k` is larger than the number of
            active outputs, those of a softmax sum to 1 over more classes than there.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the classifier is not fitted.
        ValueError
            If `k` is not an integer from 1 to the number of classes, or X is not valid.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn_lsh import LSHMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = LSHMLPClassifier(learning_rate_init=0.01, tol=0.01, random_state=0).fit(X, y)
        >>> labels, scores = clf.predict_top_k(X[:1], k=2)
        >>> labels
        array([[0, 1]])
        """
        view, X = self._to_predict(X)
        n_classes = len(view.classes_)
        if not isinstance(k, Integral) or isinstance(k, bool) or not 1 <= int(k) <= n_classes:
            raise ValueError(
                f"k must be an integer from 1 to the number of classes ({n_classes}), got {k!r}."
            )
        if isinstance(view._target, BinaryTarget):
            codes, scores = view._target.rank(view._outputs(X), X.shape[0])
            return view.classes_[codes[:, :k]], scores[:, :k]
        codes = np.empty((X.shape[0], k), np.int64)
        scores = np.empty((X.shape[0], k), np.float32)
        network, blend = view._network, view._blend
        ask = network.top_k if blend is None else partial(blend.top_k, network)
        for rows, best in ask(X, int(k), view.predict_selection, view.n_jobs):
            codes[rows], scores[rows] = best
        return view.classes_[codes], scores

    def predict_proba(self, X: MatrixLike) -> np.ndarray:
        """Estimate the probabilities of all classes.

        Of very many classes only the likeliest matter, and `predict_top_k` finds them in much
        less time and memory.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, in float32 or float64.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes), dtype=float32
            In the order of `classes_`; 1.2e-38 for classes that were not active. For label
            indicators the probability of each label on its own, unless
            ``multilabel_loss="softmax"``.

        Raises
        ------
        ValueError
            If X is not valid, or the output layer is hashed and the result would take more than
            ``sklearn.get_config()["working_memory"]``, which is 1024 MiB unless set otherwise.
        """
        view, X = self._to_predict(X)
        if view._selects_outputs:
            refuse_large_table(X.shape[0], len(view.classes_))
        return view._target.probabilities(view._outputs(X), X.shape[0])

    def predict_log_proba(self, X: MatrixLike) -> np.ndarray:
        """Estimate the logarithms of the probabilities of all classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, in float32 or float64.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes), dtype=float32
            In the order of `classes_`; -87.3 for classes that were not active.
        """
        probabilities = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return np.log(probabilities, out=probabilities)
