"""A wide softmax layer and its cross-entropy, from few of its classes."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

from sklearn_lsh.hashing import HashFamily
from sklearn_lsh.torch import checks, sketches
from sklearn_lsh.torch.centroids import HiddenSums
from sklearn_lsh.torch.class_tables import NO_CLASS
from sklearn_lsh.torch.hashed_classes import N_FOUND, HashedClasses
from sklearn_lsh.torch.losses import Entropy
from sklearn_lsh.torch.scores import (
    BatchClasses,
    TopClasses,
    candidate_scores,
    narrowed,
    pair_scores,
    pool,
    widened,
)

# Numbers that are computed at once where all classes, or many, are looked at.
CHUNK_VALUES = 1 << 24
# Share of the classes computed for a batch that may be looked up; the others are drawn.
HASHED = 0.5


class LSHSoftmaxLoss(HashedClasses):
    r"""A linear layer of many classes and its cross-entropy, in time that hardly grows with them.

    For each batch some thousand classes are computed, the same for all of its samples, by a single
    dense product: those of its samples, the most frequent ones, and those that its samples are most
    likely confused with, which are looked up in hash tables: C; and of all N classes n that are
    drawn at random: D. The softmax's partition function is estimated from these alone,

    .. math:: \hat Z = \sum_{j \in C} e^{z_j} + \frac{N}{n} \sum_{j \in D \setminus C} e^{z_j}.

    That is unbiased over the draw of D, whatever hashing finds; its logarithm, and so the loss and
    its gradient, are not, but the less so the more of the large terms hashing finds [1]_. Gradients
    are sparse, each class once: only rows of classes in C and D are read and changed.

    In evaluation mode (`torch.nn.Module.eval`) the loss is the exact one.

    Parameters
    ----------
    in_features : int
        Length of the hidden vectors.
    n_classes : int
        Number of classes (N).
    n_active : int, default=2048
        Classes that are computed for a batch beside those of its samples, of which up to a half
        is looked up and the others are drawn. The most frequent classes come on top, up to an
        eighth as many. With at least ``n_classes`` the loss is the exact one.
    bias : bool, default=True
        Whether there is a bias for each class.
    hash_function : str or HashFamily, default="simhash"
        A key of `sklearn_lsh.hashing.FAMILIES`, or a family, which is cloned.
    n_bits : int or "auto", default="auto"
        Bits of a code; by default as many as let a sample's buckets together hold some hundred
        classes.
    n_tables : int, default=16
        Hash tables.
    class_weight : Tensor of shape (n_classes,), default=None
        Of the classes' samples: ``weight`` of `torch.nn.CrossEntropyLoss`.
    ignore_index : int, default=-100
        Label of samples that do not count.
    label_smoothing : float, default=0.0
        Share of a label that all classes have alike, from 0 to 1.
    reduction : {"mean", "sum", "none"}, default="mean"
        See `torch.nn.CrossEntropyLoss`.
    seed : int, default=None
        Draws hash functions and classes. None takes it from PyTorch's global generator, so that
        ``torch.manual_seed`` decides on everything.
    device, dtype : default=None
        Of the parameters, see `torch.nn.Linear`.

    Attributes
    ----------
    weight : Parameter of shape (n_classes, in_features)
        Rows of the classes. Its gradient is sparse.
    bias : Parameter of shape (n_classes, 1) or None
        Biases of the classes. Its gradient is sparse.
    family_ : HashFamily
        The hash functions.

    See Also
    --------
    sklearn_lsh.LSHMLPClassifier : A whole network that works like this, without PyTorch.

    Notes
    -----
    Gradients suit `torch.optim.SparseAdam`, `torch.optim.SGD` and `torch.optim.Adagrad`; other
    layers take an optimizer of their own.

    A class lies in the buckets of its row and in those in which its latest samples fell. The
    first batch builds the tables; later batches do anew when that costs a tenth of the training
    since, and ever less often. So `forward` changes the module's state in training mode, which
    `state_dict` holds completely. Codes and tables are made where the weights are; on the CPU by
    the compiled kernels, with the same results.

    References
    ----------
    .. [1] S. Jean, K. Cho, R. Memisevic and Y. Bengio, "On using very large target vocabulary for
       neural machine translation", ACL 2015, arXiv:1412.2007.

    Examples
    --------
    >>> import torch
    >>> from sklearn_lsh.torch import LSHSoftmaxLoss
    >>> layer = LSHSoftmaxLoss(16, 10_000, n_active=64, seed=0)
    >>> hidden, labels = torch.ones(4, 16), torch.tensor([3, 14, 159, 2653])
    >>> optimizer = torch.optim.SparseAdam(layer.parameters(), lr=0.1)
    >>> for _ in range(20):
    ...     optimizer.zero_grad()
    ...     loss = layer(hidden, labels)
    ...     loss.backward()
    ...     optimizer.step()
    >>> layer.weight.grad.is_sparse
    True
    >>> layer.refresh()
    >>> layer.top_k(hidden[:1], 4).classes.sort().values
    tensor([[   3,   14,  159, 2653]])
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        *,
        n_active: int = 2048,
        bias: bool = True,
        hash_function: str | HashFamily = "simhash",
        n_bits: int | str = "auto",
        n_tables: int = 16,
        class_weight: Tensor | None = None,
        ignore_index: int = -100,
        label_smoothing: float = 0.0,
        reduction: str = "mean",
        seed: int | None = None,
        device: torch.device | str | int | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        hashing = {
            "bias": bias,
            "hash_function": hash_function,
            "n_bits": n_bits,
            "n_tables": n_tables,
            "seed": seed,
        }
        entropy = {
            "ignore_index": ignore_index,
            "label_smoothing": label_smoothing,
            "reduction": reduction,
        }
        sizes = {"in_features": in_features, "n_classes": n_classes, "n_active": n_active}
        checks.check_settings({**sizes, **hashing, **entropy}, type(self).__name__)
        self.n_active = min(n_active, n_classes)
        n_hashed = int(HASHED * n_active) if n_active < n_classes else 0
        super().__init__(
            in_features,
            n_classes,
            n_hashed=n_hashed,
            n_drawn=self.n_active - n_hashed,
            **hashing,
            device=device,
            dtype=dtype,
        )
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing
        self.reduction = reduction
        weights = checks.check_class_weight(class_weight, self.weight)
        self.register_buffer("class_weight", weights)

    def extra_repr(self) -> str:
        """Tell the settings that the module's representation shows.

        Returns
        -------
        text : str
            Sizes, and how many classes are active.
        """
        return f"{self.in_features}, {self.n_classes}, n_active={self.n_active}"

    # What users call

    @torch.compiler.disable
    def forward(self, hidden: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy of the labels: sampled while training, exact in evaluation mode.

        Parameters
        ----------
        hidden : Tensor of shape (..., in_features)
            What the layers before answer.
        labels : Tensor of shape (...), dtype=int64
            Classes of the samples.

        Returns
        -------
        loss : Tensor
            A number, or of the shape of the labels with ``reduction="none"``.

        Raises
        ------
        ValueError
            If shapes do not fit together, or labels are out of range.
        """
        rows, own = self._checked(hidden, labels)
        if self.training:
            losses = self._sampled_losses(rows, own)
        else:
            of_all = self._entropy.of_all
            parts = self._parts(rows, own)
            losses = torch.cat([of_all(self.scores(part), classes) for part, classes in parts])
        # Not before: half precision holds neither the sum of many losses nor their number.
        loss = narrowed(self._entropy.reduce(losses, own), rows.dtype, rows.device)
        return loss.reshape(labels.shape) if self.reduction == "none" else loss

    @torch.compiler.disable
    @torch.no_grad()
    def start_at_centroids(self, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Start each class's row at the normalised, centred mean of its samples' hidden vectors.

        The layer then answers as a nearest-centroid classifier, and learns from what is mistaken.
        Tables begin anew. An optimizer has nothing of the rows of before if it is made afterwards.

        Parameters
        ----------
        batches : iterable of (hidden, labels)
            As `forward` takes them; what makes them records no gradients. All data for one pass,
            or as many batches as hold some samples of each class. Classes without samples start at
            zero.

        Raises
        ------
        ValueError, TypeError
            If a batch is one that `forward` would refuse, no sample is finite and counted, or sums
            are not finite. The layer is then as it was.
        """
        sums = HiddenSums(self.weight)
        for hidden, labels in checks.check_batches(batches, self._checked):
            is_counted = (labels != self.ignore_index) & sketches.are_finite(hidden)
            sums.add(hidden[is_counted], labels[is_counted])
        rows, biases, centre = sums.start()
        self.weight.copy_(rows)
        if self.bias is not None:
            self.bias.copy_(biases)
        self._begin(self.seed, centre)

    def scores(self, hidden: Tensor) -> Tensor:
        """Compute what the layer answers for all classes.

        Parameters
        ----------
        hidden : Tensor of shape (..., in_features)
            What the layers before answer.

        Returns
        -------
        scores : Tensor of shape (..., n_classes)
            Of which the softmax is taken.
        """
        checks.check_hidden(hidden, self.weight)
        return F.linear(hidden, self.weight, None if self.bias is None else self.bias[:, 0])

    @torch.compiler.disable
    @torch.no_grad()
    def top_k(self, hidden: Tensor, k: int, *, exact: bool = False) -> TopClasses:
        """Find the classes that score highest.

        Parameters
        ----------
        hidden : Tensor of shape (..., in_features)
            What the layers before answer.
        k : int
            How many classes.
        exact : bool, default=False
            Whether all classes are computed. By default only those 128, or k, are that share most
            buckets with a sample.

        Returns
        -------
        top_k : TopClasses of Tensors of shape (..., k)
            The classes and their scores, the highest first.

        Raises
        ------
        ValueError
            If there are not so many classes.
        """
        checks.check_k(k, self.n_classes)
        rows = checks.check_hidden(hidden, self.weight)
        shape, hidden = (*hidden.shape[:-1], k), rows
        is_exact = exact or not self.n_hashed
        find = self._top_of_all if is_exact else self._top_of_found
        width = self.n_classes if is_exact else max(k, N_FOUND) * self.in_features
        parts = [find(part, k) for (part,) in self._parts(hidden, width=width)]
        return TopClasses(*(torch.cat(found).reshape(shape) for found in zip(*parts, strict=True)))

    @torch.compiler.disable
    def log_partition(self, hidden: Tensor, *, exact: bool = False) -> Tensor:
        """Logarithm of the softmax's partition function.

        Parameters
        ----------
        hidden : Tensor of shape (..., in_features)
            What the layers before answer.
        exact : bool, default=False
            Whether it is computed from all classes, or estimated as in training: the partition
            function then is unbiased.

        Returns
        -------
        log_partition : Tensor of shape (...)
            Natural logarithms, one for each sample.
        """
        rows = checks.check_hidden(hidden, self.weight)
        if exact or not self.n_hashed:
            scores = (widened(self.scores(part)) for (part,) in self._parts(rows))
            logarithms = torch.cat([torch.logsumexp(part, dim=1) for part in scores])
        else:
            candidates = self._candidates(self._codes(rows))
            scores = candidate_scores(rows, self.weight, self.bias, candidates)
            logarithms = torch.logsumexp(scores, dim=1)
        return narrowed(logarithms, rows.dtype, rows.device).reshape(hidden.shape[:-1])

    @torch.compiler.disable
    def log_prob(self, hidden: Tensor, classes: Tensor, *, exact: bool = False) -> Tensor:
        """Log-probabilities of given classes.

        Parameters
        ----------
        hidden : Tensor of shape (..., in_features)
            What the layers before answer.
        classes : Tensor of shape (..., m), dtype=int64
            Some classes for each sample.
        exact : bool, default=False
            See `log_partition`.

        Returns
        -------
        log_prob : Tensor of shape (..., m)
            Natural logarithms.
        """
        vectors = checks.check_hidden(hidden, self.weight)
        classes = checks.check_classes("classes", classes, self.n_classes)
        shape = classes.shape
        checks.check_leading("classes", shape[:-1], hidden.shape[:-1])
        log_partition = self.log_partition(hidden, exact=exact)
        hidden, classes = vectors, classes.reshape(vectors.shape[0], -1)
        scores = pair_scores(hidden, self.weight, self.bias, classes)
        logarithms = scores.reshape(shape) - log_partition[..., None]
        return narrowed(logarithms, hidden.dtype, hidden.device)

    # How it is done

    def _load_from_state_dict(self, state_dict, prefix, *args):
        """Refuse wrong weights of classes before anything is taken over."""
        checks.check_class_weight(state_dict.get(f"{prefix}class_weight"), self.weight)
        super()._load_from_state_dict(state_dict, prefix, *args)

    def _checked(self, hidden, labels):
        """Hidden vectors and labels in rows."""
        rows = checks.check_hidden(hidden, self.weight)
        labels = checks.check_classes("labels", labels, self.n_classes, self.ignore_index)
        checks.check_leading("labels", labels.shape, hidden.shape[:-1])
        return rows, labels.reshape(-1)

    def _parts(self, *tensors, width=None):
        """Samples, a part at a time."""
        size = max(1, CHUNK_VALUES // (width or self.n_classes))
        return list(zip(*(tensor.split(size) for tensor in tensors), strict=True))

    @property
    def _entropy(self):
        return Entropy(self.class_weight, self.ignore_index, self.label_smoothing, self.reduction)

    def _sampled_losses(self, hidden, labels):
        """Losses from the batch's candidates; 0 for samples that are ignored."""
        is_counted = labels != self.ignore_index
        if not is_counted.all():
            losses = self._sampled_losses(hidden[is_counted], labels[is_counted])
            return losses.new_zeros(labels.shape).masked_scatter(is_counted, losses)
        codes = self._codes_to_train(hidden)
        candidates = self._candidates(codes, labels)
        scores = candidate_scores(hidden, self.weight, self.bias, candidates)
        if codes is not None:
            is_known = sketches.are_finite(hidden)
            self._tables.note(codes[is_known], labels[is_known])
        return self._entropy.of_candidates(scores, labels, candidates, self.n_classes)

    def _candidates(self, codes, labels=None) -> BatchClasses:
        """What is computed for a batch: its samples' classes, such as are like them, and others."""
        drawn = self._draw()
        certain = [drawn[:0] if labels is None else labels]
        if codes is not None:
            own = drawn.new_full(codes.shape[:1], NO_CLASS) if labels is None else labels
            certain += [self._tables.popular(self.n_hashed), self._found(codes, own)]
        return pool(torch.cat(certain), drawn, self.n_classes)

    def _top_of_all(self, hidden, k):
        return self.scores(hidden).topk(k, dim=1)

    def _top_of_found(self, hidden, k):
        n_wanted = min(max(k, N_FOUND), self.n_classes)
        found = self._tables.most_collisions(self._codes(hidden), n_wanted, fill_from=0)
        scores, best = pair_scores(hidden, self.weight, self.bias, found).topk(k)
        return scores, found.gather(1, best)
