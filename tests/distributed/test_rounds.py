"""Replicas learn what one network would; workers, and when they end, change nothing."""

import pickle
import time
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from sklearn_lsh import LSHMLPClassifier, LSHMLPRegressor
from sklearn_lsh.distributed import crews, fit_rounds, fitting, replicas
from sklearn_lsh.distributed.fitting import Division, make_division
from sklearn_lsh.network import Network
from sklearn_lsh.streaming import ArrayBlocks

X, Y = load_digits(return_X_y=True)
X = X / 16
SOURCE = ArrayBlocks(X, Y, block_size=100)
INDICATORS = np.eye(10, dtype=int)[Y] | np.eye(10, dtype=int)[(Y + X[:, 20].astype(int)) % 10]

# Networks of all kinds: dense layers, sketches, tables, hashed outputs, other optimizers.
KINDS = {
    "dense": {"hidden_layer_sizes": (20,)},
    "sketches": {"hidden_layer_sizes": (200,), "density": 0.1},
    "tables": {"hidden_layer_sizes": (200,), "density": 0.02, "n_tables": 4, "n_bits": 6},
    "outputs": {"hidden_layer_sizes": (20,), "output_density": 4, "solver": "rowwise_adagrad"},
    "momentum": {"hidden_layer_sizes": (20,), "solver": "sgd", "alpha": 1.0},
}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def classifier(**settings):
    common = {"batch_size": 40, "learning_rate_init": 0.01, "max_iter": 4, "random_state": 0}
    return LSHMLPClassifier(**{**common, **settings})


def train(network, source=SOURCE, n_workers=2, n_replicas=4, **parameters):
    with ThreadPoolExecutor(n_workers) as pool:
        return fit_rounds(network, source, pool, n_replicas=n_replicas, **parameters)


def state_of(network):
    return [
        *(array.tolist() for array in network.coefs_ + network.intercepts_),
        *(network.loss_curve_, network.t_, network.n_iter_),
    ]


