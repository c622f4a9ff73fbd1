# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Workers of Dask: how they start, and how fields are given to them."""

from __future__ import annotations

import contextlib
import logging
import os
import time
import uuid
from contextlib import contextmanager
from queue import Empty, SimpleQueue

import numpy as np

from ..utils.optional import import_optional
from .field import FieldRow
from .remote import is_remote, read_ahead

__all__ = ["FieldPool", "connected", "joined"]

AHEAD = 4
"""Fields per worker that are submitted at a time."""

MEMORY = "4GB"
"""Limit of the memory of a worker that is started; a field in three bands takes 2.4."""

POLL = 1.0
"""Seconds without the end of a field after which the cluster is looked at."""

LOOK = 5.0
"""Seconds between looks for fields that take too long."""

START = 300
"""Seconds within which a worker must be there."""

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Variables that a local cluster sets in its parent, too."""

LOCAL = {
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.comm.timeouts.connect": "300s",
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.monitor-interval": "500ms",
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.nanny.pre-spawn-environ": dict.fromkeys(THREADS, 1),
}
"""
A worker that dies takes its own field along and no other; busy machines are slow.

Nobody looks at profiles of tasks that take seconds, and seldom at the machine; and
memory that a worker gives back after every array is dear to get again, so Dask's
``MALLOC_TRIM_THRESHOLD_`` is not set.
"""

TRIES = 5
"""Attempts to reach all workers before the first field."""

PLUGIN = "astro_vaeclust"
"""Name of the plugin of workers."""

DESERTED = 600
"""Seconds without any worker after which a cluster counts as lost."""

ANSWER = 30
"""Seconds within which a scheduler answers."""


@contextmanager
def joined(client, workers, *, dashboard=False):
    """
    Yield a client of a cluster; without one, a cluster is started on this machine.

    ``client`` is a `distributed.Client` or None, ``workers`` the number of processes to
    start, ``dashboard`` whether these have Dask's page of what is at work.
    """
    if client is not None:
        with _left_as_it_was(client):
            yield client
        return
    distributed = import_optional("distributed", "survey")
    dask = import_optional("dask", "survey")
    if dashboard:
        import_optional("bokeh", "dashboard")
    before = {name: os.environ.get(name) for name in THREADS}
    with contextlib.ExitStack() as stack:
        stack.enter_context(dask.config.set(LOCAL))
        try:
            cluster = distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": dashboard},
                memory_limit=MEMORY,
                silence_logs=logging.CRITICAL,
            )
        except RuntimeError as error:
            raise ConnectionError(f"the workers did not start: {error}") from error
        stack.enter_context(cluster)
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        yield stack.enter_context(distributed.Client(cluster))


@contextmanager
def _left_as_it_was(client):
    """Let workers of others, and those that join them, forget the survey."""
    try:
        yield
    finally:
        with contextlib.suppress(Exception):
            if client.status == "running":
                client.unregister_worker_plugin(PLUGIN)


@contextmanager
def connected(address, file):
    """
    Yield a client of a cluster that runs, by its address or the file it has written.

    Raises a ConnectionError if it cannot be reached.
    """
    distributed = import_optional("distributed", "survey")
    if file is not None and not os.path.exists(file):
        raise FileNotFoundError(f"scheduler-file={file!r} does not exist")
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        client = distributed.Client(address, scheduler_file=file, timeout=ANSWER)
    except (OSError, ValueError) as error:
        raise ConnectionError(
            f"no scheduler answers at {address or file} within {ANSWER} s: {error}"
        ) from error
    with client:
        yield client


class FieldPool:
    """
    The workers of a survey.

    Parameters
    ----------
    client : `distributed.Client`
        Their cluster.
    finder : `~astro_vaeclust.base.ClusterFinderBase`
        The search, which each worker loads once.
    sample : str
        A file that every worker must see.
    timeout : float
        Seconds after which the search of a field is given up.
    cache : `~astro_vaeclust.survey.remote.ImageCache` or None
        Keeps objects of the network.

    Raises
    ------
    ConnectionError
        If there are no workers.
    ValueError
        If workers have another version of the package or another model, or do not see
        the images or the folder of the cache; they are named.
    """

    def __init__(self, client, finder, *, sample, timeout, cache=None):
        self.client = client
        self.timeout = timeout
        self.cache = cache
        self._overdue = {}
        self._n_threads, self._counted = 1, -np.inf
        try:
            client.wait_for_workers(1, timeout=START)
        except TimeoutError:
            raise ConnectionError(
                f"no worker joined {_address(client)} within {START} s"
            ) from None
        files = [sample] if cache is None else [sample, str(cache.folder)]
        _prepare(client, finder, cache, files)

    def each(self, function, items, *arguments):
        """Return the results of a function of each item, in their order (list)."""

        def submitted(numbered):
            return self.client.submit(function, numbered[1], *arguments, pure=False)

        found = {}
        for numbered, future in self._ended(enumerate(items), submitted):
            if future is not None:
                found[numbered[0]] = future.result()
        return [found[number] for number in sorted(found)]

    def rows(self, search, jobs):
        """
        Yield the rows of fields in the order in which they end, and None now and then.

        Parameters
        ----------
        search : `~astro_vaeclust.survey.field.FieldSearch`
            The search.
        jobs : list of tuple
            Index and inputs of each field.

        Raises
        ------
        ConnectionError
            If the cluster is lost.
        """
        run = uuid.uuid4().hex[:8]

        def submitted(number):
            index, inputs = jobs[number]
            later = [
                path
                for number in self._ahead(number, len(jobs))
                for path, _ in jobs[number][1]
                if is_remote(path)
            ]
            key = f"field-{run}-{index}"
            return self.client.submit(
                _search, search, index, inputs, later, key=key, pure=False
            )

        for number, future in self._ended(range(len(jobs)), submitted, self.timeout):
            yield None if future is None else self._row(search, jobs[number], future)

    def _ahead(self, number, n_jobs):
        """Return the jobs whose images are read while one is searched (range)."""
        if self.cache is None:
            return range(0)
        workers = self._n_workers()
        first = number + (workers if number < workers else AHEAD * workers)
        return range(first, min(number + AHEAD * workers + 1, n_jobs), workers)

    def _row(self, search, job, future):
        """Return the row of a field whose future has ended."""
        if future.status == "finished":
            return future.result()
        index, inputs = job
        reason = self._overdue.pop(future.key, None)
        if reason is None:
            error = future.exception()
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            if type(error).__name__ == "KilledWorker":
                reason = "its worker died each time it was tried; out of memory?"
        name = search.grid.sky.field(index).name
        return FieldRow(
            index, name, "failed", search.grid.tier, reason=reason, inputs=inputs
        )

    def _ended(self, items, submitted, limit=np.inf):
        """Yield items with their futures as they end, and Nones while none does."""
        items, running, done = iter(items), {}, SimpleQueue()
        looked = seen = time.monotonic()
        try:
            more = True
            while more or running:
                while more and len(running) < AHEAD * self._n_workers():
                    item = next(items, items)
                    more = item is not items
                    if more:
                        future = submitted(item)
                        running[future.key] = item, future
                        future.add_done_callback(done.put)
                if time.monotonic() - looked > min(LOOK, limit / 4):
                    looked = time.monotonic()
                    self._end_overdue(running, done, limit)
                    if self.cache is not None:
                        self.cache.shrink()
                try:
                    key = done.get(timeout=POLL).key
                except Empty:
                    if self.client.nthreads():
                        seen = time.monotonic()
                    deserted = time.monotonic() - seen > DESERTED
                    if deserted or self.client.status != "running":
                        raise self._lost() from None
                    yield None, None
                    continue
                seen = time.monotonic()
                if key not in running:
                    continue
                item, future = running.pop(key)
                if future.status in ("cancelled", "lost") and key not in self._overdue:
                    raise self._lost()
                yield item, future
                future.release()
        finally:
            for _, future in running.values():
                with contextlib.suppress(Exception):
                    future.cancel(force=True)

    def _n_workers(self):
        """Return how many fields are searched at a time, as of the last second."""
        if time.monotonic() - self._counted > POLL:
            self._n_threads = max(sum(self.client.nthreads().values()), 1)
            self._counted = time.monotonic()
        return self._n_threads

    def _end_overdue(self, running, done, limit):
        """End fields that take too long; their workers end, and start again."""
        for key, (address, seconds) in self.client.run_on_scheduler(_executing).items():
            if key not in running or seconds < limit:
                continue
            _, future = running[key]
            self._overdue[key] = f"it took longer than {limit:g} s"
            future.cancel(force=True)
            self.client.run(_leave, workers=[address], wait=False)
            done.put(future)

    def _lost(self):
        return ConnectionError(
            f"the cluster at {_address(self.client)} is lost; what was found is "
            "written, and the survey can be resumed"
        )


def _search(search, index, inputs, later):
    """Search a field while images of later ones are read; called in a worker."""
    read_ahead(later)
    return search(index, inputs)


def _prepare(client, finder, cache, files):
    """Make the workers those of a survey."""
    from .plugin import FieldPlugin

    plugin = FieldPlugin(finder, cache, files)
    for again in reversed(range(TRIES)):
        try:
            client.register_plugin(plugin, name=PLUGIN)
            return
        except OSError:  # a worker has just left, or is starting again
            if not again:
                raise
            time.sleep(POLL)


def _address(client):
    return client.scheduler.address if client.scheduler else "its address"


def _executing(dask_scheduler):
    """Return worker and seconds of each task that runs, by its key (dict)."""
    return {
        str(task.key): (worker.address, seconds)
        for worker in dask_scheduler.workers.values()
        for task, seconds in worker.executing.items()
    }


async def _leave():
    """End the process of a worker at once."""
    os._exit(1)
