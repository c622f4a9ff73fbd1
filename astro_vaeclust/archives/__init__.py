# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Images and catalogues of sources, from archives and from files."""

from . import cuts
from .areas import Cone
from .base import Archive
from .cache import clear_cache
from .configuration import conf
from .exceptions import ArchiveError, NoDataError, UnknownNameError
from .local import LocalArchive
from .names import resolve
from .source_tables import read_catalog, write_catalog
from .two_mass import TwoMASS
from .wfau import UKIDSS, VISTA

__all__ = [
    "UKIDSS",
    "VISTA",
    "Archive",
    "ArchiveError",
    "Cone",
    "LocalArchive",
    "NoDataError",
    "TwoMASS",
    "UnknownNameError",
    "clear_cache",
    "conf",
    "cuts",
    "read_catalog",
    "resolve",
    "write_catalog",
]
