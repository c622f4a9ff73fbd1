# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Log messages, warnings and progress on the standard error."""

from __future__ import annotations

import functools
import logging
import sys
import warnings
from contextlib import contextmanager

from astropy import log

__all__ = ["LOGGER", "add_message_options", "messages_to_stderr", "progress_bar"]

LOGGER = logging.getLogger("astro_vaeclust.cli")
"""Messages of the command itself; shown unless it is quiet."""


def add_message_options(parser):
    """Add the options of how much is said to a parser."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--quiet", action="store_true", help="errors only: no progress, no warnings"
    )
    group.add_argument(
        "--verbose", action="store_true", help="details, and a traceback with errors"
    )


@contextmanager
def messages_to_stderr(*, quiet=False, verbose=False):
    """Send log messages, astropy's too, and warnings to the standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("vaeclust: %(message)s"))
    loggers = logging.getLogger("astro_vaeclust"), log, LOGGER
    before = [(logger, logger.level, logger.handlers) for logger in loggers]
    level = logging.ERROR if quiet else logging.DEBUG if verbose else logging.WARNING
    for logger in loggers:
        logger.setLevel(level)
        logger.handlers = [handler]  # that of astropy writes to the standard output
    LOGGER.handlers = []
    LOGGER.setLevel(logging.ERROR if quiet else logging.INFO)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _log_warning
            yield
    finally:
        for logger, level, handlers in before:
            logger.setLevel(level)
            logger.handlers = handlers


def progress_bar(quiet):
    """Return ``progress_bar(iterable, desc=..., total=...)``; None if quiet."""
    if quiet:
        return None
    from tqdm import tqdm

    # disable=None: tqdm is silent where the standard error is not a terminal
    return functools.partial(tqdm, disable=None, leave=False)


def _log_warning(message, category, filename, lineno, file=None, line=None):
    LOGGER.warning("warning: %s", " ".join(str(message).split()))
