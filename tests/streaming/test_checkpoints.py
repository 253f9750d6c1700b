"""Checkpoints in a folder: whole, two at a time, the earlier one where the latest is damaged."""

import os
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from sklearn_lsh.streaming.checkpoints import Checkpoints, seconds_of

STATE = {"weights": np.arange(1000.0), "epoch": 3}


def write(folder, *epochs):
    for epoch in epochs:
        Checkpoints(folder).write({"epoch": epoch}, {**STATE, "epoch": epoch})


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_last_two_are_kept(tmp_path):
    folder = tmp_path / "new" / "folder"
    assert Checkpoints(folder).read() is None
    write(folder, 0, 1, 2, 3)
    assert names(folder) == ["checkpoint-00000003.npz", "checkpoint-00000004.npz"]
    found = Checkpoints(folder).read()
    assert found.facts == {"epoch": 3}
    assert found.state["epoch"] == 3
    np.testing.assert_array_equal(found.state["weights"], STATE["weights"])
    Checkpoints(folder).write({"epoch": 4}, STATE, n_kept=1)
    assert names(folder) == ["checkpoint-00000005.npz"]


def test_numpy_reads_them(tmp_path):
    write(tmp_path, 1)
    with np.load(tmp_path / "checkpoint-00000001.npz") as stored:
        assert any(np.array_equal(stored[name], STATE["weights"]) for name in stored.files)


@pytest.mark.parametrize("place", [0, 40, 500, -1, -10, -300])
def test_a_damaged_one_is_passed_over(tmp_path, place):
    write(tmp_path, 1, 2)
    path = tmp_path / "checkpoint-00000002.npz"
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.warns(UserWarning, match=r"checkpoint-00000002.npz is damaged: its checksum"):
        assert Checkpoints(tmp_path).read().state["epoch"] == 1


@pytest.mark.parametrize("size", [0, 10, 5000])
def test_so_is_one_that_is_cut_off(tmp_path, size):
    write(tmp_path, 1, 2)
    os.truncate(tmp_path / "checkpoint-00000002.npz", size)
    with pytest.warns(UserWarning, match="is damaged"):
        assert Checkpoints(tmp_path).read().state["epoch"] == 1


def test_what_a_killed_process_left_is_removed_and_nothing_of_others_that_live(tmp_path):
    write(tmp_path, 1)
    for name in ("dead", "alive"):
        (tmp_path / f"checkpoint-{name}.tmp").write_bytes(b"half")
    os.utime(tmp_path / "checkpoint-dead.tmp", times=(0, 0))
    assert Checkpoints(tmp_path).read().state["epoch"] == 1
    assert names(tmp_path) == ["checkpoint-00000001.npz", "checkpoint-alive.tmp"]


def test_what_could_not_be_written_takes_no_room(tmp_path, monkeypatch):
    write(tmp_path, 1)
    checkpoints = Checkpoints(tmp_path)

    def fill_the_disk(*arguments, **arrays):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", fill_the_disk)
    with pytest.raises(OSError, match="No space left"):
        checkpoints.write({}, STATE)
    assert names(tmp_path) == ["checkpoint-00000001.npz"]


def test_many_may_share_a_folder(tmp_path):
    def use(number):
        for epoch in range(20):
            write(tmp_path, epoch)
            assert Checkpoints(tmp_path).read() is not None

    with warnings.catch_warnings(), ThreadPoolExecutor(4) as threads:
        warnings.simplefilter("error")
        list(threads.map(use, range(4)))
    assert not list(tmp_path.glob("*.tmp"))


def test_facts_are_read_without_the_state(tmp_path):
    write(tmp_path, 3)
    assert Checkpoints(tmp_path).read(whole=False) == ({"epoch": 3}, None)


def test_files_of_others_are_let_be(tmp_path):
    others = ["notes.npz", "notes.tmp", "probe.tmp"]
    for name in others:
        (tmp_path / name).write_bytes(b"mine")
    write(tmp_path, 1, 2, 3)
    Checkpoints(tmp_path).write({}, STATE, n_kept=1)
    assert names(tmp_path) == ["checkpoint-00000004.npz", *others]
    assert {(tmp_path / name).read_bytes() for name in others} == {b"mine"}


def test_one_that_cannot_be_written_is_found_at_once(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="file"):
        Checkpoints(tmp_path / "file")


def test_an_error_while_one_is_written_leaves_those_before(tmp_path):
    write(tmp_path, 1)
    with pytest.raises(TypeError, match="cannot have an object"):
        Checkpoints(tmp_path).write({}, object())
    assert Checkpoints(tmp_path).read().state["epoch"] == 1


def test_other_versions_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("sklearn_lsh.streaming.checkpoints.VERSION", 99)
    write(tmp_path, 1)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="of another version: 99"):
        Checkpoints(tmp_path).read()


@pytest.mark.parametrize(
    ("period", "seconds"), [(3, 3), (0, 0), (0.5, 0.5), ("30s", 30), ("1.5 min", 90), ("2h", 7200)]
)
def test_periods(period, seconds):
    assert seconds_of(period, "every") == seconds


@pytest.mark.parametrize("period", [-1, "10", "10 days", "", None, True, np.nan, np.inf, [3]])
def test_what_is_no_period(period):
    with pytest.raises(ValueError, match="checkpoint_every must be"):
        seconds_of(period, "checkpoint_every")
