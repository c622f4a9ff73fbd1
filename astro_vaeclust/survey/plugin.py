# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What each worker does once, before its first field; imports Dask."""

from __future__ import annotations

import os
import signal

from distributed import WorkerPlugin

from ..version import __version__
from .remote import is_remote, read_through

__all__ = ["FieldPlugin"]


class FieldPlugin(WorkerPlugin):
    """
    Makes a process a worker of a survey, also one that joins late.

    It leaves interrupts to the process of the user, computes with one thread, and loads
    the trained model. Objects of the network are read through the cache of the survey.

    Parameters
    ----------
    finder : `~astro_vaeclust.base.ClusterFinderBase`
        The search.
    cache : `~astro_vaeclust.survey.remote.ImageCache` or None
        The cache.
    files : list of str
        Files and folders that the worker must see; URLs always are.
    """

    def __init__(self, finder, cache, files):
        self.finder, self.cache, self.files = finder, cache, files
        self.user = os.getpid()
        self.expected = self._state()

    def setup(self, worker):
        """
        Prepare a worker that has just started.

        Raises a ValueError if it has another version of the package or another model,
        or does not see a file.
        """
        if os.getpid() != self.user:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        import torch

        torch.set_num_threads(1)
        for what, there in self._state().items():
            if there != self.expected[what]:
                raise ValueError(
                    f"{what} is {there!r} for the worker {worker.address}, and "
                    f"{self.expected[what]!r} here"
                )
        read_through(self.cache)

    def _state(self):
        """Return what must be the same in all processes (dict)."""
        try:
            model = self.finder.trained_model.identity
        except (OSError, ValueError) as error:
            model = str(error)
        state = {"the version of astro_vaeclust": __version__, "the model": model}
        for name in self.files:
            seen = is_remote(name) or os.path.exists(name)
            state[f"the existence of {name}"] = seen
        return state
