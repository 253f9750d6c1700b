"""The network: layers in a row, forwards, backwards, and what fits and predictions ask of it."""

import copy
import math
from itertools import pairwise

import numpy as np

from sklearn_lsh.csr import first_rows, take
from sklearn_lsh.network.activations import ACTIVATIONS
from sklearn_lsh.network.initialization import (
    chunks,
    draw_bound,
    sample_rows,
    set_to_centroids,
    set_to_share,
)
from sklearn_lsh.network.layers import Layer, LayerShape, make_layer, replace_parameters
from sklearn_lsh.network.losses import LOSSES, loss_and_deltas
from sklearn_lsh.network.optimizers import Optimizer
from sklearn_lsh.network.ranking import best_outputs
from sklearn_lsh.network.refresh import RefreshSchedule
from sklearn_lsh.network.training import Gate, count_threads, run_batches, split, take_batch
from sklearn_lsh.network.work import WorkLog
from sklearn_lsh.selection import Hashing, OutputLSH, make_for_predictions
from sklearn_lsh.stored import MOST, Attributes, is_integer
from sklearn_lsh.threads import one_by_one
from sklearn_lsh.weights import values

# Rows of a chunk when predicting: enough to amortise the calls, few enough for the caches ...
CHUNK = 512
# ... and numbers that a layer may hold for one, so that wide layers do not take much memory.
MOST_PREACTIVATIONS = 1 << 24
# Rows from which the selections get to know their layers' inputs at first ...
N_FIRST = 2048
# ... and ever after.
N_LATER = 256


