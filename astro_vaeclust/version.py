# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The version, in one place; the build reads it from here without git."""

__version__ = "0.1.0.dev0"
