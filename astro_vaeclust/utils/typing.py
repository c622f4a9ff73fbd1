# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Types for hints; nothing of this is used at run time."""

from __future__ import annotations

from os import PathLike
from typing import TypeAlias

import numpy as np
from astropy.io import fits
from astropy.nddata import NDData

__all__ = ["ImageLike"]

ImageLike: TypeAlias = (
    NDData
    | np.ndarray
    | fits.PrimaryHDU
    | fits.ImageHDU
    | fits.CompImageHDU
    | fits.HDUList
    | str
    | PathLike
)
"""What `~astro_vaeclust.images.read.read_image` takes."""
