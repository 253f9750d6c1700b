"""A training that ended early goes on at the mini-batch, and only with what it was begun with."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from sklearn_lsh import LSHMLPClassifier
from sklearn_lsh.estimators.resuming import check_state, told
from sklearn_lsh.hashing import SimHash
from sklearn_lsh.network import Network
from sklearn_lsh.streaming import ArrayBlocks, JoinedBlocks
from sklearn_lsh.streaming.checkpoints import Checkpoints

KILLS = Path(__file__).parents[1] / "support" / "kills.py"
X, Y = load_digits(return_X_y=True)
X, Y = X[:500] / 16, Y[:500]
SOURCE = ArrayBlocks(X, Y, block_size=50)
WINDOWS = [3, 10]

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def classifier(**settings):
    common = {"hidden_layer_sizes": (20,), "batch_size": 20, "max_iter": 3, "random_state": 0}
    return LSHMLPClassifier(**{**common, **settings})


def state_of(network):
    return [
        *(array.tolist() for array in network.coefs_ + network.intercepts_),
        *(network.loss_curve_, network.validation_scores_, network.t_, network.n_iter_),
        [row["multiply_adds"] for row in network.work_],
    ]


@pytest.fixture
def ends_after(monkeypatch):
    """Let training end with an error, or as by Ctrl-C, after a number of mini-batches."""
    train_batch = Network.train_batch

    def end_after(n_batches, how):
        left = [n_batches]

        def count_down(self, *arguments):
            left[0] -= 1
            if left[0] == 0:
                how()
            return train_batch(self, *arguments)

        monkeypatch.setattr(Network, "train_batch", count_down)

    return end_after


def fail():
    raise OSError("the power is off")


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


SETTINGS = {
    "dense": {},
    "sketches": {"hidden_layer_sizes": (300,), "density": 0.1, "solver": "adagrad"},
    "tables": {"hidden_layer_sizes": (300,), "density": 0.02, "n_tables": 4, "n_bits": 6},
    "hashed outputs": {"output_density": 4, "learning_rate": "constant"},
    "early stopping": {"early_stopping": True, "solver": "sgd", "learning_rate": "adaptive"},
}


def run(settings, window, folder, every=0, **given):
    validation = ArrayBlocks(X[:90], Y[:90]) if settings.get("early_stopping") else None
    return classifier(**settings).fit_batches(
        SOURCE,
        shuffle_blocks=window,
        validation=validation,
        checkpoint=folder,
        checkpoint_every=every,
        **given,
    )


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_it_goes_on_at_the_mini_batch(settings, window, tmp_path, ends_after):
    expected = state_of(run(settings, window, None))
    for n_batches in (3, 11, 20, 2, 14):
        ends_after(n_batches, fail)
        with pytest.raises(OSError, match="power"):
            run(settings, window, tmp_path)
    ends_after(-1, fail)
    assert state_of(run(settings, window, tmp_path, "1h")) == expected


def test_between_two_checkpoints_is_some_time(tmp_path, ends_after):
    ends_after(30, fail)
    with pytest.raises(OSError, match="power"):
        run({}, 3, tmp_path, "1h")
    assert len(Checkpoints(tmp_path).paths()) == 1  # from before training


@pytest.fixture
def heeds_interrupts():
    """Python's own handler, which processes in the background do not have."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeds_interrupts")
@pytest.mark.parametrize("window", WINDOWS)
def test_what_an_interruption_left_is_gone_on_with(window, tmp_path, ends_after):
    ends_after(40, interrupt)
    with pytest.warns(UserWarning, match="interrupted by user: what was learnt so far is kept"):
        network = run({}, window, tmp_path, "1h")
    assert network.n_iter_ == 1
    assert network.score(X, Y) > 0.15  # which is more than by chance
    ends_after(-1, fail)
    assert state_of(run({}, window, tmp_path, "1h")) == state_of(run({}, window, None))


