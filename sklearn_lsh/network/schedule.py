"""When selections are brought up to date with the weights they stand for."""

from sklearn_lsh.csr import n_samples
from sklearn_lsh.network.layers import SelectedLayer, values

# Refreshes may cost this share of the training's multiply-adds ...
SHARE = 0.1
# ... and come at first after at least so many mini-batches,
LEAST_PERIOD = 10
# then after ever more, because weights settle.
GROWTH = 1.02


class RefreshSchedule:
    """Refresh each layer's selection when it pays, ever less often.

    A new network's weights move fast, so tables are soon stale; later they hardly change. The
    first period is the shortest that keeps the work of refreshing small beside the work of
    training, and each next one is longer by ``GROWTH``.
    """

    def __init__(self):
        self.periods = {}
        self.due = {}

    def after_batch(self, layers, passes, targets, n_steps):
        """Note what a batch selected, and refresh what is due."""
        for depth, (layer, done) in enumerate(zip(layers, passes, strict=True)):
            if not isinstance(layer, SelectedLayer):
                continue
            layer.selection.note(done, targets)
            if depth not in self.periods:
                work = max(1, sum(batch_work(done) for done in passes))
                period = max(LEAST_PERIOD, layer.selection.refresh_work(layer) / (SHARE * work))
                self.periods[depth] = period
                self.due[depth] = n_steps + period
            if n_steps >= self.due[depth]:
                # Set first, so that no other thread refreshes the same layer.
                self.periods[depth] *= GROWTH
                self.due[depth] = n_steps + self.periods[depth]
                layer.selection.refresh(layer, done.inputs)

    def postpone(self, n_steps):
        """Start all periods anew, after all selections were refreshed."""
        self.due = {depth: n_steps + period for depth, period in self.periods.items()}


def batch_work(done):
    """Multiply-adds of a layer for a batch: forwards, errors, gradients."""
    return 3 * values(done.outputs).size * values(done.inputs).size / n_samples(done.inputs)
