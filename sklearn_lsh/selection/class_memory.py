"""Where the latest samples of each class fell, to find new ones like them."""

from typing import NamedTuple

import numpy as np

from sklearn_lsh.csr import lengths_of
from sklearn_lsh.stored import Attributes


def share_room(n_samples, mean):
    """How many samples of each class to remember, ``mean`` for each class at most.

    Of each class the same number, or all it has. (If they were simply the latest, some classes
    would have none, and would be missed.)
    """
    ordered = np.sort(n_samples)
    n_classes = ordered.shape[0]
    # Room that is taken if no class is given more than the one at each place has.
    taken = np.cumsum(ordered) + ordered * np.arange(n_classes - 1, -1, -1)
    most = ordered[taken <= mean * n_classes].max(initial=mean)
    return np.clip(n_samples, 1, most)


def owners_of(room):
    """Each place's class, where every class has a place for its row and so many for samples."""
    classes = np.arange(len(room), dtype=np.uint32)
    return np.concatenate([classes, np.repeat(classes, room)])


class Placement(NamedTuple):
    """Which samples of a batch are written down where: one place for each, in the same order."""

    samples: np.ndarray
    places: np.ndarray


class ClassMemory:
    """Places for the codes of classes: one for a class's row of weights, then its samples' ring.

    The codes themselves are the user's, in whatever array has a row for each place.

    Parameters
    ----------
    n_classes : int
    mean : int
        Samples that are remembered for each class, on average.
    n_samples : ndarray of shape (n_classes,), default=None
        How many samples each class has, if that is known: rare classes then leave their room to
        others.

    Attributes
    ----------
    owners : ndarray of shape (n_places,), dtype=uint32
        Each place's class. Place ``c`` is that of class c's row.
    is_blank : ndarray of shape (n_places,), dtype=bool
        Places of samples in which nothing was written yet.
    counts : ndarray of shape (n_classes,), dtype=int64
        How many samples each class has had, those counted that it is known to have.
    """

    def __init__(self, n_classes, mean, n_samples=None):
        room = np.full(n_classes, mean) if n_samples is None else share_room(n_samples, mean)
        self._lay_out(room)
        self.is_blank = np.arange(self.n_places) >= n_classes
        self.counts = np.zeros(n_classes, np.int64)
        if n_samples is not None:
            self.counts += n_samples

    def _lay_out(self, room):
        self.owners = owners_of(room)
        # Where each class's ring begins, and the last one ends.
        ends = len(room) + np.cumsum(room)
        self.starts = np.concatenate([[len(room)], ends]).astype(np.uint32)

    def grow(self, numbers, n_classes, mean):
        """Give the classes new numbers, and put others between them, with room for ``mean`` each.

        Parameters
        ----------
        numbers : int ndarray, ascending
            The new number of each class.
        n_classes : int
            How many there are then.
        mean : int

        Returns
        -------
        places : int ndarray of shape (n_places,)
            Where each place of before is now.
        """
        room = np.full(n_classes, mean)
        room[numbers] = np.diff(self.starts.astype(np.intp))
        is_blank = self.is_blank
        self._lay_out(room)
        is_known = np.zeros(n_classes, bool)
        is_known[numbers] = True
        # Rings keep their order, and their lengths.
        places = np.flatnonzero(is_known[self.owners])
        self.is_blank = np.arange(self.n_places) >= n_classes
        self.is_blank[places] = is_blank
        counts = np.zeros(n_classes, np.int64)
        counts[numbers] = self.counts
        self.counts = counts
        return places

    def check_stored(self, n_classes):
        """Check what was loaded."""
        stored = Attributes(self)
        owners = stored.array("owners", np.uint32, (None,))
        n_places = owners.shape[0]
        starts = stored.array("starts", np.uint32, (n_classes + 1,), below=n_places + 1)
        room = np.diff(starts.astype(np.int64))
        is_whole = starts[0] == n_classes and starts[-1] == n_places and (room > 0).all()
        stored.require(is_whole, "starts", f"rings from {n_classes} to {n_places}")
        stored.require(np.array_equal(owners, owners_of(room)), "owners", "the rings' classes")
        stored.array("is_blank", np.bool_, (n_places,))
        stored.array("counts", np.int64, (n_classes,), least=0)

    @property
    def n_classes(self):
        """Number of classes."""
        return self.counts.shape[0]

    @property
    def n_places(self):
        """Number of places, those of rows included."""
        return self.owners.shape[0]

    def place(self, targets) -> Placement:
        """Choose the places for the samples of a batch, by the `Pattern` of their classes."""
        order = np.argsort(targets.indices, kind="stable")
        samples = np.repeat(np.arange(targets.n_rows), lengths_of(targets.indptr))[order]
        classes, first, counts = np.unique(
            targets.indices[order], return_index=True, return_counts=True
        )
        start = self.starts[classes]
        room = self.starts[classes + np.uint32(1)] - start
        # A class's samples go round its ring.
        steps = np.arange(samples.shape[0]) + np.repeat(self.counts[classes] - first, counts)
        places = np.repeat(start, counts) + steps % np.repeat(room, counts)
        self.counts[classes] += counts
        return Placement(samples, places)

    def blank_places(self):
        """Places of samples in which nothing was written yet."""
        # Of a copy: other threads may be writing, and NumPy counts before it fills.
        return np.flatnonzero(self.is_blank.copy())
