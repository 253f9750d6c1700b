"""Runs in processes of their own, whose memory can be measured."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path


def in_new_process(function, *arguments):
    """Call a function in a process of its own, whose memory is then its own, too."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as processes:
        return processes.submit(function, *arguments).result()


def peak_memory():
    """Return this process's highest resident memory so far, in bytes (on Linux)."""
    # Not getrusage: its figure includes the parent's memory from before the process was its own.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024
