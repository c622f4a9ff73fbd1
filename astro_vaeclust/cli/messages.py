# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Log messages, warnings and progress on the standard error."""

from __future__ import annotations

import argparse
import functools
import logging
import sys
import threading
import time
import warnings
from contextlib import contextmanager

from astropy import log

__all__ = [
    "LOGGER",
    "add_message_options",
    "messages_to_stderr",
    "progress_bar",
    "step",
]

LOGGER = logging.getLogger("astro_vaeclust.cli")
"""Messages of the command itself; shown unless it is quiet."""

INTERVAL = 30.0
"""Seconds between lines of progress where no bar can be shown."""


def add_message_options(parser):
    """Add the options of how much is said to a parser."""
    group = parser.add_argument_group("messages")
    either = group.add_mutually_exclusive_group()
    either.add_argument(
        "--quiet", action="store_true", help="errors only: no progress, no warnings"
    )
    either.add_argument(
        "--verbose",
        action="store_true",
        help="what is done and how long it took, and a traceback with errors",
    )
    group.add_argument(
        "--log-file",
        type=_writable,
        metavar="FILE",
        help="add all messages to this file, with their times",
    )


def _writable(path):
    """Return a path after a check that a file there can be written."""
    try:
        with open(path, "a"):
            return path
    except OSError as error:
        text = f"cannot write {path!r}: {error.strerror}"
        raise argparse.ArgumentTypeError(text) from None


@contextmanager
def messages_to_stderr(*, quiet=False, verbose=False, log_file=None):
    """Send log messages, astropy's too, and warnings to the standard error."""
    shown = logging.StreamHandler(sys.stderr)
    shown.setFormatter(logging.Formatter("vaeclust: %(message)s"))
    shown.addFilter(functools.partial(_is_shown, quiet=quiet, verbose=verbose))
    handlers = [shown]
    if log_file is not None:
        handlers.append(logging.FileHandler(log_file, encoding="utf-8"))
        form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
        handlers[-1].setFormatter(logging.Formatter(form))
    loggers = logging.getLogger("astro_vaeclust"), log
    before = [(logger, logger.level, logger.handlers) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG if verbose or log_file else logging.INFO)
        logger.handlers = handlers  # that of astropy writes to the standard output
    try:
        with warnings.catch_warnings(), _progress_lines(quiet):  # noqa: TID251
            warnings.showwarning = _log_warning
            yield
    finally:
        for logger, level, its_handlers in before:
            logger.setLevel(level)
            logger.handlers = its_handlers
        for handler in handlers:
            handler.close()


def _is_shown(record, *, quiet, verbose):
    """Whether a message is for the standard error."""
    if quiet:
        return record.levelno >= logging.ERROR
    lowest = logging.INFO if record.name == LOGGER.name else logging.WARNING
    return verbose or record.levelno >= lowest


@contextmanager
def step(what):
    """Say, to those who want details, what is done and how long it took."""
    LOGGER.debug("%s ...", what)
    start, _State.text = time.perf_counter(), what
    yield
    _State.text = "working"
    LOGGER.debug("%s took %.1f s", what, time.perf_counter() - start)


class _State:
    """What the command does, for lines of progress."""

    text = "working"


@contextmanager
def _progress_lines(quiet):
    """Say every so often how far the work is, where no bar can be shown."""
    if quiet or sys.stderr.isatty():
        yield
        return
    _State.text = "working"
    end, start = threading.Event(), time.monotonic()

    def say():
        while not end.wait(INTERVAL):
            LOGGER.info("%s, after %.0f s", _State.text, time.monotonic() - start)

    threading.Thread(target=say, daemon=True).start()
    try:
        yield
    finally:
        end.set()


def progress_bar(quiet):
    """Return ``progress_bar(iterable, desc=..., total=...)``; None if quiet."""
    if quiet:
        return None
    if not sys.stderr.isatty():
        return _counted
    from tqdm import tqdm

    return functools.partial(tqdm, leave=False)


def _counted(iterable, *, desc="", total=None):
    """Iterate, and keep how far that is for lines of progress."""
    total = len(iterable) if total is None and hasattr(iterable, "__len__") else total
    for number, item in enumerate(iterable):
        _State.text = f"{desc}: {number} of {'?' if total is None else total}"
        yield item
    _State.text = "working"


def _log_warning(message, category, filename, lineno, file=None, line=None):
    LOGGER.warning("warning: %s", " ".join(str(message).split()))
