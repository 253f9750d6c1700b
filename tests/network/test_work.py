"""The work count, against counting every product of small networks."""

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.csr import CSR, take
from sklearn_lsh.network.layers import Upkeep
from sklearn_lsh.network.work import NOTHING, LayerWork, WorkLog, summarise

from ..support.small_networks import (
    BATCH,
    N_FEATURES,
    N_OUTPUTS,
    N_SAMPLES,
    make_data,
    make_network,
)

WIDTHS = (N_FEATURES, 10, 8, N_OUTPUTS)


def pairs(batch):
    """Which pairs of a dense or ragged batch there are, as a mask."""
    if not isinstance(batch, CSR):
        return np.ones(batch.shape, dtype=bool)
    return batch._replace(data=np.ones_like(batch.data)).toarray() > 0


def errors_mask(done, delta):
    """Which outputs have an error, as a mask."""
    if not isinstance(done.outputs, CSR):
        return np.ones(delta.shape, dtype=bool)
    return done.outputs._replace(data=delta).toarray() != 0


class Recorder:
    """Counts, product by product, what a network's layers are given."""

    def __init__(self, network, n_states, *, steps_on_cells):
        self.forward = np.zeros(3, int)
        self.backward = np.zeros(3, int)
        self.steps = np.zeros(3, int)
        for depth, layer in enumerate(network.layers):
            layer.backward = self.watch(depth, layer.backward, n_states, steps_on_cells)

    def watch(self, depth, backward, n_states, steps_on_cells):
        def watched(done, delta, *arguments, **settings):
            inputs, outputs = pairs(done.inputs), pairs(done.outputs)
            with_error = errors_mask(done, delta)
            for sample in range(inputs.shape[0]):
                n_inputs = inputs[sample].sum()
                self.forward[depth] += n_inputs * outputs[sample].sum()
                self.backward[depth] += n_inputs * with_error[sample].sum() * (1 + (depth > 0))
            touched = inputs.T.astype(int) @ with_error > 0
            if not isinstance(done.outputs, CSR):  # a row for each input, which may be zero
                dense = done.inputs.toarray() if isinstance(done.inputs, CSR) else 1 + 0 * inputs
                touched = np.repeat(dense.any(axis=0)[:, np.newaxis], delta.shape[1], axis=1)
                if steps_on_cells and depth == 0 and isinstance(done.inputs, CSR):
                    touched = dense.T @ delta != 0
            self.steps[depth] += touched.sum() * (1 + n_states)
            return backward(done, delta, *arguments, **settings)

        return watched


