"""Rows of classes, and the hash tables that follow them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sklearn_lsh.network.refresh import RefreshPeriod
from sklearn_lsh.selection.lsh import choose_n_bits, make_family
from sklearn_lsh.selection.negatives import Deck
from sklearn_lsh.selection.output import CHUNK, OutputLSH
from sklearn_lsh.stored import Stored
from sklearn_lsh.torch import bridge, checks, sketches
from sklearn_lsh.torch.class_tables import NO_CLASS, ClassTables
from sklearn_lsh.torch.state import check_extra_state, check_layer, extra_state

# What it takes to hash a class anew and to put it into the tables, with its samples: as much as
# to train on so many pairs of a sample and a class (measured on a CPU).
ROW_COST = 64
# How far the hidden vectors' mean moves at a refresh towards that of the latest batch.
RECENTRE = 0.5
# Classes that a sample's buckets are to hold several times, and that are looked at to find the
# likeliest.
N_FOUND = 128


class HashedClasses(Stored, nn.Module):
    """Rows and biases of classes, found by hashing.

    Parameters
    ----------
    in_features, n_classes : int
    n_hashed : int
        Classes that are looked up for a batch, 0 if none are.
    n_drawn : int
        Classes that are drawn for a batch.
    bias, hash_function, n_bits, n_tables, seed, device, dtype
        See `LSHSoftmaxLoss`.
    """

    def __init__(
        self,
        in_features,
        n_classes,
        *,
        n_hashed,
        n_drawn,
        bias,
        hash_function,
        n_bits,
        n_tables,
        seed,
        device,
        dtype,
    ):
        super().__init__()
        self.in_features, self.n_classes = in_features, n_classes
        self.n_hashed, self.n_drawn = n_hashed, n_drawn
        placed = {"device": device, "dtype": dtype}
        self.weight = nn.Parameter(torch.empty(n_classes, in_features, **placed))
        self.bias = nn.Parameter(torch.empty(n_classes, 1, **placed)) if bias else None
        self.register_buffer("mean", torch.zeros(in_features, device=device))
        self.reset_parameters()
        if n_bits == "auto":
            n_members = (1 + OutputLSH.SAMPLES) * n_classes
            n_found = OutputLSH.OVERSUPPLY * min(N_FOUND, n_classes)
            n_bits = choose_n_bits(n_members, n_found, n_tables)
        self._family = make_family(hash_function).set_params(n_bits=n_bits, n_tables=n_tables)
        self._family._validate_params()
        self._tables: ClassTables | None = None
        seed = int(torch.randint(2**31, ())) if seed is None else seed
        self._begin(seed, sketches.Centre(self.mean, 1.0))

    def _begin(self, seed, centre):
        """Draw the hash functions, and begin with nothing known of samples but their centre."""
        self.seed = seed
        self.mean.copy_(centre.mean)
        self._unit = centre.unit
        self.family_ = self._family.set_params(random_state=seed)
        self.family_.fit(np.zeros((1, self.in_features + 1), np.float32))
        self._deck = Deck(np.arange(self.n_classes), np.random.RandomState(seed))
        self._n_steps, self._period = 0, RefreshPeriod()
        self._tables = ClassTables(self.n_classes, self.family_, self.weight.device)

    def reset_parameters(self) -> None:
        """Draw the weights anew, as `torch.nn.Linear` does."""
        bound = 1 / math.sqrt(self.in_features)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

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

    # How it is done, for those that stand on it

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
                batch_work = hidden.shape[0] * (self.n_hashed + self.n_drawn)
                self._period.begin(self._n_steps, ROW_COST * self.n_classes, batch_work)
            else:
                self._period.begin_next(self._n_steps)
        self._n_steps += 1
        return self._codes(hidden)

    def _found(self, codes, own):
        """Classes that a batch's samples are like, as many for each; of a large batch for some.

        Parameters
        ----------
        codes : Tensor of shape (n_samples, n_tables) or (n_samples, n_ranges, n_tables)
        own : Tensor of shape (n_samples,)
            Classes that are not wanted: the samples', or `NO_CLASS`.
        """
        some = slice(None, None, max(1, math.ceil(codes.shape[0] / self.n_hashed)))
        codes, own = codes[some].contiguous(), own[some]
        n_each = self.n_hashed // max(1, codes.shape[0])
        found = self._tables.most_collisions(codes, min(1 + n_each, self.n_classes))
        is_other = (found != own[:, None]) & (found != NO_CLASS)
        return found[is_other & (is_other.cumsum(dim=1) <= n_each)]

    def _draw(self):
        """Draw classes without replacement: all have been drawn before one comes again."""
        drawn = self._deck.deal(self.n_drawn)
        return torch.from_numpy(drawn).to(self.weight.device)

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
        self._begin(state["seed"], sketches.Centre(self.mean, state["unit"]))
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
