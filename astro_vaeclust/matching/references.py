# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""References as areas of the sky."""

from __future__ import annotations

import astropy.units as u
import numpy as np
from astropy.utils.exceptions import AstropyUserWarning
from astropy.wcs import WCS

from ..utils.warning import WARNINGS_LOCK, warn
from .areas import (
    CircleArea,
    DifferenceArea,
    PixelArea,
    RegionArea,
    SkyArea,
    mean_direction,
)

__all__ = ["as_area", "included_regions"]

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
        `~regions.Regions` with exactly one of these that is included, less those
        that are excluded, see `included_regions`; a segmentation with ``wcs``, of
        which all labelled pixels count. A `~regions.CircleSkyRegion` is a circle on
        the sphere; other regions on the sky are laid out on a tangential plane at
        their middle, with their angle in their own frame.
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
        If a WCS is missing or does not fit, there is not exactly one included region,
        or it has no extent.

    Warns
    -----
    AstropyUserWarning
        If there are texts, points or lines beside the region, which are left out.
    """
    from photutils.segmentation import SegmentationImage
    from regions import CircleSkyRegion, PixelRegion, Regions, SkyRegion

    if wcs is not None and not isinstance(wcs, WCS):
        raise TypeError(f"wcs must be an astropy.wcs.WCS, got {type(wcs).__name__}")
    if isinstance(reference, Regions):
        return _less_excluded(reference, wcs)
    if isinstance(reference, SkyArea):
        return reference
    if isinstance(reference, (SkyRegion, PixelRegion)) and not _is_included(reference):
        raise ValueError(
            f"reference is an excluded region, which bounds no sky: {reference!r}"
        )
    if isinstance(reference, CircleSkyRegion):
        return _circle(reference)
    if isinstance(reference, SkyRegion):
        plane = _tangential_plane(reference)
        return _region_area(_in_icrs(reference).to_pixel(plane), plane)
    if isinstance(reference, PixelRegion):
        return _region_area(reference, _required(wcs, "a region in pixels"))
    if isinstance(reference, SegmentationImage):
        return _segmentation_area(reference, _required(wcs, "a SegmentationImage"))
    raise TypeError(f"reference takes {_TAKES}; got {type(reference).__name__}")


def included_regions(regions):
    """
    Pair each region of a file with those that the file excludes.

    Parameters
    ----------
    regions : `~regions.Regions`
        Regions of a file. Those with a false ``include`` in their ``meta``, as DS9
        writes ``-circle``, are cut out of all others.

    Returns
    -------
    included : dict of int to `~regions.Regions`
        By the number in the file, from 1: an included region, then all excluded ones.

    Warns
    -----
    AstropyUserWarning
        If there are texts, points or lines, which have no extent and are left out.
    """
    extended = {}
    for number, region in enumerate(regions, 1):
        if _has_extent(region):
            extended[number] = region
            continue
        warn(
            f"reference: region {number} of {len(regions)} is left out, since "
            f"{_kind(region)} has no extent: at {_position_text(region)}",
            AstropyUserWarning,
        )
    excluded = [region for region in extended.values() if not _is_included(region)]
    return {
        number: type(regions)([region, *excluded])
        for number, region in extended.items()
        if _is_included(region)
    }


def _less_excluded(regions, wcs):
    """Return the area of the only included region, less the excluded ones."""
    included = list(included_regions(regions).values())
    if len(included) != 1:
        raise ValueError(
            f"reference takes one region, got {len(included)} with an extent; give "
            "them one by one"
        )
    region, *excluded = included[0]
    area = as_area(region, wcs=wcs)
    if not excluded:
        return area
    holes = []
    for hole in excluded:
        hole = hole.copy()
        hole.meta["include"] = True
        holes.append(as_area(hole, wcs=wcs))
    return DifferenceArea(area, holes)


def _is_included(region):
    return bool(region.meta.get("include", True))


def _has_extent(region):
    """Whether a region can hold sources; points, texts and lines cannot."""
    from regions import (
        LinePixelRegion,
        LineSkyRegion,
        PointPixelRegion,
        PointSkyRegion,
    )

    flat = (PointSkyRegion, PointPixelRegion, LineSkyRegion, LinePixelRegion)
    return not isinstance(region, flat)  # texts are points


def _kind(region):
    name = type(region).__name__
    return name.removesuffix("Region").removesuffix("Sky").removesuffix("Pixel").lower()


def _position_text(region):
    """Return where a point, text or line is, in ICRS or in pixels."""
    position = region.center if hasattr(region, "center") else region.start
    if hasattr(position, "icrs"):
        return f"{position.icrs.to_string('decimal', precision=5)} deg (ICRS)"
    return f"pixel {position.x:.1f} {position.y:.1f}"


def _in_icrs(region):
    """
    Return a region with its angle, if it has one, counted in ICRS.

    An angle is counted from the circle of latitude of the frame of the centre, while
    `regions` draws it from that of the WCS.
    """
    if hasattr(region, "region1"):
        both = {
            name: _in_icrs(getattr(region, name)) for name in ("region1", "region2")
        }
        return region.copy(**both)
    if not hasattr(region, "angle"):
        return region
    north = region.center.directional_offset_by(0 * u.deg, 1 * u.arcsec)
    center = region.center.icrs
    turned = region.angle + center.position_angle(north.icrs)
    return region.copy(center=center, angle=turned)


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
    with WARNINGS_LOCK:
        return wcs.celestial


def _tangential_plane(region):
    """Return a WCS of 1 arcsec per pixel with its reference point in the region."""
    middle = mean_direction(_some_positions(region))
    with WARNINGS_LOCK:
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
