# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Independent trainings side by side, each on one thread of torch."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import torch

__all__ = []

_lock = threading.Lock()
_state = {"users": 0, "default": 1}


class _Stopped(Exception):
    """Another task has failed, or the user has interrupted."""


def run_side_by_side(tasks, *, n_threads, bar=None):
    """
    Run tasks in threads, each of which lets torch use one thread.

    So the result does not depend on how many there are. Torch gives up Python's lock
    while it computes.

    Parameters
    ----------
    tasks : list of callable
        Each is called with a function that wraps the iterable of its steps. The first
        are started first.
    n_threads : int
        Threads at most.
    bar : callable, optional
        Wraps an iterable that yields once per step of any task, in this thread.

    Returns
    -------
    results : list
        What the tasks return, in their order.
    """
    stop, steps = threading.Event(), SimpleQueue()

    def watch(iterable):
        for item in iterable:
            if stop.is_set():
                raise _Stopped
            yield item
            if bar is not None:
                steps.put(True)

    def finish(future):
        if not future.cancelled() and future.exception() is not None:
            stop.set()
        steps.put(False)

    n_threads = min(n_threads, len(tasks))
    with (
        _default_threads_kept(),
        ThreadPoolExecutor(n_threads, initializer=_use_one_thread) as pool,
    ):
        futures = [pool.submit(task, watch) for task in tasks]
        for future in futures:
            future.add_done_callback(finish)
        try:
            if bar is not None:
                for _ in bar(_count(steps, len(tasks))):
                    pass
            errors = [future.exception() for future in futures]
        except BaseException:
            stop.set()
            raise
    for error in errors:
        if error is not None and not isinstance(error, _Stopped):
            raise error
    return [future.result() for future in futures]


def _count(steps, n_tasks):
    """Yield numbers of steps until all tasks have finished."""
    number = 0
    while n_tasks:
        if steps.get():
            yield number
            number += 1
        else:
            n_tasks -= 1


def _use_one_thread():
    torch.set_num_threads(1)


@contextlib.contextmanager
def _default_threads_kept():
    """Undo what a worker's number of threads does to the threads of others."""
    with _lock:
        if not _state["users"]:
            _state["default"] = torch.get_num_threads()
        _state["users"] += 1
    try:
        yield
    finally:
        with _lock:
            _state["users"] -= 1
            if not _state["users"]:
                torch.set_num_threads(_state["default"])
