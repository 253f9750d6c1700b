"""Scores of estimators, of sparse targets too."""

from __future__ import annotations

from numpy.typing import ArrayLike
from scipy.sparse import csr_array, issparse
from sklearn.base import is_classifier

from sklearn_lsh.inputs import MatrixLike, check_sparse


class ScoreMixin:
    """Mixin, before those of scikit-learn: hands their scores targets that they understand."""

    def score(self, X: MatrixLike, y: MatrixLike, sample_weight: ArrayLike | None = None) -> float:
        """Score the predictions for samples: by accuracy, or by the coefficient of determination.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_outputs)
            Their true classes, label indicators or target values.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        score : float
            Of classifiers the share of samples whose class, or whose every label, is right, see
            :func:`sklearn.metrics.accuracy_score`; of regressors :math:`R^2`, the mean of that of
            several targets, see :func:`sklearn.metrics.r2_score`.
        """
        if issparse(y):
            check_sparse(y, "y")
            # Scikit-learn knows label indicators as CSR, and target values as arrays.
            y = csr_array(y) if is_classifier(self) else y.toarray()
        return super().score(X, y, sample_weight)  # type: ignore[misc]
