# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Files of catalogues; importing this registers their formats with astropy."""

from . import formats  # noqa: F401
