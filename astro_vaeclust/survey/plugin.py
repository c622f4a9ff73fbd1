# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What each worker does once, before its first field; imports Dask."""

from __future__ import annotations

import os
import signal

from distributed import WorkerPlugin

from .remote import read_through

__all__ = ["FieldPlugin"]


class FieldPlugin(WorkerPlugin):
    """
    Makes a process a worker of a survey.

    It leaves interrupts to the process of the user, computes with one thread, and loads
    the trained model. Objects of the network are read through the cache of the survey.

    Parameters
    ----------
    finder : `~astro_vaeclust.base.ClusterFinderBase`
        The search.
    cache : `~astro_vaeclust.survey.remote.ImageCache` or None
        The cache.
    """

    def __init__(self, finder, cache):
        self.finder, self.cache = finder, cache
        self.user = os.getpid()

    def setup(self, worker):
        """Prepare a worker that has just started."""
        if os.getpid() != self.user:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        import torch

        torch.set_num_threads(1)
        _ = self.finder.trained_model
        read_through(self.cache)
