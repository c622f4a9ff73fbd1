# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The clients of archives, imported when they are needed."""

from __future__ import annotations

from ..utils.optional import import_optional

__all__ = ["import_clients"]


EXTRA = "archives"


def import_clients():
    """
    Import the clients, or say which extra brings what they need.

    Returns
    -------
    clients : module
        `astro_vaeclust.archives.clients`.

    Raises
    ------
    ImportError
        If astroquery is missing; the message names the extra.
    """
    import_optional("astroquery", EXTRA)
    import_optional("pyvo", EXTRA)
    from . import clients

    return clients
