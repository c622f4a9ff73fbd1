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
    Return the answer to a query as ``decode`` reads it, from the cache or the service.

    ``query`` has all that the answer depends on. ``produce`` asks the service and
    returns bytes; they are kept unless ``decode`` raises an `ArchiveError` or
    ValueError.
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


def clear_cache() -> None:
    """Remove all answers that were kept."""
    for path in cache_folder().glob("*.answer"):
        path.unlink(missing_ok=True)


def cache_size():
    """Return the size of all answers that are kept in bytes (int)."""
    return sum(path.stat().st_size for path in cache_folder().glob("*.answer"))


def cache_folder():
    """Return the folder of the answers; it may not exist yet."""
    return Path(get_cache_dir()) / "astro_vaeclust" / "archives"
