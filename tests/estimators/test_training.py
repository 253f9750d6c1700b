"""The training loop, with a network that does nothing but report losses."""

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.estimators.draft import Interrupts
from sklearn_lsh.estimators.history import History
from sklearn_lsh.estimators.progress import NoCallbacks
from sklearn_lsh.estimators.schedules import make_schedule
from sklearn_lsh.estimators.training import TrainingSet, TrainingSettings, train


def rows():
    """Five of six, of which nothing has been learnt."""
    X, target = np.zeros((6, 2)), sp.csr_array((6, 1), dtype=np.float32)
    return TrainingSet(X, target, None, np.arange(5))


class Optimizer:
    learning_rate = 1.0


class Network:
    """Its weights are the number of epochs that it was trained for."""

    def __init__(self, losses):
        self.losses = iter(losses)
        self.optimizer = Optimizer()
        self.weights = 0
        self.orders = []

    def train_epoch(self, X, target, sample_weight, order, batch_size, n_jobs, *, is_stopped):
        self.orders.append(order.tolist())
        self.weights += 1
        loss = next(self.losses)
        if loss is KeyboardInterrupt:
            raise loss
        return loss

    def is_finite(self):
        return True

    def drain_work(self):
        return [{"layer": 0}]

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights


class Validation:
    def __init__(self, scores):
        self.scores = iter(scores)
        self.score = None

    def find_loss(self, network):
        return 0.0

    def find_score(self, loss):
        return next(self.scores)


def run(losses, scores=None, history=None, learning_rate="constant", data=None, **settings):
    network, history = Network(losses), history or History()
    history.begin(early_stopping=scores is not None, validates=scores is not None)
    defaults = {"n_epochs": len(losses), "batch_size": 2, "shuffle": True, "n_jobs": None}
    rule = {"tol": 0.0, "n_iter_no_change": np.inf, "verbose": False}
    stopped = train(
        network,
        data or rows(),
        history,
        make_schedule(learning_rate, "sgd", 1.0, 0.5),
        TrainingSettings(**{**defaults, **rule, **settings}),
        validation=None if scores is None else Validation(scores),
        callbacks=NoCallbacks(),
        interrupts=Interrupts(),
        random_state=np.random.RandomState(0),
    )
    return stopped, network, history


def test_all_epochs():
    stopped, network, history = run([3.0, 2.0])
    assert not stopped
    assert history.loss_curve == [3, 2]
    assert history.t == 10
    assert [sorted(order) for order in network.orders] == [[0, 1, 2, 3, 4]] * 2
    assert network.orders[0] != network.orders[1]
    assert run([1.0], shuffle=False)[1].orders == [[0, 1, 2, 3, 4]]
    data = rows()
    run([3.0, 2.0], data=data)
    assert data.rows.tolist() == [0, 1, 2, 3, 4]


def test_plateau():
    stopped, _, history = run([3.0, 2.0, 2.0, 2.0, 2.0, 2.0], tol=0.1, n_iter_no_change=2)
    assert stopped
    assert history.n_iter == 5


@pytest.mark.parametrize(("last", "n_iter"), [(0.04, 5), (0.06, 8)])
def test_a_planned_end_comes_earlier_where_rows_are_known_by_heart(last, n_iter):
    losses = [10.0, *[last] * 7]
    stopped, _, history = run(losses, tol=1e-4, n_iter_no_change=2, has_planned_end=True)
    assert (history.n_iter, stopped) == (n_iter, n_iter < 8)
    assert run(losses, tol=1e-4, n_iter_no_change=2)[2].n_iter == 5


def test_adaptive_rate(capsys):
    rule = {"tol": 0.1, "n_iter_no_change": 1, "verbose": True}
    stopped, network, _ = run([1.0] * 5, learning_rate="adaptive", **rule)
    assert not stopped
    assert network.optimizer.learning_rate == pytest.approx(1 / 25)
    assert capsys.readouterr().out.count("Training loss did not improve more than tol=0.1") == 2


def test_best_weights():
    stopped, network, history = run([1.0] * 4, scores=[0.1, 0.9, 0.9, 0.5])
    assert not stopped
    assert network.weights == 2
    # What they score on the next call's validation set, with which it begins, is to be beaten.
    _, network, _ = run([1.0] * 2, scores=[0.5, 0.2, 0.3], history=history)
    assert network.weights == 0
    _, network, _ = run([1.0] * 2, scores=[0.5, 0.6, 0.3], history=history)
    assert network.weights == 1


def test_interruption():
    with pytest.warns(UserWarning, match="interrupted by user"):
        stopped, network, history = run([1.0, 1.0, KeyboardInterrupt], scores=[0.9, 0.8, 0.7])
    assert stopped
    assert history.n_iter == 2
    assert network.weights == 1


def test_not_finite():
    with pytest.raises(ValueError, match="non-finite"):
        run([1.0, np.inf])
