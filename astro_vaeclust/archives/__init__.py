# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Images and catalogues of sources, from archives and from files."""

from . import columns, cuts
from .base import Answer, Survey
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
from .names import Place, iras_position, resolve
from .regions import Box, Cone, Footprint
from .remote import RemoteSurvey
from .tables import read_catalog, standard_catalog, write_catalog
from .two_mass import TwoMASS
from .wfau import UKIDSS, VISTA

__all__ = [
    "UKIDSS",
    "VISTA",
    "Answer",
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
    "Place",
    "RemoteSurvey",
    "Survey",
    "TwoMASS",
    "UnknownNameError",
    "cache_size",
    "clear_cache",
    "columns",
    "conf",
    "cuts",
    "iras_position",
    "read_catalog",
    "resolve",
    "standard_catalog",
    "write_catalog",
]
