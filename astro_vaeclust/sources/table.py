# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Tables of sources: columns, words and units become positions and magnitudes."""

from __future__ import annotations

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import Table

from .points import PointSources, check_fewest

__all__ = ["read_point_sources", "read_sources"]


SKY_COLUMNS = ("sky", "sky_center", "sky_centroid")


ANGLE_COLUMNS = ("ra", "dec")


PIXEL_COLUMNS = (("x", "y"), ("x_centroid", "y_centroid"), ("x_center", "y_center"))


MAGNITUDE_COLUMN = "mag"


def read_sources(sources, wcs, *, magnitude_limit=None):
    """
    Read the positions of a table of sources.

    Parameters
    ----------
    sources : `~astropy.table.Table`
        Positions in pixels in the columns ``x, y``, ``x_centroid, y_centroid`` or
        ``x_center, y_center``, from 0 at the centre of the first pixel; or on the sky
        in a `~astropy.coordinates.SkyCoord` column ``sky``, ``sky_center`` or
        ``sky_centroid``, or ICRS angles ``ra, dec``, in degrees where they have no
        unit. Pixels go before the sky. Magnitudes are in ``mag``. Rows with a
        position that is masked or not finite are left out.
    wcs : `~astropy.wcs.WCS`
        Turns positions on the sky into pixels.
    magnitude_limit : float, optional
        Keep sources brighter than this only.

    Returns
    -------
    x, y : (n,) float64 array
        Positions in pixels.

    Raises
    ------
    TypeError
        If ``sources`` is no table.
    ValueError
        If it has no positions, or no magnitudes though a limit is set.
    """
    if not isinstance(sources, Table):
        raise TypeError(
            f"sources must be an astropy Table or QTable, got {type(sources).__name__}"
        )
    x, y = _positions(sources, wcs)
    keep = np.isfinite(x) & np.isfinite(y)
    if magnitude_limit is not None:
        keep &= _magnitudes(sources) < magnitude_limit
    return x[keep], y[keep]


def _positions(sources, wcs):
    names = sources.colnames
    for pair in PIXEL_COLUMNS:
        if set(pair) <= set(names):
            return tuple(_plain(sources[name], u.pix) for name in pair)
    for name in SKY_COLUMNS:
        if name in names and isinstance(sources[name], SkyCoord):
            return _to_pixels(sources[name], wcs)
    if set(ANGLE_COLUMNS) <= set(names):
        ra, dec = (_plain(sources[name], u.deg) for name in ANGLE_COLUMNS)
        usable = np.isfinite(ra) & np.isfinite(dec)
        x, y = np.full((2, len(ra)), np.nan)
        sky = SkyCoord(ra[usable], dec[usable], unit="deg", frame="icrs")
        x[usable], y[usable] = _to_pixels(sky, wcs)
        return x, y
    raise ValueError(
        f"sources must have positions: columns {PIXEL_COLUMNS}, a SkyCoord in one of "
        f"{SKY_COLUMNS}, or {ANGLE_COLUMNS}; got the columns {names}"
    )


def _to_pixels(sky, wcs):
    return tuple(np.asarray(axis, dtype=float) for axis in wcs.world_to_pixel(sky))


def _magnitudes(sources):
    if MAGNITUDE_COLUMN not in sources.colnames:
        raise ValueError(
            f"sources must have magnitudes in the column {MAGNITUDE_COLUMN!r} when "
            f"magnitude_limit is set, got the columns {sources.colnames}"
        )
    return _plain(sources[MAGNITUDE_COLUMN], u.mag)


def _plain(column, unit):
    """Return a column as plain floats in a unit; NaN where it is masked."""
    mask = getattr(column, "mask", None)
    values = getattr(column, "unmasked", column)
    if getattr(values, "unit", None) not in (None, u.dimensionless_unscaled):
        values = u.Quantity(values).to_value(unit)
    values = np.array(np.ma.getdata(values), dtype=float)
    if mask is not None:
        values[np.asarray(mask, dtype=bool)] = np.nan
    return values


def read_point_sources(sources, image):
    """
    Read the sources that are on the usable pixels of an image.

    Parameters
    ----------
    sources : `~astropy.table.Table` or `PointSources`
        A table as the catalogue methods take it, see
        `~astro_vaeclust.baselines.BaselineFinder.detect`; or positions in pixels, such
        as what these have found.
    image : `~astro_vaeclust.images.image.Image`
        The image.

    Returns
    -------
    sources : `PointSources`
        The sources.

    Raises
    ------
    TypeError
        If ``sources`` is no table.
    ValueError
        If the table has no positions, or rows but fewer than three on usable pixels.
    """
    if isinstance(sources, PointSources):
        return sources.on(image.mask)
    from .table import read_sources

    usable = PointSources(*read_sources(sources, image.wcs)).on(image.mask)
    check_fewest(len(sources), len(usable))
    return usable