class Lines:
    """An executor that does tasks at once, some of them not as they should."""

    def __init__(self, spoil=lambda task, arguments: None):
        self._spoil = spoil

    def submit(self, task, *arguments):
        future = Future()
        try:
            self._spoil(task, arguments)
            future.set_result(task(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.mark.parametrize("kind", KINDS)
def test_the_number_of_workers_changes_nothing(kind):
    alone = train(classifier(**KINDS[kind]), n_workers=1)
    assert state_of(train(classifier(**KINDS[kind]), n_workers=3)) == state_of(alone)
    assert alone.t_ == 4 * len(X)


def test_work_is_that_of_all_replicas():
    settings = {"hidden_layer_sizes": (20,), "alpha": 0, "solver": "sgd", "momentum": 0}
    apart = train(classifier(**settings), blocks_per_round=1)
    together = classifier(**settings, batch_size=32).fit_batches(SOURCE)
    for ours, theirs in zip(apart.work_, together.work_, strict=True):
        assert ours["multiply_adds"] == pytest.approx(theirs["multiply_adds"], rel=0.02)


def test_replicas_learn_as_one_network_does():
    settings = {"batch_size": 160, "max_iter": 30, "learning_rate": "linear"}
    apart = train(classifier(**settings))
    together = classifier(**settings).fit_batches(SOURCE)
    assert apart.score(X, Y) > together.score(X, Y) - 0.01


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_labels_and_numbers_are_learnt(form):
    labels = classifier(max_iter=15, hidden_layer_sizes=(50,))
    train(labels, ArrayBlocks(form(X), INDICATORS, block_size=100))
    assert labels.score(X, INDICATORS) > 0.5
    numbers = LSHMLPRegressor(
        hidden_layer_sizes=(50,), max_iter=15, learning_rate_init=0.01, random_state=0
    )
    train(numbers, ArrayBlocks(form(X), X @ np.arange(64) / 100, block_size=100))
    assert numbers.score(X, X @ np.arange(64) / 100) > 0.9


def test_rows_without_weight_are_left_out():
    weight = (np.arange(len(X)) >= 300).astype(float)
    weighted = train(classifier(), ArrayBlocks(X, Y, weight, block_size=100))
    assert weighted.t_ == 4 * (len(X) - 300)


def test_an_ended_training_goes_on_with_the_same_bits(tmp_path, monkeypatch):
    whole = train(classifier(), blocks_per_round=1)
    n_left = 7

    def end(task, arguments):
        nonlocal n_left
        n_left -= task is replicas.train_replica
        if n_left == 0:
            raise ConnectionError("no more")

    saving = {"checkpoint": tmp_path, "checkpoint_every": 0, "blocks_per_round": 1}
    with pytest.raises(ConnectionError, match="no more"):
        fit_rounds(classifier(), SOURCE, Lines(end), n_replicas=4, **saving)
    assert state_of(train(classifier(), **saving)) == state_of(whole)
    with pytest.raises(ValueError, match="division was"):
        train(classifier(), n_replicas=3, **saving)


@pytest.mark.parametrize("n_left", [1, 15])
def test_what_workers_lose_is_learnt_again(n_left, monkeypatch):
    whole = train(classifier(), blocks_per_round=1)

    class LosingCrew(crews.ExecutorCrew):
        losses = (ConnectionError,)

    def lose(task, arguments):
        nonlocal n_left
        n_left -= task is replicas.train_replica
        if n_left == 0:
            raise ConnectionError

    monkeypatch.setattr(fitting, "find_crew", lambda client: LosingCrew)
    parameters = {"n_replicas": 4, "blocks_per_round": 1}
    network = fit_rounds(classifier(), SOURCE, Lines(lose), **parameters)
    assert state_of(network) == state_of(whole)
    n_left = 1
    with pytest.raises(RuntimeError, match="tried 1 times, and each time a worker was lost"):
        fit_rounds(classifier(), SOURCE, Lines(lose), retries=0, **parameters)


def test_tasks_leave_the_network_as_it_is():
    network = classifier(**KINDS["outputs"]).fit_batches(SOURCE)
    layers, head = network._network.layers, replicas.head_of(network._network)
    common = replicas.Common(replicas.bare(network), SOURCE, 40)
    job = replicas.Assignment(0, 0, 0, 0, (1, 2))
    common = common._replace(sample=replicas.read_rows(common, job, None))
    before = pickle.dumps((head, layers))
    update = replicas.train_replica(common, head, layers, job)
    after, learnt = replicas.merge(common, head, layers, update)
    assert pickle.dumps((head, layers)) == before
    assert learnt.n_rows == 200
    assert learnt.head.layers == []
    assert learnt.head.optimizer.n_steps == head.optimizer.n_steps + 5
    assert (after[0].weights.rows != layers[0].weights.rows).any()
    assert replicas.merge(common, head, layers, None)[0] is layers


def test_a_failed_call_changes_nothing():
    network = train(classifier())
    before = state_of(network)
    spoilt = ArrayBlocks(np.where(np.arange(len(X))[:, None] == 1234, np.nan, X), Y, block_size=100)
    with pytest.raises(ValueError, match=r"Block 12 of .*NaN"):
        train(network, spoilt)
    assert state_of(network) == before


def test_a_round_that_is_not_finite_is_left_out(monkeypatch):
    train_batches, n_called = Network.train_batches, 0

    def spoil(self, *arguments, **options):
        nonlocal n_called
        n_called += 1
        train_batches(self, *arguments, **options)
        if n_called == 2:
            self.layers[0].weights.rows[3, 2] = np.inf

    monkeypatch.setattr(Network, "train_batches", spoil)
    with pytest.warns(RuntimeWarning, match="round 0 of epoch 0 is not finite"):
        network = train(classifier(hidden_layer_sizes=(20,)), n_workers=1, blocks_per_round=3)
    assert np.isfinite(network.coefs_[0]).all()
    assert 4 * len(X) - network.t_ == 897  # nine blocks, the short one among them


def test_a_replica_that_does_not_end_is_named(monkeypatch):
    monkeypatch.setattr(crews, "train_replica", lambda *task: time.sleep(0.5))
    with pytest.raises(TimeoutError, match=r"Replica 0 of round 0 in epoch 0 .* 0\.1 seconds"):
        train(classifier(), timeout=0.1)


def test_other_builds_are_refused(monkeypatch):
    monkeypatch.setattr(crews, "tell_build", lambda: crews.Build("0.0", "python"))

    def submit_elsewhere(task, *arguments):
        return Lines().submit(lambda: crews.Build("9.9", "x86-64-v4"))

    lines = Lines()
    lines.submit = submit_elsewhere
    with pytest.raises(RuntimeError, match=r"9\.9 with kernels for x86-64-v4"):
        fit_rounds(classifier(), SOURCE, lines, n_replicas=2)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"n_replicas": 0}, ValueError, "n_replicas must be an integer"),
        ({"n_replicas": 19}, ValueError, "a replica would have no data"),
        ({"n_replicas": 2, "blocks_per_round": "all"}, ValueError, "blocks_per_round must be"),
        ({"n_replicas": 2, "blocks_per_round": True}, ValueError, "blocks_per_round must be"),
        ({"n_replicas": 2, "retries": -1}, ValueError, "retries must be"),
        ({"n_replicas": 2, "timeout": np.nan}, ValueError, "timeout must be"),
        ({"n_replicas": 2, "client": 3}, TypeError, "client must be a Dask client"),
        ({"n_replicas": 2, "source": (X, Y)}, TypeError, "source must be a source"),
        ({"n_replicas": 2, "n_epochs": 0}, ValueError, "n_epochs must be"),
        ({"n_replicas": 2, "network": MLPClassifier()}, TypeError, "network must be an LSHMLP"),
        ({"n_replicas": 2, "network": classifier(alpha=-1)}, ValueError, "'alpha' parameter"),
    ],
)
def test_what_is_not_valid_is_refused_by_name(parameters, error, message):
    parameters = {"network": classifier(), "source": SOURCE, "client": Lines(), **parameters}
    before = dict(vars(parameters["network"]))
    with pytest.raises(error, match=message):
        fit_rounds(**parameters)
    assert vars(parameters["network"]) == before


def test_nothing_but_what_a_fit_leaves_stays_on_the_network():
    rounds = train(classifier())
    assert set(vars(rounds)) == set(vars(classifier().fit_batches(SOURCE)))


@pytest.mark.parametrize("n_blocks", [4, 7, 18, 33])
@pytest.mark.parametrize("blocks_per_round", ["auto", 1, 3, 50])
def test_an_epoch_has_each_block_once(n_blocks, blocks_per_round):
    division = make_division(n_blocks, 4, blocks_per_round)
    rounds = division.assign(seed=5, epoch=2, blocks=np.arange(n_blocks)[::-1])
    dealt = [block for jobs in rounds for job in jobs for block in job.blocks]
    assert dealt == list(range(n_blocks))[::-1]
    assert all(len(job.blocks) <= division.n_blocks for jobs in rounds for job in jobs)
    assert [jobs[0].number for jobs in rounds] == list(range(len(rounds)))


def test_an_automatic_division_has_one_round():
    assert make_division(64, 4, "auto") == Division(4, 16)
