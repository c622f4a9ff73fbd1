# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Bands: surveys as data, and the colours of stars, galaxies and nebulae."""
