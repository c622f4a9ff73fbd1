# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Answers of services: asked for when they are needed, checked, and kept."""

from __future__ import annotations

import json

from ..utils.optional import import_optional
from .cache import remember

__all__ = ["import_clients", "remembered", "remembered_list"]

EXTRA = "archives"


def import_clients():
    """Import the module of clients, or raise an ImportError that names the extra."""
    import_optional("astroquery", EXTRA)
    import_optional("pyvo", EXTRA)
    from . import clients

    return clients


def remembered(service, query, ask, read):
    """Return what `remember` does; any failure is a complete `ArchiveError`."""
    with import_clients().asking(service, query):
        return remember(service, query, ask, read)


def remembered_list(service, query, ask):
    """Return a list of plain values that ``ask`` returns, as `remembered` does."""
    return remembered(service, query, lambda: json.dumps(ask()).encode(), json.loads)
