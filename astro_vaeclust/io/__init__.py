# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Files of catalogues: formats, and writing whole or not at all."""

from . import region_files, tables  # noqa: F401  (their formats register themselves)
from .formats import FORMATS, FileFormat, FormatRegistry

__all__ = ["FORMATS", "FileFormat", "FormatRegistry"]
