# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""From a WCS of any number of axes to one of two celestial axes that works."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from astropy.coordinates import ICRS
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_area, wcs_to_celestial_frame
from astropy.wcs.wcsapi import HighLevelWCSWrapper, SlicedLowLevelWCS

from .hdus import first_line, quietly


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
    return celestial


def _as_fits_wcs(wcs):
    """Undo the wrappings that slicing puts round a `~astropy.wcs.WCS`."""
    unwrapped = wcs.low_level_wcs if isinstance(wcs, HighLevelWCSWrapper) else wcs
    if isinstance(unwrapped, SlicedLowLevelWCS):
        # the parts have no public name; an integer is a plane of a cube
        planes = [
            slice(part, part + 1) if isinstance(part, Integral) else part
            for part in unwrapped._slices_array
        ]
        return _as_fits_wcs(unwrapped._wcs).slice(planes)
    if not isinstance(unwrapped, WCS):
        raise TypeError(
            "wcs must be an astropy.wcs.WCS, or a slice of one, got a "
            f"{type(wcs).__name__}"
        )
    return unwrapped


def _celestial_axes(wcs):
    if not wcs.has_celestial:
        raise ValueError(f"it has no celestial axes (CTYPE {tuple(wcs.wcs.ctype)})")
    celestial = wcs.celestial
    frame = wcs_to_celestial_frame(celestial)
    if not frame.is_transformable_to(ICRS()):
        raise ValueError(f"its frame {frame.name!r} cannot be turned into ICRS")
    return celestial


def _check_reaches_sky(wcs, shape):
    y_centre, x_centre = ((side - 1) / 2 for side in shape)
    sky = wcs.pixel_to_world_values(x_centre, y_centre)
    area = proj_plane_pixel_area(wcs)
    if not (np.isfinite(sky).all() and np.isfinite(area) and area > 0):
        raise ValueError("it gives no sky position to the centre of the image")
