"""Hash tables of classes that lie where a module's weights do."""

from __future__ import annotations

import numpy as np
import torch

from sklearn_lsh.csr import Pattern, even_pattern
from sklearn_lsh.hashing import LSHTables
from sklearn_lsh.hashing.stored_tables import check_fit, check_members
from sklearn_lsh.selection.class_memory import ClassMemory
from sklearn_lsh.selection.output import OutputLSH
from sklearn_lsh.stored import Attributes, check_array, refuse
from sklearn_lsh.torch import bridge

# In place of a class where fewer were found than wanted.
NO_CLASS = -1
# Share of all samples, and number of them, from which a class is popular.
POPULAR = 1e-3
LEAST_SAMPLES = 10


class ClassTables:
    """Tables of classes: by the codes of their rows, and by those of their latest samples.

    Parameters
    ----------
    n_classes : int
    family : HashFamily
    device : torch.device
    """

    def __init__(self, n_classes, family, device):
        self.n_classes, self.n_buckets = n_classes, family.n_buckets_
        self.memory = ClassMemory(n_classes, OutputLSH.SAMPLES)
        # PyTorch computes little with uint16: the same bits as int16.
        dtype = torch.uint8 if family.code_dtype == np.uint8 else torch.int16
        shape = (self.memory.n_places, family.n_tables)
        self.codes = torch.zeros(shape, dtype=dtype, device=device)
        self.tables = None

    def build(self):
        """Build the tables of all codes."""
        filled = np.flatnonzero(~self.memory.is_blank)
        owners = self._beside(self.memory.owners[filled].view(np.int32))
        codes = bridge.hashable(self.codes[self._beside(filled)])
        self.tables = LSHTables(codes, self.n_buckets, bridge.hashable(owners), self.n_classes)

    def note(self, codes, labels):
        """Remember where samples of classes fell, in place of those remembered longest."""
        labels = labels.cpu().numpy().astype(np.uint32)
        samples, places = self.memory.place(even_pattern(labels[:, np.newaxis]))
        # Of several samples for a place the last: a library may write them in any order.
        places, from_end = np.unique(places[::-1], return_index=True)
        samples = samples[::-1][from_end]
        # Of several codes for each table the last: as a class would have that responds most.
        latest = codes if codes.ndim == 2 else codes[:, -1]
        self.codes[self._beside(places.astype(np.int64))] = latest[self._beside(samples)]
        self.memory.is_blank[places] = False

    def popular(self, n_hashed):
        """The most frequent classes so far, if they are frequent.

        They are candidates of every batch, as those of `OutputLSH.with_popular` of every sample.
        """
        counts = self.memory.counts
        popular = np.flatnonzero(counts > max(LEAST_SAMPLES, POPULAR * counts.sum()))
        most = int(OutputLSH.MOST_POPULAR * n_hashed)
        order = np.argsort(-counts[popular], kind="stable")
        return self._beside(popular[order[:most]])

    def most_collisions(self, codes, n_wanted, fill_from=-1):
        """Classes that share most buckets with each sample, `NO_CLASS` where there are fewer."""
        found = self.tables.most_collisions(bridge.hashable(codes), n_wanted, fill_from)
        indptr, members = bridge.unhashable(found.indptr), bridge.unhashable(found.indices)
        lengths = indptr[1:] - indptr[:-1]
        is_filled = torch.arange(n_wanted, device=lengths.device) < lengths[:, None]
        classes = torch.full(is_filled.shape, NO_CLASS, dtype=torch.int64, device=lengths.device)
        classes[is_filled] = members.to(torch.int64)
        return classes

    def _beside(self, array):
        """A NumPy array as a tensor where the codes are."""
        return torch.from_numpy(array).to(self.codes.device)

    def check_stored(self, n_classes, family):
        """Check what was loaded with the whole module."""
        stored = Attributes(self)
        stored.integer("n_classes", n_classes, n_classes)
        stored.integer("n_buckets", family.n_buckets_, family.n_buckets_)
        stored.part("memory", ClassMemory).check_stored(n_classes)
        if stored.get("tables") is not None:
            check_fit(stored.part("tables", LSHTables), family, n_classes)
        shape = (self.memory.n_places, family._n_features_out)
        self._check_codes(stored.get("codes"), torch.Size(shape))

    def check_state(self, state):
        """Refuse what `state` did not tell of tables of these sizes."""
        names = {"codes", "is_blank", "counts", "built"}
        if not isinstance(state, dict) or not state.keys() >= names:
            refuse("tables", f"a dictionary of {sorted(names)}", state)
        self._check_codes(state["codes"], self.codes.shape)
        for name, least in (("is_blank", None), ("counts", 0)):
            own = getattr(self.memory, name)
            check_array(f"tables.{name}", _numpy(state[name]), own.dtype, own.shape, least=least)
        if state["built"] is not None:
            parts = state["built"]
            if not isinstance(parts, (tuple, list)) or len(parts) != 2:
                refuse("tables.built", "two tensors", parts)
            pattern = Pattern(*(_numpy(part) for part in parts))
            n_tables = self.codes.shape[1]
            check_members("tables.built", pattern, n_tables * self.n_buckets, self.n_classes)

    def _check_codes(self, codes, shape):
        own = np.uint8 if self.n_buckets <= 1 << 8 else np.uint16
        check_array("tables.codes", _numpy(codes), own, tuple(shape), below=self.n_buckets)

    def state(self):
        """Everything in tensors and numbers."""
        built = self.tables and (
            bridge.unhashable(self.tables.indptr),
            bridge.unhashable(self.tables.members),
        )
        return {
            "codes": self.codes,
            "is_blank": torch.from_numpy(self.memory.is_blank),
            "counts": torch.from_numpy(self.memory.counts),
            "built": built,
        }

    def restore(self, state):
        """Take over what `state` told."""
        self.codes.copy_(state["codes"])
        self.memory.is_blank[:] = state["is_blank"].cpu().numpy()
        self.memory.counts[:] = state["counts"].cpu().numpy()
        if state["built"] is not None:
            self.build()
            device = self.codes.device
            arrays = (bridge.hashable(array.to(device, copy=True)) for array in state["built"])
            self.tables.indptr, self.tables.members = arrays


def _numpy(tensor):
    """A tensor that was loaded as NumPy's array, unsigned where families and tables have it so."""
    if not isinstance(tensor, torch.Tensor):
        refuse("tables", "made of tensors", tensor)
    array = tensor.detach().cpu().numpy()
    unsigned = {np.dtype(np.int16): np.uint16, np.dtype(np.int32): np.uint32}
    return array.view(unsigned.get(array.dtype, array.dtype))
