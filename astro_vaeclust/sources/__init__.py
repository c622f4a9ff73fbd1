# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Point sources: tables of them, finding them, and the width of stars."""

from .find import find_sources
from .points import PointSources
from .seeing import estimate_fwhm
from .table import read_sources

__all__ = ["PointSources", "estimate_fwhm", "find_sources", "read_sources"]
