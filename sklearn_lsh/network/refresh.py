"""When selections are brought up to date with the weights they stand for."""

from sklearn_lsh.csr import n_samples
from sklearn_lsh.stored import Attributes, is_integer
from sklearn_lsh.weights import values

# Share of the training's multiply-adds that refreshes may cost at first.
WORK_SHARE = 0.1
# Mini-batches that are at least between two refreshes.
SHORTEST_PERIOD = 10
# By how much each period is longer than the one before, because weights settle.
GROWTH = 1.02


class RefreshPeriod:
    """When one selection is due: when it pays, ever less often.

    A new network's weights move fast, so tables are soon stale; later they hardly change. The
    first period is the shortest that keeps the work of refreshing small beside the work of
    training, and each next one is longer by ``GROWTH``.

    Attributes
    ----------
    length : float or None
        Mini-batches between this refresh and the next; None before the first batch.
    due : float
        Mini-batch at which the next refresh is due.
    """

    def __init__(self):
        self.length = None
        self.due = 0.0

    def check_stored(self):
        """Check what was loaded."""
        stored = Attributes(self)
        if stored.get("length") is not None:
            stored.number("length", 0)
        stored.number("due", 0)

    def begin(self, n_steps, refresh_work, batch_work):
        """Start the first period at mini-batch ``n_steps``, from multiply-adds."""
        cheap_enough = refresh_work / (WORK_SHARE * max(1, batch_work))
        self.length = max(SHORTEST_PERIOD, cheap_enough)
        self.postpone(n_steps)

    def begin_next(self, n_steps):
        """Start the next period, at the mini-batch in which one was due."""
        self.length *= GROWTH
        self.postpone(n_steps)

    def postpone(self, n_steps):
        """Start this period anew, after the selection was refreshed for another reason."""
        if self.length is not None:
            self.due = n_steps + self.length


class RefreshSchedule:
    """Refresh each layer's selection when it is due."""

    def __init__(self):
        self.periods = {}

    def check_stored(self, n_layers):
        """Check what was loaded."""
        stored = Attributes(self)
        for depth, period in stored.part("periods", dict).items():
            known = is_integer(depth, 0, n_layers - 1) and isinstance(period, RefreshPeriod)
            stored.require(known, "periods", f"of layers up to {n_layers}")
            period.check_stored()

    def after_batch(self, layers, caches, targets, n_steps):
        """Note what a batch selected, and refresh what is due."""
        for depth, (layer, cache) in enumerate(zip(layers, caches, strict=True)):
            if layer.selection is None:
                continue
            layer.selection.note(cache.active, cache.groups, targets)
            if depth not in self.periods:
                self.periods[depth] = self._first_period(layer, caches, n_steps)
            period = self.periods[depth]
            if n_steps >= period.due:
                # Begun first, so that no other thread refreshes the same layer.
                period.begin_next(n_steps)
                layer.selection.refresh(layer.weights, cache.inputs)

    def _first_period(self, layer, caches, n_steps):
        period = RefreshPeriod()
        refresh_work = layer.selection.refresh_work(layer.weights)
        period.begin(n_steps, refresh_work, sum(batch_work(cache) for cache in caches))
        return period

    def postpone(self, n_steps):
        """Start all periods anew, after all selections were refreshed."""
        for period in self.periods.values():
            period.postpone(n_steps)


def batch_work(cache):
    """Multiply-adds of a layer for a batch: forwards, gradients of inputs and of weights."""
    return 3 * values(cache.outputs).size * values(cache.inputs).size / n_samples(cache.inputs)
