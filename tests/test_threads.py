"""Threads: all come to an end, whatever happens in one of them."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from sklearn_lsh.csr import take
from sklearn_lsh.network import network
from sklearn_lsh.threads import one_by_one, together

from .support.small_networks import N_FEATURES, N_SAMPLES, make_data, make_network


@pytest.mark.parametrize("n_jobs", [None, 1, 3])
def test_together(n_jobs):
    names = []
    together(lambda: names.append(threading.current_thread().name), lambda: None, n_jobs)
    assert len(names) == (n_jobs or 1)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_stops_all(error):
    stopped = threading.Event()
    left_to_fail, ended = [True], []

    def work():
        if left_to_fail and left_to_fail.pop():
            raise error
        assert stopped.wait(10)
        ended.append(True)

    with pytest.raises(error):
        together(work, stopped.set, 3)
    assert ended == [True, True]


@pytest.mark.parametrize("n_jobs", [None, 3])
def test_one_by_one_keeps_the_order(n_jobs):
    def work(part):
        time.sleep(0.001 * (part % 3))
        return 2 * part

    assert list(one_by_one(work, range(20), n_jobs)) == list(range(0, 40, 2))


def test_one_by_one_is_only_a_few_ahead():
    begun = []
    answers = one_by_one(lambda part: begun.append(part) or part, range(100), 2)
    assert [next(answers) for _ in range(3)] == [0, 1, 2]
    assert len(begun) < 15
    answers.close()
    assert len(begun) < 15


def test_an_error_of_a_part_is_raised():
    def work(part):
        return 1 / (3 - part)

    answers = one_by_one(work, range(5), 2)
    with pytest.raises(ZeroDivisionError):
        list(answers)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_interrupted_epoch_trains_no_further(monkeypatch, n_jobs):
    take_batch, trained = network.take_batch, []

    def interrupt(*args):
        trained.append(True)
        if len(trained) == 3:
            raise KeyboardInterrupt
        time.sleep(0.01)
        return take_batch(*args)

    monkeypatch.setattr(network, "take_batch", interrupt)
    X, target = make_data()
    interrupted = make_network()
    with pytest.raises(KeyboardInterrupt):
        interrupted.train_epoch(X, target, None, np.arange(N_SAMPLES), 1, n_jobs)
    assert len(trained) < 10
    n_trained = len(trained)
    time.sleep(0.05)
    assert len(trained) == n_trained


def test_tables_are_built_while_others_note_samples():
    n_classes = 30_000
    network = make_network(
        n_units=(N_FEATURES, 8, n_classes), n_active=(None, 50), selection="lsh", loss="softmax"
    )
    X, _ = make_data(n_samples=200)
    network.prepare(X, np.arange(200))
    layer, inputs = network.layers[-1], network.hidden(take(X, slice(0, 200)))
    blank, stopped = layer.selection.memory.is_blank, threading.Event()

    def note():
        places = np.random.default_rng(0).integers(n_classes, blank.size, size=1000)
        while not stopped.is_set():
            blank[places] = ~blank[places]

    with ThreadPoolExecutor(1) as other:
        noting = other.submit(note)
        try:
            for _ in range(50):
                layer.selection.refresh(layer.weights, inputs)
        finally:
            stopped.set()
        noting.result()
    assert layer.selection.tables.n_rows == n_classes
