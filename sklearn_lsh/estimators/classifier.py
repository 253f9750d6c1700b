"""The classifier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils._param_validation import StrOptions

from sklearn_lsh.estimators.base import BaseLSHMLP
from sklearn_lsh.estimators.class_weights import multiply_weights, weights_of_classes
from sklearn_lsh.estimators.density import auto_output
from sklearn_lsh.estimators.labels import check_classes, encode_labels
from sklearn_lsh.estimators.parameters import AUTO, says_what_is_left_out
from sklearn_lsh.estimators.probabilities import ProbabilityMixin
from sklearn_lsh.estimators.scores import ScoreMixin
from sklearn_lsh.estimators.streams import StreamMixin
from sklearn_lsh.estimators.targets import (
    ClassTarget,
    MultiLabelTarget,
    class_target,
    target_of_classes,
)
from sklearn_lsh.hashing import HashFamily
from sklearn_lsh.inputs import Count, MatrixLike, RandomState


class LSHMLPClassifier(StreamMixin, ScoreMixin, ProbabilityMixin, ClassifierMixin, BaseLSHMLP):
    """Multilayer perceptron classifier that computes only the neurons that matter.

    The neurons of wide layers lie in locality-sensitive hash tables. A sample looks up those
    that respond to it most; only these are computed, and only these learn from it [1]_. Hidden
    layers can be hashed, and so can the output layer, so that training and predicting cost
    about the same with ten times the neurons or classes. The parameters that
    :class:`~sklearn.neural_network.MLPClassifier` has too mean the same here.

    Trains by minimising the log-loss with one class for each sample, two or many, or with any
    number of labels for each sample (a label indicator matrix, dense or sparse). X may be dense
    or sparse, float32 or float64. The network computes in float32: float64 data are converted a
    mini-batch at a time, never copied as a whole.

    Parameters
    ----------
    hidden_layer_sizes : array-like of shape (n_layers - 2,) or "auto", default="auto"
        Number of neurons in each hidden layer.
    activation : {"identity", "logistic", "tanh", "relu"}, default="relu"
        Activation function of the hidden layers.
    solver : {"adam", "adagrad", "rowwise_adagrad", "sgd"}, default="adam"
        Optimizer. Each is lazy: weights that had no part in a mini-batch are not touched.
        "rowwise_adagrad" keeps one number for each row of weights (those of an input, or of a
        neuron of a hashed layer) where others keep one or two for each weight, and so needs a
        half or a third of the memory; it learns best at larger rates: try
        ``learning_rate_init=0.1`` first.
        "lbfgs" is left out: it needs the full dense gradient over all samples for each step.
    alpha : float, default=0.0001
        Strength of the L2 penalty, which is divided by the mini-batch's number of samples (or
        their total weight). Applied as a decay of the weights.
    batch_size : int or "auto", default="auto"
        Samples in a mini-batch, at most all.
    learning_rate : {"constant", "invscaling", "adaptive", "linear", "auto"}, default="auto"
        How the learning rate changes: not at all; with ``solver="sgd"`` by
        ``learning_rate_init / (t_ + 1) ** power_t`` after each epoch ("invscaling"), or divided
        by five whenever `n_iter_no_change` epochs in a row bring no progress ("adaptive"); with
        any solver with each mini-batch, to zero after `max_iter` epochs ("linear"). Few active
        neurons make noisy steps, which smaller ones at the end average out: "linear" is often
        more accurate where the number of epochs is known. `partial_fit` refuses it.
    learning_rate_init : float or "auto", default="auto"
        Learning rate at the start.
    power_t : float, default=0.5
        Exponent of ``learning_rate="invscaling"``.
    max_iter : int or "auto", default="auto"
        Highest number of epochs.
    shuffle : bool, default=True
        Whether samples are put into a new order for each epoch.
    random_state : int, RandomState instance or None, default=None
        Source of the initial weights, hash functions, validation split and order of samples.
        With an int, and ``n_jobs`` None or 1, results repeat bit for bit.
    tol : float, default=0.0001
        By how much the training loss, or the validation score with `early_stopping`, must
        improve for an epoch to count as progress.
    verbose : bool or int, default=False
        Whether to print a line an epoch: loss, samples a second, and validation score.
    warm_start : bool, default=False
        Whether `fit` goes on with the network of the last fit, rather than start anew.
    momentum : float, default=0.9
        Momentum of ``solver="sgd"``, in [0, 1].
    nesterovs_momentum : bool, default=True
        Whether that momentum is Nesterov's, which looks a step ahead. With several threads it
        always looks ahead, and so does Adam's, because gradients come late.
    early_stopping : bool, default=False
        Whether training ends when the score on a validation set makes no progress, rather than
        the training loss. The network then gets back the weights it had at its best. The
        validation set is `X_val` and `y_val` of `fit`; where they are not given,
        `validation_fraction` of the training samples is set aside, with the same shares of all
        classes where each has enough samples for that.
    validation_fraction : float, default=0.1
        Share of the samples to set aside, in (0, 1).
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay rates of the first and second moments of ``solver="adam"``, in [0, 1).
    epsilon : float, default=1e-8
        Added to the root of the second moment by all solvers but "sgd". Less than the smallest
        normal float32, 1.2e-38, counts as that.
    n_iter_no_change : int or inf, default=10
        Epochs without progress after which training ends. Where `max_iter` is left to the data and
        the rate falls linearly, only if less than 0.5% of the first epoch's loss is left.
    density : float, int, "auto" or array-like of shape (n_layers - 2,), default="auto"
        How much of a hidden layer is active for a sample: a share of its neurons (a float in
        (0, 1]) or a number of them (an int of at least 1, at most the layer's width), for all
        hidden layers or for each. 1.0 is all of them. "auto" is all of them in layers of fewer
        than 500 neurons (2,000 if few outputs are active), and 5% in wider ones.
    output_density : float, int or "auto", default="auto"
        The same for the output layer. While training, the true labels are always active. "auto"
        is all outputs if there are fewer than 2,000, and 512 if there are more.
    selection : {"lsh", "topk", "random", "all"}, default="lsh"
        How the active neurons of a layer are found: by hash tables, as those that respond most
        (exactly, by computing all responses), at random, or not at all: "all" computes every
        neuron whatever the densities say.
    predict_selection : {"auto", "topk"} or None, default="auto"
        How they are found when predicting: None as in training, "topk" exactly, which costs a
        dense product; "auto" those of the output layer exactly if it has at most
        33,554,432 weights, which takes some milliseconds a sample, and all others as in
        training. It is a parameter and not an argument of `predict` so that `score`,
        pipelines, searches and scorers follow it; it can be set on a fitted estimator.
    hash_function : str or HashFamily, default="simhash"
        Family of hash functions of ``selection="lsh"``: "simhash", "wta", "dwta", "minhash",
        "e2lsh" or "simple", see `sklearn_lsh.hashing`, or an object of such a class, which is
        cloned and gets this estimator's `n_bits`, `n_tables` and random numbers. "simhash" is
        right for most. Neurons that respond most are no sets ("minhash") and not the
        nearest ones ("e2lsh").
    n_bits : int or "auto", default="auto"
        Length of the code that is a table's key; "auto" follows from width and density.
    n_tables : int or "auto", default="auto"
        Number of hash tables of a layer; "auto" follows from width and density. With both "auto",
        hidden layers of which 2% or more is active have no tables: short sketches of all their
        neurons are compared, which takes less time than looking up so many. Nor has a first
        layer on sparse data of at most 128 non-zeros a row on average: it computes all neurons.
    multilabel_loss : {"logistic", "softmax"}, default="logistic"
        Loss to minimise with label indicators: the log-loss of each label on its own (one
        against all), or that of all active labels together, of which the n labels of a sample
        are each to have the probability 1 / n. Samples without labels teach "softmax" nothing,
        and are left out.
    n_neighbors : int, "auto" or None, default="auto"
        How many of the training rows that are most like a sample (by cosine similarity) are asked
        for their labels, to be blended with what the network and the labels' centroids say. None
        asks the network alone. "auto" tries 25 where X is sparse, with 1,000 rows and 100 classes
        or more, and keeps them if that lowers the loss on held-out rows, and names more of their
        labels first. Those are the validation set, if there is one, else 5% of the rows (100 to
        1,000), from which the network does not learn. The rows are kept: so a fitted classifier
        takes as much memory as X and more. Without effect on two classes. `partial_fit` adds its
        rows where there are any; a first call takes none.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, as ``{label: weight}``; a class that is not in it has weight 1.
        "balanced" weighs classes inversely to their frequency. Not for label indicators.
    scoring : str, callable or None, default=None
        What is measured on the validation set: None for accuracy, "loss" for the negative loss,
        or a scorer, by name or as a callable ``scorer(estimator, X, y)``.
    n_jobs : int or None, default=None
        Number of threads, which share the weights and update them without locks, so that results
        with more than one do not repeat exactly. None is 1 unless in a
        :func:`joblib.parallel_config` context, -1 is one for each processor.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels in sorted order; the columns' numbers for label indicators.
    coefs_ : list of shape (n_layers - 1,)
        Weights of each layer, float32 of shape (fan_in, fan_out). They can be set.
    intercepts_ : list of shape (n_layers - 1,)
        Biases of each layer, float32 of shape (fan_out,). They can be set.
    loss_ : float
        Training loss in the last epoch, L2 penalty included.
    best_loss_ : float or None
        Lowest training loss; None with `early_stopping`.
    loss_curve_ : list of float
        Training loss in each epoch. As in scikit-learn it grows with each call of `partial_fit`,
        and of `fit` with `warm_start`.
    work_ : list of dict
        What the last call of `fit` or `partial_fit` computed: a dictionary for each epoch and
        layer, fit for a data frame. ``epoch`` is its place in `loss_curve_`, from 1, ``layer``
        counts from 0 (the output layer is the last); ``n_neurons`` of the layer, and ``n_active``,
        the mean for a sample; ``multiply_adds`` that were done, those of hashing, selecting and the
        optimizer's steps included (a step on a weight counts as one for it and one for each number
        the solver keeps for it), and ``dense_multiply_adds`` that a network without selection does;
        ``share``, their ratio. Of hashed layers also ``n_rebuilds`` and ``rebuild_seconds`` of the
        tables, ``filled_buckets``, the share of buckets that have members, and ``bucket_load``, the
        mean number of these. See `count_work` for predictions.
    validation_scores_ : list of float or None
        Score on the validation set after each epoch; None without such a set.
    best_validation_score_ : float or None
        Highest of them.
    validation_loss_curve_ : list of float or None
        Loss on the validation set after each epoch, without penalty.
    t_ : int
        Number of training samples seen, those seen again included.
    n_iter_ : int
        Number of epochs of the last call of `fit` or `partial_fit`.
    n_layers_ : int
        Number of layers, input and output included.
    n_outputs_ : int
        Number of outputs: 1 with two classes, unless there was one at first.
    out_activation_ : str
        Activation function of the output layer: "softmax" with three classes or more, or as
        `multilabel_loss` says; else "logistic".
    blend_ : dict or None
        How much the logarithms of what the ``network``, the ``neighbors`` and the ``centroids`` say
        of a label count, ``copies`` of the sample among the neighbours, that a class is ``rare``,
        and an ``intercept`` for label indicators; None where the network is asked alone.
    settings_ : dict
        Parameters that may be "auto", as they were given or as the data have it: those of the
        last call of `fit` or `partial_fit`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has names that are all strings.

    See Also
    --------
    LSHMLPRegressor : The same for regression.
    sklearn.neural_network.MLPClassifier : Computes all neurons.

    Notes
    -----
    What a parameter of "auto" becomes follows from the data, and `settings_` tells it. Fewer than
    5,000 dense rows with fewer than 500 outputs get what
    :class:`~sklearn.neural_network.MLPClassifier`
    has: 100 hidden neurons, mini-batches of 200, a constant rate of 0.001, at most 200 epochs. All
    others get 128 neurons, or 256 if they are sparse or have 500 outputs and more (unless these
    would have more than 2^27 weights), mini-batches of about the root of the number of rows (32 to
    512), and a rate that falls linearly, with "adam" from 0.01. It is less, by the root, where
    dense rows have more than 64 values, or absolute values of sparse rows sum to more than 8 in the
    mean. Of 50,000 rows there are 24 epochs with 128 neurons and 8 with 256; of others as the power
    0.6 or 0.4 of their number: 2 to 100, or 2 to 15. `partial_fit`, which does not know what is to
    come, takes half of that rate for all the time.

    A network that was trained with few active neurons must predict with few: with all of them
    the same weights are far less accurate. So prediction selects as training did.

    The probabilities of the classes that are active for a sample sum to 1. Those of the others
    are not computed: they are given as the smallest normal float32, 1.2e-38.

    With ``multilabel_loss="softmax"`` a sample's labels share the probability 1 among them.
    `predict` then gives it those labels that have more than half of the highest probability.

    References
    ----------
    .. [1] R. Spring and A. Shrivastava, "Scalable and sustainable deep learning via randomized
       hashing", Proceedings of KDD 2017, pp. 445-454. :arxiv:`1602.08194`

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn_lsh import LSHMLPClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
    >>> clf = LSHMLPClassifier(hidden_layer_sizes=(200,), density=0.5, tol=1e-2, random_state=0)
    >>> clf.fit(X_train, y_train).predict(X_test).shape
    (450,)
    >>> clf.score(X_test, y_test) > 0.9
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        **BaseLSHMLP._parameter_constraints,
        "multilabel_loss": [StrOptions({"logistic", "softmax"})],
        "n_neighbors": [AUTO, Count(), None],
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    _targets = (ClassTarget, MultiLabelTarget)
    _auto_output = staticmethod(auto_output)
    _has_classes = True

    @says_what_is_left_out
    def __init__(
        self,
        hidden_layer_sizes: int | str | Sequence[int] = "auto",
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "auto",
        learning_rate_init: float | str = "auto",
        power_t: float = 0.5,
        max_iter: int | str = "auto",
        shuffle: bool = True,
        random_state: RandomState = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        density: float | str | Sequence[float | str] = "auto",
        output_density: float | str = "auto",
        selection: str = "lsh",
        predict_selection: str | None = "auto",
        hash_function: str | HashFamily = "simhash",
        n_bits: int | str = "auto",
        n_tables: int | str = "auto",
        multilabel_loss: str = "logistic",
        n_neighbors: int | str | None = "auto",
        class_weight: dict | str | None = None,
        scoring: str | Callable | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.density = density
        self.output_density = output_density
        self.selection = selection
        self.predict_selection = predict_selection
        self.hash_function = hash_function
        self.n_bits = n_bits
        self.n_tables = n_tables
        self.multilabel_loss = multilabel_loss
        self.n_neighbors = n_neighbors
        self.class_weight = class_weight
        self.scoring = scoring
        self.n_jobs = n_jobs

    @property
    def blend_(self) -> dict | None:
        """Weights by which the network, neighbours and centroids are blended, if they are."""
        self._read_fitted("_history", "t_")  # raises where there is none
        blend = self._blend
        return None if blend is None else blend.weights._asdict()

    def _choose_target(self, y, classes=None):
        target = class_target(y, self.multilabel_loss)
        if classes is not None and not isinstance(target, MultiLabelTarget):
            target = target_of_classes(np.unique(classes))
        self.classes_, self._is_closed = target.classes, classes is not None
        return target

    def _check_classes(self, y, classes, *, first: bool) -> None:
        check_classes(y, classes, None if first else self.classes_)

    def _check_target(self, y) -> None:
        self._target.check_same(y, self.multilabel_loss)

    def _weigh(self, sample_weight, y, *, training: bool, others_may_come: bool = False):
        if self.class_weight is None:
            return sample_weight
        if isinstance(self._target, MultiLabelTarget):
            raise ValueError(
                f"class_weight={self.class_weight!r} has no meaning for label indicators: use "
                "sample_weight, or leave class_weight at None."
            )
        if training:
            self._class_weights = weights_of_classes(
                self.class_weight, self.classes_, y, sample_weight, others_may_come
            )
        weights = self._class_weights[encode_labels(y, self.classes_)]
        return weights if sample_weight is None else multiply_weights(sample_weight, weights)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: MatrixLike,
        y: MatrixLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> Self:
        """Train one epoch on some samples, going on from earlier calls.

        Classes that no call had before are taken in: the output layer grows, and they start at
        the centroids of their samples, as all do in the first call. Of label indicators further
        columns are new labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples.
        y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_labels)
            Their classes or label indicators.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, not negative.
        classes : array-like of shape (n_classes,), default=None
            All classes that any call will have: given in the first call, others are refused. Of
            label indicators they are the numbers of the columns. Later calls may leave it out.

        Returns
        -------
        self : object
            The estimator, trained further.

        Raises
        ------
        ValueError
            If y has a class that is not in `classes`, or fewer columns than before, if `classes`
            differs from the known ones, or with ``early_stopping=True`` or
            ``class_weight="balanced"``, which need all samples at once.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' is not supported by partial_fit, which does not see all "
                "samples at once. Compute the weights with "
                "sklearn.utils.class_weight.compute_class_weight('balanced', classes=classes, "
                "y=y) and pass them as a dict."
            )
        return self._partial_fit(X, y, sample_weight, classes)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
