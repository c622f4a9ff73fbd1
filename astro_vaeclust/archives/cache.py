# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Answers that were good are kept under astropy's cache directory.

Entries are written and replaced in one step by `astropy.utils.data`, are named by a
digest of service and query, and begin with a digest of their content; an entry that is
not what was written is thrown away.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import warnings
from pathlib import Path

from astropy.utils import data

from .configuration import conf
from .exceptions import ArchiveError

__all__ = ["cache_size", "clear_cache", "remember"]

PACKAGE = "astro_vaeclust"
"""Name of the folder in astropy's cache directory."""

LOGGER = logging.getLogger(__name__)

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
    key = _key(service, query)
    stored = _load(key)
    if stored is not None:
        try:
            return decode(stored)
        except ArchiveError as error:
            LOGGER.warning("dropped a cached answer of %s: %s", service, error.cause)
            _forget(key)
    content = produce()
    answer = decode(content)
    _store(key, content)
    return answer


def clear_cache():
    """Remove all answers that were kept."""
    data.clear_download_cache(pkgname=PACKAGE)


def cache_size():
    """
    Return how much the answers that are kept take up.

    Returns
    -------
    size : int
        Bytes.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", data.CacheMissingWarning)
        return data.cache_total_size(pkgname=PACKAGE)


def _key(service, query):
    digest = hashlib.sha256(f"{service}\n{query}".encode()).hexdigest()
    return f"archive://astro-vaeclust/{digest}"


def _load(key):
    """Return what is kept under a key, None if there is nothing or it is damaged."""
    try:
        if not data.is_url_in_cache(key, pkgname=PACKAGE):
            return None
        path = data.download_file(key, cache=True, sources=[], pkgname=PACKAGE)
        entry = Path(path).read_bytes()
    except (OSError, KeyError) as error:
        LOGGER.debug("cache not readable: %s", error)
        return None
    head, _, content = entry.partition(b"\n")
    if head == _head(content):
        return content
    LOGGER.warning("dropped a damaged entry of the cache")
    _forget(key)
    return None


def _store(key, content):
    """Keep content; a cache that cannot be written is no reason to fail."""
    handle, path = tempfile.mkstemp(prefix="astro_vaeclust-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_head(content) + b"\n" + content)
        data.import_file_to_cache(key, path, pkgname=PACKAGE)
    except OSError as error:
        LOGGER.warning("cannot keep an answer in the cache: %s", error)
    finally:
        os.unlink(path)


def _forget(key):
    try:
        data.clear_download_cache(key, pkgname=PACKAGE)
    except OSError as error:
        LOGGER.debug("cache not writable: %s", error)


def _head(content):
    return _MAGIC + hashlib.sha256(content).hexdigest().encode()
