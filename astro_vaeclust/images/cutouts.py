# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Square pieces of an image around a position, and the same place on another image."""

from __future__ import annotations

import numpy as np
from astropy.nddata import Cutout2D, NoOverlapError
from scipy.ndimage import map_coordinates

from ..utils.warning import WARNINGS_LOCK

__all__ = ["cutout", "resampled"]

N_NODES = 9
"""Points along a side at which `resampled` computes positions exactly."""


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
        with WARNINGS_LOCK:
            piece = Cutout2D(
                image.data,
                center,
                side,
                wcs=image.wcs,
                mode="partial",
                fill_value=np.nan,
            )
    except (NoOverlapError, ValueError) as error:
        where = center.icrs.to_string(precision=4)
        raise ValueError(f"{where} deg is not on the image") from error
    pixels = np.array(piece.data, dtype=np.float32)
    if image.mask is not None:
        there, here = piece.slices_original, piece.slices_cutout
        pixels[here][np.broadcast_to(image.mask, image.data.shape)[there]] = np.nan
    return pixels, piece.wcs


def resampled(image, wcs, shape):
    """
    Look at an image on the pixels of another one, by linear interpolation.

    Parameters
    ----------
    image : `~astro_vaeclust.images.image.Image`
        The image.
    wcs : `~astropy.wcs.WCS`
        That of the pixels, a small part of the sky.
    shape : tuple of int
        Their rows and columns.

    Returns
    -------
    pixels : (ny, nx) float32 array
        NaN where the image is masked, or does not reach.
    """
    nodes = np.meshgrid(*(np.linspace(0, n - 1, N_NODES) for n in shape[::-1]))
    exact = image.wcs.world_to_pixel(wcs.pixel_to_world(*nodes))
    steps = (np.linspace(0, N_NODES - 1, n) for n in shape)
    fine = np.meshgrid(*steps, indexing="ij")
    x, y = (map_coordinates(axis, fine, order=1) for axis in exact)
    pixels = np.full(shape, np.nan, dtype=np.float32)
    ny, nx = image.shape
    inside = (x > -0.5) & (y > -0.5) & (x < nx - 0.5) & (y < ny - 0.5)
    places = np.array([y[inside], x[inside]])
    values = map_coordinates(image.data, places, np.float32, order=1, mode="nearest")
    usable = ~image.mask[tuple(np.rint(places).astype(int))]
    pixels[inside] = np.where(usable, values, np.nan)
    return pixels
