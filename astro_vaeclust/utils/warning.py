# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Warnings where several threads may be at work.

`warnings.catch_warnings` changes the state of the whole process: what one thread
ignores, no thread hears of, and a thread that leaves it early lets out what another
ignores. So it is entered with a lock, and only for short calls of other packages; also
where these enter it themselves, as astropy does for any new WCS. What this package
warns of is left unsaid by the thread alone, however long that takes.
"""

from __future__ import annotations

import threading
import warnings
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["WARNINGS_LOCK", "ignored_warnings", "muted", "warn"]

WARNINGS_LOCK = threading.RLock()
"""Held by the thread that is in `warnings.catch_warnings`, or calls what enters it."""

_MUTED = ContextVar("muted", default=())


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


def warn(message, category, *, stacklevel):
    """Warn, as `warnings.warn` does, but if this is `muted`; no other thread hears."""
    if not issubclass(category, _MUTED.get()):
        with WARNINGS_LOCK:
            warnings.warn(message, category, stacklevel=stacklevel + 1)
