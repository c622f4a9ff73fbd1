# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Images with a world coordinate system as FITS."""

from __future__ import annotations

import numpy as np
from astropy.io import fits

from . import provenance
from .atomic import atomic_path

__all__ = ["write_image"]


def write_image(image, path, *, meta=None, overwrite=False):
    """
    Write an image to a FITS file, in single precision.

    Parameters
    ----------
    image : `~astropy.nddata.NDData`
        The image, of shape (ny, nx), with its wcs; masked pixels become NaN.
    path : str or path-like
        The file.
    meta : dict, optional
        Metadata of the table that belongs to it; kept as JSON in the header.
    overwrite : bool, optional
        Whether an existing file may be replaced.

    Raises
    ------
    OSError
        If the file cannot be written, or exists and may not be replaced.
    """
    header = fits.Header() if image.wcs is None else image.wcs.to_header(relax=True)
    header.update(provenance.header_cards(meta or {}))
    if image.unit is not None:
        header["BUNIT"] = image.unit.to_string("fits")
    pixels = np.array(image.data, dtype=np.float32)
    if image.mask is not None:
        pixels[np.broadcast_to(image.mask, pixels.shape)] = np.nan
    with atomic_path(path, overwrite) as place:
        fits.PrimaryHDU(pixels, header).writeto(place)
