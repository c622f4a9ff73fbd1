# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""From a WCS of any number of axes to one of two celestial axes that works."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from astropy.coordinates import ICRS
from astropy.utils.exceptions import AstropyUserWarning
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_area, wcs_to_celestial_frame
from astropy.wcs.wcsapi import HighLevelWCSWrapper, SlicedLowLevelWCS

from ..utils.warning import WARNINGS_LOCK, warn
from .hdus import first_line, quietly

__all__ = [
    "MAX_AXIS_RATIO",
    "celestial_wcs",
    "middle",
    "pixel_area",
    "pixel_axis_ratio",
]

MAX_AXIS_RATIO = 1.2
"""Longest over shortest extent on the sky of a pixel that still passes for a square."""

MIN_SCALE = 1e-3
"""Arcsec of a pixel at minimum; less stands for a CDELT or CD in another unit."""

SAME_AREA = 0.01
"""Fraction within which pixels have the area of those at the reference point."""


def celestial_wcs(wcs, shape):
    """
    Reduce a WCS to its celestial axes and check that it works in the image.

    Parameters
    ----------
    wcs : `~astropy.wcs.WCS`, or a slice of one, or None
        The WCS.
    shape : (int, int)
        Shape (ny, nx) of the image in pixels.

    Returns
    -------
    wcs : `~astropy.wcs.WCS`
        A new WCS of two axes.

    Raises
    ------
    TypeError
        If it is another kind of WCS.
    ValueError
        If there is none, or it gives the centre of the image no place in the sky.

    Warns
    -----
    `~astropy.utils.exceptions.AstropyUserWarning`
        If a pixel at the centre is no square on the sky: ``MAX_AXIS_RATIO``.
    """
    if wcs is None:
        raise ValueError(
            "wcs: data brings none; give the astropy.wcs.WCS of its place in the sky "
            "as wcs="
        )
    wcs = _as_fits_wcs(wcs)
    try:
        with quietly():
            celestial = _celestial_axes(wcs)
            _check_reaches_sky(celestial, shape)
    except Exception as cause:  # wcslib has many ways to fail
        raise ValueError(
            f"wcs cannot be used: {first_line(cause)}; it takes an "
            "astropy.wcs.WCS with celestial axes"
        ) from cause
    celestial.array_shape = shape
    ratio = float(pixel_axis_ratio(celestial, *middle(shape)))
    if ratio > MAX_AXIS_RATIO:
        warn(
            f"wcs: on the sky, pixels are {ratio:.2g} times as long as wide; what is "
            "round on the image is not on the sky, and radii are means",
            AstropyUserWarning,
        )
    return celestial


def pixel_area(wcs, x, y):
    """
    Measure the areas of pixels on the sky.

    Parameters
    ----------
    wcs : `~astropy.wcs.WCS`
        Two celestial axes.
    x, y : float or (n,) array
        Positions in pixels.

    Returns
    -------
    area : float or (n,) array
        Areas in deg2, to the last digit that at the reference point, which has no
        distortion, where they are the same within ``SAME_AREA``.
    """
    with WARNINGS_LOCK:
        reference = proj_plane_pixel_area(wcs)
    along_x, along_y = _extents(wcs, x, y)
    local = np.linalg.norm(np.cross(along_x, along_y), axis=-1)
    is_same = ~(np.abs(local / reference - 1) > SAME_AREA)
    return np.where(is_same, reference, local)[()]


def pixel_axis_ratio(wcs, x, y):
    """
    Measure how far pixels are from squares on the sky.

    Parameters
    ----------
    wcs, x, y
        As those of `pixel_area`.

    Returns
    -------
    ratio : float or (n,) array
        Longest over shortest extent of the circle in a pixel; NaN off the sky.
    """
    along_x, along_y = _extents(wcs, x, y)
    trace = (along_x**2 + along_y**2).sum(axis=-1)
    area = np.linalg.norm(np.cross(along_x, along_y), axis=-1)
    root = np.sqrt(np.maximum(trace**2 - 4 * area**2, 0))
    return (trace + root) / (2 * area)


def _extents(wcs, x, y):
    """Return the vectors on the sky along both axes of pixels in deg, (..., 3)."""
    x, y = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
    steps = np.array([[-0.5, 0], [0.5, 0], [0, -0.5], [0, 0.5]])
    steps = steps.reshape(4, 2, *(1,) * x.ndim)
    sky = wcs.pixel_to_world_values(x + steps[:, 0], y + steps[:, 1])
    lon, lat = np.deg2rad(sky[wcs.wcs.lng]), np.deg2rad(sky[wcs.wcs.lat])
    ends = [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]
    left, right, below, above = np.rad2deg(np.stack(ends, axis=-1))
    return right - left, above - below


def wcs_of_part(wcs, place):
    """Return the WCS of a part of an image, which has these rows and columns."""
    with WARNINGS_LOCK:
        return wcs.slice(place)


def middle(shape):
    """Return the centre of an image in pixels, x and y."""
    return (shape[1] - 1) / 2, (shape[0] - 1) / 2


def _as_fits_wcs(wcs):
    """Undo the wrappings that slicing puts round a `~astropy.wcs.WCS`."""
    unwrapped = wcs.low_level_wcs if isinstance(wcs, HighLevelWCSWrapper) else wcs
    if isinstance(unwrapped, SlicedLowLevelWCS):
        # the parts have no public name; an integer is a plane of a cube
        planes = [
            slice(part, part + 1) if isinstance(part, Integral) else part
            for part in unwrapped._slices_array
        ]
        return wcs_of_part(_as_fits_wcs(unwrapped._wcs), planes)
    if not isinstance(unwrapped, WCS):
        raise TypeError(
            "wcs must be an astropy.wcs.WCS, or a slice of one, got a "
            f"{type(wcs).__name__}"
        )
    return unwrapped


def _celestial_axes(wcs):
    if not wcs.has_celestial:
        raise ValueError(f"it has no celestial axes (CTYPE {tuple(wcs.wcs.ctype)})")
    with WARNINGS_LOCK:
        celestial = wcs.celestial
    frame = wcs_to_celestial_frame(celestial)
    if not frame.is_transformable_to(ICRS()):
        raise ValueError(f"its frame {frame.name!r} cannot be turned into ICRS")
    return celestial


def _check_reaches_sky(wcs, shape):
    sky = wcs.pixel_to_world_values(*middle(shape))
    with WARNINGS_LOCK:
        area = proj_plane_pixel_area(wcs)
    if not (np.isfinite(sky).all() and np.isfinite(area) and area > 0):
        raise ValueError("it gives no sky position to the centre of the image")
    scale = 3600 * np.sqrt(area)
    if scale < MIN_SCALE:
        raise ValueError(f"its pixels are {scale:.2g} arcsec")
