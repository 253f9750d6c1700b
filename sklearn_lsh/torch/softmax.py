"""A wide softmax layer and its cross-entropy, from few of its classes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_lsh.hashing import HashFamily
from sklearn_lsh.network.refresh import RefreshPeriod
from sklearn_lsh.selection.lsh import choose_n_bits, make_family
from sklearn_lsh.selection.negatives import Deck
from sklearn_lsh.selection.output import CHUNK, OutputLSH
from sklearn_lsh.stored import Stored
from sklearn_lsh.torch import bridge, checks, sketches
from sklearn_lsh.torch.class_tables import NO_CLASS, ClassTables
from sklearn_lsh.torch.scores import TopClasses, narrowed, pair_scores, sampled_scores, widened
from sklearn_lsh.torch.state import check_extra_state, check_layer, extra_state

# Numbers that are computed at once where all classes, or many, are looked at.
CHUNK_VALUES = 1 << 24
# What it takes to hash a class anew and to put it into the tables, with its samples: as much as
# to train on so many pairs of a sample and a class (measured on a CPU).
ROW_COST = 4
# How far the hidden vectors' mean moves at a refresh towards that of the latest batch.
RECENTRE = 0.5


class LSHSoftmaxLoss(Stored, nn.Module):
    r"""A linear layer of many classes and its cross-entropy, in time that hardly grows with them.

    For each sample the classes that it is most likely confused with are looked up in hash tables:
    C, with its own class. Of all N classes n others are drawn at random, the same for a batch: D.
    The softmax's partition function is estimated from these alone,

    .. math:: \hat Z = \sum_{j \in C} e^{z_j} + \frac{N}{n} \sum_{j \in D \setminus C} e^{z_j}.

    That is unbiased over the draw of D, whatever hashing finds; its logarithm, and so the loss and
    its gradient, are not, but the less so the more of the large terms hashing finds [1]_. Gradients
    are sparse: only rows of classes in C and D are read and changed.

    In evaluation mode (`torch.nn.Module.eval`) the loss is the exact one.

    Parameters
    ----------
    in_features : int
        Length of the hidden vectors.
    n_classes : int
        Number of classes (N).
    n_active : int, default=512
        Classes that are computed for a sample, of which a quarter is looked up and the others
        are drawn. With at least ``n_classes`` the loss is the exact one.
    bias : bool, default=True
        Whether there is a bias for each class.
    hash_function : str or HashFamily, default="simhash"
        A key of `sklearn_lsh.hashing.FAMILIES`, or a family, which is cloned.
    n_bits : int or "auto", default="auto"
        Bits of a code; by default as many as let a sample's buckets together hold four times the
        classes that are looked up.
    n_tables : int, default=30
        Hash tables.
    reduction : {"mean", "sum", "none"}, default="mean"
        See `torch.nn.functional.cross_entropy`.
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
        n_active: int = 512,
        bias: bool = True,
        hash_function: str | HashFamily = "simhash",
        n_bits: int | str = "auto",
        n_tables: int = 30,
        reduction: str = "mean",
        seed: int | None = None,
        device: torch.device | str | int | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        settings = {
            "in_features": in_features,
            "n_classes": n_classes,
            "n_active": n_active,
            "bias": bias,
            "hash_function": hash_function,
            "n_bits": n_bits,
            "n_tables": n_tables,
            "reduction": reduction,
            "seed": seed,
        }
        checks.check_settings(settings, type(self).__name__)
        self.in_features, self.n_classes = in_features, n_classes
        self.n_active = min(n_active, n_classes)
        n_hashed = min(math.ceil(OutputLSH.HASHED * n_active), n_active - 1)
        self.n_hashed = n_hashed if n_active < n_classes else 0
        self.reduction = reduction
        placed = {"device": device, "dtype": dtype}
        self.weight = nn.Parameter(torch.empty(n_classes, in_features, **placed))
        self.bias = nn.Parameter(torch.empty(n_classes, 1, **placed)) if bias else None
        self.register_buffer("mean", torch.zeros(in_features, device=device))
        self.reset_parameters()
        n_members = (1 + OutputLSH.SAMPLES) * n_classes
        if n_bits == "auto":
            n_bits = choose_n_bits(n_members, OutputLSH.OVERSUPPLY * self.n_active, n_tables)
        self._family = make_family(hash_function).set_params(n_bits=n_bits, n_tables=n_tables)
        self._family._validate_params()
        self._tables: ClassTables | None = None
        self._begin(int(torch.randint(2**31, ())) if seed is None else seed)

    def _begin(self, seed):
        """Draw the hash functions, and begin with nothing known of weights and samples."""
        self.seed = seed
        self.family_ = self._family.set_params(random_state=seed)
        self.family_.fit(np.zeros((1, self.in_features + 1), np.float32))
        self._deck = Deck(np.arange(self.n_classes), np.random.RandomState(seed))
        self._unit = 1.0
        self._n_steps, self._period = 0, RefreshPeriod()
        self._tables = ClassTables(self.n_classes, self.family_, self.weight.device)

    def reset_parameters(self) -> None:
        """Draw the weights anew, as `torch.nn.Linear` does."""
        bound = 1 / math.sqrt(self.in_features)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

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
        rows = checks.check_hidden(hidden, self.weight)
        labels = checks.check_classes("labels", labels, self.n_classes)
        shape = labels.shape
        checks.check_leading("labels", shape, hidden.shape[:-1])
        hidden, labels = rows, labels.reshape(-1)
        if not self.training:
            losses = torch.cat([self._exact_losses(*part) for part in self._parts(hidden, labels)])
        else:
            codes = self._codes_to_train(hidden)
            scores = self._sampled_scores(hidden, codes, labels[:, None])
            if codes is not None:
                is_known = sketches.are_finite(hidden)
                self._tables.note(codes[is_known], labels[is_known])
            losses = torch.logsumexp(scores, dim=1) - scores[:, 0]
            losses = narrowed(losses, hidden.dtype, hidden.device)
        if self.reduction == "none":
            return losses.reshape(shape)
        return losses.mean() if self.reduction == "mean" else losses.sum()

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
            Whether all classes are computed. By default only the ``n_active`` that share most
            buckets with a sample are.

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
        find = self._top_of_all if exact or not self.n_hashed else self._top_of_found
        width = self.n_classes if exact else max(k, self.n_active) * self.in_features
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
            scores = self._sampled_scores(rows, self._codes(rows))
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
        rows, places = torch.unique(classes, return_inverse=True)
        scores = widened(pair_scores(self._with_bias(hidden), self._gather(rows), places))
        logarithms = scores.reshape(shape) - log_partition[..., None]
        return narrowed(logarithms, hidden.dtype, hidden.device)

    @torch.compiler.disable
    @torch.no_grad()
    def refresh(self, hidden: Tensor | None = None) -> None:
        """Hash the classes' rows anew, and build the tables.

        Training does so by itself. After weights were changed by hand, call it.

        Parameters
        ----------
        hidden : Tensor of shape (n_samples, in_features), default=None
            Hidden vectors as they are now, which those to come are centred by.
        """
        if hidden is not None:
            self._follow(checks.check_hidden(hidden, self.weight))
        with bridge.full_precision(self.weight):
            middle = self._row_sketches(slice(None), mean=True)
            parts = [slice(i, i + CHUNK) for i in range(0, self.n_classes, CHUNK)]
            self.family_.adapt(bridge.hashable(self._row_sketches(parts[0]) - middle))
            for part in parts:
                codes = self._hash(self.family_.codes, self._row_sketches(part) - middle)
                self._tables.codes[: self.n_classes][part] = codes
            self._tables.build()

    # How it is done

    def _follow(self, hidden):
        """Let the mean follow hidden vectors, if there is anything to follow."""
        found = sketches.find_centre(hidden.to(self.mean.dtype))
        if found is None:
            return
        if self._period.length is None or not torch.isfinite(self.mean).all():  # nothing is known
            self.mean.copy_(found.mean)
            self._unit = found.unit
        else:
            self.mean.lerp_(found.mean, RECENTRE)

    def _parts(self, *tensors, width=None):
        """Samples, a part at a time."""
        size = max(1, CHUNK_VALUES // (width or self.n_classes))
        return list(zip(*(tensor.split(size) for tensor in tensors), strict=True))

    def _exact_losses(self, hidden, labels):
        return F.cross_entropy(self.scores(hidden), labels, reduction="none")

    @property
    def _centre(self):
        return sketches.Centre(self.mean, self._unit)

    def _row_sketches(self, part, mean=False):
        """Sketches of classes, or their mean."""
        weight = self.weight[part].float()
        bias = torch.zeros_like(weight[:, :1]) if self.bias is None else self.bias[part].float()
        if mean:
            weight, bias = weight.mean(0, keepdim=True), bias.mean(0, keepdim=True)
        return sketches.row_sketches(weight, bias, self._centre)

    def _hash(self, function, sketches):
        """Codes of sketches."""
        with bridge.full_precision(sketches):
            return bridge.unhashable(function(bridge.hashable(sketches)))

    def _codes(self, hidden):
        if self._tables.tables is None:
            self.refresh()
        return self._hash(self.family_.query_codes, sketches.query_sketches(hidden, self._centre))

    def _codes_to_train(self, hidden):
        """Codes of a batch, from tables that are built when that is due."""
        if not self.n_hashed:
            return None
        if self._n_steps >= self._period.due and bool(sketches.are_finite(hidden).any()):
            self.refresh(hidden.detach())
            if self._period.length is None:
                batch_work = hidden.shape[0] * self.n_active
                self._period.begin(self._n_steps, ROW_COST * self.n_classes, batch_work)
            else:
                self._period.begin_next(self._n_steps)
        self._n_steps += 1
        return self._codes(hidden)

    def _sampled_scores(self, hidden, codes, targets=None):
        """Scores, targets first, whose exponentials' sum estimates the partition function."""
        certain = torch.empty((hidden.shape[0], 0), dtype=torch.int64, device=hidden.device)
        if codes is not None:
            certain = self._tables.most_collisions(codes, self.n_hashed)
        if targets is not None:
            others = torch.where(certain == targets, NO_CLASS, certain)
            certain = torch.cat([targets, others], dim=1)
        drawn = self._draw().to(hidden.device)
        return sampled_scores(self._with_bias(hidden), self._gather, certain, drawn, self.n_classes)

    def _gather(self, classes):
        """Rows of classes, with their biases; the parameters' gradients are sparse."""
        parameters = [self.weight] if self.bias is None else [self.weight, self.bias]
        rows = [F.embedding(classes, parameter, sparse=True) for parameter in parameters]
        return torch.cat(rows, dim=1)

    def _with_bias(self, hidden):
        """Hidden vectors whose inner products with rows of `_gather` are scores."""
        return hidden if self.bias is None else F.pad(hidden, (0, 1), value=1.0)

    def _top_of_all(self, hidden, k):
        return self.scores(hidden).topk(k, dim=1)

    def _top_of_found(self, hidden, k):
        n_wanted = max(k, self.n_active)
        found = self._tables.most_collisions(self._codes(hidden), n_wanted, fill_from=0)
        rows, places = torch.unique(found, return_inverse=True)
        scores, best = pair_scores(self._with_bias(hidden), self._gather(rows), places).topk(k)
        return scores, found.gather(1, best)

    def _draw(self):
        """Draw classes without replacement: all have been drawn before one comes again."""
        drawn = np.sort(self._deck.deal(self.n_active - self.n_hashed))
        return torch.from_numpy(drawn)

    # What a copy needs to go on in the same way

    def get_extra_state(self) -> dict[str, Any]:
        """Tell tables, draws and schedule, as `state_dict` holds them.

        Returns
        -------
        state : dict
            Tensors and numbers.
        """
        return extra_state(self)

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Take over what `get_extra_state` told.

        Parameters
        ----------
        state : dict
            Of a module with the same settings.

        Raises
        ------
        ValueError
            If it is of another module, or not as it was saved. The module is then as it was.
        """
        check_extra_state(self, state)
        self._begin(state["seed"])
        self._unit = state["unit"]
        self._n_steps, self._period.due, self._period.length = state["schedule"]
        self._deck.n_dealt = state["n_drawn"]
        self._tables.restore(state["tables"])

    def _check_stored(self):
        check_layer(self)

    def _apply(self, fn, recurse=True):
        """Move to another device or type; tables follow the weights."""
        moved = super()._apply(fn, recurse)
        if self._tables is not None and self._tables.codes.device != self.weight.device:
            state = self._tables.state()
            self._tables = ClassTables(self.n_classes, self.family_, self.weight.device)
            self._tables.restore(state)
        return moved
