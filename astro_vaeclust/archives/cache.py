# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Answers that were good are kept under astropy's cache directory.

An entry appears whole or not at all. It is named by a digest of service and query, so
that nothing from outside becomes a path, and begins with a digest of its content: an
entry that is not what was written is thrown away.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from astropy.config import get_cache_dir

from ..utils.files import atomic_path
from .configuration import conf
from .exceptions import ArchiveError

__all__ = ["cache_folder", "cache_size", "clear_cache", "remember"]

LOGGER = logging.getLogger(__name__)

_SUFFIX = ".answer"
_MAGIC = b"astro_vaeclust archive answer 1 "


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
        `~astro_vaeclust.archives.ArchiveError` if they are no good answer; then nothing
        is kept.

    Returns
    -------
    answer : object
        What ``decode`` made.

    Raises
    ------
    `~astro_vaeclust.archives.ArchiveError`
        If the service does not give a good answer.
    """
    if not conf.use_cache:
        return decode(produce())
    path = _path(service, query)
    stored = _load(path)
    if stored is not None:
        try:
            return decode(stored)
        except ArchiveError as error:
            LOGGER.warning("dropped a cached answer of %s: %s", service, error.cause)
            _forget(path)
    content = produce()
    answer = decode(content)
    _store(path, content)
    return answer


def clear_cache():
    """Remove all answers that were kept."""
    for path in _entries():
        path.unlink(missing_ok=True)


def cache_size():
    """
    Return how much the answers that are kept take up.

    Returns
    -------
    size : int
        Bytes.
    """
    return sum(path.stat().st_size for path in _entries())


def cache_folder():
    """
    Return where answers are kept; it may not exist yet.

    Returns
    -------
    folder : `~pathlib.Path`
        A folder in astropy's cache directory.
    """
    return Path(get_cache_dir()) / "astro_vaeclust" / "archives"


def _entries():
    folder = cache_folder()
    return list(folder.glob(f"*{_SUFFIX}")) if folder.is_dir() else []


def _path(service, query):
    digest = hashlib.sha256(f"{service}\n{query}".encode()).hexdigest()
    return cache_folder() / f"{digest}{_SUFFIX}"


def _load(path):
    """Return what an entry holds, None if there is none or it is damaged."""
    try:
        entry = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        LOGGER.warning("cannot read the cache: %s", error)
        return None
    head, _, content = entry.partition(b"\n")
    if head == _head(content):
        return content
    LOGGER.warning("dropped a damaged entry of the cache")
    _forget(path)
    return None


def _store(path, content):
    """Keep content; a cache that cannot be written is no reason to fail."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path, overwrite=True) as place:
            place.write_bytes(_head(content) + b"\n" + content)
    except OSError as error:
        LOGGER.warning("cannot keep an answer in the cache: %s", error)


def _forget(path):
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        LOGGER.warning("cannot write to the cache: %s", error)


def _head(content):
    return _MAGIC + hashlib.sha256(content).hexdigest().encode()
