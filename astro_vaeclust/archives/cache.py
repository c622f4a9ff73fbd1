# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Answers that were good are kept as files under astropy's cache directory.

A file appears whole or not at all, and is named by a digest of service and query, so
that nothing from outside becomes a path.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from astropy.config import get_cache_dir

from ..utils.files import atomic_path
from .configuration import conf

__all__ = ["cache_folder", "cache_size", "clear_cache", "remember"]

LOGGER = logging.getLogger(__name__)


def remember(service, query, produce, decode):
    """
    Return the answer to a query, from the cache or from the service.

    Parameters
    ----------
    service : str
        The service.
    query : str
        All that decides about the answer.
    produce : callable
        Asks the service; returns bytes.
    decode : callable
        Turns the bytes into what is returned, or raises an
        `~astro_vaeclust.archives.ArchiveError` or a ValueError if they are no good
        answer; then nothing is kept.

    Returns
    -------
    answer : object
        What ``decode`` made.
    """
    if not conf.use_cache:
        return decode(produce())
    name = hashlib.sha256(f"{service}\n{query}".encode()).hexdigest()
    path = cache_folder() / f"{name}.answer"
    try:
        return decode(path.read_bytes())
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:  # an ArchiveError is an OSError
        LOGGER.warning("cannot use a cached answer of %s: %s", service, error)
    content = produce()
    answer = decode(content)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path, overwrite=True) as part:
            part.write_bytes(content)
    except OSError as error:
        LOGGER.warning("cannot keep an answer in the cache: %s", error)
    return answer


def clear_cache():
    """Remove all answers that were kept."""
    for path in cache_folder().glob("*.answer"):
        path.unlink(missing_ok=True)


def cache_size():
    """
    Return how much the answers that are kept take up.

    Returns
    -------
    size : int
        Bytes.
    """
    return sum(path.stat().st_size for path in cache_folder().glob("*.answer"))


def cache_folder():
    """Return where answers are kept; it may not exist yet."""
    return Path(get_cache_dir()) / "astro_vaeclust" / "archives"
