"""A memory as the last part of a network."""

from __future__ import annotations

from numbers import Real
from typing import NamedTuple

import torch
from sklearn.utils._param_validation import Interval, validate_parameter_constraints
from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_lsh.inputs import Count, Quantity
from sklearn_lsh.torch.checks import check_hidden, check_k, check_leading

# Label of an empty slot, and of what is not there.
NO_LABEL = -1
_MOST_SEED = 2**31 - 1

_CONSTRAINTS: dict = {
    "n_features": [Count()],
    "n_slots": [Count(1, 2**31 - 1)],
    "margin": [Quantity(0, closed="left")],
    "age_noise": [Interval(Real, 0, 1e9, closed="both")],
    "seed": [None, Count(0, _MOST_SEED)],
}


class NearestKeys(NamedTuple):
    """What `LSHMemory.query` finds, the nearest first.

    Attributes
    ----------
    labels : Tensor of shape (..., k), dtype=int64
        Labels of the nearest keys; -1 where there are no more.
    scores : Tensor of shape (..., k)
        Their cosines.
    """

    labels: Tensor
    scores: Tensor


class LSHMemory(nn.Module):
    r"""Memory of examples that teaches a network what should be near what.

    The same memory as `sklearn_lsh.memory.LSHMemoryClassifier`, and its margin loss [1]_: with q a
    sample's direction, K its most similar key of the same label, and W that of another,

    .. math:: \max(0,\ q \cdot W - q \cdot K + \text{margin}).

    No gradient goes into keys; they change by the memory's rule, each time that samples are learnt
    in training mode. A sample of a label that has no key yet, or where there is no other label, has
    no loss.

    Parameters
    ----------
    n_features : int
        Length of the hidden vectors.
    n_slots : int, default=8192
        Keys that there may be.
    margin : float, default=0.1
        By how much the right key is to be nearer.
    age_noise : float, default=8.0
        The slot that is given up has the greatest age plus a number that is uniform from
        ``-age_noise`` to ``age_noise``.
    seed : int, default=None
        Draws the noise. None takes it from PyTorch's global generator.
    device, dtype : default=None
        Of the keys.

    Attributes
    ----------
    keys : Tensor of shape (n_slots, n_features)
        Unit vectors; zeros in empty slots.
    labels : Tensor of shape (n_slots,), dtype=int64
        Their labels; -1 in empty slots.
    ages : Tensor of shape (n_slots,), dtype=int64
        Samples learnt since each was touched.

    See Also
    --------
    sklearn_lsh.memory.LSHMemoryClassifier : Searches by hashing, for many more keys.

    Notes
    -----
    Samples of a batch are learnt one after the other, as if they had come alone. The nearest keys
    are found by a product with all keys, where these lie: on any device. ``state_dict`` has
    everything.

    References
    ----------
    .. [1] L. Kaiser, O. Nachum, A. Roy and S. Bengio, "Learning to remember rare events",
       ICLR 2017. :arxiv:`1703.03129`

    Examples
    --------
    >>> import torch
    >>> from sklearn_lsh.torch import LSHMemory
    >>> memory = LSHMemory(4, n_slots=10, seed=0)
    >>> hidden, labels = torch.eye(4)[:2], torch.tensor([7, 3])
    >>> loss = memory(hidden, labels)  # of samples that are new to it
    >>> loss.item()
    0.0
    >>> memory.query(torch.tensor([[0.1, 0.9, 0.0, 0.0]])).labels
    tensor([[3]])
    """

    keys: Tensor
    labels: Tensor
    ages: Tensor
    clock: Tensor
    seed: Tensor

    def __init__(
        self,
        n_features: int,
        n_slots: int = 8192,
        *,
        margin: float = 0.1,
        age_noise: float = 8.0,
        seed: int | None = None,
        device: torch.device | str | int | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        settings = {
            "n_features": n_features,
            "n_slots": n_slots,
            "margin": margin,
            "age_noise": age_noise,
            "seed": seed,
        }
        validate_parameter_constraints(_CONSTRAINTS, settings, type(self).__name__)
        if seed is None:
            seed = int(torch.randint(_MOST_SEED, ()))
        self.margin, self.age_noise = margin, age_noise
        whole = {"dtype": torch.int64, "device": device}
        keys = torch.zeros(n_slots, n_features, device=device, dtype=dtype)
        self.register_buffer("keys", keys)
        self.register_buffer("labels", torch.full((n_slots,), NO_LABEL, **whole))
        self.register_buffer("ages", torch.zeros(n_slots, **whole))
        self.register_buffer("clock", torch.zeros((), **whole))
        self.register_buffer("seed", torch.tensor(seed, **whole))

    def forward(self, hidden: Tensor, labels: Tensor) -> Tensor:
        """Compare samples with the keys; in training mode learn them then.

        Parameters
        ----------
        hidden : Tensor of shape (..., n_features)
            What the network makes of samples.
        labels : Tensor of shape (...), dtype=int64
            Their labels, not negative.

        Returns
        -------
        loss : Tensor
            Mean over the samples.

        Raises
        ------
        ValueError, TypeError
            If hidden or labels are not valid, or a vector has no direction. Nothing is learnt then.
        """
        labels = self._check_labels(hidden, labels)
        rows = self._directions(hidden)
        scores = rows @ self.keys.clone().T  # of keys as they are now, for the gradient
        is_right = labels[:, None] == self.labels
        is_wrong = ~is_right & (self.labels != NO_LABEL)
        right, wrong = (
            scores.masked_fill(~mask, -torch.inf).amax(dim=1) for mask in (is_right, is_wrong)
        )
        counts = is_right.any(dim=1) & is_wrong.any(dim=1)
        losses = F.relu(wrong[counts] - right[counts] + self.margin)
        if self.training:
            with torch.no_grad():
                self._learn(rows.detach(), labels, scores.detach().clone())
        return losses.sum() / max(1, len(rows))

    def query(self, hidden: Tensor, k: int = 1) -> NearestKeys:
        """Find the keys nearest to samples, and change nothing.

        Parameters
        ----------
        hidden : Tensor of shape (..., n_features)
            Samples.
        k : int, default=1
            How many.

        Returns
        -------
        nearest : NearestKeys
            Their labels and cosines.

        Raises
        ------
        ValueError, TypeError
            If hidden is not valid, or k not from 1 to the number of slots.
        """
        check_k(k, len(self.keys))
        scores = self._mask(self._directions(hidden) @ self.keys.T)
        best = scores.topk(int(k), dim=1)
        labels = torch.where(best.values > -torch.inf, self.labels[best.indices], NO_LABEL)
        shape = (*hidden.shape[:-1], int(k))
        return NearestKeys(labels.reshape(shape), best.values.reshape(shape))

    def reset(self) -> None:
        """Empty all slots."""
        self.keys.zero_()
        self.labels.fill_(NO_LABEL)
        self.ages.zero_()

    def extra_repr(self) -> str:
        """Tell what it is made of.

        Returns
        -------
        settings : str
            As they are shown.
        """
        n_slots, n_features = self.keys.shape
        return f"n_features={n_features}, n_slots={n_slots}, margin={self.margin}"

    def _learn(self, rows, labels, scores):
        """The rule, sample after sample; ``scores`` are kept up with the keys that change."""
        scores = self._mask(scores)
        for i, row in enumerate(rows):
            nearest = int(scores[i].argmax())
            is_right = bool(scores[i, nearest] > -torch.inf) and self.labels[nearest] == labels[i]
            slot = nearest if is_right else self._slot_to_give()
            # Of opposite ones the sum has no direction: the sample it is.
            total = self.keys[slot] + row if is_right else row
            self.keys[slot] = F.normalize(total, dim=0) if total.any() else row
            self.labels[slot] = labels[i]
            self.ages += 1
            self.ages[slot] = 0
            self.clock += 1
            scores[i + 1 :, slot] = rows[i + 1 :] @ self.keys[slot]

    def _slot_to_give(self):
        """The first empty slot, or the one of the greatest age plus noise."""
        empty = self.labels == NO_LABEL
        if empty.any():
            return int(empty.int().argmax())
        generator = torch.Generator().manual_seed(int(self.seed) + (int(self.clock) << 31))
        noise = torch.rand(len(self.ages), generator=generator, dtype=torch.float64)
        ages = self.ages.cpu() + self.age_noise * (2 * noise - 1)
        return int(ages.argmax())

    def _mask(self, scores):
        return scores.masked_fill(self.labels == NO_LABEL, -torch.inf)

    def _directions(self, hidden):
        rows = check_hidden(hidden, self.keys).to(self.keys.dtype)
        with torch.no_grad():
            lengths = rows.norm(dim=1)
            wrong = (~torch.isfinite(lengths) | (lengths == 0)).nonzero().reshape(-1)
        if len(wrong):
            raise ValueError(
                f"hidden must have vectors that are finite and not zero: row {int(wrong[0])} isn't."
            )
        return F.normalize(rows, dim=1, eps=0.0)

    def _check_labels(self, hidden, labels):
        is_whole = isinstance(labels, Tensor) and not (
            labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool
        )
        if not is_whole:
            kind = labels.dtype if isinstance(labels, Tensor) else type(labels).__name__
            raise TypeError(f"labels must be a tensor of integers, got {kind}.")
        check_hidden(hidden, self.keys)
        check_leading("labels", labels.shape, hidden.shape[:-1])
        labels = labels.reshape(-1).to(self.labels)
        if len(labels) and int(labels.min()) < 0:
            raise ValueError(f"labels must not be negative, got {int(labels.min())}.")
        return labels
