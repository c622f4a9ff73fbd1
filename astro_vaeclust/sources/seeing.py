# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The width of the stars of a tile."""

from __future__ import annotations

import astropy.units as u
import numpy as np
from astropy.nddata import NDData
from astropy.stats import sigma_clipped_stats
from scipy.ndimage import maximum_filter

from ..images.celestial import middle, pixel_area
from ..utils.warning import WARNINGS_LOCK

__all__ = ["estimate_fwhm"]

STARS = 200
"""Stars from which the width is estimated, at most."""

REACH = 6
"""Half the side in pixels of the cutout of a star."""


def estimate_fwhm(image: NDData) -> u.Quantity:
    """
    Estimate the width of the stars of a tile.

    The profiles of up to 200 stars that are bright and not saturated are laid over each
    other, each about the vertex of a parabola through the logarithm of its peak. The
    width is where a Gaussian through the flanks, between 0.3 and 0.75 of the maximum,
    reaches one half.

    Parameters
    ----------
    image : `~astropy.nddata.NDData`
        The tile, with a celestial WCS.

    Returns
    -------
    fwhm : `~astropy.units.Quantity`
        Full width at half maximum in arcsec.

    Raises
    ------
    TypeError
        If ``image`` is not NDData.
    ValueError
        If it has no celestial WCS, fewer than five stars can be measured, or no
        pixel of them is on a flank.
    """
    wcs = checked_image(image)
    area = pixel_area(wcs, *middle(image.data.shape))
    return fwhm_in_pixels(image) * float(np.sqrt(area) * 3600) * u.arcsec


def fwhm_in_pixels(image):
    """Return what `estimate_fwhm` returns, but in pixels (float)."""
    bad = bad_pixels(image)
    if bad.all():
        raise ValueError("image must have usable pixels to estimate fwhm, got none")
    data = np.array(image.data, dtype=float)
    with WARNINGS_LOCK:
        _, sky, deviation = sigma_clipped_stats(data[~bad])
    data = np.where(bad, sky, data) - sky
    stars = _bright_stars(data, bad, 10 * deviation)
    if len(stars) < 5:
        raise ValueError(
            f"fwhm, the width of the stars, cannot be estimated: the image has "
            f"{len(stars)} bright stars, and 5 are needed: give fwhm="
        )
    radius, level = (np.concatenate(v) for v in zip(*map(_profile, stars), strict=True))
    flank = (level > 0.3) & (level < 0.75)
    if not flank.any():
        raise ValueError(
            f"fwhm, the width of the stars, cannot be estimated: none of {len(stars)} "
            "peaks has flanks as a star has: give fwhm="
        )
    radius, level = radius[flank], np.log(level[flank])
    widths = np.sqrt(np.log(2) * radius**2 / -level)
    return 2 * float(np.median(widths))


def _bright_stars(data, bad, threshold):
    """Return cutouts of bright stars that are neither saturated nor disturbed."""
    side = 2 * REACH + 1
    disturbed = maximum_filter(bad, side, mode="constant", cval=True)
    disturbed[:REACH] = disturbed[-REACH:] = True
    disturbed[:, :REACH] = disturbed[:, -REACH:] = True
    peaks = (maximum_filter(data, side) == data) & ~disturbed
    peaks &= (data > threshold) & (data < 0.3 * data.max())
    rows, columns = np.nonzero(peaks)
    order = np.argsort(data[rows, columns])[::-1][:STARS]
    return [
        data[y - REACH : y + REACH + 1, x - REACH : x + REACH + 1]
        for y, x in zip(rows[order], columns[order], strict=True)
    ]


def _profile(star):
    """Return the radii (pixels) and the levels (maximum 1) of the pixels of a star."""
    core = star[REACH - 1 : REACH + 2, REACH - 1 : REACH + 2]
    log = np.log(np.maximum(core, 1e-3 * core[1, 1]))
    (rise_y, bend_y), (rise_x, bend_x) = _parabola(log[:, 1]), _parabola(log[1])
    peak = core[1, 1] * np.exp(rise_y**2 / (2 * bend_y) + rise_x**2 / (2 * bend_x))
    axis = np.arange(-2, 3)
    rows, columns = axis[:, np.newaxis] - rise_y / bend_y, axis - rise_x / bend_x
    inner = star[REACH - 2 : REACH + 3, REACH - 2 : REACH + 3]
    return np.hypot(rows, columns).ravel(), inner.ravel() / peak


def _parabola(values):
    """Return the slope and the downward bend of a parabola through three values."""
    rise = (values[2] - values[0]) / 2
    return rise, max(2 * values[1] - values[0] - values[2], 1e-3)


def checked_image(image):
    """Return the celestial WCS of an image, or raise TypeError or ValueError."""
    if not isinstance(image, NDData):
        raise TypeError(f"image must be NDData with a WCS, got {type(image).__name__}")
    if image.wcs is None:
        raise ValueError("image must have a celestial WCS, got none")
    if not image.wcs.has_celestial:
        raise ValueError(f"image must have a celestial WCS, got {image.wcs!r}")
    if image.data.ndim != 2:
        raise ValueError(f"image must be two-dimensional, got {image.data.ndim} axes")
    with WARNINGS_LOCK:
        return image.wcs.celestial if hasattr(image.wcs, "celestial") else image.wcs


def bad_pixels(image):
    """Return the mask of an image, together with the pixels that are not finite."""
    bad = ~np.isfinite(image.data)
    return bad if image.mask is None else bad | np.asarray(image.mask, dtype=bool)
