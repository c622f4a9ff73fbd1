# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Find and measure star clusters in near-infrared FITS images."""

from .version import __version__

__all__ = ["__version__"]
