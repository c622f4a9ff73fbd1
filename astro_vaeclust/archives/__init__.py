# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Images and catalogues of sources, from archives and from files."""

from . import cuts
from .areas import Box, Cone, Footprint
from .base import Archive
from .cache import cache_size, clear_cache
from .configuration import Conf, conf
from .exceptions import (
    ArchiveConnectionError,
    ArchiveError,
    ArchiveFormatError,
    ArchiveRateLimitError,
    ArchiveServerError,
    ArchiveSizeError,
    ArchiveTimeoutError,
    NoDataError,
    UnknownNameError,
)
from .local import LocalArchive
from .names import Position, iras_position, resolve
from .remote import RemoteArchive
from .source_tables import read_catalog, standard_catalog, write_catalog
from .two_mass import TwoMASS
from .wfau import UKIDSS, VISTA

__all__ = [
    "UKIDSS",
    "VISTA",
    "Archive",
    "ArchiveConnectionError",
    "ArchiveError",
    "ArchiveFormatError",
    "ArchiveRateLimitError",
    "ArchiveServerError",
    "ArchiveSizeError",
    "ArchiveTimeoutError",
    "Box",
    "Cone",
    "Conf",
    "Footprint",
    "LocalArchive",
    "NoDataError",
    "Position",
    "RemoteArchive",
    "TwoMASS",
    "UnknownNameError",
    "cache_size",
    "clear_cache",
    "conf",
    "cuts",
    "iras_position",
    "read_catalog",
    "resolve",
    "standard_catalog",
    "write_catalog",
]