@pytest.mark.usefixtures("heeds_interrupts")
@pytest.mark.parametrize(("window", "n_batches"), [(3, 24), (10, 25)])
def test_so_is_what_one_left_in_an_epochs_last_mini_batch(window, n_batches, tmp_path, ends_after):
    ends_after(n_batches, interrupt)
    with pytest.warns(UserWarning, match="interrupted by user"):
        run({}, window, tmp_path, "1h")
    found = Checkpoints(tmp_path).read().state["training"].position
    assert (found.epoch, found.n_batches + len(found.losses)) == (0, n_batches)
    ends_after(-1, fail)
    assert state_of(run({}, window, tmp_path, "1h")) == state_of(run({}, window, None))


def test_a_source_that_has_fewer_rows_than_it_had_is_refused(tmp_path, ends_after):
    ends_after(10, fail)
    with pytest.raises(OSError, match="power"):
        run({}, 10, tmp_path)
    ends_after(-1, fail)
    changed = JoinedBlocks([SOURCE])
    changed.read = lambda number: (
        tuple(p[:30] for p in SOURCE.read(number)) if number == 4 else (SOURCE.read(number))
    )
    with pytest.raises(ValueError, match="of 500 rows, but there are 480: the source has changed"):
        classifier().fit_batches(changed, shuffle_blocks=10, checkpoint=tmp_path)


def test_what_has_ended_is_not_repeated(tmp_path, ends_after):
    first = run({}, 3, tmp_path)
    ends_after(1, fail)
    again = run({"verbose": True, "n_jobs": 2}, 3, tmp_path)
    assert state_of(again) == state_of(first)
    ends_after(-1, fail)
    again.partial_fit(X, Y)
    ends_after(1, fail)
    with pytest.raises(OSError, match="power"):
        run({}, 3, tmp_path, resume=False)


def test_several_threads_go_on_with_a_round(tmp_path, ends_after):
    ends_after(50, fail)
    with pytest.raises(OSError, match="power"):
        run({"n_jobs": 2}, 3, tmp_path)
    ends_after(-1, fail)
    network = run({"n_jobs": 2}, 3, tmp_path)
    assert network.n_iter_ == len(network.loss_curve_) == 3
    assert network.t_ == 1500


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"alpha": 0.5}, "alpha was '0.0001', and is '0.5' now"),
        ({"hidden_layer_sizes": (21,)}, "hidden_layer_sizes"),
        ({"hash_function": SimHash(n_bits=3)}, "hash_function"),
        ({"random_state": 1}, "random_state"),
        ({"source": ArrayBlocks(X, Y, block_size=60)}, "source"),
        ({"source": ArrayBlocks(1 - X, Y, block_size=50)}, "source"),
        ({"validation": SOURCE}, "validation"),
        ({"n_epochs": 7}, "n_epochs"),
        ({"shuffle_blocks": 4}, "shuffle_blocks"),
        ({"classes": range(11)}, "classes"),
    ],
)
def test_other_trainings_are_refused(changed, name, tmp_path):
    first = classifier().fit_batches(SOURCE, checkpoint=tmp_path)
    given = {key: changed.pop(key) for key in list(changed) if key not in first.get_params()}
    source, other = given.pop("source", SOURCE), classifier(**changed)
    with pytest.raises(ValueError, match=rf"is of another training: {name}"):
        other.fit_batches(source, checkpoint=tmp_path, **given)
    assert not hasattr(other, "_network")
    other.fit_batches(source, checkpoint=tmp_path, resume=False, **given)


def test_to_begin_anew_removes_nothing_before_there_is_something_new(tmp_path, ends_after):
    run({}, 3, tmp_path)
    before = Checkpoints(tmp_path).paths()
    with pytest.raises(ValueError, match="contains NaN"):
        classifier().fit_batches(
            JoinedBlocks([SOURCE, ArrayBlocks(np.full_like(X, np.nan), Y)]),
            checkpoint=tmp_path,
            resume=False,
        )
    assert Checkpoints(tmp_path).paths() == before
    ends_after(1, fail)
    with pytest.raises(OSError, match="power"):
        run({}, 3, tmp_path, "1h", resume=False)
    (new,) = Checkpoints(tmp_path).paths()
    assert new.name > before[0].name


