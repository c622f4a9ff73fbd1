# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Many jobs on several processes, each with one thread."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed

from .validation import check_count

__all__ = ["run_jobs"]

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run_jobs(function, jobs, *, workers=1, progress_bar=None, desc=""):
    """
    Yield the results of a function of each job, in the order in which the jobs end.

    With one worker the jobs run in this process. With several, processes are spawned,
    since torch does not survive a fork: function and results must be picklable, and a
    script needs the guard ``if __name__ == "__main__":``. After an error or an
    interrupt, jobs that have begun are finished, and no others are begun.
    ``progress_bar`` is called as ``progress_bar(iterable, desc=..., total=...)``.
    """
    check_count("workers", workers)
    jobs = list(jobs)
    if workers == 1 or len(jobs) < 2:
        results = map(function, jobs)
    else:
        results = _in_processes(function, jobs, min(workers, len(jobs)))
    if progress_bar is not None:
        results = progress_bar(results, desc=desc, total=len(jobs))
    yield from results


def _in_processes(function, jobs, workers):
    executor = ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_initialise,
        initargs=(function,),
    )
    try:
        for future in as_completed([executor.submit(_call, job) for job in jobs]):
            yield future.result()
    finally:
        executor.shutdown(cancel_futures=True)


_function = None


def _initialise(function):
    """Keep the function, compute with one thread, leave interrupts to the parent."""
    global _function
    _function = function
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for variable in _THREAD_VARIABLES:
        os.environ[variable] = "1"
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    else:
        from threadpoolctl import threadpool_limits  # comes with scikit-learn

        threadpool_limits(1)


def _call(job):
    return _function(job)
