# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Warnings where several threads may be at work.

`warnings.catch_warnings` changes the state of the whole process: what one thread
ignores, no thread hears of, and a thread that leaves it early lets out what another
ignores. So it is entered with a lock, for calls of other packages alone, and the lock
is held where these enter it themselves, as astropy does for any new WCS. What this
package warns of is left unsaid by the thread alone, however long that takes.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
import warnings
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["WARNINGS_LOCK", "ignored_warnings", "muted", "named", "warn"]

WARNINGS_LOCK = threading.RLock()
"""Held by the thread that is in `warnings.catch_warnings`, or calls what enters it."""

_MUTED = ContextVar("muted", default=())

_NAME = ContextVar("name", default="")

_WITHIN = (
    os.path.dirname(os.path.dirname(__file__)) + os.sep,
    contextlib.__file__,
    functools.__file__,
)
"""Beginnings of the names of files that warnings do not point at."""


@contextmanager
def ignored_warnings(*categories):
    """Ignore warnings of other packages in a short call, one thread at a time."""
    with WARNINGS_LOCK, warnings.catch_warnings():
        for category in categories:
            warnings.simplefilter("ignore", category)
        yield


@contextmanager
def muted(*categories):
    """Leave unsaid what this package warns of, in this thread alone."""
    token = _MUTED.set((*_MUTED.get(), *categories))
    try:
        yield
    finally:
        _MUTED.reset(token)


@contextmanager
def named(name):
    """Begin with a name whatever this package warns of, in this thread alone."""
    token = _NAME.set(f"{_NAME.get()}{name}: ")
    try:
        yield
    finally:
        _NAME.reset(token)


def warn(message, category):
    """
    Warn, as `warnings.warn` does, but if this is `muted`; no other thread hears.

    The warning points at the line outside of this package that led here.
    """
    if issubclass(category, _MUTED.get()):
        return
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_code.co_filename.startswith(_WITHIN):
        frame, level = frame.f_back, level + 1
    with WARNINGS_LOCK:
        warnings.warn(f"{_NAME.get()}{message}", category, stacklevel=level)


if hasattr(os, "register_at_fork"):  # a child must not wait for threads that it lacks
    os.register_at_fork(after_in_child=WARNINGS_LOCK._at_fork_reinit)
