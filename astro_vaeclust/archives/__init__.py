# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Images and catalogues of sources, from archives and from files."""

from . import columns, cuts
from .base import Answer, Survey
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
from .names import Place, iras_position, resolve
from .regions import Box, Cone, Footprint

__all__ = [
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
    "Footprint",
    "NoDataError",
    "Place",
    "Survey",
    "UnknownNameError",
    "columns",
    "cuts",
    "iras_position",
    "resolve",
]
