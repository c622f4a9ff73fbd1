# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""References as areas of the sky."""

from __future__ import annotations

import astropy.units as u
import numpy as np
from astropy.wcs import WCS

from .areas import CircleArea, PixelArea, RegionArea, SkyArea, mean_direction

__all__ = ["as_area"]

_TAKES = (
    "a region of the package regions, a photutils SegmentationImage with wcs=, or "
    "one of astro_vaeclust.matching's areas"
)


def as_area(reference, *, wcs=None):
    """
    Return a reference as an area of the sky.

    Parameters
    ----------
    reference : region, `~photutils.segmentation.SegmentationImage` or `SkyArea`
        A `~regions.SkyRegion`; a `~regions.PixelRegion` with ``wcs``; a
        `~regions.Regions` of exactly one of these; a segmentation with ``wcs``, of
        which all labelled pixels count. A `~regions.CircleSkyRegion` is a circle on
        the sphere; other regions on the sky are laid out on a tangential plane at
        their middle.
    wcs : `~astropy.wcs.WCS`, optional
        The WCS of the pixels.

    Returns
    -------
    area : SkyArea
        The area.

    Raises
    ------
    TypeError
        If the reference or the wcs is of another kind.
    ValueError
        If a WCS is missing or does not fit, there is not exactly one region, or it
        has no extent.
    """
    from photutils.segmentation import SegmentationImage
    from regions import CircleSkyRegion, PixelRegion, Regions, SkyRegion

    if wcs is not None and not isinstance(wcs, WCS):
        raise TypeError(f"wcs must be an astropy.wcs.WCS, got {type(wcs).__name__}")
    if isinstance(reference, Regions):
        if len(reference) != 1:
            raise ValueError(
                f"reference takes one region, got {len(reference)}; give them one by "
                "one"
            )
        reference = reference[0]
    if isinstance(reference, SkyArea):
        return reference
    if isinstance(reference, CircleSkyRegion):
        return _circle(reference)
    if isinstance(reference, SkyRegion):
        plane = _tangential_plane(reference)
        return _region_area(reference.to_pixel(plane), plane)
    if isinstance(reference, PixelRegion):
        return _region_area(reference, _required(wcs, "a region in pixels"))
    if isinstance(reference, SegmentationImage):
        return _segmentation_area(reference, _required(wcs, "a SegmentationImage"))
    raise TypeError(f"reference takes {_TAKES}; got {type(reference).__name__}")


def _circle(region):
    radius = region.radius.to(u.arcsec)
    if not (np.isfinite(radius) and radius > 0 and region.center.isscalar):
        raise ValueError(
            f"reference takes one circle with a positive radius, got {region!r}"
        )
    return CircleArea(region.center, radius)


def _region_area(region, wcs):
    try:
        return RegionArea(region, wcs)
    except NotImplementedError:  # lines, points and texts contain nothing
        raise ValueError(f"reference has no extent: {region!r}") from None


def _segmentation_area(segmentation, wcs):
    shape = segmentation.data.shape
    if wcs.array_shape is not None and tuple(wcs.array_shape) != shape:
        raise ValueError(
            f"wcs is that of an image of shape {tuple(wcs.array_shape)}, and the "
            f"segmentation has {shape}"
        )
    return PixelArea(segmentation.data != 0, wcs)


def _required(wcs, what):
    if wcs is None:
        raise ValueError(f"wcs is needed for the position of {what} on the sky")
    if not wcs.has_celestial:
        raise ValueError("wcs has no celestial axes")
    return wcs.celestial


def _tangential_plane(region):
    """Return a WCS of 1 arcsec per pixel with its reference point in the region."""
    middle = mean_direction(_some_positions(region))
    plane = WCS(naxis=2)
    plane.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    plane.wcs.crval = [middle.ra.deg, middle.dec.deg]
    plane.wcs.crpix = [1.0, 1.0]
    plane.wcs.cdelt = [-1 / 3600, 1 / 3600]
    return plane


def _some_positions(region):
    """Return the centre or the vertices of a region on the sky (SkyCoord)."""
    for name in ("center", "vertices", "region1"):
        value = getattr(region, name, None)
        if value is not None:
            return value if name != "region1" else _some_positions(value)
    raise ValueError(f"reference has no extent: {region!r}")
