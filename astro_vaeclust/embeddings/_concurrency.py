# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Independent trainings side by side, each on one thread of torch."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from queue import SimpleQueue

import torch

__all__ = []

_lock = threading.Lock()
_state = {"users": 0, "default": 1}


def run_side_by_side(tasks, *, n_threads, bar=None):
    """
    Run tasks in threads, each of which lets torch use one thread; return the results.

    So the result does not depend on how many there are. Torch releases Python's lock
    while it computes. When a task fails or the user interrupts, the others stop. Each
    task is called with a function that wraps the iterable of its steps; ``bar`` wraps
    an iterable that yields once per step of any task, in this thread.
    """
    stop, events = threading.Event(), SimpleQueue()

    def watch(iterable):
        for item in iterable:
            if stop.is_set():
                raise CancelledError
            yield item
            events.put(None)

    with (
        _default_threads_kept(),
        ThreadPoolExecutor(n_threads, "training", torch.set_num_threads, (1,)) as pool,
    ):
        futures = [pool.submit(task, watch) for task in tasks]
        for future in futures:
            future.add_done_callback(events.put)
        try:
            for _ in (bar or iter)(_steps(events, len(tasks))):
                pass
        except BaseException:
            stop.set()
            raise
    return [future.result() for future in futures]


def _steps(events, n_tasks):
    """Yield once per step until all tasks are done; raise what the first one raised."""
    while n_tasks:
        future = events.get()
        if future is None:
            yield
        else:
            n_tasks -= 1
            future.result()


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