class Network:
    """A multilayer perceptron of full and selected layers, computing in float32.

    Parameters
    ----------
    n_units : list of int
        Numbers of inputs, of neurons of each hidden layer, and of outputs.
    activation : str
        A key of `ACTIVATIONS`, for the hidden layers.
    loss : str
        A key of `LOSSES`.
    n_active : list of (int or None)
        For each hidden layer and the output layer, how many neurons are selected for a sample;
        None computes all of them.
    selection : str
        ``"lsh"``, ``"topk"``, ``"random"`` or ``"all"``.
    hash_function, n_bits, n_tables
        See `sklearn_lsh.selection.Hashing`.
    alpha : float
        Strength of the L2 penalty; a batch's part is divided by its weight. The decay is
        decoupled from the optimizer (Loshchilov & Hutter, ICLR 2019), which for plain gradient
        descent is the same.
    optimizer : Optimizer
    sparse_input : bool
        Whether the data that training starts with is sparse.
    active_inputs : float
        Mean number of non-zeros of a row of it, the fan-in that matters for sparse data.
    random_state : RandomState

    Attributes
    ----------
    mean_hidden : ndarray of shape (n_units[-2],) or None
        What the last hidden layer answers on average, if that is remembered for outputs to come.
    """

    def __init__(
        self,
        n_units,
        *,
        activation="relu",
        loss="softmax",
        n_active,
        selection="lsh",
        hash_function="simhash",
        n_bits="auto",
        n_tables="auto",
        alpha=0.0,
        optimizer,
        sparse_input=False,
        active_inputs=None,
        random_state,
    ):
        self.n_units = list(n_units)
        self.activation = activation
        self.loss = loss
        self.alpha = alpha
        self.optimizer = optimizer
        self.schedule = RefreshSchedule()
        self.log = WorkLog(sparse_input, optimizer.n_states)
        self.prepared = False
        self.mean_hidden = None
        self.layers = []
        hashing = Hashing(hash_function, n_bits, n_tables, random_state)
        # As many inputs as are not zero: with the others counted, responses would fade from
        # layer to layer and learning would start slowly.
        fan_in = active_inputs if sparse_input else n_units[0]
        for depth, (n_inputs, n_neurons) in enumerate(pairwise(n_units)):
            is_output = depth + 2 == len(n_units)
            shape = LayerShape(
                n_inputs,
                n_neurons,
                n_active=None if selection == "all" else n_active[depth],
                is_output=is_output,
                n_nonzero=active_inputs if sparse_input and depth == 0 else math.inf,
            )
            # Without a hidden layer what is drawn for inputs that are rare would only stay.
            is_linear = len(n_units) == 2 and shape.n_active is None
            bound = 0.0 if is_linear else draw_bound(activation, fan_in, n_neurons)
            self.layers.append(make_layer(shape, bound, optimizer, selection, hashing))
            fan_in = n_neurons if shape.n_active is None else shape.n_active

    def check_stored(self):
        """Check what was loaded, and that the layers fit together."""
        stored = Attributes(self)
        n_units = stored.part("n_units", list)
        are_sizes = len(n_units) > 1 and all(is_integer(size, 1, MOST) for size in n_units)
        stored.require(are_sizes, "n_units", "sizes of two layers or more")
        stored.one_of("activation", ACTIVATIONS)
        stored.one_of("loss", LOSSES)
        stored.number("alpha", 0)
        stored.flag("prepared")
        if stored.get("mean_hidden") is not None:
            stored.array("mean_hidden", np.float32, (n_units[-2],), finite=True)
        optimizer = stored.part("optimizer", Optimizer)
        optimizer.check_stored()
        stored.part("log", WorkLog).check_stored()
        layers, sizes = stored.part("layers", list), list(pairwise(n_units))
        are_layers = len(layers) == len(sizes) and all(isinstance(each, Layer) for each in layers)
        stored.require(are_layers, "layers", f"{len(sizes)} layers")
        stored.part("schedule", RefreshSchedule).check_stored(len(layers))
        for depth, (layer, size) in enumerate(zip(layers, sizes, strict=True)):
            is_first_hidden = depth == 0 and len(layers) > 1
            layer.check_stored(*size, optimizer, is_first_hidden=is_first_hidden)

    # What one mini-batch does

    def forward(self, inputs, targets=None):
        """Run a batch through all layers; the outputs are left as pre-activations.

        ``targets`` (a `CSR`) are active in a selected output layer whatever is selected.
        """
        *hidden, last = self.layers
        caches = []
        for layer in hidden:
            caches.append(layer.forward(inputs))
            inputs = self._activate(caches[-1].outputs)
        caches.append(last.forward(inputs, targets))
        return caches

    def _activate(self, outputs):
        """Turn a hidden layer's pre-activations into activations, in place."""
        ACTIVATIONS[self.activation].apply(values(outputs))
        return outputs

    def train_batch(self, inputs, targets, weight):
        """One step on a batch whose ``weight`` sums to one; returns its weighted loss."""
        step = self.optimizer.next_step()
        caches = self.forward(inputs, targets)
        loss, deltas = loss_and_deltas(LOSSES[self.loss], caches[-1], targets, weight)
        for depth in reversed(range(len(self.layers))):
            layer, cache = self.layers[depth], caches[depth]
            learnt = layer.backward(cache, deltas, step, pass_gradient=depth > 0)
            self.log.note(depth, layer, cache, learnt)
            if depth > 0:
                deltas = learnt.input_gradient
                ACTIVATIONS[self.activation].backward(values(cache.inputs), deltas)
        self.schedule.after_batch(self.layers, caches, targets, self.optimizer.n_steps)
        return loss

    def decay(self, total_weight, gate):
        """Decay all weights as one step over a batch of that weight does."""
        if not self.alpha:
            return
        factor = max(0.0, 1.0 - self.optimizer.learning_rate * self.alpha / total_weight)
        weights = [layer.weights for layer in self.layers]
        with gate.outside(alone=lambda: any(each.settles(factor) for each in weights)):
            for each in weights:
                each.decay(factor)

    # What a fit asks

    def set_optimizer(self, optimizer):
        """Go on with the same weights and a new optimizer, which has no memory yet."""
        self.optimizer = optimizer
        self.schedule = RefreshSchedule()
        self.forget_steps()

    def forget_steps(self):
        """Forget what the optimizer remembers of earlier steps."""
        for layer in self.layers:
            layer.weights.forget_steps(self.optimizer)

    def prepare(self, X, rows, sample_weight=None):
        """Let the selections get to know a sample of some rows of the data, by their weights."""
        n_sample = N_LATER if self.is_prepared else N_FIRST
        first, self.prepared = not self.prepared, True
        if all(layer.selection is None for layer in self.layers):
            return
        inputs = take(X, np.ascontiguousarray(sample_rows(rows, sample_weight, n_sample)))
        for layer in self.layers:
            if layer.selection is not None:
                if first:
                    self._start_biases(layer, first_rows(inputs, N_LATER))
                layer.selection.fit(layer.weights, inputs)
            if layer is not self.layers[-1]:
                inputs = self._activate(layer.forward(inputs).outputs)
        self.schedule.postpone(self.optimizer.n_steps)

    @property
    def is_prepared(self):
        """Whether all selections know of the data."""
        selections = (layer.selection for layer in self.layers)
        return self.prepared and all(each is None or each.is_fitted for each in selections)

    def _start_biases(self, layer, inputs):
        """Start biases such that ReLU cuts off what is not active, where that is found."""
        n_active, n_neurons = layer.selection.n_active, layer.n_neurons
        cuts_off = self.activation == "relu" and layer is not self.layers[-1]
        if cuts_off and layer.selection.misses_few(n_neurons):
            set_to_share(layer.weights, inputs, n_active / n_neurons)

    def count_targets(self, target, rows):
        """Tell the output layer, before it is trained, how often training rows have each output."""
        selection = self.layers[-1].selection
        if isinstance(selection, OutputLSH):
            n_outputs = target.shape[1]
            selection.n_targets = np.bincount(target[rows].indices, minlength=n_outputs)

    def start_at_centroids(self, X, target, sample_weight=None, rows=None):
        """Start the output layer's rows at the centroids of their classes.

        Parameters
        ----------
        X, target, sample_weight
            See `train_epoch`.
        rows : ndarray of int64, default=None
            Training rows, in ascending order; by default all. Others play no part.
        """
        rows = np.arange(X.shape[0]) if rows is None else rows
        labelled = rows[np.diff(target.indptr)[rows] > 0]
        if labelled.shape[0] == 0:
            return
        self.prepare(X, labelled, sample_weight)
        parts = chunks(X, target, sample_weight, rows, self.chunk_size)
        hidden = (part._replace(inputs=self.hidden(part.inputs)) for part in parts)
        odds = not LOSSES[self.loss].normalised
        set_to_centroids(self.layers[-1].weights, hidden, odds=odds)
        self.prepare(X, labelled, sample_weight)

    def hidden(self, inputs, n_layers=None):
        """Activations of the last hidden layer, or of the last of so many."""
        for layer in self.layers[:-1][:n_layers]:
            inputs = self._activate(layer.forward(inputs).outputs)
        return inputs

    def train_epoch(
        self, X, target, sample_weight, order, batch_size, n_jobs=None, *, is_stopped=lambda: False
    ):
        """Train on the rows of ``order`` once.

        Parameters
        ----------
        X : ndarray or csr_array of shape (n_samples, n_features)
        target : csr_array of shape (n_samples, n_outputs), dtype=float32
        sample_weight : ndarray of shape (n_samples,), dtype=float32, or None
        order : ndarray of int64
        batch_size : int
        n_jobs : int or None
            Threads, which share the weights without locks (Hogwild). None is one.
        is_stopped : callable, default=never
            Asked before each mini-batch whether to leave out the rest.

        Returns
        -------
        loss : float
            Mean of the batches' losses while training, the penalty at the end included.
        """
        data, batches, losses = (X, target, sample_weight), split(order, batch_size), []
        try:
            self.train_batches(data, batches, n_jobs, losses, is_stopped=is_stopped)
        finally:  # an interrupted epoch, too, leaves weights and tables as they are to be used
            self.end_epoch(X, order, sample_weight)
        return sum(losses) / order.shape[0] + self.penalty(order.shape[0] / len(batches))

    def train_batches(self, data, batches, n_jobs, losses, *, is_stopped):
        """Train on mini-batches: an epoch, or a part of one, after which `end_epoch` is due.

        Parameters
        ----------
        data : tuple of (X, target, sample_weight), as of `train_epoch`
        batches : list of ndarray of int64, or of range
            Rows of each mini-batch.
        n_jobs : int or None
            See `train_epoch`.
        losses : list of float
            Gets the sum of each mini-batch's losses; those that it has are of batches left out.
        is_stopped : callable
            See `train_epoch`.
        """
        X, target, sample_weight = data
        if not self.is_prepared:
            self.prepare(X, np.concatenate(batches), sample_weight)
        gate = Gate()
        self.optimizer.n_threads = count_threads(n_jobs, batches)

        def train_rows(rows):
            batch = take_batch(X, target, sample_weight, rows)
            if batch is None:
                return 0.0
            with gate.inside():
                loss = self.train_batch(batch.inputs, batch.targets, batch.weight)
            self.decay(batch.total_weight, gate)
            return loss

        run_batches(train_rows, batches, n_jobs, losses, is_stopped)

    def end_epoch(self, X, order, sample_weight):
        """Leave weights and selections as predictions use them, after rows that were trained on."""
        for layer in self.layers:
            layer.weights.settle()
        self.prepare(X, order, sample_weight)

    def penalty(self, batch_weight):
        """The L2 penalty, as scikit-learn reports it: its share of a batch's mean loss."""
        if not self.alpha:
            return 0.0
        rows = (layer.weights.rows for layer in self.layers)
        return 0.5 * self.alpha * sum(float(np.vdot(row, row)) for row in rows) / batch_weight

    def is_finite(self):
        """Whether all weights are, and all that the optimizer remembers."""
        return all(layer.weights.is_finite() for layer in self.layers)

    def drain_work(self):
        """Sum up the work since this was last asked: a dictionary for each layer."""
        return self.log.drain(self.layers)

    # What predictions ask

    @property
    def chunk_size(self):
        """Rows that are predicted at once."""
        return max(1, min(CHUNK, MOST_PREACTIVATIONS // max(layer.n_held for layer in self.layers)))

    def outputs(self, X, selection=None, n_jobs=None):
        """Predict in chunks.

        Parameters
        ----------
        X : ndarray or csr_array of shape (n_samples, n_features)
        selection : str, default=None
            ``"topk"`` or ``"random"``, to be used in place of the trained layers' own.
        n_jobs : int, default=None
            Threads. None is one.

        Yields
        ------
        rows : slice
        predictions : ndarray of shape (n_rows, n_outputs) or CSR
            The activated outputs, in the order of the rows. Of a selected output layer only
            the active ones.
        """
        network = self._with_selection(selection)
        return network._in_chunks(network._predict, X, n_jobs)

    def top_k(self, X, k, selection=None, n_jobs=None):
        """Find the outputs that respond most, in chunks; see `outputs`.

        Parameters
        ----------
        X : ndarray or csr_array of shape (n_samples, n_features)
        k : int
            At most the number of outputs. A selected output layer selects at least as many.
        selection, n_jobs
            See `outputs`.

        Yields
        ------
        rows : slice
        best : tuple of (ndarray, ndarray), each of shape (n_rows, k)
            Numbers of the outputs and their predictions, the best first.
        """
        network = self._with_selection(selection, at_least=k)
        return network._in_chunks(lambda inputs: network._predict_top_k(inputs, k), X, n_jobs)

    def _in_chunks(self, predict, X, n_jobs):
        """Yield slices of rows and what ``predict`` answers to them."""
        size = self.chunk_size
        slices = [slice(i, min(i + size, X.shape[0])) for i in range(0, X.shape[0], size)]
        answers = one_by_one(lambda rows: predict(take(X, rows)), slices, n_jobs)
        yield from zip(slices, answers, strict=True)

    def _predict(self, inputs):
        with np.errstate(over="ignore", invalid="ignore"):  # which is refused
            outputs = self.forward(inputs)[-1].outputs
            LOSSES[self.loss].activate(outputs)
        _refuse_overflow(~np.isfinite(values(outputs)))
        return outputs

    def _predict_top_k(self, inputs, k):
        with np.errstate(over="ignore", invalid="ignore"):
            outputs = self.forward(inputs)[-1].outputs
            _refuse_overflow(np.isnan(values(outputs)))  # which has no place in an order
            places, columns = best_outputs(outputs, k)
            LOSSES[self.loss].activate(outputs)
        _refuse_overflow(~np.isfinite(values(outputs)))
        return columns, values(outputs).reshape(-1)[places]

    def _with_selection(self, selection=None, at_least=1):
        """The same weights under another selection, or one that finds more outputs.

        Where there is nothing to search yet, because weights were replaced, it is the exact one.
        """
        network = copy.copy(self)
        network.layers = [copy.copy(layer) for layer in self.layers]
        last = network.layers[-1]
        for layer in network.layers:
            if layer.selection is not None:
                chosen = make_for_predictions(layer.selection, selection, layer.weights.size)
                layer.selection = chosen
        if last.selection is not None:
            last.selection = last.selection.widened(at_least)
        return network

    def count_work(self, X, selection=None):
        """Count what predicting takes: a dictionary for each layer, see `WorkLog`."""
        log = WorkLog(self.log.sparse_data, n_states=0)
        network = self._with_selection(selection)
        size = network.chunk_size
        for start in range(0, X.shape[0], size):
            inputs = take(X, slice(start, min(start + size, X.shape[0])))
            caches = network.forward(inputs)
            for depth, (layer, cache) in enumerate(zip(network.layers, caches, strict=True)):
                log.note(depth, layer, cache)
        return log.drain(network.layers, training=False)

    def evaluate_loss(self, X, target, sample_weight=None):
        """Mean loss of data, without training on it; a sample's targets are always active."""
        network = self._with_selection()
        total = weights = 0.0
        size = network.chunk_size
        for rows in (slice(i, i + size) for i in range(0, X.shape[0], size)):
            inputs, targets = take(X, rows), take(target, rows)
            weight = np.ones(targets.n_rows, np.float32)
            if sample_weight is not None:
                weight = sample_weight[rows]
            last = network.forward(inputs, targets)[-1]
            total += loss_and_deltas(LOSSES[self.loss], last, targets, weight).total
            weights += float(weight.sum())
        return total / weights if weights else 0.0

    # What the world may see

    @property
    def coefs(self):
        """Views of the weights, each of shape (n_inputs, n_neurons)."""
        return [layer.weights.coef for layer in self.layers]

    @property
    def intercepts(self):
        """Views of the biases, each of shape (n_neurons,)."""
        return [layer.weights.bias[0] for layer in self.layers]

    @property
    def n_parameters(self):
        """Number of weights and biases."""
        return sum(layer.weights.size for layer in self.layers)

    def set_parameters(self, coefs=None, intercepts=None):
        """Replace `coefs` or `intercepts`, and start with an optimizer that has no memory."""
        replace_parameters(self.layers, coefs or self.coefs, intercepts or self.intercepts)
        self.optimizer.n_steps, self.mean_hidden = 0, None
        self.set_optimizer(self.optimizer)

    def get_weights(self):
        """Copy what predictions come from, to return to it with `set_weights`."""
        return [layer.snapshot() for layer in self.layers]

    def set_weights(self, snapshots):
        """Return to what `get_weights` copied."""
        for layer, snapshot in zip(self.layers, snapshots, strict=True):
            layer.restore(snapshot)


def _refuse_overflow(overflows):
    """Refuse predictions that are no numbers, lest they are taken for some."""
    if overflows.any():
        raise ValueError(
            "X has samples for which the network's outputs are not finite in float32: their values "
            "are far beyond those that it was trained on."
        )
