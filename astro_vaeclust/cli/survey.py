# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust survey``: search many images as one sky."""

from __future__ import annotations

import signal
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace

from .messages import LOGGER, progress_bar
from .options import (
    SURVEYS,
    add_finder_options,
    add_hdu,
    add_workers,
    make_finder,
    positive,
    whole_number,
)

__all__ = ["DESCRIPTION", "EXAMPLE", "HELP", "add_options", "run"]

HELP = "find the clusters of many images as one sky, on many processes"
DESCRIPTION = (
    "Cut the sky that the images show into fields, and search these on Dask. "
    "Results are kept in a folder: after an interrupt or a crash, or with more images, "
    "--resume goes on. 'vaeclust merge' makes the catalogue. The exit code is 1 if "
    "fields failed."
)
EXAMPLE = "vaeclust survey 'tiles/*.fits' --output plane --workers 8"


def add_options(parser):
    """Add the options of the command to its parser."""
    parser.add_argument(
        "images",
        nargs="+",
        metavar="IMAGE",
        help="files, patterns in quotes, URLs, or a .txt with one of these per line",
    )
    parser.add_argument(
        "--output", required=True, metavar="DIR", help="folder of the results"
    )
    add_hdu(parser)
    parser.add_argument(
        "--band",
        action="append",
        help="only images of this band by their headers; several, as J,H,Ks, are "
        "searched together",
    )
    parser.add_argument(
        "--side",
        type=positive,
        metavar="DEG",
        help="side of a field: 0.5, 0.25, 0.125 or 0.0625 (default: by the pixels)",
    )
    parser.add_argument(
        "--timeout",
        type=positive,
        default=600.0,
        metavar="SECONDS",
        help="after which a field is given up (default: %(default)g)",
    )
    parser.add_argument(
        "--cache",
        default="4GB",
        metavar="SIZE",
        help="to which images of the network are kept; 0 for none (default: "
        "%(default)s)",
    )
    parser.add_argument(
        "--completeness",
        type=whole_number(0),
        default=0,
        metavar="N",
        help="paint clusters into N fields at the end, and say how many are found",
    )
    parser.add_argument(
        "--imitated",
        choices=SURVEYS,
        default="2mass-ks",
        help="what the images are like, for that (default: %(default)s)",
    )
    _add_ways_on(parser)
    cluster = parser.add_argument_group("where it runs")
    add_workers(cluster)
    running = cluster.add_mutually_exclusive_group()
    running.add_argument(
        "--dashboard", action="store_true", help="show Dask's page of what is at work"
    )
    running.add_argument(
        "--scheduler", metavar="ADDRESS", help="join a cluster, as tcp://host:8786"
    )
    running.add_argument(
        "--scheduler-file", metavar="FILE", help="join the cluster that wrote this file"
    )
    add_finder_options(parser)


def _add_ways_on(parser):
    parser.add_argument(
        "--resume", action="store_true", help="go on with the survey in the folder"
    )
    parser.add_argument(
        "--retry-failed",
        action="store_true",
        help="go on, and search fields again that failed",
    )
    parser.add_argument(
        "--skip-bad", action="store_true", help="leave out images that cannot be read"
    )


def run(arguments):
    """Search the fields; return 1 if any failed."""
    from ..survey import run_survey

    finder = replace(make_finder(arguments), progress_bar=None)
    fields, cells, n_remarks = Counter(), Counter(), 0
    with _terminated_as_interrupted(), _cluster(arguments) as client:
        rows = run_survey(
            arguments.images,
            arguments.output,
            finder=finder,
            client=client,
            workers=arguments.workers,
            resume=arguments.resume,
            retry_failed=arguments.retry_failed,
            skip_bad=arguments.skip_bad,
            hdu=arguments.hdu,
            band=",".join(arguments.band) if arguments.band else None,
            side=arguments.side,
            timeout=arguments.timeout,
            cache=arguments.cache,
            completeness=arguments.completeness,
            imitated=arguments.imitated,
            progress_bar=progress_bar(arguments.quiet),
        )
        try:
            for row in rows:
                (cells if row.tier else fields)[row.status] += 1
                n_remarks += bool(row.reason) and row.status != "failed"
        except KeyboardInterrupt:
            rows.close()
            raise KeyboardInterrupt(
                f"interrupted after {_number(fields, cells)}; --resume goes on"
            ) from None
    both = fields + cells
    if n_remarks:
        LOGGER.warning(
            "warning: %d fields did without what could not be read or searched; "
            "'vaeclust status %s' says why",
            n_remarks,
            arguments.output,
        )
    LOGGER.info(
        "%s searched: %d done, %d empty, %d failed; 'vaeclust merge %s' makes "
        "the catalogue",
        _number(fields, cells),
        *(both[status] for status in ("done", "empty", "failed")),
        arguments.output,
    )
    return int(both["failed"] > 0)


def _number(fields, cells):
    """Return how many fields and cells there are, in words."""
    text = f"{fields.total()} fields"
    return f"{text} and {cells.total()} cells" if cells else text


@contextmanager
def _cluster(arguments):
    """Yield a client of the cluster that was asked for; None for the usual one."""
    from ..survey.pool import connected, joined

    if arguments.scheduler or arguments.scheduler_file:
        with connected(arguments.scheduler, arguments.scheduler_file) as client:
            yield client
    elif arguments.dashboard:
        with joined(None, arguments.workers, dashboard=True) as client:
            LOGGER.info("dashboard at %s", client.dashboard_link)
            yield client
    else:
        yield None


@contextmanager
def _terminated_as_interrupted():
    """Take a request to end the process for an interrupt."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