def test_another_estimator_is_refused(tmp_path):
    class Other(LSHMLPClassifier):
        pass

    classifier().fit_batches(SOURCE, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="estimator was 'LSHMLPClassifier', and is 'Other' now"):
        Other(**classifier().get_params()).fit_batches(SOURCE, checkpoint=tmp_path)


def test_a_folder_that_cannot_be_written_is_found_before_anything_is_read(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    source = ArrayBlocks(X, Y)
    source.read = fail
    with pytest.raises(FileExistsError):
        classifier().fit_batches(source, checkpoint=tmp_path / "file")


def test_a_disk_that_becomes_full_does_not_end_training(tmp_path, monkeypatch):
    whole, written = Checkpoints.write, []

    def write(self, facts, state, n_kept):
        if len(written) == 1:
            raise OSError("no space left")
        written.append(whole(self, facts, state, n_kept=n_kept))

    monkeypatch.setattr(Checkpoints, "write", write)
    with pytest.warns(RuntimeWarning, match="No checkpoint could be written: no space left"):
        network = classifier().fit_batches(SOURCE, checkpoint=tmp_path, checkpoint_every=0)
    assert network.n_iter_ == 3


def test_a_disk_that_is_full_is_found_before_training(tmp_path, monkeypatch, ends_after):
    monkeypatch.setattr(Checkpoints, "write", lambda self, facts, state, n_kept: fail())
    ends_after(1, lambda: pytest.fail("it trained"))
    with pytest.raises(OSError, match="power"):
        run({}, 3, tmp_path)


class Unknown(SimHash):
    """Of no module of the package."""


def test_what_cannot_be_saved_is_said_before_training(tmp_path, ends_after):
    ends_after(1, lambda: pytest.fail("it trained"))
    with pytest.raises(TypeError, match=r"A checkpoint cannot have an object of type .*Unknown"):
        classifier(hash_function=Unknown(), density=0.02, hidden_layer_sizes=(300,)).fit_batches(
            SOURCE, checkpoint=tmp_path
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: setattr(state, "random_state", 3), "StreamState.random_state"),
        (lambda state: setattr(state, "position", None), "StreamState.position"),
        (lambda state: setattr(state, "course", 1), "StreamState.course"),
        (lambda state: setattr(state, "work", None), "StreamState.work"),
        (lambda state: setattr(state.position, "order", np.zeros(500, int)), "Position.order"),
        (lambda state: setattr(state.position, "order", np.arange(5.0)), "Position.order"),
        (lambda state: setattr(state.position, "epoch", -1), "Position.epoch"),
        (lambda state: setattr(state.position, "losses", [None]), "Position.losses"),
        (lambda state: setattr(state, "seed", "x"), "StreamState.seed"),
        (lambda state: setattr(state, "n_rows", 0), "StreamState.n_rows"),
        (lambda state: state.course.best_weights.pop(), "best_weights"),
        (lambda state: state.course.best_weights.__setitem__(0, 3), "best_weights"),
        (
            lambda state: state.course.best_weights.__setitem__(
                0, state.course.best_weights[0]._replace(rows=np.zeros((2, 2), np.float32))
            ),
            "best_weights",
        ),
    ],
)
def test_states_that_were_changed_are_refused(change, message, tmp_path):
    settings = {"early_stopping": True}
    network = run(settings, 10, tmp_path)
    state = Checkpoints(tmp_path).read().state["training"]
    check_state(state, network._network)
    change(state)
    with pytest.raises((ValueError, TypeError), match=message):
        check_state(state, network._network)
    with pytest.raises(ValueError, match="training must be the state of a training"):
        check_state(None, network._network)


def test_parameters_are_told_whatever_they_are():
    assert told(np.array([1, 2])) == told([1, 2]) == "[1, 2]"
    assert told(np.float64(0.5)) == "0.5"
    assert told(np.random.RandomState(0)) == told(np.random.RandomState(1))
    assert told(lambda X: X).endswith("<lambda>")
    assert told(SimHash(n_bits=3)) == "SimHash(n_bits=3)"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
@pytest.mark.parametrize("way", ["fit", "fit_batches"])
def test_killed_trainings_come_to_the_same_bits(way):
    command = [sys.executable, KILLS, "5", "--way", way]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stderr
    assert "5 kills" in done.stdout
