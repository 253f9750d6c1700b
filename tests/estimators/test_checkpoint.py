"""Checkpoints of `fit` and `partial_fit`: on with the same bits, and only with what was begun."""

import pickle
import signal
import threading
import time

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.callback import FitCallback, ProgressBar
from sklearn.datasets import load_digits
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_lsh import Checkpoint, LSHMLPClassifier, LSHMLPRegressor
from sklearn_lsh.estimators.checkpoint import checkpoint_of
from sklearn_lsh.network import Network
from sklearn_lsh.streaming import ArrayBlocks
from sklearn_lsh.streaming.checkpoints import Checkpoints

X, Y = load_digits(return_X_y=True)
X, Y = X[:500] / 16, Y[:500]
SPARSE = sp.csr_array(X)
WEIGHT = np.random.default_rng(0).integers(0, 3, 500).astype(float)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class PowerCut(Exception):
    """Ends a training."""


@pytest.fixture
def ends_after(monkeypatch):
    """Let training end with an error after a number of mini-batches, or never; they are counted."""
    train_batch = Network.train_batch

    def end_after(n_batches, how=None):
        left = [n_batches]

        def count_down(self, *arguments):
            left[0] -= 1
            if left[0] == 0:
                if how is None:
                    raise PowerCut
                how()
            return train_batch(self, *arguments)

        monkeypatch.setattr(Network, "train_batch", count_down)
        return left

    return end_after


def classifier(folder=None, every=0, resume=True, **settings):
    common = {"hidden_layer_sizes": (20,), "batch_size": 50, "max_iter": 3, "random_state": 0}
    network = LSHMLPClassifier(**{**common, **settings})
    if folder is not None:
        network.set_callbacks(Checkpoint(folder, every=every, resume=resume))
    return network


def state_of(network):
    return [
        *(array.tolist() for array in network.coefs_ + network.intercepts_),
        *(network.loss_curve_, network.validation_scores_, network.t_, network.n_iter_),
        [row["multiply_adds"] for row in network.work_],
        sp.csr_array(network.predict_proba(X[:50])).toarray().tolist(),
    ]


SETTINGS = {
    "dense": ({}, {}),
    "set aside": ({"early_stopping": True, "class_weight": "balanced"}, {}),
    "own": ({"early_stopping": True}, {"X_val": X[:90], "y_val": Y[:90]}),
    "weighted": ({"solver": "sgd", "learning_rate": "adaptive"}, {"sample_weight": WEIGHT}),
    "tables": ({"hidden_layer_sizes": (300,), "density": 0.02, "n_tables": 4, "n_bits": 6}, {}),
    "hashed outputs": ({"output_density": 4}, {}),
    "neighbours": ({"output_density": 4, "n_neighbors": 3}, {}),
}


@pytest.mark.parametrize(("settings", "given"), SETTINGS.values(), ids=SETTINGS)
def test_fit_goes_on_at_the_mini_batch(settings, given, tmp_path, ends_after):
    expected = state_of(classifier(**settings).fit(X, Y, **given))
    for n_batches in (2, 7, 8):
        ends_after(n_batches)
        with pytest.raises(PowerCut):
            classifier(tmp_path, **settings).fit(X, Y, **given)
    ends_after(-1)
    assert state_of(classifier(tmp_path, "1h", **settings).fit(X, Y, **given)) == expected
    ends_after(1)  # it has ended, and is not repeated
    again = classifier(tmp_path, n_jobs=2, **settings).fit(X, Y, **given)
    assert state_of(again) == expected


def test_so_does_a_regressor(tmp_path, ends_after):
    def regressor():
        return LSHMLPRegressor(batch_size=50, max_iter=3, random_state=0)

    expected = regressor().fit(X, X[:, 30:33])
    ends_after(14)
    with pytest.raises(PowerCut):
        regressor().set_callbacks(Checkpoint(tmp_path, every=0)).fit(X, X[:, 30:33])
    ends_after(-1)
    network = regressor().set_callbacks(Checkpoint(tmp_path)).fit(X, X[:, 30:33])
    np.testing.assert_array_equal(network.predict(X), expected.predict(X))


