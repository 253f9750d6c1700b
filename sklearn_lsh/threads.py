"""Threads that share the processor with each other, not with those of BLAS.

joblib decides how many threads ``n_jobs`` means, but does not run them: it takes a hundredth of a
second to start them, and looks for what is finished only now and then.
"""

from collections import deque
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from functools import cache

from joblib import effective_n_jobs
from threadpoolctl import ThreadpoolController


def together(work, stop, n_jobs):
    """Run the same function in ``n_jobs`` threads (None: in this one) until all have returned.

    If one raises an error, or the user interrupts, ``stop`` is called, which has to make all
    return soon.
    """
    n_jobs = effective_n_jobs(n_jobs)
    if n_jobs == 1:
        work()
        return
    with threads(n_jobs) as pool, stopping(stop):
        jobs = [pool.submit(stopping(stop)(work)) for _ in range(n_jobs)]
        for job in as_completed(jobs):
            job.result()


@contextmanager
def stopping(stop):
    """Call ``stop`` if there is an error: in the thread that has it, and in the one that waits."""
    try:
        yield
    except BaseException:
        stop()
        raise


def one_by_one(work, parts, n_jobs):
    """Yield ``work(part)`` of each part, in their order: threads are a few parts ahead."""
    n_jobs = min(effective_n_jobs(n_jobs), len(parts))
    if n_jobs <= 1:
        yield from map(work, parts)
        return
    ahead = deque()
    with threads(n_jobs) as pool:
        for part in parts:
            ahead.append(pool.submit(work, part))
            if len(ahead) > 2 * n_jobs:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


@contextmanager
def threads(n_jobs):
    """A pool of threads, while BLAS has one in each of them."""
    with _blas().limit(limits=1), ThreadPoolExecutor(n_jobs) as pool:
        yield pool


@cache
def _blas():
    # Once, because looking through all libraries takes milliseconds.
    return ThreadpoolController().select(user_api="blas")
