"""The network: layers in a row, forwards, backwards, and what fits and predictions ask of it."""

import copy
from itertools import pairwise

import numpy as np

from sklearn_lsh.csr import first_rows, take
from sklearn_lsh.network.activations import ACTIVATIONS
from sklearn_lsh.network.initialization import (
    chunks,
    draw_bound,
    draw_weights,
    set_to_centroids,
    set_to_share,
)
from sklearn_lsh.network.layers import FullLayer, SelectedFirstLayer, SelectedLayer, values
from sklearn_lsh.network.losses import LOSSES, loss_and_delta
from sklearn_lsh.network.ranking import best_outputs
from sklearn_lsh.network.schedule import RefreshSchedule
from sklearn_lsh.network.training import run_epoch
from sklearn_lsh.network.work import WorkLog
from sklearn_lsh.selection import TopK, make_selection
from sklearn_lsh.threads import one_by_one

# Rows of a chunk when predicting: enough to amortise the calls, few enough for the caches, and
# fewer where a layer is so wide that all its responses would need much memory.
CHUNK, MOST_RESPONSES = 512, 1 << 24
# Rows from which the selections get to know their layers' inputs, at first and ever after.
N_FIRST, N_LATER = 2048, 256


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
        A key of `sklearn_lsh.selection.SELECTIONS`, or ``"all"``.
    hash_function, n_bits, n_tables
        See `sklearn_lsh.selection.LSH`.
    alpha : float
        Strength of the L2 penalty; a batch's part is divided by its weight. The decay is
        decoupled from the optimizer (Loshchilov & Hutter, ICLR 2019), which for plain gradient
        descent is the same.
    optimizer : Optimizer
    sparse_input : bool
        Whether the data that training starts with is sparse.
    active_inputs : float
        Mean number of non-zeros of a row of it, the fan-in that matters for sparse data.
    n_targets : ndarray of shape (n_outputs,), default=None
        Number of non-zero targets of each output, if that is known.
    random_state : RandomState
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
        n_targets=None,
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
        self.layers = []
        hashing = {"hash_function": hash_function, "n_bits": n_bits, "n_tables": n_tables}
        # As many inputs as are not zero: with the others counted, responses would fade from
        # layer to layer and learning would start slowly.
        fan_in = active_inputs if sparse_input else n_units[0]
        for depth, (n_inputs, n_neurons) in enumerate(pairwise(n_units)):
            bound = draw_bound(activation, fan_in, n_neurons)
            selected = selection != "all" and n_active[depth] is not None
            fan_in = n_active[depth] if selected else n_neurons
            kind, chosen = FullLayer, ()
            if selected:
                last = depth + 2 == len(n_units)
                for_sparse = sparse_input and depth == 0 and not last
                chooser = make_selection(
                    *(selection, n_active[depth], n_neurons),
                    last=last,
                    n_nonzero=active_inputs if for_sparse else np.inf,
                    n_targets=n_targets,
                    random_state=random_state,
                    **hashing,
                )
                by_input = for_sparse and isinstance(chooser, TopK)
                kind, chosen = SelectedFirstLayer if by_input else SelectedLayer, (chooser,)
            drawn = draw_weights(n_inputs, n_neurons, bound, kind is SelectedLayer, random_state)
            self.layers.append(kind(*drawn, optimizer, *chosen))

    # What one mini-batch does

    def forward(self, inputs, labels=None):
        """Run a batch through all layers; the outputs are left as responses.

        ``labels`` (a `CSR`) are active in a selected output layer whatever is selected.
        """
        apply = ACTIVATIONS[self.activation].apply
        passes = []
        for layer in self.layers[:-1]:
            passes.append(layer.forward(inputs))
            inputs = passes[-1].outputs
            apply(values(inputs))
        passes.append(self.layers[-1].forward(inputs, labels))
        return passes

    def train_batch(self, inputs, targets, weight):
        """One step on a batch whose ``weight`` sums to one; returns its weighted loss."""
        optimizer = self.optimizer
        rates = optimizer.next_step()
        passes = self.forward(inputs, targets)
        loss, delta = loss_and_delta(LOSSES[self.loss], passes[-1], targets, weight)
        backward = ACTIVATIONS[self.activation].backward
        for depth in range(len(self.layers) - 1, -1, -1):
            layer, done = self.layers[depth], passes[depth]
            errors, *learnt = layer.backward(done, delta, optimizer, rates, pass_errors=depth > 0)
            self.log.note(depth, layer, done, learnt)
            if depth > 0:
                backward(values(passes[depth].inputs), errors)
                delta = errors
        self.schedule.after_batch(self.layers, passes, targets, optimizer.n_steps)
        return loss

    def decay(self, total_weight):
        """Decay all weights as one step over a batch of that weight does."""
        if self.alpha:
            factor = max(0.0, 1.0 - self.optimizer.learning_rate * self.alpha / total_weight)
            for layer in self.layers:
                layer.decay(factor)

    # What a fit asks

    def set_optimizer(self, optimizer):
        """Go on with the same weights and a new optimizer, which has no memory yet."""
        self.optimizer = optimizer
        self.schedule = RefreshSchedule()
        for layer in self.layers:
            layer.reset(optimizer)

    def prepare(self, X, rows):
        """Let the selections get to know a sample of some rows of the data."""
        first, self.prepared = not self.prepared, True
        n_sample = N_FIRST if first else N_LATER
        if all(isinstance(layer, FullLayer) for layer in self.layers):
            return
        step = max(1, rows.shape[0] // n_sample)
        inputs = take(X, np.ascontiguousarray(rows[::step][:n_sample]))
        apply = ACTIVATIONS[self.activation].apply
        for layer in self.layers:
            if isinstance(layer, SelectedLayer):
                if first:
                    self._start_biases(layer, first_rows(inputs, N_LATER))
                layer.selection.fit(layer, inputs)
            if layer is not self.layers[-1]:
                inputs = layer.forward(inputs).outputs
                apply(values(inputs))
        self.schedule.postpone(self.optimizer.n_steps)

    def _start_biases(self, layer, inputs):
        """Start biases such that ReLU cuts off what is not active, where that is found."""
        n_active, n_neurons = layer.selection.n_active, layer.n_neurons
        cuts_off = self.activation == "relu" and layer is not self.layers[-1]
        if cuts_off and layer.selection.misses_few(n_neurons):
            set_to_share(layer, inputs, n_active / n_neurons)

    def start_at_centroids(self, X, target):
        """Start the output layer's rows at the centroids of their classes."""
        rows = np.flatnonzero(np.diff(target.indptr))
        self.prepare(X, rows)
        set_to_centroids(
            self.layers[-1],
            (
                (self.hidden(inputs), targets)
                for inputs, targets in chunks(X, target, self.chunk_size)
            ),
            odds=not LOSSES[self.loss].normalised,
        )
        self.prepare(X, rows)

    def hidden(self, inputs):
        """Activities of the last hidden layer."""
        apply = ACTIVATIONS[self.activation].apply
        for layer in self.layers[:-1]:
            inputs = layer.forward(inputs).outputs
            apply(values(inputs))
        return inputs

    def train_epoch(self, X, target, sample_weight, order, batch_size, n_jobs=None):
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

        Returns
        -------
        loss : float
            Mean of the batches' losses while training, the penalty at the end included.
        """
        if not self.prepared:
            self.prepare(X, order)
        try:
            loss = run_epoch(self, X, target, sample_weight, order, batch_size, n_jobs)
        finally:  # an interrupted epoch, too, leaves weights and tables as they are to be used
            for layer in self.layers:
                layer.settle()
            self.prepare(X, order)
        n_batches = -(-order.shape[0] // batch_size)
        return loss + self.penalty(order.shape[0] / n_batches)

    def penalty(self, batch_weight):
        """The L2 penalty, as scikit-learn reports it: its share of a batch's mean loss."""
        if not self.alpha:
            return 0.0
        squares = sum(float(np.vdot(layer.weights, layer.weights)) for layer in self.layers)
        return 0.5 * self.alpha * squares / batch_weight

    # What predictions ask

    @property
    def chunk_size(self):
        """Rows that are predicted at once."""
        return max(1, min(CHUNK, MOST_RESPONSES // max(layer.n_held for layer in self.layers)))

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
        network = self if selection is None else self._with_selection(selection)
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
        outputs = self.forward(inputs)[-1].outputs
        LOSSES[self.loss].activate(outputs)
        return outputs

    def _predict_top_k(self, inputs, k):
        outputs = self.forward(inputs)[-1].outputs
        places, columns = best_outputs(outputs, k)
        LOSSES[self.loss].activate(outputs)
        return columns, values(outputs).reshape(-1)[places]

    def _with_selection(self, selection=None, at_least=1):
        """The same weights under another selection, or one that finds more outputs."""
        network = copy.copy(self)
        network.layers = [copy.copy(layer) for layer in self.layers]
        last = network.layers[-1]
        for layer in network.layers:
            if selection is not None and isinstance(layer, SelectedLayer):
                layer.selection = make_selection(
                    selection, layer.selection.n_active, layer.n_neurons, last=layer is last
                )
        if isinstance(last, SelectedLayer):
            last.selection = last.selection.widened(at_least)
        return network

    def count_work(self, X, selection=None):
        """Count what predicting takes: a dictionary for each layer, see `WorkLog`."""
        log = WorkLog(self.log.sparse_data, n_states=0)
        network = self if selection is None else self._with_selection(selection)
        size = network.chunk_size
        for start in range(0, X.shape[0], size):
            inputs = take(X, slice(start, min(start + size, X.shape[0])))
            for depth, (layer, done) in enumerate(
                zip(network.layers, network.forward(inputs), strict=True)
            ):
                log.note(depth, layer, done)
        return log.drain(network.layers, training=False)

    def evaluate_loss(self, X, target, sample_weight=None):
        """Mean loss of data, without training on it; a sample's targets are always active."""
        total = weights = 0.0
        for rows in (slice(i, i + self.chunk_size) for i in range(0, X.shape[0], self.chunk_size)):
            inputs, targets = take(X, rows), take(target, rows)
            weight = np.ones(targets.n_rows, np.float32)
            if sample_weight is not None:
                weight = sample_weight[rows]
            last = self.forward(inputs, targets)[-1]
            total += loss_and_delta(LOSSES[self.loss], last, targets, weight)[0]
            weights += float(weight.sum())
        return total / weights if weights else 0.0

    # What the world may see

    @property
    def coefs(self):
        """Views of the weights, each of shape (n_inputs, n_neurons)."""
        return [layer.coef for layer in self.layers]

    @property
    def intercepts(self):
        """Views of the biases, each of shape (n_neurons,)."""
        return [layer.bias[0] for layer in self.layers]

    @property
    def n_parameters(self):
        """Number of weights and biases."""
        return sum(layer.weights.size + layer.bias.size for layer in self.layers)

    def get_weights(self):
        """Copy what predictions come from, to return to it with `set_weights`."""
        return [
            (
                layer.weights.copy(),
                layer.bias.copy(),
                copy.deepcopy(getattr(layer, "selection", None)),
            )
            for layer in self.layers
        ]

    def set_weights(self, weights):
        """Return to what `get_weights` copied."""
        for layer, (rows, bias, selection) in zip(self.layers, weights, strict=True):
            layer.weights[...] = rows
            layer.bias[...] = bias
            if selection is not None:
                layer.selection = copy.deepcopy(selection)