def test_several_threads_go_on_with_the_epoch(tmp_path, ends_after):
    ends_after(17)
    with pytest.raises(PowerCut):
        classifier(tmp_path, n_jobs=2).fit(X, Y)
    left = ends_after(0)
    network = classifier(tmp_path, n_jobs=2).fit(X, Y)
    assert (network.n_iter_, network.t_) == (3, 1500)
    assert left == [-20]  # of thirty mini-batches


@pytest.fixture
def ctrl_c():
    """What presses Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, before)


def test_what_ctrl_c_ended_is_gone_on_with(tmp_path, ends_after, ctrl_c):
    ends_after(15, ctrl_c)
    with pytest.warns(UserWarning, match="interrupted by user"):
        assert classifier(tmp_path, "1h").fit(X, Y).n_iter_ == 1
    ends_after(-1)
    assert state_of(classifier(tmp_path).fit(X, Y)) == state_of(classifier().fit(X, Y))


def test_so_it_is_with_several_threads_in_the_middle_of_an_epoch(tmp_path, ends_after, ctrl_c):
    def press():  # signals are noticed by the main thread
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        time.sleep(0.2)

    left = ends_after(15, press)
    with pytest.warns(UserWarning, match="interrupted by user"):
        assert classifier(tmp_path, "1h", n_jobs=2).fit(X, Y).n_iter_ == 1
    n_learnt = 15 - left[0]
    position = Checkpoints(tmp_path).read().state["training"].position
    assert (position.epoch, 10 + len(position.losses)) == (1, n_learnt)
    left = ends_after(0)
    assert classifier(tmp_path, n_jobs=2).fit(X, Y).n_iter_ == 3
    assert -left[0] == 30 - n_learnt


@pytest.mark.parametrize("way", ["fit", "fit_batches"])
@pytest.mark.parametrize("n_epochs", [1, 3])
def test_ctrl_c_while_the_score_is_measured(way, n_epochs, tmp_path, ctrl_c):
    pressed = []

    def press(network, X, y):
        pressed.append(len(pressed) == n_epochs - 1 and ctrl_c())
        return network.score(X, y)

    def run(network):
        if way == "fit":
            return network.fit(X, Y, X_val=X[:90], y_val=Y[:90])
        return network.fit_batches(
            ArrayBlocks(X, Y, block_size=50), shuffle_blocks=3, validation=ArrayBlocks(X, Y)
        )

    settings = {"scoring": press, "early_stopping": True, "random_state": 0}
    with pytest.warns(UserWarning, match="interrupted by user"):
        network = run(classifier(tmp_path, "1h", **settings))
    assert network.n_iter_ == n_epochs
    assert Checkpoints(tmp_path).read().state["training"].is_finished == (n_epochs == 3)
    assert state_of(run(classifier(tmp_path, **settings))) == state_of(run(classifier(**settings)))


@pytest.mark.parametrize(
    ("settings", "data", "name"),
    [
        ({"alpha": 0.5}, {}, "alpha was '0.0001', and is '0.5' now"),
        ({"random_state": 1}, {}, "random_state"),
        ({}, {"X": 1 - X}, "data"),
        ({}, {"y": (Y + 1) % 10}, "data"),
        ({}, {"y": Y + 1}, "classes"),
        ({}, {"sample_weight": WEIGHT}, "data"),
        ({}, {"X_val": X[:90], "y_val": Y[:90]}, "validation"),
        ({}, {"X": sp.csr_array((SPARSE.data, SPARSE.indices, SPARSE.indptr), (500, 70))}, "data"),
        ({}, {"X": pd.DataFrame(X, columns=[f"column {k}" for k in range(64)])}, "names of col"),
    ],
)
def test_other_trainings_are_refused(settings, data, name, tmp_path):
    classifier(tmp_path).fit(SPARSE if sp.issparse(data.get("X")) else X, Y)
    other = classifier(tmp_path, **settings)
    with pytest.raises(ValueError, match=rf"is of another training: {name}"):
        other.fit(**{"X": X, "y": Y, **data})
    assert not other.__sklearn_is_fitted__()
    classifier(tmp_path, resume=False, **settings).fit(**{"X": X, "y": Y, **data})


def test_other_estimators_are_refused(tmp_path):
    classifier(tmp_path).fit(X, Y)
    regressor = LSHMLPRegressor(random_state=0).set_callbacks(Checkpoint(tmp_path))
    with pytest.raises(ValueError, match="estimator was 'LSHMLPClassifier', and is 'LSHMLPRegr"):
        regressor.fit(X, Y)
    with pytest.raises(ValueError, match="is of another training: source"):
        classifier(tmp_path).fit_batches(ArrayBlocks(X, Y))


def test_a_warm_start_is_another_training(tmp_path):
    network = classifier(tmp_path / "{training}", warm_start=True).fit(X, Y).fit(X, Y)
    assert network.t_ == 6 * 500
    assert len(list(tmp_path.iterdir())) == 2
    network = classifier(tmp_path / "one", warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match="training before was '0 epochs', and is '3 epochs, loss"):
        network.fit(X, Y)


@pytest.mark.parametrize("random_state", [None, np.random.RandomState(0)])
def test_it_takes_an_integer_to_draw_the_same_again(random_state, tmp_path):
    with pytest.raises(ValueError, match="random_state must be an integer for Checkpoint"):
        classifier(tmp_path, random_state=random_state).fit(None, None)  # before anything is done


def test_a_folder_that_cannot_be_written_is_found_before_training(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileExistsError):
        classifier(tmp_path / "file").fit(None, None)  # before anything is done
    with pytest.raises(FileExistsError):
        classifier(tmp_path / "file").fit_batches(ArrayBlocks(X, Y))


@pytest.mark.parametrize("every", ["soon", -1, None])
def test_times_are_checked(every):
    with pytest.raises(ValueError, match="every must be a number of seconds"):
        Checkpoint("folder", every=every)


@pytest.mark.parametrize("folder", [None, 3, b"abc"])
def test_folders_are_checked(folder):
    with pytest.raises(ValueError, match="folder must be a str or a path, got"):
        Checkpoint(folder)
    if folder is not None:
        with pytest.raises(ValueError, match="checkpoint must be a str or a path, got"):
            classifier().fit_batches(ArrayBlocks(X, Y), checkpoint=folder)
    with pytest.raises(ValueError, match="resume must be True or False, got None"):
        Checkpoint("folder", resume=None)


def test_it_is_a_callback_beside_others(tmp_path):
    callback = Checkpoint(tmp_path)
    assert isinstance(callback, FitCallback)
    network = classifier().set_callbacks(ProgressBar(), callback)
    assert checkpoint_of(clone(network)) is callback
    assert checkpoint_of(pickle.loads(pickle.dumps(network))).folder == tmp_path
    assert checkpoint_of(classifier()) is None
    assert state_of(network.fit(X, Y)) == state_of(classifier().fit(X, Y))


def test_fit_batches_takes_it_too(tmp_path, ends_after):
    source = ArrayBlocks(X, Y, block_size=50)
    expected = state_of(classifier().fit_batches(source, shuffle_blocks=3))
    ends_after(14)
    with pytest.raises(PowerCut):
        classifier(tmp_path).fit_batches(source, shuffle_blocks=3)
    ends_after(-1)
    network = classifier(tmp_path).fit_batches(source, shuffle_blocks=3)
    assert state_of(network) == expected
    with pytest.raises(ValueError, match=r"checkpoint=.* needs a source of which blocks can be"):
        classifier(tmp_path).fit_batches(iter(source), classes=range(10))


def test_numbers_may_be_of_numpy(tmp_path):
    given = {"n_epochs": np.int64(1), "shuffle_blocks": np.int64(2), "checkpoint": tmp_path}
    assert classifier().fit_batches(ArrayBlocks(X, Y, block_size=50), **given).n_iter_ == 1


def test_each_fit_of_a_search_has_a_folder_of_its_own(tmp_path, ends_after):
    def search(folder):
        network = classifier(folder, max_iter=1)
        return GridSearchCV(network, {"alpha": [0.1, 1]}, cv=2, error_score="raise")

    expected = search(None).fit(X, Y)
    ends_after(12)
    with pytest.raises(PowerCut):
        search(tmp_path / "{training}").fit(X, Y)
    ends_after(-1)
    found = search(tmp_path / "{training}").fit(X, Y)
    assert state_of(found.best_estimator_) == state_of(expected.best_estimator_)
    assert found.cv_results_["mean_test_score"].tolist() == pytest.approx(
        expected.cv_results_["mean_test_score"].tolist(), abs=0
    )
    assert len(list(tmp_path.iterdir())) == 5
    ends_after(1)  # nothing is left to be trained
    search(tmp_path / "{training}").fit(X, Y)
    cross_val_score(classifier(tmp_path / "{training}", max_iter=1, alpha=0.1), X, Y, cv=2)


def test_fits_that_share_a_folder_are_refused(tmp_path):
    with pytest.raises(ValueError, match="is of another training: data"):
        cross_val_score(classifier(tmp_path), X, Y, cv=2, error_score="raise")
    with pytest.raises(ValueError, match="is of another training"):
        BaggingClassifier(classifier(tmp_path), n_estimators=2, random_state=0).fit(X, Y)


def test_it_is_for_networks(tmp_path):
    search = GridSearchCV(classifier(), {"alpha": [1]}, cv=2)
    with pytest.raises(TypeError, match="Checkpoint is a callback of networks, not of GridSearch"):
        search.set_callbacks(Checkpoint(tmp_path)).fit(X, Y)
    make_pipeline(StandardScaler(), classifier(tmp_path, "1h")).fit(X, Y)
    assert Checkpoints(tmp_path).read().state["training"].is_finished


def loop(network, n_seen, n_parts=10):
    """Teach a network parts of 50 rows, from those on that it has not seen."""
    for start in range(n_seen, 50 * n_parts, 50):
        network.partial_fit(X[start : start + 50], Y[start : start + 50], classes=range(10))
    return network


@pytest.mark.parametrize("settings", [{}, {"output_density": 4}], ids=["dense", "hashed"])
def test_a_loop_of_partial_fit_goes_on(settings, tmp_path):
    expected = loop(classifier(**settings), 0)
    network = classifier(**settings)
    callback = Checkpoint(tmp_path, every=0)
    assert callback.restore(network) == 0
    assert not network.__sklearn_is_fitted__()
    loop(network.set_callbacks(callback), 0, n_parts=6)
    network, callback = classifier(**settings), Checkpoint(tmp_path, every=0)
    assert callback.restore(network) == network.t_ == 300
    loop(network.set_callbacks(callback), 300)
    for first, second in zip(network.coefs_, expected.coefs_, strict=True):
        np.testing.assert_array_equal(first, second)


def test_parts_are_saved_when_it_is_time(tmp_path):
    loop(classifier(tmp_path, "1h"), 0)
    (path,) = Checkpoints(tmp_path).paths()  # after the first
    assert Checkpoint(tmp_path).restore(classifier()) == 50
    loop(classifier(tmp_path, 0, resume=False), 0)
    assert path not in Checkpoints(tmp_path).paths()
    assert len(Checkpoints(tmp_path).paths()) == 2


@pytest.mark.parametrize("learnt", [True, False], ids=["weight 0", "Ctrl-C"])
def test_all_rows_that_a_loop_went_through_are_counted(learnt, tmp_path, ends_after, ctrl_c):
    network, callback = classifier(batch_size=10), Checkpoint(tmp_path, every=0)
    network.set_callbacks(callback)
    network.partial_fit(X[:50], Y[:50], classes=range(10))
    if learnt:
        network.partial_fit(X[50:100], Y[50:100], sample_weight=np.arange(50) % 2)
    else:
        ends_after(2, ctrl_c)
        with pytest.warns(UserWarning, match="interrupted by user"):
            network.partial_fit(X[50:100], Y[50:100])
        ends_after(-1)
        assert callback.restore(classifier(batch_size=10)) == 50  # it would be learnt once more
    network.partial_fit(X[100:150], Y[100:150])
    assert network.t_ < 150
    assert callback.restore(classifier(batch_size=10)) == 150


def test_loops_that_share_a_callback_are_told_apart(tmp_path):
    callback = Checkpoint(tmp_path / "{training}", every="1h")
    for alpha in (0.1, 0.2):
        loop(classifier(alpha=alpha).set_callbacks(callback), 0)
    assert [callback.restore(classifier(alpha=alpha)) for alpha in (0.1, 0.2)] == [50, 50]
    callback = Checkpoint(tmp_path / "one", every=0)
    loop(classifier().set_callbacks(callback), 0)
    with pytest.raises(ValueError, match="is of another training: alpha"):
        loop(classifier(alpha=0.2).set_callbacks(callback), 0)
    with pytest.raises(ValueError, match="is longer"):
        loop(classifier().set_callbacks(callback), 0)
    assert callback.restore(classifier()) == 500


def test_no_other_training_is_replaced_in_the_middle(tmp_path):
    network = loop(classifier(tmp_path, 0), 0, n_parts=2)
    loop(classifier(tmp_path, 0, resume=False, alpha=0.2), 0, n_parts=3)
    with pytest.warns(RuntimeWarning, match=r"No checkpoint .*is of another training: alpha"):
        loop(network, 100, n_parts=3)
    assert network.t_ == 150
    assert Checkpoint(tmp_path).restore(classifier(alpha=0.2)) == 150


def test_a_copy_of_a_callback_begins_anew(tmp_path):
    network = loop(classifier(tmp_path, "1h"), 0, n_parts=2)
    network = pickle.loads(pickle.dumps(network))
    network.partial_fit(X[100:150], Y[100:150])  # which is the first that this one is told of
    assert checkpoint_of(network).restore(classifier()) == 150


def test_a_disk_that_becomes_full_takes_no_part_away(tmp_path, monkeypatch):
    network = loop(classifier(tmp_path, 0), 0, n_parts=1)

    def fail(*arguments, **given):
        raise OSError("no space left")

    monkeypatch.setattr(Checkpoints, "write", fail)
    with pytest.warns(RuntimeWarning, match="No checkpoint could be written: no space left"):
        loop(network, 50, n_parts=2)
    assert network.t_ == 100
    network = classifier(tmp_path / "new", 0)
    with pytest.raises(OSError, match="no space left"):
        loop(network, 0)
    assert not network.__sklearn_is_fitted__()


@pytest.mark.parametrize("network", [3, None, LSHMLPClassifier, StandardScaler()])
def test_only_networks_are_restored(network, tmp_path):
    with pytest.raises(TypeError, match="network must be an LSHMLPClassifier or LSHMLPRegressor"):
        Checkpoint(tmp_path).restore(network)


def test_what_a_loop_must_not_do(tmp_path):
    loop(classifier(tmp_path), 0)
    network = classifier(tmp_path)
    with pytest.raises(ValueError, match=r"is longer: go on with it by Checkpoint\.restore"):
        loop(network, 0)
    assert not network.__sklearn_is_fitted__()
    with pytest.raises(ValueError, match="is of another training: alpha"):
        Checkpoint(tmp_path).restore(classifier(alpha=3))
    with pytest.raises(ValueError, match="is of another training: data"):
        classifier(tmp_path).fit(X, Y)
    (tmp_path / "file").write_bytes(b"")
    network = classifier(tmp_path / "file")
    with pytest.raises(FileExistsError):
        loop(network, 0)
    assert not network.__sklearn_is_fitted__()
