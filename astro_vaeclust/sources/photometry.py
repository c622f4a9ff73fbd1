# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Colours of the sources of an image, measured in images of other bands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from photutils.aperture import CircularAperture

from ..images.sky import Sky
from ..utils.bands import BANDS
from .find import BOX_SIZE, measure_fwhm

__all__ = ["with_magnitudes"]

APERTURE = 0.8
"""Radius of the aperture over the width of the stars."""

SEEN = 5.0
"""Signal over the noise of the sky from which on a source is seen in a band."""


def with_magnitudes(points, images):
    """
    Return sources with what apertures at their positions measure in each band.

    Parameters
    ----------
    points : `~astro_vaeclust.sources.points.PointSources`
        The sources.
    images : dict of str to `~astro_vaeclust.images.image.Image`
        The image of each band, on the grid that the positions are of.

    Returns
    -------
    points : `~astro_vaeclust.sources.points.PointSources`
        The same with magnitudes: those of 1 in the unit of each image, without
        corrections for the aperture or zero points. Extinctions over the usual one of
        the field do not depend on either. NaN in a band that there is not, where an
        aperture has a masked pixel, and below five times the noise.

    Raises
    ------
    ValueError
        If there are not two bands at least.
    """
    if len(images) < 2:
        raise ValueError(f"colours need two bands at least, got {', '.join(images)}")
    magnitudes = np.full((len(BANDS), len(points)), np.nan)
    for row, band in enumerate(BANDS):
        if band in images and len(points):
            magnitudes[row] = _magnitudes(points, images[band])
    return replace(points, magnitudes=magnitudes)


def _magnitudes(points, image):
    """Return the magnitudes of sources in one band, (n,)."""
    sky = Sky.from_pixels(image.data, image.mask, box_size=BOX_SIZE)
    aperture = CircularAperture(
        np.column_stack([points.x, points.y]), APERTURE * measure_fwhm(image)
    )
    noise = image.error if image.error is not None else sky.local_noise()
    flux, variance, masked = (
        aperture.do_photometry(np.asarray(pixels, dtype=float))[0]
        for pixels in (image.data - sky.level(), noise**2, image.mask)
    )
    seen = (flux > SEEN * np.sqrt(variance)) & (masked == 0)
    return np.where(seen, -2.5 * np.log10(np.where(seen, flux, 1.0)), np.nan)
