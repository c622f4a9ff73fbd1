# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Square pieces of an image around a position."""

from __future__ import annotations

import numpy as np
from astropy.nddata import Cutout2D, NoOverlapError

__all__ = ["cutout"]


def cutout(image, center, side):
    """
    Cut a square out of an image.

    Parameters
    ----------
    image : `~astro_vaeclust.images.image.Image` or `~astropy.nddata.NDData`
        The image, with its WCS.
    center : `~astropy.coordinates.SkyCoord`
        The middle.
    side : `~astropy.units.Quantity`
        Its side as an angle.

    Returns
    -------
    pixels : (n, n) float32 array
        NaN where they are masked or outside the image.
    wcs : `~astropy.wcs.WCS`
        Their WCS.

    Raises
    ------
    ValueError
        If it is nowhere on the image, or ``side`` is not positive and finite.
    """
    if not (np.isfinite(side) and side > 0):
        raise ValueError(f"side takes a positive angle, got {side}")
    try:
        piece = Cutout2D(
            image.data, center, side, wcs=image.wcs, mode="partial", fill_value=np.nan
        )
    except (NoOverlapError, ValueError) as error:
        where = center.icrs.to_string(precision=4)
        raise ValueError(f"{where} deg is not on the image") from error
    pixels = np.array(piece.data, dtype=np.float32)
    if image.mask is not None:
        there, here = piece.slices_original, piece.slices_cutout
        pixels[here][np.broadcast_to(image.mask, image.data.shape)[there]] = np.nan
    return pixels, piece.wcs
