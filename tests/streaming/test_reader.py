"""The thread that reads ahead: in order, not too far, and gone in the end."""

import threading
import time

import pytest

from sklearn_lsh.streaming.reader import N_AHEAD, Reader


def wait_until(condition):
    stop = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < stop
        time.sleep(0.001)


def test_results_come_in_order():
    with Reader(range(50), lambda job: job * job) as reader:
        assert list(reader) == [job * job for job in range(50)]
        assert next(reader, None) is None


def test_it_is_only_a_little_ahead():
    begun = []
    with Reader(range(50), begun.append) as reader:
        next(reader)
        wait_until(lambda: len(begun) == N_AHEAD + 1)
        time.sleep(0.02)
        assert len(begun) == N_AHEAD + 1


def test_an_error_comes_where_the_result_would_and_stays():
    with Reader([2, 1, 0, 3], lambda job: 6 // job) as reader:
        assert [next(reader), next(reader)] == [3, 6]
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                next(reader)


def test_an_error_of_what_names_the_jobs():
    def jobs():
        yield 1
        raise OSError("gone")

    with Reader(jobs(), lambda job: job) as reader:
        assert next(reader) == 1
        with pytest.raises(OSError, match="gone"):
            next(reader)


@pytest.mark.parametrize("n_fetched", [0, 1, 5])
def test_the_thread_ends_with_the_context(n_fetched):
    before = threading.active_count()
    with Reader(range(10**9), lambda job: job) as reader:
        for _ in range(n_fetched):
            next(reader)
    assert threading.active_count() == before


def test_work_goes_on_beside():
    main = threading.get_ident()
    with Reader(range(3), lambda job: threading.get_ident()) as reader:
        assert main not in set(reader)