@pytest.mark.parametrize("solver", ["adam", "rowwise_adagrad", "nesterov"])
@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize(
    "n_active", [(None, None, None), (4, None, 3), (None, 3, None), (4, 3, 2)], ids=str
)
@pytest.mark.parametrize("selection", ["topk", "random"])
def test_counts_of_training(solver, sparse, n_active, selection):
    X, target = make_data()
    network = make_network(
        solver, n_active=n_active, selection=selection, sparse_input=sparse, activation="relu"
    )
    n_states = network.optimizer.n_states
    recorder = Recorder(network, n_states, steps_on_cells=solver != "rowwise_adagrad")
    given = sp.csr_array(X) if sparse else X
    network.train_epoch(given, target, None, np.arange(N_SAMPLES), BATCH)
    n_batches = -(-N_SAMPLES // BATCH)
    for depth, row in enumerate(network.drain_work()):
        n_inputs, n_neurons = WIDTHS[depth : depth + 2]
        expected = recorder.backward[depth] + recorder.steps[depth]
        selected = n_active[depth] is not None
        if selected and selection == "topk":
            # All responses were computed to choose, and need not be computed again; with labels
            # among the active ones they are.
            chosen_from = N_SAMPLES * n_inputs
            if depth == 0 and sparse:
                chosen_from = np.count_nonzero(X)
            elif depth > 0 and n_active[depth - 1] is not None:
                chosen_from = N_SAMPLES * n_active[depth - 1]
            expected += chosen_from * n_neurons
        if not selected or selection == "random" or depth == 2:
            expected += recorder.forward[depth]
        assert row["multiply_adds"] == expected
        each = np.count_nonzero(X) if depth == 0 and sparse else N_SAMPLES * n_inputs
        n_passes = 2 if depth == 0 else 3
        steps = n_batches * (1 + n_states) * n_inputs * n_neurons
        assert row["dense_multiply_adds"] == n_passes * each * n_neurons + steps
        assert row["share"] == row["multiply_adds"] / row["dense_multiply_adds"]
        if not selected:
            assert row["n_active"] == n_neurons
    assert network.log.batches == []


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_counts_of_hashing(sparse):
    X, target = make_data(n_features=60, n_samples=120, n_outputs=40)
    given = sp.csr_array(X) if sparse else X
    network = make_network(
        n_units=(60, 50, 40), n_active=(6, 8), selection="lsh", sparse_input=sparse, n_bits=3,
        n_tables=5, activation="relu",
    )  # fmt: skip
    network.prepare(given, np.arange(120))
    batch = take(given, slice(0, 30))
    hidden, output = network.forward(batch, take(target, slice(0, 30)))
    n_given = np.count_nonzero(X[:30]) if sparse else 30 * 60
    selection = network.layers[0].selection
    # Sketch and hash of each sample; then each candidate's sketch, and each finalist's response.
    sketches = n_given * 16 + 30 * 17 * 15
    index = selection.index
    codes = selection.family.codes(index.sketch.queries(batch))
    voted = index.tables.most_collisions(codes, selection.n_hashed, 0)
    candidates = [
        set(index.popular) | set(voted.indices[voted.indptr[s] : voted.indptr[s + 1]].tolist())
        for s in range(30)
    ]
    lengths = np.count_nonzero(X[:30], axis=1) if sparse else np.full(30, 60)
    finalists = selection.n_finalists * lengths.sum()
    assert hidden.active.work == sketches + 17 * sum(map(len, candidates)) + finalists
    # Fewer inputs than directions: the sketch of an output layer is its centred inputs.
    assert network.layers[1].selection.sketch.basis is None
    assert output.active.work == 30 * 51 * 15


def test_counts_without_tables():
    X, _ = make_data(n_features=60, n_samples=120, n_outputs=40)
    network = make_network(
        n_units=(60, 50, 40), n_active=(6, None), selection="lsh", activation="relu"
    )
    network.prepare(X, np.arange(120))
    hidden, _ = network.forward(take(X, slice(0, 30)))
    # Each sample's sketch, its products with those of all neurons, and each finalist's response.
    n_finalists = network.layers[0].selection.n_finalists
    assert hidden.active.work == 30 * (60 * 14 + 50 * 15 + n_finalists * 60)
    weights, selection = network.layers[0].weights, network.layers[0].selection
    selection.refresh(weights, take(X, slice(0, 30)))
    # The batch times the directions and back, times the weights, and the new directions' values;
    # these times the weights, and the weights times the mean.
    turning = 2 * 30 * 60 * 14 + 50 * 60 * 14 + 50 * 14 * 14
    assert selection.refresh_work(weights) == turning + 50 * 60 * 14 + 50 * 60


def test_sums_of_batches():
    network = make_network(n_units=(4, 6, 3), n_active=(None, None))
    log = WorkLog(sparse_data=False, n_states=2)
    noted = LayerWork(10, 60, selecting=5, forward=240, backward=480, steps=72, dense=800)
    log.batches = [(0, noted), (1, noted._replace(forward=0)), (0, noted)]
    first, second = log.drain(network.layers, training=False)
    assert first["n_active"] == 6
    assert first["multiply_adds"] == 2 * (5 + 240 + 480 + 72)
    assert first["dense_multiply_adds"] == 1600
    assert first["share"] == first["multiply_adds"] / 1600
    assert second["multiply_adds"] == 5 + 480 + 72
    # What was summed up is not summed up again.
    assert [row["multiply_adds"] for row in log.drain(network.layers)] == [0, 0]


def test_tables_that_are_built_count():
    upkeep = Upkeep(rebuild_seconds=[0.5, 0.25], work_of_each=100, occupancy={"bucket_load": 3})
    layer = make_network(n_units=(4, 6), n_active=(None,)).layers[0]
    row = summarise(0, layer, NOTHING._replace(dense=400), upkeep)
    assert (row["n_rebuilds"], row["rebuild_seconds"], row["bucket_load"]) == (2, 0.75, 3)
    assert (row["multiply_adds"], row["share"]) == (200, 0.5)
