"""One pass over the data: mini-batches, their weights, and threads that take them."""

import threading
import time

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_lsh.network.training import Gate, count_threads, run_batches, split, take_batch

X = np.arange(24.0).reshape(12, 2)
TARGET = sp.csr_array(np.eye(12, 3, dtype=np.float32))


def test_mini_batches_are_in_order():
    order = np.array([3, 1, 4, 0, 5])
    assert [rows.tolist() for rows in split(order, 2)] == [[3, 1], [4, 0], [5]]
    assert [rows.tolist() for rows in split(order, 9)] == [order.tolist()]
    assert split(range(5), 2) == [range(2), range(2, 4), range(4, 5)]


def test_weights_of_a_batch_sum_to_one():
    rows = np.array([2, 0, 5])
    batch = take_batch(X, TARGET, None, rows)
    np.testing.assert_array_equal(batch.inputs, X[rows])
    np.testing.assert_array_equal(batch.targets.toarray(), TARGET[rows].toarray())
    np.testing.assert_allclose(batch.weight, 1 / 3)
    assert batch.total_weight == 3
    weight = np.arange(12, dtype=np.float32)
    batch = take_batch(X, TARGET, weight, rows)
    np.testing.assert_allclose(batch.weight, [2 / 7, 0, 5 / 7])
    assert batch.total_weight == 7
    assert batch.inputs.dtype == batch.weight.dtype == np.float32


@pytest.mark.parametrize("weight", [None, np.arange(12, dtype=np.float32)])
@pytest.mark.parametrize("given", [X, sp.csr_array(X)])
def test_a_range_of_rows_is_as_their_numbers(given, weight):
    one, other = (
        take_batch(given, TARGET, weight, rows) for rows in (range(2, 6), np.arange(2, 6))
    )
    for ours, theirs in ((one.inputs, other.inputs), (one.targets, other.targets)):
        as_dense = [x.toarray() if hasattr(x, "indptr") else x for x in (ours, theirs)]
        np.testing.assert_array_equal(*as_dense)
    np.testing.assert_array_equal(one.weight, other.weight)
    assert one.total_weight == other.total_weight


def test_rows_without_weight_are_no_batch():
    assert take_batch(X, TARGET, np.zeros(12, np.float32), np.array([1, 2])) is None


@pytest.mark.parametrize(
    ("n_jobs", "n_batches", "expected"), [(None, 5, 1), (1, 5, 1), (3, 5, 3), (8, 5, 5), (2, 0, 1)]
)
def test_threads_are_no_more_than_batches(n_jobs, n_batches, expected):
    assert count_threads(n_jobs, [None] * n_batches) == expected


def never():
    return False


@pytest.mark.parametrize("n_jobs", [None, 3])
def test_each_batch_is_trained_on_once(n_jobs):
    batches = split(np.arange(100), 7)
    seen = []

    def step(rows):
        seen.append(rows)
        return float(rows[0])

    losses = []
    run_batches(step, batches, n_jobs, losses, never)
    assert sorted(rows[0] for rows in seen) == [rows[0] for rows in batches]
    assert sorted(losses) == sorted(rows[0] * len(rows) for rows in batches)


@pytest.mark.parametrize("n_done", [0, 1, 15])
def test_batches_that_have_losses_are_done(n_done):
    batches, losses = split(np.arange(100), 7), [0.5] * n_done
    run_batches(lambda rows: float(rows[0]), batches, None, losses, never)
    assert losses[:n_done] == [0.5] * n_done
    assert losses[n_done:] == [rows[0] * len(rows) for rows in batches[n_done:]]


def test_there_are_no_more_threads_than_batches():
    threads = set()

    def step(rows):
        threads.add(threading.get_ident())
        return 0.0

    run_batches(step, split(np.arange(15), 5), 10**9, [], never)
    assert len(threads) <= 3


def test_an_error_in_one_thread_leaves_the_others_few_batches():
    taken, begun = [], threading.Barrier(2, timeout=30)

    def step(rows):
        taken.append(rows[0])
        if len(taken) <= 2:
            begun.wait()  # both threads are at work
        if rows[0] == 0:
            raise FloatingPointError("in the first batch")
        time.sleep(0.02)
        return 0.0

    with pytest.raises(FloatingPointError, match="in the first batch"):
        run_batches(step, split(np.arange(500), 5), 2, [], never)
    assert len(taken) < 50  # of 100


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_the_rest_is_left_out_once_it_is_stopped(n_jobs):
    taken = []

    def step(rows):
        taken.append(rows[0])
        return 1.0

    losses = []
    run_batches(step, split(np.arange(100), 5), n_jobs, losses, lambda: len(taken) >= 4)
    assert 4 <= len(taken) <= 5  # each thread may be just about to take one
    assert losses == [5.0] * len(taken)


def test_weights_of_which_the_sum_is_beyond_float32():
    rows = np.array([2, 0, 5])
    weight = np.zeros(12, np.float32)
    weight[rows] = [3e38, 1.5e38, 3e38]
    batch = take_batch(X, TARGET, weight, rows)
    np.testing.assert_allclose(batch.weight, [0.4, 0.2, 0.4], rtol=1e-6)
    assert batch.total_weight == pytest.approx(7.5e38)


def test_who_has_to_be_alone_waits_for_those_inside():
    gate, events, entered = Gate(), [], threading.Event()

    def stay():
        with gate.inside():
            entered.set()
            time.sleep(0.05)
            events.append("left")

    inside = threading.Thread(target=stay)
    inside.start()
    entered.wait()
    with gate.outside(alone=lambda: False):
        events.append("beside")
    with gate.outside(alone=lambda: True):
        events.append("alone")
    inside.join()
    assert events == ["beside", "left", "alone"]


def test_an_error_inside_lets_others_go_on():
    gate = Gate()
    with pytest.raises(ZeroDivisionError), gate.inside():
        raise ZeroDivisionError
    with gate.outside(alone=lambda: True):
        pass
